// What the page knows: the beds, the service, the link. No element of the page is touched here.

import { Trace, decode } from './trace.js';

const TILE_S = 20; // of signal kept for a tile
const PAGE_S = 40; // for the page of one bed
export const STALE_MS = 2000;
export const MARKS = { high: '!!!', medium: '!!', low: '!', technical: 'TEC' };
let aheadMs = Date.now() - performance.now(); // the clock of the station, which may be another
const ORDER = ['high', 'medium', 'low', 'technical'];

export class Ward {
  constructor() {
    this.beds = new Map(); // by name
    this.byNumber = new Map();
    this.service = { lost: true, heard: false, endpoint: '', problem: '', late: 0, turned_away: 0 };
    this.linked = false;
    this.lostAt = performance.now();
    this.watched = null; // name of the bed whose page is open
    this.leads = [0, 1];
  }

  /** Nothing that is shown is live: the station or its service is gone. */
  get lost() {
    return !this.linked || this.service.lost;
  }

  link(up) {
    this.linked = up;
    if (!up) {
      this.lostAt = performance.now();
      this.forgetTraces();
    }
  }

  take(message) {
    if (message.type === 'tick') {
      aheadMs = message.wall_ms - performance.now();
      if (message.lost && !this.service.lost) {
        this.lostAt = performance.now();
        this.forgetTraces();
      }
      this.service = message;
    } else if (message.type === 'ward') {
      const names = new Set(message.names);
      for (const [name, bed] of this.beds) {
        if (names.has(name)) continue;
        this.beds.delete(name);
        this.byNumber.delete(bed.number);
      }
    } else if (message.type === 'beds') {
      for (const fields of message.beds) this.bed(fields);
    }
  }

  bed(fields) {
    const now = performance.now();
    const old = this.beds.get(fields.name);
    if (old && old.number !== fields.number) this.byNumber.delete(old.number);
    const bed = old ?? { trace: null, since: now };
    if (bed.begun !== fields.begun || bed.number !== fields.number) bed.trace = null;
    Object.assign(bed, fields, { at: now });
    if (bed.unwatched || bed.status === 'ended') forget(bed, now);
    this.beds.set(bed.name, bed);
    this.byNumber.set(bed.number, bed);
  }

  samples(buffer) {
    const now = performance.now();
    for (const piece of decode(buffer)) {
      const bed = this.byNumber.get(piece.number);
      if (!bed || piece.begun !== bed.begun || bed.unwatched || bed.status === 'ended') continue;
      const seconds = this.watched === null ? TILE_S : PAGE_S;
      if (!bed.trace || bed.trace.leads !== piece.leads) {
        bed.trace = new Trace(bed.rate_hz, piece.leads, seconds);
      }
      bed.trace.write(piece.start, piece.step, piece.rows, piece.values, now);
    }
  }

  forgetTraces() {
    const now = performance.now();
    for (const bed of this.beds.values()) forget(bed, now);
  }

  /** Beds, the most urgent first, then by name: bed-2 before bed-10. */
  ordered() {
    return [...this.beds.values()].sort((a, b) => a.rank - b.rank || byName(a.name, b.name));
  }
}

/** Forget the trace of a bed: what comes next begins anew. */
export function forget(bed, now) {
  bed.trace = null;
  bed.since = now;
}

const collator = new Intl.Collator('en', { numeric: true });
const byName = (a, b) => collator.compare(a, b);

/** Alarms of a bed, the most urgent first; acknowledged ones behind. */
export function urgent(bed) {
  const place = (alarm) => ORDER.indexOf(alarm.priority) + (alarm.state === 'acknowledged' ? 0.5 : 0);
  return [...bed.alarms].sort((a, b) => place(a) - place(b) || b.onset - a.onset);
}

/** Why nothing is known of a patient now; "" when something is. */
export function unseen(ward, bed, now) {
  if (!ward.linked) return 'NO CONNECTION';
  if (ward.service.lost) return 'NO SERVICE';
  if (bed.status === 'ended') return 'ENDED';
  if (bed.status === 'waiting') return 'WAITING FOR SAMPLES';
  if (bed.status === 'quarantined') return 'NOT ANALYSED';
  return bed.unwatched ? `NO SAMPLES ${age(sinceMs(bed, now))}` : '';
}

/** Why no trace is shown; "" when one is. A server that is too slow sends numbers and alarms only. */
export function noTrace(ward, bed, now) {
  const why = unseen(ward, bed, now);
  if (why) return why;
  const silentMs = now - (bed.trace ? bed.trace.cameAt : bed.since);
  if (silentMs <= STALE_MS) return '';
  return ward.service.late ? 'NO TRACE: server too slow' : `NO TRACE ${age(silentMs)}`;
}

function sinceMs(bed, now) {
  const stale = bed.alarms.find((alarm) => alarm.kind === 'stream_stale');
  return stale ? stationMs() - stale.raised_ms : now - bed.at;
}

/** The time of the station, ms since 1970. */
export const stationMs = () => performance.now() + aheadMs;

/** How long ago an alarm began, in words. */
export function alarmAge(alarm) {
  return age(Math.max(0, stationMs() - alarm.raised_ms));
}

/** An age in one coarse unit. */
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

/** The heart rate as it is shown: `--` while it is not known, never 0. */
export function rateText(ward, bed, now) {
  if (bed.heart_rate_bpm === null || unseen(ward, bed, now)) return '--';
  return String(Math.min(999, Math.round(bed.heart_rate_bpm)));
}

/** States of leads that are not good, in words. */
export function leadText(bed) {
  const words = { lead_off: 'LEAD OFF', flat: 'FLAT', saturated: 'SATURATED', noisy: 'NOISY', invalid: 'NO SAMPLES' };
  const bad = bed.lead_states.map((state, i) => (words[state] ? `${bed.leads[i] ?? ''} ${words[state]}` : ''));
  return bad.filter(Boolean).join(', ');
}
