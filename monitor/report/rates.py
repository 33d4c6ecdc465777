"""Heart rate and pauses. Pure.

The mean rate is 60 over the mean of all RR intervals, as ``annotate`` has it. The lowest and the
highest rate are those of :data:`RATE_BEATS` intervals in a row. A pause is an RR interval over
:data:`PAUSE_S`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.report.beat_table import BeatTable

RATE_BEATS = 8
PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A heart rate, and the time of the last beat it rests on."""

    bpm: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """An RR interval: the time of its first beat, and its length, in seconds."""

    at_s: float
    length_s: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Heart rate of a stretch; None where there are too few beats."""

    lowest: Rate | None
    mean_bpm: float | None
    highest: Rate | None


def running_rate(table: BeatTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the rate over each :data:`RATE_BEATS` intervals in a row: times (n,), bpm (n,)."""
    times, rates = [np.empty(0)], [np.empty(0)]
    for stretch in table.stretches():
        at_s = table.at_s[stretch]
        if len(at_s) > RATE_BEATS:
            times.append(at_s[RATE_BEATS:])
            rates.append(60.0 * RATE_BEATS / (at_s[RATE_BEATS:] - at_s[:-RATE_BEATS]))
    return np.concatenate(times), np.concatenate(rates)


def rates(table: BeatTable) -> Rates:
    """Give lowest, mean and highest heart rate.

    Examples
    --------
    >>> t = np.arange(20) * 0.75
    >>> table = BeatTable(t, np.array(["N"] * 20), np.array([np.nan, *np.diff(t)]))
    >>> found = rates(table)
    >>> round(found.mean_bpm), round(found.lowest.bpm), round(found.highest.bpm)
    (80, 80, 80)
    """
    known = table.rr_s[np.isfinite(table.rr_s)]
    mean = 60.0 * len(known) / float(known.sum()) if len(known) else None
    at_s, bpm = running_rate(table)
    if not len(bpm):
        return Rates(None, mean, None)
    low, high = int(bpm.argmin()), int(bpm.argmax())
    return Rates(
        Rate(float(bpm[low]), float(at_s[low])), mean, Rate(float(bpm[high]), float(at_s[high]))
    )


def pauses(table: BeatTable) -> tuple[Pause, ...]:
    """Give all pauses, in order of time."""
    with np.errstate(invalid="ignore"):
        places = np.flatnonzero(table.rr_s > PAUSE_S)
    return tuple(Pause(float(table.at_s[i] - table.rr_s[i]), float(table.rr_s[i])) for i in places)


def longest_interval(table: BeatTable) -> Pause | None:
    """Give the longest RR interval, None without intervals."""
    if not np.isfinite(table.rr_s).any():
        return None
    i = int(np.nanargmax(table.rr_s))
    return Pause(float(table.at_s[i] - table.rr_s[i]), float(table.rr_s[i]))
