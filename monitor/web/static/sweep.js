// Draws the trace of one lead on a canvas: sweep (a head that overwrites) or scroll.
//
// A sweep draws only what is new. All is drawn again when the size, the scale, the colours or the
// mode change. Sizes are in CSS pixels; the canvas has as many device pixels as the screen.

const GAP_PX = 14; // erased ahead of the head
const RANGE_S = 5; // an automatic scale fits the last seconds
const LOOK_S = 1; // and is looked at so often
const TEXT_PX = 16;

/** Millimetres of paper on the screen; larger where all is larger, on a wall. */
export const paper = {
  scale: 1,
  get pxPerMm() {
    return (96 / 25.4) * this.scale;
  },
  /** Fit the size of text, which the style sheet chooses by the screen. */
  fit() {
    this.scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / TEXT_PX;
  },
};

export class Sweep {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} lead column of the trace
   */
  constructor(canvas, lead = 0) {
    this.canvas = canvas;
    this.pen = canvas.getContext('2d', { alpha: true });
    this.lead = lead;
    this.mmPerS = 25;
    this.mmPerMv = null; // null: automatic
    this.scroll = false;
    this.width = this.height = 0;
    this.left = 0; // where the sweep begins, after a calibration mark
    this.top = 0; // of the band that marks of beats keep free
    this.middleMv = 0;
    this.pxPerMv = 0;
    this.drawn = -1;
    this.lookedAt = 0;
    this.trace = null;
    this.colour = '#3ddc84';
    this.marks = []; // [sample, text, colour, written] of beats
  }

  resize(width, height, ratio) {
    if (width === this.width && height === this.height && ratio === this.ratio) return;
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.drawn = -1;
  }

  /** Let all be drawn again. */
  renew() {
    this.drawn = -1;
  }

  clear() {
    if (this.trace === null && this.drawn === -1) return;
    this.trace = null;
    this.drawn = -1;
    this.pen.setTransform(1, 0, 0, 1, 0, 0);
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  get pxPerSample() {
    return (this.mmPerS * paper.pxPerMm) / this.trace.rateHz;
  }

  /** Draw a trace as far as it is shown; null clears. */
  draw(trace, now) {
    if (!trace) {
      this.clear();
      return;
    }
    if (trace !== this.trace) {
      this.clear();
      this.trace = trace;
      this.lookedAt = 0;
    }
    const shown = trace.shown;
    if (shown < 0 || this.width < 2) return;
    if (now - this.lookedAt > LOOK_S * 1000) {
      this.lookedAt = now;
      this.fit();
    }
    const pen = this.pen;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.strokeStyle = this.colour;
    pen.lineWidth = 1.5 * paper.scale;
    pen.lineJoin = 'round';
    if (this.scroll) this.drawScroll(Math.floor(shown));
    else this.drawSweep(Math.floor(shown));
  }

  /** Choose the scale and the middle from the last seconds. */
  fit() {
    const range = this.trace.range(this.lead, RANGE_S);
    if (!range) return;
    const [low, high] = range;
    const free = this.height - this.top;
    const middle = (low + high) / 2;
    let scale = this.mmPerMv === null ? this.pxPerMv : this.mmPerMv * paper.pxPerMm;
    if (this.mmPerMv === null) {
      const best = (free * 0.86) / Math.max(high - low, 0.8);
      if (!(scale > best * 0.75 && scale <= best * 1.05)) scale = best;
    }
    const moved = Math.abs(middle - this.middleMv) * scale > free * 0.12;
    if (scale === this.pxPerMv && !moved) return;
    this.pxPerMv = scale;
    this.middleMv = middle;
    this.drawn = -1;
  }

  y(value) {
    const free = this.height - this.top;
    const y = this.top + free / 2 - (value - this.middleMv) * this.pxPerMv;
    return Math.min(this.height - 1, Math.max(this.top, y));
  }

  drawSweep(last) {
    const span = this.width - this.left;
    const samples = Math.floor(span / this.pxPerSample);
    if (this.drawn < 0 || last < this.drawn || last - this.drawn > samples) {
      this.pen.clearRect(0, 0, this.width, this.height);
      this.drawn = Math.max(this.trace.first, last - samples + Math.ceil(GAP_PX / this.pxPerSample));
      for (const mark of this.marks) mark[3] = false; // none is on the canvas now
    }
    if (last <= this.drawn) {
      this.drawMarks(last, samples);
      return;
    }
    const scale = this.pxPerSample;
    const place = (sample) => (sample * scale) % span;
    this.erase(place(this.drawn) + 1, (last - this.drawn) * scale + GAP_PX, span);
    const pen = this.pen;
    pen.beginPath();
    let open = false;
    let before = -1;
    for (let i = Math.max(this.drawn - 1, this.trace.first); i < last; i++) {
      const value = this.trace.at(this.lead, i);
      const x = place(i);
      if (Number.isNaN(value)) open = false;
      else if (open && x >= before) pen.lineTo(this.left + x, this.y(value));
      else {
        pen.moveTo(this.left + x, this.y(value));
        open = true;
      }
      before = x;
    }
    pen.stroke();
    this.drawn = last;
    this.drawMarks(last, samples);
  }

  erase(from, length, span) {
    const first = Math.min(length, span - from);
    if (first > 0) this.pen.clearRect(this.left + from, 0, first, this.height);
    if (length > first) this.pen.clearRect(this.left, 0, length - Math.max(first, 0), this.height);
  }

  drawScroll(last) {
    const pen = this.pen;
    const scale = this.pxPerSample;
    pen.clearRect(0, 0, this.width, this.height);
    pen.beginPath();
    let open = false;
    const first = Math.max(this.trace.first, last - Math.ceil((this.width - this.left) / scale));
    for (let i = first; i < last; i++) {
      const value = this.trace.at(this.lead, i);
      if (Number.isNaN(value)) {
        open = false;
        continue;
      }
      const x = this.width - (last - i) * scale;
      if (open) pen.lineTo(x, this.y(value));
      else pen.moveTo(x, this.y(value));
      open = true;
    }
    pen.stroke();
    this.marks = this.marks.filter(([sample]) => sample >= first);
    for (const [sample, text, colour] of this.marks) {
      if (sample < last) this.write(this.width - (last - sample) * scale, text, colour);
    }
    this.drawn = last;
  }

  /** Labels come after their beats: they are written when they come, where their beat is. */
  drawMarks(last, samples) {
    const span = this.width - this.left;
    const scale = this.pxPerSample;
    const oldest = last - samples + Math.ceil((GAP_PX + 8) / scale);
    const waiting = [];
    for (const mark of this.marks) {
      const [sample, text, colour, done] = mark;
      if (sample < oldest) continue;
      waiting.push(mark);
      if (sample >= last || done) continue;
      this.write(this.left + ((sample * scale) % span), text, colour);
      mark[3] = true;
    }
    this.marks = waiting;
  }

  write(x, text, colour) {
    if (!this.top) return;
    this.pen.fillStyle = colour;
    this.pen.font = `600 ${13 * paper.scale}px system-ui, sans-serif`;
    this.pen.textAlign = 'center';
    this.pen.textBaseline = 'top';
    this.pen.fillText(text, x, 3);
  }
}

/** The colour that the style sheet gives a name. */
export function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
