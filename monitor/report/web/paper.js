// Draws signal on true-scale paper on a canvas.

const PX_PER_MM = 96 / 25.4;
const COLOURS = { N: "#16202a", S: "#0b62c4", V: "#b3261e", F: "#7b1fa2", Q: "#6b7782" };

function fitCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.style.height = `${height}px`;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

// Lines of the paper; `shift` is how far its left edge has moved, in pixels.
function drawPaper(pen, top, width, height, shift) {
  const lines = (step, colour, thick) => {
    pen.beginPath();
    const by = step * PX_PER_MM;
    for (let x = -(shift % by); x <= width; x += by) {
      pen.moveTo(x, top);
      pen.lineTo(x, top + height);
    }
    for (let y = 0; y <= height + 0.01; y += by) {
      pen.moveTo(0, top + y);
      pen.lineTo(width, top + y);
    }
    pen.strokeStyle = colour;
    pen.lineWidth = thick;
    pen.stroke();
  };
  lines(1, "#f7dcd8", 0.5);
  lines(5, "#eab6ae", 0.8);
}

function isHole(signal, from, to) {
  return signal.holes.some(([first, last]) => first < to && last > from);
}

// Lowest, highest and median value of a stretch, in steps; null without samples.
function levelOf(signal, lead, from, to) {
  const values = signal.leads[lead].slice(Math.max(from, 0), Math.min(to, signal.samples)).sort();
  if (!values.length) return null;
  const at = (share) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
  return { low: at(0.002), high: at(0.998), middle: at(0.5) };
}

// One lead: x(i) and y(step) give the place of a sample.
function drawTrace(pen, signal, lead, from, to, x, y, thick) {
  const values = signal.leads[lead];
  const first = Math.max(0, from);
  const last = Math.min(signal.samples, to);
  const perPixel = 1 / Math.max(x(first + 1) - x(first), 1e-9);
  pen.beginPath();
  let up = true;
  if (perPixel < 3) {
    for (let i = first; i < last; i++) {
      if (signal.holes.length && isHole(signal, i, i + 1)) {
        up = true;
        continue;
      }
      if (up) pen.moveTo(x(i), y(values[i]));
      else pen.lineTo(x(i), y(values[i]));
      up = false;
    }
  } else {
    const step = perPixel / 2; // lowest and highest of each half pixel
    for (let at = first; at < last; at += step) {
      const end = Math.min(last, Math.floor(at + step) + 1);
      if (signal.holes.length && isHole(signal, Math.floor(at), end)) {
        up = true;
        continue;
      }
      let low = 32767;
      let high = -32768;
      for (let i = Math.floor(at); i < end; i++) {
        const value = values[i];
        if (value < low) low = value;
        if (value > high) high = value;
      }
      const across = x(Math.floor(at));
      if (up) pen.moveTo(across, y(low));
      else pen.lineTo(across, y(low));
      pen.lineTo(across, y(high));
      up = false;
    }
  }
  pen.strokeStyle = "#16202a";
  pen.lineWidth = thick;
  pen.lineJoin = "round";
  pen.stroke();
}
