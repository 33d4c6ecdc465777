// The frozen strip of an event: 25 mm/s and 10 mm/mV on paper, with beats and RR intervals marked.

import { drawGrid, drawPulse, penOf } from './paper.js';
import { colourOf, paper } from './sweep.js';

const MM_PER_S = 25;
const MM_PER_MV = 10;
const LEFT_PX = 34;
const BAND_PX = 38; // for labels and intervals
const MIN_MM = 26;
const MAX_MM = 60;

/** Read the answer of /api/strip: columns of values by lead. */
export function readStrip(answer) {
  const bytes = Uint8Array.from(atob(answer.values), (c) => c.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  const rows = answer.columns ? values.length / answer.columns : 0;
  const columns = Array.from({ length: answer.columns }, (_, lead) =>
    Float32Array.from({ length: rows }, (__, row) => values[row * answer.columns + lead]),
  );
  return { ...answer, rows, columns };
}

/** Draw the chosen leads of a strip. */
export function drawStrip(canvas, strip, leads) {
  const shown = leads.filter((lead) => lead < strip.columns.length && lead < strip.leads.length);
  const used = shown.length ? shown : [0];
  const boxes = used.map((lead) => box(strip.columns[lead]));
  const width = LEFT_PX * paper.scale + (strip.rows / strip.rate_hz) * MM_PER_S * paper.pxPerMm + 8;
  const height = BAND_PX * paper.scale + boxes.reduce((sum, { mm }) => sum + mm * paper.pxPerMm, 0);
  const pen = penOf(canvas, width, height);
  drawGrid(pen, width, height);
  let top = BAND_PX * paper.scale;
  used.forEach((lead, i) => {
    const tall = boxes[i].mm * paper.pxPerMm;
    drawLead(pen, strip, lead, boxes[i].middle, top, tall, i);
    top += tall;
  });
  drawBeats(pen, strip, height);
}

/** How much paper a lead needs, and where its middle is. */
function box(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(low <= high)) return { mm: MIN_MM, middle: 0 };
  const mm = Math.min(MAX_MM, Math.max(MIN_MM, Math.ceil((high - low) * MM_PER_MV + 6)));
  return { mm, middle: (low + high) / 2 };
}

const xOf = (strip, sample) => LEFT_PX * paper.scale + ((sample - strip.start_sample) / strip.rate_hz) * MM_PER_S * paper.pxPerMm;

function drawLead(pen, strip, lead, middle, top, tall, index) {
  const centre = top + tall / 2;
  const scale = MM_PER_MV * paper.pxPerMm;
  const colour = colourOf(['trace', 'trace-2', 'trace-3'][index % 3]);
  drawPulse(pen, 8 * paper.scale, centre, scale, colour);
  pen.save();
  pen.beginPath();
  pen.rect(0, top, 1e5, tall);
  pen.clip();
  pen.beginPath();
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5 * paper.scale;
  let open = false;
  strip.columns[lead].forEach((value, row) => {
    const y = centre - (value - middle) * scale;
    if (Number.isNaN(value)) open = false;
    else if (open) pen.lineTo(xOf(strip, strip.start_sample + row), y);
    else {
      pen.moveTo(xOf(strip, strip.start_sample + row), y);
      open = true;
    }
  });
  pen.stroke();
  pen.restore();
  pen.fillStyle = colourOf('text');
  pen.font = `600 ${13 * paper.scale}px system-ui, sans-serif`;
  pen.textAlign = 'left';
  pen.textBaseline = 'top';
  pen.fillText(strip.leads[lead] ?? '', 4, top + 3);
}

function drawBeats(pen, strip, height) {
  pen.textAlign = 'center';
  pen.textBaseline = 'top';
  let before = null;
  for (const [sample, label] of strip.beats) {
    const x = xOf(strip, sample);
    const colour = label ? colourOf(`beat-${label}`) : colourOf('text');
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.setLineDash([2, 3]);
    pen.beginPath();
    pen.moveTo(x, 18 * paper.scale);
    pen.lineTo(x, height);
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = colour;
    pen.font = `700 ${14 * paper.scale}px system-ui, sans-serif`;
    pen.fillText(label || '•', x, 3);
    if (before !== null) {
      const ms = Math.round(((sample - before) / strip.rate_hz) * 1000);
      const room = x - xOf(strip, before);
      if (room > 30 * paper.scale) {
        pen.fillStyle = colourOf('dim');
        pen.font = `${11 * paper.scale}px system-ui, sans-serif`;
        pen.fillText(String(ms), x - room / 2, 21 * paper.scale);
      }
    }
    before = sample;
  }
}
