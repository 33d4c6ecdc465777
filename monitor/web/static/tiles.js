// The ward: one tile for each bed, the most urgent first, all on one screen where they fit.

import { may } from './api.js';
import { Sweep, colourOf, paper } from './sweep.js';
import { MARKS, alarmAge, leadText, noTrace, rateText, unseen, urgent } from './ward.js';

const MIN_WIDTH = 212;
const MIN_HEIGHT = 100;
const BEST_RATIO = 2.4;
const GAP = 6;
const TILE_SPAN_S = 3.2; // a tile shows at least so much

export class Tiles {
  /** @param {import('./ward.js').Ward} ward @param {(name: string) => void} acknowledge */
  constructor(ward, acknowledge) {
    this.ward = ward;
    this.acknowledge = acknowledge;
    this.list = document.getElementById('tiles');
    this.tiles = new Map();
    this.order = '';
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) entry.target.tile.visible = entry.isIntersecting;
    });
    new ResizeObserver(() => this.layout()).observe(document.getElementById('content'));
    this.list.addEventListener('keydown', (event) => this.arrows(event));
  }

  /** Bring the tiles up to date; called a few times a second. */
  update(now) {
    const beds = this.ward.ordered();
    const names = new Set(beds.map((bed) => bed.name));
    for (const [name, tile] of this.tiles) {
      if (names.has(name)) continue;
      this.seen.unobserve(tile.root);
      tile.root.remove();
      this.tiles.delete(name);
    }
    for (const bed of beds) {
      if (!this.tiles.has(bed.name)) this.tiles.set(bed.name, this.make(bed.name));
      this.tiles.get(bed.name).update(bed, now);
    }
    const order = beds.map((bed) => bed.name).join('\n');
    if (order !== this.order) this.arrange(beds, order);
    document.getElementById('empty').hidden = beds.length > 0;
  }

  make(name) {
    const tile = new Tile(name, this.ward, () => this.acknowledge(name));
    tile.root.tile = tile;
    this.seen.observe(tile.root);
    return tile;
  }

  arrange(beds, order) {
    const focused = document.activeElement;
    const grown = beds.length !== this.order.split('\n').filter(Boolean).length;
    this.order = order;
    beds.forEach((bed, i) => {
      const { root } = this.tiles.get(bed.name);
      if (this.list.children[i] !== root) this.list.insertBefore(root, this.list.children[i] ?? null);
    });
    if (this.list.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true });
    if (grown) this.layout();
  }

  /** Choose columns and the height of rows. */
  layout() {
    const count = this.tiles.size;
    if (!count || this.list.offsetParent === null) return;
    const width = this.list.clientWidth;
    const below = document.querySelector('.foot').offsetHeight + 4;
    const height = window.innerHeight - this.list.getBoundingClientRect().top - window.scrollY - below;
    let best = null;
    const most = Math.max(1, Math.floor((width + GAP) / (MIN_WIDTH + GAP)));
    for (let columns = 1; columns <= Math.min(most, count); columns++) {
      const rows = Math.ceil(count / columns);
      const tall = (height - GAP * (rows - 1)) / rows;
      const wide = (width - GAP * (columns - 1)) / columns;
      if (tall < MIN_HEIGHT) continue;
      const score = Math.min(wide / BEST_RATIO, tall);
      if (!best || score > best.score) best = { columns, tall: Math.min(tall, wide * 0.75, 560), score };
    }
    best ??= { columns: most, tall: width / most < 420 ? 128 : 150 };
    this.columns = best.columns;
    this.list.style.setProperty('--columns', best.columns);
    this.list.style.setProperty('--tall', `${Math.floor(best.tall)}px`);
    for (const tile of this.tiles.values()) tile.measure();
  }

  draw(now) {
    for (const tile of this.tiles.values()) {
      if (tile.visible) tile.draw(now);
    }
  }

  renew() {
    for (const tile of this.tiles.values()) tile.renew();
  }

  /** The bed whose tile has the focus. */
  focused() {
    return document.activeElement?.closest('.tile')?.tile.name ?? null;
  }

  arrows(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
    const step = steps[event.key];
    const root = event.target.closest('.tile');
    if (!step || !root) return;
    event.preventDefault();
    const next = [...this.list.children].indexOf(root) + step;
    this.list.children[next]?.tile.link.focus();
  }
}

class Tile {
  constructor(name, ward, acknowledge) {
    this.name = name;
    this.ward = ward;
    this.visible = true;
    const root = document.getElementById('tile').content.firstElementChild.cloneNode(true);
    this.root = root;
    this.parts = Object.fromEntries([...root.querySelectorAll('[data-part]')].map((e) => [e.dataset.part, e]));
    this.link = this.parts.name;
    this.link.textContent = name;
    this.link.href = `#/bed/${encodeURIComponent(name)}`;
    this.parts.ack.addEventListener('click', acknowledge);
    this.parts.ack.setAttribute('aria-label', `Acknowledge all alarms of ${name}`);
    this.sweep = new Sweep(this.parts.trace);
    this.renew();
  }

  measure() {
    const { clientWidth, clientHeight } = this.parts.screen;
    this.sweep.resize(clientWidth, clientHeight, window.devicePixelRatio || 1);
    this.sweep.mmPerS = Math.min(25, clientWidth / TILE_SPAN_S / paper.pxPerMm);
  }

  renew() {
    this.sweep.colour = colourOf('trace');
    this.sweep.renew();
  }

  update(bed, now) {
    const { parts, root } = this;
    const why = unseen(this.ward, bed, now);
    this.why = noTrace(this.ward, bed, now);
    const off = this.why || leadText(bed);
    const [first, ...others] = urgent(bed);
    const alarm = this.ward.lost ? null : first;
    root.dataset.priority = alarm ? alarm.priority : 'none';
    root.dataset.state = alarm ? alarm.state : 'none';
    root.dataset.signal = why ? 'none' : this.why ? 'traceless' : bed.usable ? 'live' : 'unusable';
    set(parts.rate, rateText(this.ward, bed, now));
    set(parts.rhythm, why ? '' : bed.rhythm_text);
    set(parts.ectopic, why || !bed.pvcs_per_min ? '' : `PVC ${bed.pvcs_per_min}/min`);
    set(parts.none, off);
    parts.none.hidden = !off;
    parts.banner.hidden = !alarm;
    parts.ack.hidden = !alarm || !may('control') || bed.alarms.every((a) => a.state === 'acknowledged');
    if (alarm) {
      set(parts.chip, MARKS[alarm.priority]);
      parts.chip.dataset.priority = alarm.priority;
      set(parts.text, alarm.text + (others.length ? ` (+${others.length})` : ''));
      set(parts.age, alarm.state === 'acknowledged' ? `${alarmAge(alarm)} ✓` : alarmAge(alarm));
    }
    const words = [alarm ? `${alarm.priority} alarm: ${alarm.text}` : '', off, bed.rhythm_text];
    const rate = rateText(this.ward, bed, now);
    attribute(this.link, 'aria-label', `${this.name}, heart rate ${rate === '--' ? 'not known' : rate}${words.filter(Boolean).map((w) => `, ${w}`).join('')}`);
    attribute(parts.trace, 'aria-label', `ECG of ${this.name}, lead ${bed.leads[0] ?? ''}`);
    this.bed = bed;
  }

  draw(now) {
    const trace = this.why ? null : (this.bed?.trace ?? null);
    trace?.advance(now);
    if (!this.sweep.width) this.measure();
    this.sweep.draw(trace, now);
  }
}

/** Change a text only if it is another one: that costs far less. */
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function attribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
