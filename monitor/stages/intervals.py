"""Compares each RR interval to those before it: early or late for this patient.

The ratios to local and long-run means are those of P. de Chazal et al., IEEE Trans Biomed Eng
51:1196 (2004), doi:10.1109/TBME.2004.827359. The 90 % quantile shows a slow sinus rhythm among
many early beats, and the irregularity shows atrial fibrillation.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from monitor.ring import Ring

LONG_BEATS = 2000  # the long-run mean RR forgets over this many beats
RR_RANGE_S = (0.2, 3.0)


class RRHistory:
    """Running statistics of the RR intervals."""

    def __init__(self) -> None:
        self._log_rr = _Numbers(512)
        self._change = _Numbers(64)  # of log RR, without its sign
        self._usual = _Numbers(512)  # log RR between two usual beats
        self._mean_s = 0.8
        self._previous = [0.0, 0.0, 0.0]  # log RR of the last beats, newest first

    def push(self, rr_s: float | None) -> tuple[list[float], float]:
        """Give the sixteen RR features of a beat, and its log RR ratio; then learn from it."""
        if rr_s is None:
            self._previous = [math.log(self._mean_s)] * 3
            return [math.log(self._mean_s), *[0.0] * 12, math.log(self._mean_s), 0.0, 0.0], 0.0
        rr_s = min(max(rr_s, RR_RANGE_S[0]), RR_RANGE_S[1])
        log_rr = math.log(rr_s)
        if self._log_rr.count == 0:
            self._mean_s = rr_s
            self._previous = [log_rr] * 3
        mean = math.log(self._mean_s)
        features = [log_rr, log_rr - mean, *self._against_history(log_rr)]
        features[5:5] = [log_rr - self._previous[0], self._previous[0] - mean,
                         self._previous[1] - mean]  # fmt: skip
        features += [*self._irregularity(), mean, *self._against_usual(log_rr)]
        self._learn(rr_s, log_rr)
        return features, log_rr - mean

    def learn_usual(self, rr_s: float) -> None:
        """Learn an interval between two beats of the dominant group.

        The pause after an ectopic beat is compensatory and says nothing of the rate.
        """
        rr_s = min(max(rr_s, RR_RANGE_S[0]), RR_RANGE_S[1])
        self._usual.add(math.log(rr_s))

    def _against_usual(self, log_rr: float) -> list[float]:
        if self._usual.count == 0:
            return [0.0, 0.0]
        held, last32 = self._usual.last(512), self._usual.last(32)
        return [log_rr - _quantile(held, 0.9), log_rr - _quantile(last32, 0.5)]

    def _against_history(self, log_rr: float) -> list[float]:
        if self._log_rr.count == 0:
            return [0.0, 0.0, 0.0, 0.5, 0.0]
        high = _quantile(self._log_rr.last(512), 0.9)
        last64 = self._log_rr.last(64)
        low, median, upper = _quantiles(last64, 0.25, 0.5, 0.75)
        spread = 0.741 * (upper - low) + 0.02
        rank = int(np.count_nonzero(last64 < log_rr)) / len(last64)
        return [
            log_rr - high,
            log_rr - _quantile(self._log_rr.last(8), 0.5),
            log_rr - median,
            rank,
            (log_rr - median) / spread,
        ]

    def _irregularity(self) -> list[float]:
        if self._change.count == 0:
            return [0.0, 0.0, 0.0]
        change = self._change.last(64)
        return [
            _quantile(change[-16:], 0.5),
            _quantile(change, 0.5),
            float(change[-32:].mean()),
        ]

    def _learn(self, rr_s: float, log_rr: float) -> None:
        if self._log_rr.count:
            self._change.add(abs(log_rr - self._previous[0]))
        self._log_rr.add(log_rr)
        self._mean_s += (rr_s - self._mean_s) / min(self._log_rr.count, LONG_BEATS)
        self._previous = [log_rr, *self._previous[:2]]


class _Numbers:
    """The last numbers of a sequence, and how many there have been."""

    def __init__(self, size: int) -> None:
        self._ring = Ring(size, 1, dtype=np.float64)

    @property
    def count(self) -> int:
        return self._ring.end_sample

    def add(self, number: float) -> None:
        self._ring.write(self.count, np.array([[number]]))

    def last(self, count: int) -> NDArray[np.float64]:
        """Give the last ``count`` numbers, or as many as there are; the newest comes last."""
        return self._ring.read(count)[1][:, 0]


def _quantile(values: NDArray[np.float64], share: float) -> float:
    """Lower sample quantile: an element of ``values``."""
    return _quantiles(values, share)[0]


def _quantiles(values: NDArray[np.float64], *shares: float) -> list[float]:
    at = [int(share * (len(values) - 1)) for share in shares]
    parted = np.partition(values, at)
    return [float(parted[i]) for i in at]
