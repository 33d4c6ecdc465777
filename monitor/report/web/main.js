// Brings the page to life.

async function begin() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const beats = readBeats(data);
  const edits = new Edits(data, beats);
  const signal = await readSignal(data.signal);
  const viewer = new Viewer(signal, beats, edits);
  const disclosure = new Disclosure(signal, beats, viewer, edits);
  bindJumps(viewer);
  bindGroups(beats, edits, viewer);
  bindSaving(edits, beats);
  window.report = { data, beats, edits, viewer, disclosure };
  document.body.dataset.ready = "true";
}

// Whatever has data-at opens the viewer there, by pointer or keyboard.
function bindJumps(viewer) {
  for (const element of document.querySelectorAll("[data-at]")) {
    const jump = () => {
      const at = Number(element.dataset.at);
      const span = element.dataset.span ? element.dataset.span.split(" ").map(Number) : null;
      viewer.show(at, span);
    };
    element.addEventListener("click", jump);
    if (element.tagName !== "BUTTON") {
      element.tabIndex = 0;
      element.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          jump();
        }
      });
    }
  }
}

function bindGroups(beats, edits, viewer) {
  const members = new Map();
  beats.forEach((beat, i) => {
    if (!members.has(beat.group)) members.set(beat.group, []);
    members.get(beat.group).push(i);
  });
  for (const box of document.querySelectorAll("[data-group]")) {
    const own = members.get(Number(box.dataset.group)) || [];
    let at = -1;
    const step = (by) => {
      at = (at + by + own.length) % own.length;
      viewer.show(beats[own[at]].at);
      viewer.choose(own[at]);
      box.querySelector("output").textContent = `${at + 1} of ${own.length}`;
    };
    box.querySelector(".next").addEventListener("click", () => step(1));
    box.querySelector(".back").addEventListener("click", () => step(at < 0 ? 0 : -1));
    const choice = box.querySelector("select");
    choice.addEventListener("change", () => edits.relabel(own, choice.value));
    edits.onChange(() => {
      const labels = new Set(own.map((i) => (beats[i].removed ? "" : beats[i].label)));
      choice.value = labels.size === 1 ? [...labels][0] : "mixed";
    });
  }
}

function bindSaving(edits, beats) {
  const bar = document.getElementById("edits");
  document.getElementById("save").addEventListener("click", () => {
    edits.save();
    show();
  });
  document.getElementById("undo").addEventListener("click", () => edits.undo());
  const show = () => {
    const count = edits.count;
    bar.hidden = !edits.past.length && !count;
    const kept = beats.filter((beat) => !beat.removed);
    const classes = [..."NSVFQ"].map((l) => `${l} ${kept.filter((b) => b.label === l).length}`);
    document.getElementById("edits-text").textContent =
      `${count} ${count === 1 ? "beat" : "beats"} changed${edits.unsaved ? "" : ", saved"}: `
      + `${classes.join(", ")}`;
  };
  edits.onChange(show);
}

begin().catch((error) => {
  document.getElementById("trouble").hidden = false;
  document.getElementById("trouble").textContent = `The signal cannot be shown: ${error.message}`;
  throw error;
});
