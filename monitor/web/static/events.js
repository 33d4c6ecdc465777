// The event list of one bed, and the frozen strip of the chosen event.

import * as api from './api.js';
import { drawStrip, readStrip } from './strip.js';
import { set } from './tiles.js';
import { MARKS } from './ward.js';

const MAX_ROWS = 500;
const STATES = { raised: 'new', updated: 'active', acknowledged: 'acknowledged', cleared: 'ended' };
const time = (ms) => new Date(ms).toLocaleTimeString('en-GB');

export class Events {
  /** @param {Record<string, HTMLElement>} parts of the page @param {string} name of the bed */
  constructor(parts, name) {
    this.parts = parts;
    this.name = name;
    this.rows = new Map(); // id -> fields
    this.items = new Map(); // id -> element
    this.chosen = null;
    parts.stripclose.addEventListener('click', () => this.close());
    parts.events.addEventListener('keydown', (event) => this.arrows(event));
  }

  take({ whole, rows }) {
    if (whole) {
      this.rows.clear();
      this.items.clear();
      this.parts.events.replaceChildren();
    }
    for (const row of rows) {
      this.rows.set(row.id, row);
      this.show(row);
    }
    this.forget();
    this.parts.noevents.hidden = this.rows.size > 0;
  }

  /** Keep as many as the station keeps: the oldest that have ended go. */
  forget() {
    const spare = this.rows.size - MAX_ROWS;
    if (spare <= 0) return;
    const ended = [...this.rows.values()].filter((row) => row.state === 'cleared' && row.id !== this.chosen);
    ended.sort((a, b) => a.raised_ms - b.raised_ms);
    for (const { id } of ended.slice(0, spare)) {
      this.items.get(id).remove();
      this.items.delete(id);
      this.rows.delete(id);
    }
  }

  show(row) {
    let item = this.items.get(row.id);
    if (!item) {
      item = this.make(row.id);
      this.items.set(row.id, item);
    }
    if (item.at !== row.raised_ms) this.place(item, row);
    const { parts } = item;
    set(parts.time, time(row.raised_ms));
    set(parts.chip, MARKS[row.priority]);
    parts.chip.dataset.priority = row.priority;
    set(parts.text, row.text);
    const lasted = Math.max(0, Math.round((row.changed_ms - row.raised_ms) / 1000));
    set(parts.state, row.state === 'cleared' ? `ended after ${lasted} s` : STATES[row.state]);
    item.dataset.state = row.state;
  }

  make(id) {
    const item = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'event';
    item.parts = { button };
    for (const part of ['time', 'chip', 'text', 'state']) {
      const span = document.createElement('span');
      span.className = part === 'chip' ? 'chip' : `event-${part}`;
      button.append(span);
      item.parts[part] = span;
    }
    button.addEventListener('click', () => this.choose(id));
    item.append(button);
    item.dataset.id = id;
    return item;
  }

  /** Put an item where it belongs: the newest first. */
  place(item, row) {
    item.at = row.raised_ms;
    const after = [...this.parts.events.children].find((o) => o !== item && o.at < item.at);
    this.parts.events.insertBefore(item, after ?? null);
  }

  arrows(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...this.parts.events.children];
    const at = items.findIndex((item) => item.contains(document.activeElement));
    items[at < 0 ? 0 : Math.min(items.length - 1, Math.max(0, at + step))]?.parts.button.focus();
  }

  async choose(id) {
    const row = this.rows.get(id);
    const { strip, striptitle, striptext, stripcanvas } = this.parts;
    for (const item of this.items.values()) {
      item.parts.button.setAttribute('aria-current', String(Number(item.dataset.id) === id));
    }
    this.chosen = id;
    strip.hidden = false;
    set(striptitle, row.text);
    set(striptext, 'Fetching the strip.');
    stripcanvas.hidden = true;
    strip.scrollIntoView({ block: 'nearest' });
    try {
      if (id < 0) throw new Error('an alarm of the equipment has no strip');
      const answer = readStrip(await api.strip(this.name, id));
      if (this.chosen !== id) return;
      this.strip = answer;
      stripcanvas.hidden = false;
      set(striptext, `FROZEN: the ${(answer.rows / answer.rate_hz).toFixed(0)} s before ${time(row.raised_ms)} · 25 mm/s · 10 mm/mV · RR in ms`);
      stripcanvas.setAttribute('aria-label', `Frozen strip before ${row.text}, ${answer.beats.length} beats`);
      this.redraw();
      strip.querySelector('.strip-scroll').scrollLeft = 1e6; // the alarm is at the end
      strip.scrollIntoView({ block: 'nearest' });
    } catch (error) {
      set(striptext, `There is no strip: ${error.message}`);
    }
  }

  redraw() {
    if (this.strip && !this.parts.strip.hidden) drawStrip(this.parts.stripcanvas, this.strip, this.leads ?? [0, 1]);
  }

  close() {
    this.parts.strip.hidden = true;
    this.strip = null;
    const item = this.items.get(this.chosen);
    this.chosen = null;
    item?.parts.button.removeAttribute('aria-current');
    item?.parts.button.focus();
  }
}
