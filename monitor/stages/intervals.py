"""Running statistics of the RR intervals: what is early or late for this patient.

The ratios to local and long-run means are those of P. de Chazal et al., IEEE Trans Biomed Eng
51:1196 (2004), doi:10.1109/TBME.2004.827359; the 90 % quantile and the irregularity measures
tell slow sinus rhythm among many early beats, and atrial fibrillation, from it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LONG_BEATS = 2000  # the long-run mean RR forgets over this many beats
RR_RANGE_S = (0.2, 3.0)


class RRHistory:
    """Running statistics of the RR intervals."""

    def __init__(self) -> None:
        self._log_rr = np.zeros(512)
        self._change = np.zeros(64)
        self._usual = np.zeros(512)  # log RR between two usual beats
        self._usual_count = 0
        self._count = 0
        self._changes = 0
        self._mean_s = 0.8
        self._previous = [0.0, 0.0, 0.0]  # log RR of the last beats, newest first

    def push(self, rr_s: float | None) -> tuple[list[float], float]:
        """Give the nineteen RR features of a beat, and its log RR ratio; then learn from it."""
        if rr_s is None:
            self._previous = [math.log(self._mean_s)] * 3
            mean = math.log(self._mean_s)
            return [mean, *[0.0] * 13, mean, *[0.0] * 4], 0.0
        rr_s = min(max(rr_s, RR_RANGE_S[0]), RR_RANGE_S[1])
        log_rr = math.log(rr_s)
        if self._count == 0:
            self._mean_s = rr_s
            self._previous = [log_rr] * 3
        mean = math.log(self._mean_s)
        features = [log_rr, log_rr - mean, *self._against_history(log_rr)]
        features[5:5] = [log_rr - self._previous[0], self._previous[0] - mean,
                         self._previous[1] - mean, self._previous[2] - mean]  # fmt: skip
        features += [*self._irregularity(), mean, *self._against_usual(log_rr)]
        features.append(self._nearest(log_rr))
        self._learn(rr_s, log_rr)
        return features, log_rr - mean

    def learn_usual(self, rr_s: float) -> None:
        """Learn an interval between two beats of the dominant group.

        What follows an ectopic beat is a compensatory pause and says nothing of the rate.
        """
        rr_s = min(max(rr_s, RR_RANGE_S[0]), RR_RANGE_S[1])
        self._usual[self._usual_count % 512] = math.log(rr_s)
        self._usual_count += 1

    def _against_usual(self, log_rr: float) -> list[float]:
        held = self._usual[: min(self._usual_count, 512)]
        if not len(held):
            return [0.0, 0.0, 0.0]
        at = self._usual_count
        order = np.arange(at - min(at, 32), at) % 512
        recent = self._usual[order]
        return [
            log_rr - _quantile(held, 0.9),
            log_rr - _quantile(recent, 0.5),
            log_rr - _quantile(recent[-8:], 0.5),
        ]

    def _nearest(self, log_rr: float) -> float:
        held = self._recent(8).tolist()
        return min((abs(value - log_rr) for value in held), default=0.0)

    def _recent(self, count: int) -> NDArray[np.float64]:
        at = self._count % 512
        if self._count >= 512 or at >= count:
            return self._log_rr[at - count : at] if at >= count else np.concatenate(
                (self._log_rr[at - count :], self._log_rr[:at])
            )  # fmt: skip
        return self._log_rr[:at]

    def _against_history(self, log_rr: float) -> list[float]:
        if self._count == 0:
            return [0.0, 0.0, 0.0, 0.5, 0.0]
        held = self._log_rr[: min(self._count, 512)]
        high = _quantile(held, 0.9)
        last64 = self._recent(64)
        low, median, upper = _quantiles(last64, 0.25, 0.5, 0.75)
        spread = 0.741 * (upper - low) + 0.02
        rank = int(np.count_nonzero(last64 < log_rr)) / len(last64)
        return [
            log_rr - high,
            log_rr - _quantile(self._recent(8), 0.5),
            log_rr - median,
            rank,
            (log_rr - median) / spread,
        ]

    def _irregularity(self) -> list[float]:
        held = min(self._changes, 64)
        if held == 0:
            return [0.0, 0.0, 0.0]
        at = self._changes % 64
        order = np.arange(at - held, at)  # negative indices wrap: newest last
        change = self._change[order]
        return [
            _quantile(change[-16:], 0.5),
            _quantile(change, 0.5),
            float(change[-32:].mean()),
        ]

    def _learn(self, rr_s: float, log_rr: float) -> None:
        self._log_rr[self._count % 512] = log_rr
        if self._count:
            self._change[self._changes % 64] = abs(log_rr - self._previous[0])
            self._changes += 1
        self._count += 1
        self._mean_s += (rr_s - self._mean_s) / min(self._count, LONG_BEATS)
        self._previous = [log_rr, *self._previous[:2]]


def _quantile(values: NDArray[np.float64], share: float) -> float:
    """Lower sample quantile: an element of ``values``."""
    return _quantiles(values, share)[0]


def _quantiles(values: NDArray[np.float64], *shares: float) -> list[float]:
    at = [int(share * (len(values) - 1)) for share in shares]
    parted = values.copy()  # np.partition goes through more layers
    parted.partition(at)
    return [float(parted[i]) for i in at]
