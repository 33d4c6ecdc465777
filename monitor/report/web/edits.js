// What a reader corrects: labels of beats, kept with a way back, and saved as annotations.

class Edits {
  constructor(data, beats) {
    this.data = data;
    this.beats = beats;
    this.past = [];
    this.listeners = [];
    window.addEventListener("beforeunload", (event) => {
      if (this.unsaved) event.preventDefault();
    });
  }

  onChange(listener) { this.listeners.push(listener); }

  get count() {
    return this.beats.reduce((n, b) => n + (b.removed || b.label !== b.found ? 1 : 0), 0);
  }

  // An empty label takes the beats away.
  relabel(indices, label) {
    const before = indices.map((i) => [i, this.beats[i].label, this.beats[i].removed]);
    this.past.push(before);
    for (const i of indices) {
      this.beats[i].removed = label === "";
      if (label) this.beats[i].label = label;
    }
    this.changed();
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    for (const [i, label, removed] of before) Object.assign(this.beats[i], { label, removed });
    this.changed();
  }

  changed() {
    this.unsaved = true;
    for (const listener of this.listeners) listener();
  }

  get bytes() {
    return encodeAnnotations(allRows(this.data, this.beats), this.data.rate_text);
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.bytes], { type: "application/octet-stream" }));
    link.download = `${this.data.name}.edt`;
    link.click();
    URL.revokeObjectURL(link.href);
    this.unsaved = false;
  }
}
