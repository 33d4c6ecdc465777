// What sounds, and when. The rules are those of the bell of the terminal dashboard:
// acknowledging silences the alarms there are; a pause ends when an alarm comes whose priority is
// higher than all that were there when it began. Nothing is silenced for good.

export const PAUSE_MS = 120_000;
export const REPEAT_MS = { high: 8000, medium: 15_000, low: 30_000 };
const RANK = { '': 0, low: 1, medium: 2, high: 3 };

export class Bell {
  constructor() {
    this.pausedUntil = 0;
    this.breaks = 0;
    this.last = ''; // what sounded last
    this.lastAt = -Infinity;
    this.known = new Set();
  }

  pausedFor(now) {
    return Math.max(0, this.pausedUntil - now);
  }

  /** Pause, or end the pause. `loudest` is what sounds now. */
  pause(loudest, now) {
    if (this.pausedFor(now) > 0) {
      this.pausedUntil = now;
      return;
    }
    this.pausedUntil = now + PAUSE_MS;
    this.breaks = RANK[loudest];
  }

  /**
   * Tell which pulses begin now: "high", "medium", "low" or "".
   * `alarms` are {key, sound} of all alarms that are not acknowledged.
   */
  due(alarms, now) {
    const loudest = loudestOf(alarms);
    if (this.pausedFor(now) > 0) {
      if (RANK[loudest] <= this.breaks) return '';
      this.pausedUntil = now;
    }
    const fresh = alarms.some((alarm) => alarm.sound === loudest && !this.known.has(alarm.key));
    this.known = new Set(alarms.map((alarm) => alarm.key));
    if (!loudest) {
      this.last = '';
      return '';
    }
    const louder = RANK[loudest] > RANK[this.last];
    if (!louder && !fresh && now - this.lastAt < REPEAT_MS[loudest]) return '';
    this.last = loudest;
    this.lastAt = now;
    return loudest;
  }
}

export function loudestOf(alarms) {
  return alarms.reduce((most, alarm) => (RANK[alarm.sound] > RANK[most] ? alarm.sound : most), '');
}
