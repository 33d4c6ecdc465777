// ECG paper and its marks: the grid of 1 and 5 mm, and the pulse of 1 mV.

import { colourOf, paper } from './sweep.js';

/** Size a canvas for the screen and give its pen, in CSS pixels. */
export function penOf(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext('2d');
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

export function drawGrid(pen, width, height) {
  for (const [every, colour] of [[1, colourOf('grid')], [5, colourOf('grid-5')]]) {
    pen.beginPath();
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    for (let mm = 0; mm * paper.pxPerMm <= width; mm += every) {
      const x = Math.round(mm * paper.pxPerMm) + 0.5;
      pen.moveTo(x, 0);
      pen.lineTo(x, height);
    }
    for (let mm = 0; mm * paper.pxPerMm <= height; mm += every) {
      const y = Math.round(mm * paper.pxPerMm) + 0.5;
      pen.moveTo(0, y);
      pen.lineTo(width, y);
    }
    pen.stroke();
  }
}

/** Draw the calibration pulse: 1 mV high, 5 mm wide, around the middle `y`. */
export function drawPulse(pen, x, y, pxPerMv, colour) {
  const wide = 5 * paper.pxPerMm;
  pen.beginPath();
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5 * paper.scale;
  pen.moveTo(x, y + pxPerMv / 2);
  pen.lineTo(x + wide * 0.2, y + pxPerMv / 2);
  pen.lineTo(x + wide * 0.2, y - pxPerMv / 2);
  pen.lineTo(x + wide * 0.8, y - pxPerMv / 2);
  pen.lineTo(x + wide * 0.8, y + pxPerMv / 2);
  pen.lineTo(x + wide, y + pxPerMv / 2);
  pen.stroke();
}
