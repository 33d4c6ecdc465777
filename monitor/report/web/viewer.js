// The viewer: a stretch of signal in true size, with beats that can be chosen and relabelled.

class Viewer {
  constructor(signal, beats, edits) {
    this.signal = signal;
    this.beats = beats;
    this.edits = edits;
    this.box = document.getElementById("viewer");
    this.canvas = document.getElementById("viewer-canvas");
    this.place = document.getElementById("viewer-place");
    this.start = 0; // seconds at the left edge
    this.speed = 25; // mm/s
    this.gain = 10; // mm/mV
    this.chosen = -1;
    this.span = null;
    this.leads = signal.names.map((_, i) => i).slice(0, 2);
    this.bind();
    edits.onChange(() => this.draw());
  }

  bind() {
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    on("viewer-close", () => this.close());
    on("viewer-back", () => this.move(-0.8));
    on("viewer-on", () => this.move(0.8));
    on("viewer-wider", () => this.zoom(0.5));
    on("viewer-closer", () => this.zoom(2));
    on("viewer-lower", () => this.amplify(0.5));
    on("viewer-taller", () => this.amplify(2));
    for (const button of document.querySelectorAll("#viewer [data-label]")) {
      button.addEventListener("click", () => this.label(button.dataset.label));
    }
    this.canvas.addEventListener("pointerdown", (event) => this.pressed(event));
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.ctrlKey) this.zoom(event.deltaY < 0 ? 2 : 0.5);
      else this.shift((event.deltaY + event.deltaX) / (this.speed * PX_PER_MM));
    }, { passive: false });
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("resize", () => this.draw());
  }

  get open() { return !this.box.hidden; }

  get seconds() { return this.canvas.clientWidth / (this.speed * PX_PER_MM); }

  show(at, span = null) {
    if (!this.open) this.from = document.activeElement;
    this.box.hidden = false;
    document.body.classList.add("viewing");
    this.span = span;
    this.start = at - this.seconds / 2;
    const near = beatAfter(this.beats, span ? span[0] - 0.05 : at - 0.05);
    this.chosen = near < this.beats.length && Math.abs(this.beats[near].at - at) < this.seconds / 2
      ? near : -1;
    this.canvas.focus({ preventScroll: true });
    this.shift(0);
  }

  close() {
    this.box.hidden = true;
    document.body.classList.remove("viewing");
    if (this.from && this.from.isConnected) this.from.focus({ preventScroll: true });
  }

  shift(seconds) {
    const last = this.signal.samples / this.signal.rateHz - this.seconds;
    this.start = Math.max(0, Math.min(this.start + seconds, Math.max(last, 0)));
    this.draw();
  }

  move(pages) { this.shift(pages * this.seconds); }

  zoom(factor) {
    const middle = this.start + this.seconds / 2;
    this.speed = Math.max(3.125, Math.min(this.speed * factor, 200));
    this.start = middle - this.seconds / 2;
    this.shift(0);
  }

  amplify(factor) {
    this.gain = Math.max(2.5, Math.min(this.gain * factor, 40));
    this.draw();
  }

  choose(index) {
    if (index < 0 || index >= this.beats.length) return;
    this.chosen = index;
    const at = this.beats[index].at;
    if (at < this.start + 0.3 || at > this.start + this.seconds - 0.3) {
      this.start = at - this.seconds / 2;
    }
    this.shift(0);
  }

  label(label) {
    if (this.chosen < 0) return;
    this.edits.relabel([this.chosen], label);
  }

  key(event) {
    if (!this.open || event.altKey || event.target.closest("select, input")) return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== "z") return;
      this.edits.undo();
    } else if (/^[nsvfq]$/i.test(event.key)) this.label(event.key.toUpperCase());
    else if (event.key === "Delete" || event.key === "Backspace") this.label("");
    else if (event.key === "Escape") this.close();
    else if (event.key === "ArrowLeft") this.choose(this.chosen - 1);
    else if (event.key === "ArrowRight") this.choose(this.chosen + 1);
    else if (event.key === "PageUp") this.move(-0.8);
    else if (event.key === "PageDown") this.move(0.8);
    else if (event.key === "+") this.zoom(2);
    else if (event.key === "-") this.zoom(0.5);
    else return;
    event.preventDefault();
  }

  pressed(event) {
    const begun = event.clientX;
    const start = this.start;
    const scale = this.speed * PX_PER_MM;
    let moved = false;
    this.canvas.setPointerCapture(event.pointerId);
    const move = (now) => {
      moved = moved || Math.abs(now.clientX - begun) > 4;
      if (moved) {
        this.start = start - (now.clientX - begun) / scale;
        this.shift(0);
      }
    };
    const end = (now) => {
      this.canvas.removeEventListener("pointermove", move);
      this.canvas.removeEventListener("pointerup", end);
      if (moved) return;
      const at = this.start + (now.clientX - this.canvas.getBoundingClientRect().left) / scale;
      const after = beatAfter(this.beats, at);
      const gap = (i) => (this.beats[i] ? Math.abs(this.beats[i].at - at) : Infinity);
      const near = gap(after - 1) < gap(after) ? after - 1 : after;
      if (gap(near) * scale < 40) this.choose(near);
    };
    this.canvas.addEventListener("pointermove", move);
    this.canvas.addEventListener("pointerup", end);
  }

  draw() {
    if (!this.open) return;
    const { signal } = this;
    const width = this.canvas.clientWidth;
    const head = 26;
    const lane = Math.round((window.innerHeight < 700 ? 25 : 35) * PX_PER_MM);
    const pen = fitCanvas(this.canvas, width, head + lane * this.leads.length);
    const scale = this.speed * PX_PER_MM;
    const x = (at) => (at - this.start) * scale;
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, width, head + lane * this.leads.length);
    if (this.span) {
      pen.fillStyle = "#fff3c4";
      const left = x(this.span[0]);
      pen.fillRect(left, head, x(this.span[1]) - left, lane * this.leads.length);
    }
    const from = Math.floor(this.start * signal.rateHz);
    const to = Math.ceil((this.start + this.seconds) * signal.rateHz) + 1;
    drawPaper(pen, head, width, lane * this.leads.length, this.start * scale);
    this.leads.forEach((lead, row) => {
      const level = levelOf(signal, lead, from, to);
      const top = head + row * lane;
      pen.save();
      pen.beginPath();
      pen.rect(0, top, width, lane);
      pen.clip();
      if (level) {
        const perStep = signal.stepMv * this.gain * PX_PER_MM;
        const middle = top + lane / 2;
        const centre = (level.low + level.high) / 2;
        drawTrace(pen, signal, lead, from, to, (i) => x(i / signal.rateHz),
          (step) => middle - (step - centre) * perStep, 1.1);
      }
      pen.restore();
      pen.fillStyle = "#16202a";
      pen.font = "bold 13px Helvetica, Arial, sans-serif";
      pen.textAlign = "left";
      pen.fillText(signal.names[lead], 6, top + 16);
    });
    this.drawBeats(pen, x, head, lane * this.leads.length);
    this.place.textContent = `${clockText(this.start)} to ${clockText(this.start + this.seconds)}`
      + `   ${this.speed} mm/s   ${this.gain} mm/mV`;
  }

  drawBeats(pen, x, head, height) {
    pen.textAlign = "center";
    const first = beatAfter(this.beats, this.start);
    let before = null;
    for (let i = first; i < this.beats.length; i++) {
      const beat = this.beats[i];
      if (beat.at > this.start + this.seconds) break;
      const at = x(beat.at);
      const chosen = i === this.chosen;
      if (chosen) {
        pen.fillStyle = "rgba(0, 105, 92, 0.15)";
        pen.fillRect(at - 14, 0, 28, head + height);
      }
      pen.fillStyle = COLOURS[beat.label] || "#6b7782";
      pen.font = `bold ${chosen ? 16 : 13}px Helvetica, Arial, sans-serif`;
      const changed = beat.removed || beat.label !== beat.found;
      pen.fillText((beat.removed ? "×" : beat.label) + (changed ? "*" : ""), at, 16);
      pen.fillRect(at - 0.5, 20, 1, 9);
      if (before !== null && at - before.x > 46 && !beat.removed) {
        pen.fillStyle = "#6b7782";
        pen.font = "11px Helvetica, Arial, sans-serif";
        pen.fillText(String(Math.round((beat.at - before.at) * 1000)), (at + before.x) / 2, 15);
      }
      if (!beat.removed) before = { x: at, at: beat.at };
    }
  }
}
