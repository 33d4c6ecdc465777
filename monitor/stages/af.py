"""Atrial fibrillation from the irregularity of the RR intervals.

In fibrillation each interval is unlike the one before, not only a few of them. The measure is
a low quantile of the absolute change between successive intervals, relative to the median
interval, over some 50 beats: a rhythm with ectopic beats, however many, keeps some steady
pairs and stays low.

The use of the distribution of RR changes is that of K. Tateno and L. Glass, Med Biol Eng
Comput 39:664 (2001), doi:10.1007/BF02345439, and of J. Lian et al., Am J Cardiol 107:1494
(2011).

Notes
-----
* Intervals that begin or end with a ventricular beat are left out, with the one after.
* Beats called supraventricular ectopic stay: in fibrillation they are labelled so by chance.
* Delay: about half the window. The onset given is that much earlier.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from monitor.config import RhythmSettings
from monitor.messages import AamiClass, Beat

_QUANTILE = 0.4
_LEAST = 12


def irregularity(rr_s: Sequence[float]) -> float:
    """Relative RR change that 60 % of the successive pairs exceed.

    Examples
    --------
    >>> irregularity([0.8] * 20)
    0.0
    >>> round(irregularity([0.5, 0.9] * 10), 2)
    0.57
    """
    changes = sorted(abs(b - a) for a, b in pairwise(rr_s))
    middle = sorted(rr_s)[len(rr_s) // 2] if len(rr_s) % 2 else _median(rr_s)
    return changes[int(_QUANTILE * (len(changes) - 1))] / middle


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return (ordered[half - 1] + ordered[half]) / 2.0


class AtrialFibrillation:
    """Follows the beats of one stream; ``active`` says whether they fibrillate."""

    def __init__(self, rate_hz: float, settings: RhythmSettings) -> None:
        self._rate_hz = rate_hz
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        """Start anew, as after a hole."""
        self._rr_s: deque[float] = deque(maxlen=self._settings.af_beats)
        self._samples: deque[int] = deque(maxlen=self._settings.af_beats)
        self._previous: Beat | None = None
        self.active = False
        self.turned_sample = 0  # where the present state began

    def skip(self) -> None:
        """Leave out the interval now open."""
        self._previous = None

    def push(self, beat: Beat) -> None:
        """Take the next labelled beat."""
        previous, self._previous = self._previous, beat
        if previous is None or AamiClass.V in (beat.label, previous.label):
            return
        self._rr_s.append((beat.sample - previous.sample) / self._rate_hz)
        self._samples.append(beat.sample)
        if len(self._rr_s) < _LEAST:
            return
        measure = irregularity(tuple(self._rr_s))
        limit = self._settings.af_rr_change
        if self.active:
            limit *= self._settings.af_hysteresis
        if (measure > limit) != self.active:
            self.active = not self.active
            self.turned_sample = self._samples[len(self._samples) // 2]
