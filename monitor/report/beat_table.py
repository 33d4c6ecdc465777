"""Beats as arrays, for counting. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.messages import Beat

NN_MIN_S, NN_MAX_S = 0.3, 2.0


@dataclass(frozen=True, slots=True, eq=False)
class BeatTable:
    """The beats of a recording in order of time.

    Parameters
    ----------
    at_s
        Time of the R peak from the beginning, in seconds, shape (n,).
    labels
        AAMI class of each, ``N S V F Q``, shape (n,).
    rr_s
        Interval from the beat before, in seconds, shape (n,); NaN where there is none, after a
        start, a gap or a shutdown.
    """

    at_s: NDArray[np.float64]
    labels: NDArray[np.str_]
    rr_s: NDArray[np.float64]

    @classmethod
    def of(cls, beats: Sequence[Beat], rate_hz: float, start_sample: int) -> BeatTable:
        """Make the table of beats that are in order of time."""
        at_s = np.array([b.sample - start_sample for b in beats], np.float64) / rate_hz
        labels = np.array([b.label.value for b in beats], "<U1")
        rr_s = np.array([np.nan if b.rr_s is None else b.rr_s for b in beats], np.float64)
        return cls(at_s, labels, rr_s)

    def __len__(self) -> int:
        return len(self.at_s)

    def is_label(self, label: str) -> NDArray[np.bool_]:
        """Tell which beats have a label."""
        return np.asarray(self.labels == label, np.bool_)

    def between(self, first_s: float, last_s: float) -> BeatTable:
        """Give the beats of [first_s, last_s)."""
        low, high = np.searchsorted(self.at_s, (first_s, last_s))
        part = slice(low, high)
        return BeatTable(self.at_s[part], self.labels[part], self.rr_s[part])

    @property
    def is_nn(self) -> NDArray[np.bool_]:
        """Tell which beats end an N-N interval.

        Both beats are N, nothing is missing between them, and the interval lies between
        :data:`NN_MIN_S` and :data:`NN_MAX_S`.
        """
        normal = self.is_label("N")
        after_normal = np.concatenate(([False], normal[:-1])) if len(normal) else normal
        with np.errstate(invalid="ignore"):
            lies = (self.rr_s >= NN_MIN_S) & (self.rr_s <= NN_MAX_S)
        return np.asarray(normal & after_normal & lies, np.bool_)

    def stretches(self) -> Iterator[slice]:
        """Give the stretches of beats between which no interval is missing."""
        starts = np.flatnonzero(np.isnan(self.rr_s))
        edges = [0, *(int(s) for s in starts if s), len(self)]
        for first, last in itertools.pairwise(edges):
            if last > first:
                yield slice(first, last)
