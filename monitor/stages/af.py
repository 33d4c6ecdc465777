"""Detects atrial fibrillation from irregular RR intervals and missing P waves.

In fibrillation most intervals differ from the one before, and no P wave repeats before the QRS.
The first measure is a low quantile of the absolute change between successive RR intervals, relative
to the median interval. It stays low in a rhythm with ectopic beats, which keeps some steady pairs.
The second is the coherence of :mod:`monitor.stages.pwave`. It tells frequent atrial ectopy, blocked
P waves and sinus arrhythmia from fibrillation. It is fibrillation while both say so.

Fibrillation does not begin while the intervals repeat: while a low quantile of the change from the
interval two, three and up to six beats before is low. So do bigeminy and trigeminy of atrial beats,
grouped conduction, breathing, and QRS complexes counted twice. In fibrillation an interval differs
from that six beats before as it does from the last.

The use of the distribution of RR changes is that of K. Tateno and L. Glass, Med Biol Eng
Comput 39:664 (2001), doi:10.1007/BF02345439, and of J. Lian et al., Am J Cardiol 107:1494
(2011). That bigeminy must be told from it is the point of A. Petrenas et al., Comput Biol Med
65:184 (2015), doi:10.1016/j.compbiomed.2015.01.019. RR irregularity and P waves together are used
as in S. Babaeizadeh et al., J Electrocardiol 42:522 (2009).

Notes
-----
* Intervals that begin or end with a ventricular beat are left out: changes are taken between
  intervals of three successive other beats.
* Beats called supraventricular ectopic stay: in fibrillation they are labelled so by chance.
* Atrial flutter with irregular conduction is called fibrillation; with conduction that is regular
  or repeats it is not.
* Once there, it does not end because intervals repeat for a while: that happens by chance.
* The intervals alone decide until there are enough beats to compare their P waves.
* The delay is about half a window: 16 beats for the intervals, 8 for the P waves.
* Start and end lie at the change point of the window: the changes before and after it are most
  probably of different kinds (D. V. Hinkley, Biometrika 57:1 (1970), doi:10.1093/biomet/57.1.1).
  Each change is over or under ``af_rr_change``, which is equally improbable in either rhythm. If
  the P waves alone decide, or show the end sooner, the middle of their beats is given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from monitor.config import RhythmSettings
from monitor.messages import AamiClass, Beat
from monitor.stages.band import BandSignal
from monitor.stages.pwave import PWaves

_QUANTILE = 0.4
_LEAST = 12
_CYCLES = range(2, 7)  # beats after which a rhythm may repeat
_LEAST_PAIRS = 6  # of intervals a cycle apart
_SPAN = 2  # changes are of the last so many times af_changes beats


def irregularity(changes_s: Sequence[float], rr_s: Sequence[float]) -> float:
    """Relative RR change that 60 % of the successive pairs exceed.

    Examples
    --------
    >>> irregularity([0.0] * 19, [0.8] * 20)
    0.0
    >>> round(irregularity([0.4] * 19, [0.5, 0.9] * 10), 2)
    0.57
    """
    ordered = sorted(changes_s)
    return ordered[int(_QUANTILE * (len(ordered) - 1))] / median(rr_s)


def repeats(intervals: Mapping[int, int], limit: float) -> bool:
    """Tell whether intervals resemble those two to six beats before.

    Parameters
    ----------
    intervals
        By the number of the beat that ends them.
    limit
        Of the change, relative to the median interval; 40 % of the pairs must be within it.

    Examples
    --------
    >>> repeats({beat: 12 if beat % 2 else 7 for beat in range(32)}, 0.06)
    True
    >>> repeats({beat: beat**2 % 31 for beat in range(32)}, 0.06)
    False
    """
    steady = limit * median(intervals.values())
    for cycle in _CYCLES:
        apart = [
            abs(rr - intervals[i - cycle]) for i, rr in intervals.items() if i - cycle in intervals
        ]
        if len(apart) < _LEAST_PAIRS:
            continue
        if sum(change <= steady for change in apart) > int(_QUANTILE * (len(apart) - 1)):
            return True
    return False


def changes(samples: Sequence[int], ventricular: Sequence[bool]) -> list[tuple[int, int, int]]:
    """Give the changes between successive RR intervals, without those of ventricular beats.

    Returns
    -------
    For each the index of its last beat, the absolute change and the later interval, in samples.
    """
    rr = [b - a for a, b in pairwise(samples)]
    return [
        (i, abs(rr[i - 1] - rr[i - 2]), rr[i - 1])
        for i in range(2, len(samples))
        if not (ventricular[i] or ventricular[i - 1] or ventricular[i - 2])
    ]


class AtrialFibrillation:
    """Follows the beats of one stream; ``active`` while they are in atrial fibrillation.

    Parameters
    ----------
    settings
        Limits named ``af_*``.
    rate_hz
        Sampling rate.
    band
        The signal up to now; P waves are looked for in it.
    """

    def __init__(self, settings: RhythmSettings, rate_hz: float, band: BandSignal) -> None:
        self._settings = settings
        self._p_waves = PWaves(rate_hz, band)
        self.forget()

    def forget(self) -> None:
        """Start anew, as after a hole."""
        self._p_waves.forget()
        self._count = 0
        # number of its beat, R peak, change and interval in samples
        self._changes: deque[tuple[int, int, int, int]] = deque(maxlen=self._settings.af_changes)
        self._near: list[Beat] = []
        self.active = False
        self._waited = False  # the intervals are those of fibrillation, but there are P waves
        self.turned_sample = 0  # where the present state began

    def skip(self) -> None:
        """Leave out the interval now open."""
        self._p_waves.skip()
        self._near.clear()

    def push(self, beat: Beat) -> None:
        """Take the next labelled beat."""
        self._p_waves.push(beat)
        self._count += 1
        self._near = [*self._near[-2:], beat]
        found = changes(
            [b.sample for b in self._near], [b.label is AamiClass.V for b in self._near]
        )
        for _, change, rr in found:
            self._changes.append((self._count, beat.sample, change, rr))
        oldest = self._count - _SPAN * self._settings.af_changes
        while self._changes and self._changes[0][0] <= oldest:
            self._changes.popleft()
        self._decide(beat)

    def _decide(self, beat: Beat) -> None:
        s = self._settings
        irregular: bool | None = None
        if len(self._changes) >= _LEAST:
            limit = s.af_rr_change * (s.af_hysteresis if self.active else 1.0)
            numbers, _, changed, rr = zip(*self._changes, strict=True)
            irregular = irregularity(changed, rr) > limit
            if irregular and not self.active:
                irregular = not repeats(dict(zip(numbers, rr, strict=True)), limit)
        coherence = self._p_waves.coherence or 0.0
        has_p = coherence > (s.af_p_end if self.active else s.af_p_coherence)
        if not self.active and irregular and not has_p:
            start = self._boundary()
            self._turn(max(start, self._p_waves.middle_sample) if self._waited else start)
        elif self.active and has_p:
            self._turn(min(self._boundary(), self._p_waves.middle_sample))
        elif self.active and irregular is False:
            self._turn(self._boundary())
        self._waited = bool(irregular and has_p)

    def _boundary(self) -> int:
        """R peak from which on the RR changes are most probably those of the other state."""
        best, boundary = 0, self._near[-1].sample
        if not self._changes:
            return boundary
        limit = self._settings.af_rr_change * median([rr for *_, rr in self._changes])
        evidence = 0
        for _, sample, change, _ in reversed(self._changes):
            evidence += 1 if (change > limit) is not self.active else -1
            if evidence > best:
                best, boundary = evidence, sample
        return boundary

    def _turn(self, sample: int) -> None:
        self.active = not self.active
        self.turned_sample = sample
