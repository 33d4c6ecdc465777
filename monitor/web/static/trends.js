// Trends of hours: heart rate as a band with its mean, ventricular beats a minute below.

import { penOf } from './paper.js';
import { colourOf, paper } from './sweep.js';

const LEFT_PX = 38;
const RIGHT = 10;
const TOP = 8;
const BOTTOM_PX = 20;

/** Draw a table of /api/trend over the last `hours`. */
export function drawTrend(canvas, table, hours, width, height, nowS) {
  const left = LEFT_PX * paper.scale;
  const bottom = BOTTOM_PX * paper.scale;
  const pen = penOf(canvas, width, height);
  const from = nowS - hours * 3600;
  const shown = table.time_s.map((_, i) => i).filter((i) => table.time_s[i] >= from);
  const x = (timeS) => left + ((timeS - from) / (hours * 3600)) * (width - left - RIGHT);
  const split = height * 0.7;
  const rates = shown.map((i) => table.high_bpm[i]).filter((v) => v !== null);
  const lows = shown.map((i) => table.low_bpm[i]).filter((v) => v !== null);
  const low = Math.max(0, Math.floor(Math.min(50, ...lows) / 10) * 10);
  const high = Math.ceil(Math.max(110, ...rates) / 10) * 10;
  const y = (bpm) => split - 8 - ((bpm - low) / (high - low)) * (split - 8 - TOP);
  const most = Math.max(10, ...shown.map((i) => table.pvcs_per_min[i]));
  const bar = (count) => (count / most) * (height - bottom - split - 14 * paper.scale);
  axes(pen, { x, y, low, high, from, hours, width, height, split, most });
  const dx = Math.max(1.5, x(table.step_s) - x(0));
  pen.fillStyle = colourOf('trace');
  for (const i of shown) {
    if (table.mean_bpm[i] === null) continue;
    const at = x(table.time_s[i]);
    pen.globalAlpha = 0.35;
    pen.fillRect(at, y(table.high_bpm[i]) - 0.5, dx, Math.max(1, y(table.low_bpm[i]) - y(table.high_bpm[i]) + 1));
    pen.globalAlpha = 1;
    pen.fillRect(at, y(table.mean_bpm[i]) - 1, dx, 2);
  }
  pen.fillStyle = colourOf('beat-V');
  for (const i of shown) {
    const tall = bar(table.pvcs_per_min[i]);
    if (tall > 0) pen.fillRect(x(table.time_s[i]), height - bottom - tall, dx, tall);
  }
  pen.fillStyle = colourOf('technical');
  for (const i of shown) {
    if (table.usable[i] < 0.5) pen.fillRect(x(table.time_s[i]), split - 4, dx, 4);
  }
}

function axes(pen, { x, y, low, high, from, hours, width, height, split, most }) {
  const left = LEFT_PX * paper.scale;
  const bottom = BOTTOM_PX * paper.scale;
  pen.strokeStyle = colourOf('edge');
  pen.fillStyle = colourOf('dim');
  pen.font = `${11 * paper.scale}px system-ui, sans-serif`;
  pen.lineWidth = 1;
  pen.textBaseline = 'middle';
  pen.textAlign = 'right';
  const step = high - low > 120 ? 40 : 20;
  const line = (at) => {
    pen.beginPath();
    pen.moveTo(left, Math.round(at) + 0.5);
    pen.lineTo(width - RIGHT, Math.round(at) + 0.5);
    pen.stroke();
  };
  for (let bpm = Math.ceil(low / step) * step; bpm <= high; bpm += step) {
    line(y(bpm));
    pen.fillText(String(bpm), left - 5, y(bpm));
  }
  line(height - bottom);
  pen.fillText(String(most), left - 5, split + 14 * paper.scale);
  pen.textAlign = 'left';
  pen.fillText('heart rate, bpm', left + 4, TOP + 4 * paper.scale);
  pen.fillText('PVC/min', left + 4, split + 8 * paper.scale);
  pen.textAlign = 'center';
  pen.textBaseline = 'top';
  const every = hours <= 0.25 ? 300 : hours <= 1 ? 900 : hours <= 4 ? 3600 : hours <= 12 ? 7200 : 14400;
  const zone = new Date().getTimezoneOffset() * 60;
  for (let at = Math.ceil((from - zone) / every) * every + zone; at <= from + hours * 3600; at += every) {
    const time = new Date(at * 1000);
    const text = `${time.getHours()}:${String(time.getMinutes()).padStart(2, '0')}`;
    if (x(at) > left + 10 && x(at) < width - 20) pen.fillText(text, x(at), height - bottom + 5);
  }
}
