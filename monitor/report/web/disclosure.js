// Full disclosure: all of a lead, a line a minute; only the lines in sight are drawn.

class Disclosure {
  constructor(signal, beats, viewer, edits) {
    this.signal = signal;
    this.beats = beats;
    this.box = document.getElementById("disclosure");
    this.canvas = document.getElementById("disclosure-canvas");
    this.room = document.getElementById("disclosure-room");
    this.lead = 0;
    this.lineS = 60;
    this.rowPx = 34;
    this.levels = new Map();
    const choice = document.getElementById("disclosure-lead");
    signal.names.forEach((name, i) => choice.add(new Option(name, i)));
    choice.addEventListener("change", () => {
      this.lead = Number(choice.value);
      this.levels.clear();
      this.draw();
    });
    const length = document.getElementById("disclosure-line");
    length.addEventListener("change", () => {
      this.lineS = Number(length.value);
      this.levels.clear();
      this.draw();
    });
    this.box.addEventListener("scroll", () => this.draw());
    window.addEventListener("resize", () => this.draw());
    this.canvas.addEventListener("click", (event) => {
      const area = this.canvas.getBoundingClientRect();
      const line = Math.floor((event.clientY - area.top + this.box.scrollTop) / this.rowPx);
      const share = (event.clientX - area.left - this.margin) / (area.width - this.margin);
      viewer.show((line + Math.max(0, Math.min(share, 1))) * this.lineS);
    });
    edits.onChange(() => this.draw());
    this.draw();
  }

  get margin() { return 58; }

  draw() {
    const { signal } = this;
    const lines = Math.max(1, Math.ceil(signal.samples / signal.rateHz / this.lineS));
    this.room.style.height = `${lines * this.rowPx}px`;
    const width = this.box.clientWidth;
    const height = Math.min(this.box.clientHeight, lines * this.rowPx);
    this.canvas.style.width = `${width}px`;
    const pen = fitCanvas(this.canvas, width, height);
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, width, height);
    const first = Math.floor(this.box.scrollTop / this.rowPx);
    for (let line = first; line <= Math.min(lines - 1, first + height / this.rowPx + 1); line++) {
      this.drawLine(pen, line, line * this.rowPx - this.box.scrollTop, width);
    }
  }

  drawLine(pen, line, top, width) {
    const { signal } = this;
    const begins = line * this.lineS;
    const from = Math.floor(begins * signal.rateHz);
    const to = Math.min(signal.samples, Math.floor((begins + this.lineS) * signal.rateHz));
    const scale = (width - this.margin) / this.lineS;
    if (!this.levels.has(line)) this.levels.set(line, levelOf(signal, this.lead, from, to));
    const level = this.levels.get(line);
    pen.fillStyle = line % 2 ? "#f6f8f9" : "#ffffff";
    pen.fillRect(0, top, width, this.rowPx);
    pen.fillStyle = "#6b7782";
    pen.font = "11px Helvetica, Arial, sans-serif";
    pen.textAlign = "left";
    pen.fillText(clockText(begins), 4, top + this.rowPx / 2 + 4);
    if (!level) return;
    const perStep = signal.stepMv * 2.5 * PX_PER_MM;
    const middle = top + this.rowPx / 2;
    const x = (i) => this.margin + (i / signal.rateHz - begins) * scale;
    pen.save();
    pen.beginPath();
    pen.rect(this.margin, top, width - this.margin, this.rowPx);
    pen.clip();
    drawTrace(pen, signal, this.lead, from, to, x,
      (step) => middle - (step - level.middle) * perStep, 0.6);
    pen.textAlign = "center";
    pen.font = "bold 9px Helvetica, Arial, sans-serif";
    for (let i = beatAfter(this.beats, begins); i < this.beats.length; i++) {
      const beat = this.beats[i];
      if (beat.at >= begins + this.lineS) break;
      if (beat.label === "N" || beat.removed) continue;
      pen.fillStyle = COLOURS[beat.label];
      pen.fillText(beat.label, this.margin + (beat.at - begins) * scale, top + 8);
    }
    pen.restore();
  }
}
