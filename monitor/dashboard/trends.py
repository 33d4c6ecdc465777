"""Figures of the last hours of one stream, in bounded memory. Pure.

Rules:

1. Time is signal time in seconds. A value is kept as the mean of its bin.
2. A time without a value stays empty: nothing is drawn where nothing was known.
3. Each figure is kept twice, in short bins for minutes and in long ones for hours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np

from monitor.messages import FloatArray, Vitals

SHORT_BIN_S, SHORT_BINS = 5.0, 240  # 20 minutes
LONG_BIN_S, LONG_BINS = 60.0, 720  # 12 hours

SPANS_S = (600, 3600, 4 * 3600, 12 * 3600)
"""Spans that can be shown, in seconds."""

FIGURES: dict[str, Callable[[Vitals], float | None]] = {
    "HR": lambda vitals: vitals.heart_rate_bpm if vitals.usable else None,
    "PVC/min": lambda vitals: float(vitals.pvcs_per_min) if vitals.usable else None,
}
"""What is kept: name, and how it is read from the vitals."""


class Binned:
    """Means of a figure in the newest ``bins`` bins of ``bin_s`` seconds.

    Examples
    --------
    >>> binned = Binned(5.0, 4)
    >>> for time_s, value in ((1.0, 60.0), (4.0, 62.0), (16.0, 80.0)):
    ...     binned.add(time_s, value)
    >>> binned.last(20.0, 10).tolist()
    [61.0, nan, nan, 80.0]
    """

    def __init__(self, bin_s: float, bins: int) -> None:
        self.bin_s = bin_s
        self._sums = np.zeros(bins)
        self._counts = np.zeros(bins, dtype=np.int64)
        self._newest = -1

    def add(self, time_s: float, value: float | None) -> None:
        """Add a value, or only let the time go on; a time before the kept ones starts anew."""
        size = len(self._sums)
        place = int(time_s // self.bin_s)
        if place <= self._newest - size:
            self._counts[:] = 0
            self._newest = place
        for passed in range(max(self._newest + 1, place - size + 1), place + 1):
            self._sums[passed % size] = 0.0
            self._counts[passed % size] = 0
        self._newest = max(self._newest, place)
        if value is not None:
            self._sums[place % size] += value
            self._counts[place % size] += 1

    def last(self, span_s: float, cells: int) -> FloatArray:
        """Give the last ``span_s`` seconds as at most ``cells`` means, oldest first.

        An unknown mean is NaN. Groups of bins lie at fixed times, so that a mean that has been
        shown once does not change as time goes on.
        """
        size = len(self._sums)
        wanted = min(size, ceil(span_s / self.bin_s))
        if self._newest < 0 or cells < 1:
            return np.zeros(0, np.float32)
        group = ceil(wanted / cells)
        last = self._newest // group
        first = max(0, last - ceil(wanted / group) + 1, -(-(self._newest - size + 1) // group))
        places = np.arange(first * group, (last + 1) * group)
        known = places <= self._newest
        counts = np.where(known, self._counts[places % size], 0).reshape(-1, group).sum(axis=1)
        sums = np.where(known, self._sums[places % size], 0.0).reshape(-1, group).sum(axis=1)
        means = np.full(len(counts), np.nan, np.float32)
        np.divide(sums, counts, out=means, where=counts > 0, casting="same_kind")
        return means


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """A figure over the last ``span_s``: means of shape (n,), oldest first, NaN unknown."""

    name: str
    span_s: int
    values: FloatArray


class Trends:
    """Keeps the figures of one stream."""

    def __init__(self) -> None:
        self._short = {name: Binned(SHORT_BIN_S, SHORT_BINS) for name in FIGURES}
        self._long = {name: Binned(LONG_BIN_S, LONG_BINS) for name in FIGURES}
        self._given: dict[tuple[str, float, int], FloatArray] = {}  # since the last value
        self._first_s: float | None = None
        self._last_s = 0.0

    def add(self, vitals: Vitals, rate_hz: float) -> None:
        """Take in the vitals of one second."""
        time_s = vitals.sample / rate_hz
        self._given.clear()
        if self._first_s is None or time_s < self._first_s:
            self._first_s = time_s
        self._last_s = time_s
        for name, read in FIGURES.items():
            value = read(vitals)
            self._short[name].add(time_s, value)
            self._long[name].add(time_s, value)

    def span_s(self) -> int:
        """Give the shortest span that can be shown and has all that is known, else the longest."""
        known_s = self._last_s - (self._last_s if self._first_s is None else self._first_s)
        return next((span_s for span_s in SPANS_S if span_s >= known_s), SPANS_S[-1])

    def last(self, name: str, span_s: float, cells: int) -> FloatArray:
        """Give a figure over the last ``span_s`` seconds, shape (at most ``cells``,)."""
        asked = (name, span_s, cells)
        if asked not in self._given:
            short = span_s <= SHORT_BIN_S * SHORT_BINS
            self._given[asked] = (self._short if short else self._long)[name].last(span_s, cells)
        return self._given[asked]

    def every(self, span_s: int | None, cells: int) -> tuple[Trend, ...]:
        """Give all figures over the last ``span_s`` seconds, None for all that is known."""
        span_s = span_s or self.span_s()
        return tuple(Trend(name, span_s, self.last(name, span_s, cells)) for name in FIGURES)
