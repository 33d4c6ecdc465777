// One lead of the bedside page: paper below, the live trace above it.

import { drawGrid, drawPulse, penOf } from './paper.js';
import { Sweep, colourOf, paper } from './sweep.js';

const LEFT_PX = 40; // for the calibration pulse
const BAND_PX = 20; // for the labels of beats
const COLOURS = ['trace', 'trace-2'];

export class Lane {
  constructor(screen, index) {
    this.root = document.createElement('div');
    this.root.className = 'lane';
    this.paper = document.createElement('canvas');
    this.canvas = document.createElement('canvas');
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', index ? 'Live trace of the lower lead' : 'Live trace of the upper lead, with beat labels');
    this.root.append(this.paper, this.canvas);
    screen.append(this.root);
    this.index = index;
    this.sweep = new Sweep(this.canvas);
    this.marked = '';
  }

  remove() {
    this.root.remove();
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.sweep.left = LEFT_PX * paper.scale;
    this.sweep.top = BAND_PX * paper.scale;
    this.sweep.resize(width, height, window.devicePixelRatio || 1);
    this.marked = '';
  }

  renew() {
    this.sweep.colour = colourOf(COLOURS[this.index]);
    for (const mark of this.sweep.marks) mark[2] = colourOf(`beat-${mark[1]}`);
    this.sweep.renew();
    this.marked = '';
  }

  draw(trace, column, now, lead) {
    this.sweep.lead = column;
    this.sweep.draw(trace, now);
    const scale = `${lead} ${this.sweep.pxPerMv} ${this.sweep.colour}`;
    if (scale !== this.marked && this.width > 10) this.rule(scale, lead);
  }

  /** Draw the paper, the calibration pulse and the name of the lead. */
  rule(scale, lead) {
    this.marked = scale;
    const pen = penOf(this.paper, this.width, this.height);
    drawGrid(pen, this.width, this.height);
    const { pxPerMv } = this.sweep;
    const { scale: size } = paper;
    const middle = (BAND_PX * size + this.height) / 2;
    if (pxPerMv) drawPulse(pen, 12 * size, middle, pxPerMv, colourOf('text'));
    pen.fillStyle = colourOf('text');
    pen.font = `700 ${15 * size}px system-ui, sans-serif`;
    pen.fillText(lead, 6, 16 * size);
    pen.font = `${11 * size}px system-ui, sans-serif`;
    if (pxPerMv) pen.fillText(`1 mV = ${(pxPerMv / paper.pxPerMm).toFixed(0)} mm`, 6, this.height - 6);
  }
}
