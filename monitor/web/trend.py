"""Trends of one stream over hours, in bounded memory. Pure.

A point holds 10 s. Heart rates and ectopic beats come from the vitals of each second; the time is
that of the service's clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from monitor.messages import Vitals

STEP_S = 10
HOURS = 24


@dataclass(slots=True)
class _Point:
    number: int  # of the step since the epoch
    lowest_bpm: float | None = None
    highest_bpm: float | None = None
    sum_bpm: float = 0.0
    rates: int = 0
    seconds: int = 0
    usable: int = 0
    pvcs_per_min: int = 0


class Trend:
    """Folds vitals into points of :data:`STEP_S` seconds; the oldest are forgotten.

    Parameters
    ----------
    hours
        How far back it goes.
    """

    def __init__(self, hours: float = HOURS) -> None:
        self._points: deque[_Point] = deque(maxlen=round(hours * 3600 / STEP_S))

    def add(self, vitals: Vitals, wall_ns: int) -> None:
        """Take the vitals of one second."""
        number = wall_ns // (STEP_S * 1_000_000_000)
        if not self._points or number > self._points[-1].number:
            self._points.append(_Point(number))
        point = self._points[-1]  # a clock that goes back adds to the newest point
        point.seconds += 1
        point.usable += vitals.usable
        point.pvcs_per_min = max(point.pvcs_per_min, vitals.pvcs_per_min)
        rate = vitals.heart_rate_bpm
        if rate is not None and vitals.usable:
            point.rates += 1
            point.sum_bpm += rate
            point.lowest_bpm = rate if point.lowest_bpm is None else min(point.lowest_bpm, rate)
            point.highest_bpm = rate if point.highest_bpm is None else max(point.highest_bpm, rate)

    def table(self) -> dict[str, object]:
        """Give the points: lists of equal length, None where a figure is not known.

        ``time_s`` is the beginning of the point, in seconds since 1970; ``usable`` the share of
        its seconds whose signal could be analysed.
        """
        points = self._points
        return {
            "step_s": STEP_S,
            "time_s": [p.number * STEP_S for p in points],
            "low_bpm": [_rounded(p.lowest_bpm) for p in points],
            "mean_bpm": [_rounded(p.sum_bpm / p.rates if p.rates else None) for p in points],
            "high_bpm": [_rounded(p.highest_bpm) for p in points],
            "pvcs_per_min": [p.pvcs_per_min for p in points],
            "usable": [round(p.usable / p.seconds, 2) for p in points],
        }


def _rounded(rate_bpm: float | None) -> float | None:
    return None if rate_bpm is None else round(rate_bpm, 1)
