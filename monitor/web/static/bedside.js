// The page of one bed: two leads, numbers, alarms, trends, events.

import * as api from './api.js';
import { Events } from './events.js';
import { Lane } from './lane.js';
import { colourOf } from './sweep.js';
import { set } from './tiles.js';
import { drawTrend } from './trends.js';
import { MARKS, alarmAge, forget, leadText, noTrace, rateText, stationMs, unseen, urgent } from './ward.js';

const GAINS = [10, 20, 5, null];
const SPEEDS = [25, 50];
const TREND_MS = 10_000;
const SURE_MS = 5000; // in which a discharge is confirmed

export class Bedside {
  constructor(ward, actions) {
    this.ward = ward;
    this.actions = actions;
    this.root = document.getElementById('bedside');
    this.name = null;
    this.leads = [0, 1];
    this.scroll = false;
    this.mmPerS = 25;
    this.mmPerMv = 10;
    this.lanes = [];
  }

  /** Open the page of a bed; null closes it. */
  open(name) {
    this.watching?.disconnect();
    clearInterval(this.trending);
    this.name = this.ward.watched = name;
    this.root.replaceChildren();
    this.lanes = [];
    this.events = null;
    if (name !== null) this.build(name);
    this.leads = [0, 1];
    this.connection?.watch(name, this.leads);
  }

  build(name) {
    const page = document.getElementById('page').content.firstElementChild.cloneNode(true);
    this.root.append(page);
    this.parts = Object.fromEntries([...page.querySelectorAll('[data-part]')].map((e) => [e.dataset.part, e]));
    const { parts } = this;
    set(parts.name, name);
    this.root.setAttribute('aria-label', `Patient ${name}`);
    parts.ack.addEventListener('click', () => this.actions.acknowledge(name));
    parts.limits.addEventListener('click', () => this.actions.limits(name));
    parts.discharge.addEventListener('click', () => this.askDischarge(name));
    parts.mode.addEventListener('click', () => this.otherMode());
    parts.speed.addEventListener('click', () => this.otherSpeed());
    parts.gain.addEventListener('click', () => this.otherGain());
    parts.hours.addEventListener('change', () => this.plot());
    for (const [i, select] of [parts.lead1, parts.lead2].entries()) {
      select.addEventListener('change', () => this.choose(i, Number(select.value)));
    }
    this.events = new Events(parts, name);
    this.lanes = [0, 1].map((i) => new Lane(parts.screen, i));
    this.named = '';
    this.begun = null;
    this.table = null;
    this.watching = new ResizeObserver(() => this.measure());
    this.watching.observe(parts.screen);
    this.watching.observe(parts.trend.parentElement);
    this.trending = setInterval(() => this.fetchTrend(), TREND_MS);
    this.fetchTrend();
    this.settings();
  }

  keys() {
    return {
      w: () => this.otherMode(),
      v: () => this.otherSpeed(),
      g: () => this.otherGain(),
      l: () => this.actions.limits(this.name),
    };
  }

  escape() {
    if (this.parts.strip.hidden) location.hash = '#/';
    else this.events.close();
  }

  otherMode() {
    this.scroll = !this.scroll;
    this.settings();
  }

  otherSpeed() {
    this.mmPerS = SPEEDS[(SPEEDS.indexOf(this.mmPerS) + 1) % SPEEDS.length];
    this.settings();
  }

  otherGain() {
    this.mmPerMv = GAINS[(GAINS.indexOf(this.mmPerMv) + 1) % GAINS.length];
    this.settings();
  }

  settings() {
    const { parts } = this;
    set(parts.mode, this.scroll ? 'Scroll' : 'Sweep');
    set(parts.speed, `${this.mmPerS} mm/s`);
    set(parts.gain, this.mmPerMv === null ? 'Auto gain' : `${this.mmPerMv} mm/mV`);
    for (const { sweep } of this.lanes) {
      Object.assign(sweep, { scroll: this.scroll, mmPerS: this.mmPerS, mmPerMv: this.mmPerMv, lookedAt: 0 });
    }
    this.renew();
  }

  /** What clears alarms is asked for twice; a dialog would hold up the page. */
  askDischarge(name) {
    const button = this.parts.discharge;
    if (this.asked) {
      this.asked = false;
      this.actions.discharge(name);
    } else {
      this.asked = true;
      setTimeout(() => {
        this.asked = false;
        set(button, 'Discharge');
      }, SURE_MS);
    }
    set(button, this.asked ? 'Press again to discharge' : 'Discharge');
  }

  choose(lane, lead) {
    this.leads[lane] = lead;
    const bed = this.ward.beds.get(this.name);
    if (bed) forget(bed, performance.now());
    this.events.leads = this.leads;
    this.events.redraw();
    this.connection.watch(this.name, this.leads);
  }

  take(message) {
    if (message.name !== this.name) return;
    if (message.type === 'events') this.events.take(message);
    if (message.type !== 'beats' || message.begun !== this.ward.beds.get(this.name)?.begun) return;
    this.begin(message.begun);
    const colours = Object.fromEntries([...'NSVFQ'].map((label) => [label, colourOf(`beat-${label}`)]));
    const marks = message.beats.map(([sample, label]) => [sample, label, colours[label], false]);
    this.lanes[0].sweep.marks.push(...marks);
  }

  /** Labels of a signal that began anew belong to the old one. */
  begin(begun) {
    if (begun === this.begun) return;
    this.begun = begun;
    this.lanes[0].sweep.marks = [];
  }

  measure() {
    const { clientWidth, clientHeight } = this.parts.screen;
    this.lanes.forEach((lane) => lane.resize(clientWidth, clientHeight / this.lanes.length));
    this.plot();
  }

  renew() {
    for (const lane of this.lanes) lane.renew();
    this.plot();
    this.events?.redraw();
  }

  async fetchTrend() {
    const { name } = this;
    try {
      const table = await api.trend(name);
      if (this.name !== name) return;
      this.table = table;
      this.plot();
    } catch {
      // the link tells when the station is gone; the next look comes soon
    }
  }

  plot() {
    if (!this.table || this.name === null) return;
    const { trend, hours, trendtext } = this.parts;
    const { clientWidth, clientHeight } = trend.parentElement;
    if (clientWidth < 80) return;
    drawTrend(trend, this.table, Number(hours.value), clientWidth, clientHeight, stationMs() / 1000);
    const known = this.table.mean_bpm.filter((v) => v !== null);
    set(trendtext, known.length ? '' : 'No heart rate yet.');
  }

  update(now) {
    const bed = this.ward.beds.get(this.name);
    const { parts } = this;
    if (!bed) {
      parts.none.hidden = false;
      set(parts.none, this.ward.lost ? 'NO CONNECTION' : 'NO SUCH PATIENT');
      return;
    }
    if (this.named !== bed.leads.join()) this.nameLeads(bed);
    this.begin(bed.begun);
    const why = unseen(this.ward, bed, now);
    this.why = noTrace(this.ward, bed, now);
    const off = this.why || (bed.usable ? '' : leadText(bed));
    parts.none.hidden = !off;
    parts.none.dataset.trace = this.why ? 'none' : 'live';
    set(parts.none, off);
    const rate = rateText(this.ward, bed, now);
    const live = !why;
    set(parts.rate, rate);
    set(parts.source, bed.source);
    set(parts.rhythm, (live && bed.rhythm_text) || '--');
    set(parts.rr, live && bed.rr_s !== null ? `${Math.round(bed.rr_s * 1000)} ms` : '--');
    set(parts.ectopic, live && bed.pvcs_per_min !== null ? `${bed.pvcs_per_min} /min` : '--');
    const counts = Object.entries(bed.beat_counts).filter(([, n]) => n > 0);
    set(parts.counts, live && counts.length ? counts.map(([label, n]) => `${label} ${n}`).join('  ') : '--');
    set(parts.leads, why || leadText(bed) || (bed.usable ? 'good' : 'not usable'));
    set(parts.lag, live && bed.lag_s !== null ? `${bed.lag_s.toFixed(2)} s` : '--');
    parts.ack.disabled = !api.may('control') || bed.alarms.every((a) => a.state === 'acknowledged');
    parts.discharge.hidden = !api.may('discharge') || !(bed.unwatched || bed.status === 'ended');
    this.showAlarms(bed);
  }

  showAlarms(bed) {
    const alarms = this.ward.lost ? [] : urgent(bed);
    const { alarms: list } = this.parts;
    while (list.childElementCount > alarms.length) list.lastElementChild.remove();
    alarms.forEach((alarm, i) => {
      const item = list.children[i] ?? list.appendChild(alarmItem());
      item.dataset.priority = alarm.priority;
      item.dataset.state = alarm.state;
      const [chip, text, age] = item.children;
      chip.dataset.priority = alarm.priority;
      set(chip, MARKS[alarm.priority]);
      set(text, alarm.text);
      set(age, alarm.state === 'acknowledged' ? `${alarmAge(alarm)}, acknowledged` : alarmAge(alarm));
    });
  }

  nameLeads(bed) {
    this.named = bed.leads.join();
    if (bed.leads.length < 2) this.leads = [0, 0];
    for (const [i, select] of [this.parts.lead1, this.parts.lead2].entries()) {
      select.replaceChildren(...bed.leads.map((lead, n) => new Option(lead, n)));
      select.value = String(this.leads[i]);
    }
    const one = bed.leads.length < 2;
    this.parts.lead2.hidden = one;
    if (one && this.lanes.length > 1) this.lanes.pop().remove();
    this.measure();
  }

  draw(now) {
    const bed = this.ward.beds.get(this.name);
    const trace = this.why ? null : (bed?.trace ?? null);
    trace?.advance(now);
    this.lanes.forEach((lane, i) => {
      const column = Math.min(i, (trace?.leads ?? 1) - 1);
      lane.draw(trace, column, now, bed?.leads[this.leads[i]] ?? '');
    });
  }
}

function alarmItem() {
  const item = document.createElement('li');
  item.append(...['chip', 'alarm-text', 'alarm-age'].map((name) => {
    const span = document.createElement('span');
    span.className = name;
    return span;
  }));
  return item;
}
