"""What was rejected since the last beat, and may be a beat after all.

There are two ways back: as the best of it after a long time without a beat (search-back), and as
one of a regular train of alike candidates with no beat between.
"""

from __future__ import annotations

import itertools

import numpy as np

from monitor.stages.detect.evidence import Candidate
from monitor.stages.detect.history import History

LONGEST_S = 3.0  # how far back
_STANDS_OUT = 2.3  # times the median height around it; tops of noise have 1.1 to 2.3
_AROUND_S = 1.5
_LOW = -0.7  # log height: half the typical one
_TRAIN = 4  # intervals of a regular train of candidates, all rejected
_TRAIN_S = 0.55  # the longest of them: slower, they may be P waves or pacing without capture
_REGULAR = 0.15  # part by which they may differ
_SAME = 0.9  # correlation of neighbours in it
_TALL = -1.2  # log height that they need in one lead


class Rejected:
    """The candidates rejected since the last beat.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    history
        The signal.
    delay
        Samples by which the envelope lags behind it.

    Attributes
    ----------
    open
        Those that may be taken by search-back.
    """

    def __init__(self, rate_hz: float, history: History, delay: int) -> None:
        self._history = history
        self._delay = delay
        self._longest = LONGEST_S * rate_hz
        self._train = _TRAIN_S * rate_hz
        self._around = round(_AROUND_S * rate_hz)
        self.forget()

    def forget(self) -> None:
        """Begin anew: there was a beat, or a hole."""
        self._row: list[Candidate] = []
        self.open: list[Candidate] = []

    def in_train(self, candidate: Candidate) -> bool:
        """Take in a candidate, and say whether it is one of a regular train."""
        self._row = [*self._row[-_TRAIN:], candidate]
        if len(self._row) <= _TRAIN:
            return False
        if any(c.match.like_previous < _SAME or c.figures[2] < _TALL for c in self._row[1:]):
            return False
        samples = [c.sample for c in self._row]
        spacing = [b - a for a, b in itertools.pairwise(samples)]
        return max(spacing) < self._train and min(spacing) > (1 - _REGULAR) * max(spacing)

    def age(self, now: int) -> None:
        """Close those that are too old by now, a stream index."""
        self.open = [c for c in self.open if c.sample > now - self._longest]

    def best(self) -> Candidate | None:
        """Give the best of those that are open and more than noise; the others are closed."""
        self.open = [c for c in self.open if self._stands_out(c)]
        return max(self.open, key=lambda c: c.log_odds, default=None)

    def _stands_out(self, candidate: Candidate) -> bool:
        """Whether it is more than the noise around it, as far as it is low."""
        if candidate.figures[0] > _LOW:
            return True
        at, end = self._history.at, self._history.end
        height, place = self._history.height[:at], candidate.sample + self._delay + at - end
        around = height[max(0, place - self._around) :]
        return bool(height[place] > _STANDS_OUT * np.median(around))
