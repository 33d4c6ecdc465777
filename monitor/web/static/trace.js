// The newest signal of one bed, and how far of it is on the screen.
//
// Signal comes in bursts. It is shown a little late and at its own pace, so that it moves evenly;
// it is never shown beyond what has come.

const LAG_S = 0.3; // shown so much behind the newest sample
const JUMP_S = 2.0; // further behind than this: no use in catching up

export class Trace {
  /** @param {number} rateHz @param {number} leads @param {number} seconds kept */
  constructor(rateHz, leads, seconds) {
    this.rateHz = rateHz;
    this.leads = leads;
    this.size = Math.ceil(rateHz * seconds);
    this.values = Array.from({ length: leads }, () => new Float32Array(this.size).fill(NaN));
    this.end = 0; // index just past the newest sample
    this.first = 0; // of the oldest sample known
    this.shown = -1; // index just past what is on the screen; fractional
    this.cameAt = -Infinity; // when signal last came
    this.movedAt = 0;
  }

  /** Take rows of samples, `step` apart, from index `start` on. */
  write(start, step, rows, values, now) {
    if (this.shown < 0) {
      this.end = this.first = start;
      this.shown = start;
      this.movedAt = now;
    }
    const end = start + rows * step;
    for (let at = Math.max(this.end, end - this.size); at < start; at++) this.put(at, null, 0);
    for (let row = 0; row < rows; row++) {
      for (let more = 0; more < step; more++) this.put(start + row * step + more, values, row);
    }
    this.end = Math.max(this.end, end);
    this.first = Math.max(this.first, this.end - this.size);
    this.cameAt = now;
  }

  put(index, values, row) {
    const at = index % this.size;
    for (let lead = 0; lead < this.leads; lead++) {
      this.values[lead][at] = values === null ? NaN : values[row * this.leads + lead];
    }
  }

  /** The value of a sample, NaN if it is missing or not known (any more). */
  at(lead, index) {
    if (index < this.first || index >= this.end) return NaN;
    return this.values[lead][index % this.size];
  }

  /** Move on to `now` (ms); give how far is shown. */
  advance(now) {
    const passedS = Math.min((now - this.movedAt) / 1000, 1);
    this.movedAt = now;
    if (this.shown < 0) return -1;
    const behindS = (this.end - this.shown) / this.rateHz;
    if (behindS > JUMP_S) {
      this.shown = this.end - LAG_S * this.rateHz;
    } else {
      const pace = Math.max(0, 1 + (behindS - LAG_S));
      this.shown = Math.min(this.end, this.shown + passedS * this.rateHz * pace);
    }
    return this.shown;
  }

  /** Lowest and highest value among the last `seconds` shown; null if there is none. */
  range(lead, seconds) {
    let low = Infinity;
    let high = -Infinity;
    const last = Math.floor(this.shown);
    const values = this.values[lead];
    for (let i = Math.max(this.first, last - Math.round(seconds * this.rateHz)); i < last; i++) {
      const value = values[i % this.size];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low <= high ? [low, high] : null;
  }
}

/** Decode a frame of samples: see monitor/web/frames.py. */
export function decode(buffer) {
  const view = new DataView(buffer);
  const pieces = [];
  if (view.getUint32(0, true) !== 1) return pieces;
  const count = view.getUint32(4, true);
  let at = 8;
  for (let i = 0; i < count; i++) {
    const [number, begun, leads, step, rows] = [0, 4, 8, 12, 16].map((o) => view.getUint32(at + o, true));
    const start = view.getFloat64(at + 24, true);
    at += 32;
    pieces.push({ number, begun, leads, step, rows, start, values: new Float32Array(buffer, at, rows * leads) });
    at += rows * leads * 4;
  }
  return pieces;
}
