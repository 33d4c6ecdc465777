"""The candidates rejected since the last beat, which may turn out to be beats.

A rejected candidate is taken after all in one of two ways: as the best one after a long time
without a beat (search-back), or as one of a regular train of alike candidates.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from monitor.stages.detect.deferred_decision import ALIKE
from monitor.stages.detect.features import Candidate
from monitor.stages.detect.history import History

LONGEST_S = 3.0  # how far search-back reaches
_T_WAVE_S = 0.36  # after Pan and Tompkins
_T_WAVE_LOWER = 0.5  # of the height of the beat before
_STANDS_OUT = 2.3  # times the median height around it; peaks of noise have 1.1 to 2.3
_AROUND_S = 1.5
_LOW = -0.7  # log height: half the typical one
_TRAIN = 4  # intervals of a regular train of candidates, all rejected
_TRAIN_S = 0.55  # the longest of them; slower trains may be P waves or pacing without capture
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
        The candidates that search-back may take.
    """

    def __init__(self, rate_hz: float, history: History, delay: int) -> None:
        self._history = history
        self._delay = delay
        self._longest = LONGEST_S * rate_hz
        self._t_wave = _T_WAVE_S * rate_hz
        self._train = _TRAIN_S * rate_hz
        self._around = round(_AROUND_S * rate_hz)
        self.forget()

    def forget(self) -> None:
        """Start anew after a beat or a gap."""
        self._row: list[Candidate] = []
        self.open: list[Candidate] = []

    def in_train(self, candidate: Candidate) -> bool:
        """Take in a candidate; tell whether it continues a regular train."""
        self._row = [*self._row[-_TRAIN:], candidate]
        if len(self._row) <= _TRAIN:
            return False
        if any(
            c.match.like_previous < _SAME or c.features.height_high < _TALL for c in self._row[1:]
        ):
            return False
        samples = [c.sample for c in self._row]
        spacing = [b - a for a, b in itertools.pairwise(samples)]
        return max(spacing) < self._train and min(spacing) > (1 - _REGULAR) * max(spacing)

    def add(self, candidate: Candidate, least: float, last: int | None, last_height: float) -> None:
        """Keep a candidate for search-back.

        One with log odds of ``least`` or less is left out, and so is one that may be the T wave of
        the last beat.
        """
        if candidate.log_odds > least and not self._t_wave_like(candidate, last, last_height):
            self.open.append(candidate)

    def _t_wave_like(self, candidate: Candidate, last: int | None, last_height: float) -> bool:
        """Whether it comes soon after a beat, is lower than half of it, and unlike it."""
        if last is None or candidate.sample - last > self._t_wave:
            return False
        lower = math.exp(candidate.features.height) < _T_WAVE_LOWER * last_height
        return lower and candidate.match.like_previous < ALIKE

    def expire(self, now: int) -> None:
        """Drop the candidates that are too old at ``now``, a stream index."""
        self.open = [c for c in self.open if c.sample > now - self._longest]

    def best(self) -> Candidate | None:
        """Give the best open candidate that stands out from noise; drop those that do not."""
        self.open = [c for c in self.open if self._stands_out(c)]
        return max(self.open, key=lambda c: c.log_odds, default=None)

    def _stands_out(self, candidate: Candidate) -> bool:
        """Whether it is tall, or higher than the noise around it."""
        if candidate.features.height > _LOW:
            return True
        place = self._history.place(candidate.sample + self._delay)
        height = self._history.height[: self._history.at]
        around = height[max(0, place - self._around) :]
        return bool(height[place] > _STANDS_OUT * np.median(around))
