"""Trends of one stream over hours, in bounded memory. Pure.

A point holds 10 s. Heart rates and ectopic beats come from the vitals of each second; the time is
that of the service's clock. All memory is taken at the start: 260 kB for 24 hours.
"""

from __future__ import annotations

import numpy as np

from monitor.messages import Vitals

STEP_S = 10
HOURS = 24
_NONE = -1  # no point is here


class Trend:
    """Folds vitals into points of :data:`STEP_S` seconds; the oldest are forgotten.

    Parameters
    ----------
    hours
        How far back it goes.
    """

    def __init__(self, hours: float = HOURS) -> None:
        self._size = size = round(hours * 3600 / STEP_S)
        self._newest = _NONE
        self._number = np.full(size, _NONE, np.int64)  # of the step, since 1970
        self._low_bpm = np.full(size, np.nan, np.float32)
        self._high_bpm = np.full(size, np.nan, np.float32)
        self._sum_bpm = np.full(size, np.nan, np.float32)
        self._rates = np.full(size, 0, np.uint16)
        self._seconds = np.full(size, 0, np.uint16)
        self._usable = np.full(size, 0, np.uint16)
        self._pvcs = np.full(size, 0, np.uint16)

    def add(self, vitals: Vitals, wall_ns: int) -> None:
        """Take the vitals of one second."""
        number = wall_ns // (STEP_S * 1_000_000_000)
        if number > self._newest:
            self._begin(number)
        at = self._newest % self._size  # a clock that goes back adds to the newest point
        if self._seconds[at] == np.iinfo(np.uint16).max:
            return  # a clock that stands still
        self._seconds[at] += 1
        self._usable[at] += vitals.usable
        self._pvcs[at] = max(self._pvcs[at], vitals.pvcs_per_min)
        rate_bpm = vitals.heart_rate_bpm
        if rate_bpm is not None and vitals.usable:
            self._rates[at] += 1
            self._sum_bpm[at] += rate_bpm
            self._low_bpm[at] = np.fmin(self._low_bpm[at], rate_bpm)
            self._high_bpm[at] = np.fmax(self._high_bpm[at], rate_bpm)

    def _begin(self, number: int) -> None:
        at = number % self._size
        self._newest = self._number[at] = number
        self._low_bpm[at] = self._high_bpm[at] = np.nan
        self._sum_bpm[at] = 0.0
        self._rates[at] = self._seconds[at] = self._usable[at] = self._pvcs[at] = 0

    def table(self) -> dict[str, object]:
        """Give the points: lists of equal length, None where a figure is not known.

        ``time_s`` is the beginning of the point, in seconds since 1970; ``usable`` the share of
        its seconds whose signal could be analysed.
        """
        kept = np.flatnonzero(self._number > max(self._newest - self._size, _NONE))
        kept = kept[np.argsort(self._number[kept])]
        rates = self._rates[kept]
        means_bpm = np.where(rates > 0, self._sum_bpm[kept] / np.maximum(rates, 1), np.nan)
        return {
            "step_s": STEP_S,
            "time_s": (self._number[kept] * STEP_S).tolist(),
            "low_bpm": _rounded(self._low_bpm[kept]),
            "mean_bpm": _rounded(means_bpm),
            "high_bpm": _rounded(self._high_bpm[kept]),
            "pvcs_per_min": self._pvcs[kept].tolist(),
            "usable": np.round(self._usable[kept] / self._seconds[kept], 2).tolist(),
        }


def _rounded(rates_bpm: np.ndarray) -> list[float | None]:
    return [None if np.isnan(rate) else round(float(rate), 1) for rate in rates_bpm]
