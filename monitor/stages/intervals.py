"""Compares each RR interval to those before it: early or late for this patient.

The ratios to local and long-run means are those of P. de Chazal et al., IEEE Trans Biomed Eng
51:1196 (2004), doi:10.1109/TBME.2004.827359. The 90 % quantile shows a slow sinus rhythm among
many early beats, and the irregularity shows atrial fibrillation.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, insort
from collections import deque

import numpy as np

LONG_BEATS = 2000  # the long-run mean RR forgets over this many beats
RR_RANGE_S = (0.2, 3.0)


class RRHistory:
    """Running statistics of the RR intervals."""

    def __init__(self) -> None:
        self._log_rr = {size: _Numbers(size) for size in (512, 64, 8)}
        self._change = {size: _Numbers(size) for size in (64, 32, 16)}  # of log RR, without sign
        self._usual = {size: _Numbers(size) for size in (512, 32)}  # log RR of two usual beats
        self._beats = 0  # at most LONG_BEATS
        self._mean_s = 0.8
        self._previous = [0.0, 0.0, 0.0]  # log RR of the last beats, newest first
        self._since_usual_s: float | None = None  # from the last usual beat to the newest beat
        self._since_usual = 0  # RR intervals in it

    def push(self, rr_s: float | None) -> tuple[list[float], float]:
        """Give the seventeen RR features of a beat, and its log RR ratio; then learn from it."""
        if rr_s is None:
            self._previous = [math.log(self._mean_s)] * 3
            self._since_usual_s = None
            return [math.log(self._mean_s), *[0.0] * 12, math.log(self._mean_s), *[0.0] * 3], 0.0
        if self._since_usual_s is not None:
            self._since_usual_s += rr_s
            self._since_usual += 1
        rr_s = min(max(rr_s, RR_RANGE_S[0]), RR_RANGE_S[1])
        log_rr = math.log(rr_s)
        if not self._beats:
            self._mean_s = rr_s
            self._previous = [log_rr] * 3
        mean = math.log(self._mean_s)
        features = [log_rr, log_rr - mean, *self._against_history(log_rr)]
        features[5:5] = [log_rr - self._previous[0], self._previous[0] - mean,
                         self._previous[1] - mean]  # fmt: skip
        features += [*self._irregularity(), mean, *self._against_usual(log_rr)]
        self._learn(rr_s, log_rr)
        return features, log_rr - mean

    def learn_usual(self) -> None:
        """Learn that the beat pushed last is a usual one, of the dominant group.

        Only intervals between two usual beats that follow each other count as usual. The pause
        after an ectopic beat is compensatory and says nothing of the rate.
        """
        if self._since_usual_s is not None and self._since_usual == 1:
            _add(self._usual, _log_rr(self._since_usual_s))
        self._since_usual_s, self._since_usual = 0.0, 0

    def _against_usual(self, log_rr: float) -> list[float]:
        if not self._usual[32].count:
            return [0.0, 0.0, 0.0]
        median = self._usual[32].quantile(0.5)
        since_s = self._since_usual_s
        since = 0.0 if since_s is None else _log_rr(since_s) - median
        return [log_rr - self._usual[512].quantile(0.9), log_rr - median, since]

    def _against_history(self, log_rr: float) -> list[float]:
        if not self._beats:
            return [0.0, 0.0, 0.0, 0.5, 0.0]
        last64 = self._log_rr[64]
        low, median, upper = (last64.quantile(share) for share in (0.25, 0.5, 0.75))
        spread = 0.741 * (upper - low) + 0.02
        return [
            log_rr - self._log_rr[512].quantile(0.9),
            log_rr - self._log_rr[8].quantile(0.5),
            log_rr - median,
            last64.rank(log_rr),
            (log_rr - median) / spread,
        ]

    def _irregularity(self) -> list[float]:
        if not self._change[64].count:
            return [0.0, 0.0, 0.0]
        change = self._change
        return [change[16].quantile(0.5), change[64].quantile(0.5), change[32].mean()]

    def _learn(self, rr_s: float, log_rr: float) -> None:
        if self._beats:
            _add(self._change, abs(log_rr - self._previous[0]))
        _add(self._log_rr, log_rr)
        self._beats = min(self._beats + 1, LONG_BEATS)
        self._mean_s += (rr_s - self._mean_s) / self._beats
        self._previous = [log_rr, *self._previous[:2]]


def _log_rr(rr_s: float) -> float:
    return math.log(min(max(rr_s, RR_RANGE_S[0]), RR_RANGE_S[1]))


def _add(to: dict[int, _Numbers], number: float) -> None:
    for numbers in to.values():
        numbers.add(number)


class _Numbers:
    """The last numbers of a sequence, in order of time and of size, and their count."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_time: deque[float] = deque()
        self._by_size = array("d")

    @property
    def count(self) -> int:
        return len(self._by_time)

    def add(self, number: float) -> None:
        """Take the next number; the oldest goes when there are more than so many."""
        self._by_time.append(number)
        insort(self._by_size, number)
        if len(self._by_time) > self._size:
            del self._by_size[bisect_left(self._by_size, self._by_time.popleft())]

    def quantile(self, share: float) -> float:
        """Lower sample quantile: one of the numbers."""
        return self._by_size[int(share * (len(self._by_size) - 1))]

    def rank(self, number: float) -> float:
        """Share of the numbers that are smaller."""
        return bisect_left(self._by_size, number) / len(self._by_size)

    def mean(self) -> float:
        """Mean, summed up in order of time."""
        return float(np.array(self._by_time).mean())
