"""Ectopic beats: single, in pairs, in runs, in bigeminy and trigeminy. Pure.

A row of ectopic beats is one that no other beat and no gap interrupts. One is single, two are a
couplet, three or more a run. Bigeminy is three or more single ectopic beats with one other beat
between them, trigeminy three or more with two between them. Fusion beats count as neither V nor S.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.report.beat_table import BeatTable

RUN_BEATS = 3
CYCLES = 3  # of bigeminy or trigeminy make an episode


@dataclass(frozen=True, slots=True)
class Run:
    """Three or more ectopic beats in a row; the rate is the mean of their own intervals."""

    at_s: float
    end_s: float
    beats: int
    rate_bpm: float


@dataclass(frozen=True, slots=True)
class Ectopy:
    """The ectopic beats of one class; ``burden_percent`` is their share of all beats."""

    label: str
    beats: int
    burden_percent: float | None
    singles: int
    couplets: int
    runs: tuple[Run, ...]
    bigeminy_episodes: int
    bigeminy_beats: int
    trigeminy_episodes: int
    trigeminy_beats: int

    @property
    def run_beats(self) -> int:
        """Beats in runs."""
        return sum(run.beats for run in self.runs)

    @property
    def longest(self) -> Run | None:
        """The run with the most beats, the first of several."""
        return max(self.runs, key=lambda run: run.beats, default=None)

    @property
    def fastest(self) -> Run | None:
        """The run with the highest rate, the first of several."""
        return max(self.runs, key=lambda run: run.rate_bpm, default=None)


def ectopy(table: BeatTable, label: str) -> Ectopy:
    """Count the ectopic beats of one class, ``V`` or ``S``.

    Examples
    --------
    >>> t = np.arange(8) * 0.8
    >>> rr = np.array([np.nan, *np.diff(t)])
    >>> found = ectopy(BeatTable(t, np.array([*"NVNVVVNN"]), rr), "V")
    >>> found.beats, found.singles, found.couplets, len(found.runs), found.longest.beats
    (4, 1, 0, 1, 3)
    """
    singles = couplets = 0
    runs: list[Run] = []
    bigeminy: list[int] = []
    trigeminy: list[int] = []
    for stretch in table.stretches():
        hit = table.is_label(label)[stretch]
        alone: list[int] = []
        for first, last in _rows(hit):
            length = last - first
            if length == 1:
                alone.append(first)
            elif length == 2:
                couplets += 1
            else:
                at_s = table.at_s[stretch][first:last]
                span_s = float(at_s[-1] - at_s[0])
                runs.append(
                    Run(float(at_s[0]), float(at_s[-1]), length, 60 * (length - 1) / span_s)
                )
        singles += len(alone)
        bigeminy += _chains(alone, 2)
        trigeminy += _chains(alone, 3)
    count = int(table.is_label(label).sum())
    burden = 100.0 * count / len(table) if len(table) else None
    return Ectopy(
        label,
        count,
        burden,
        singles,
        couplets,
        tuple(runs),
        len(bigeminy),
        sum(bigeminy),
        len(trigeminy),
        sum(trigeminy),
    )


def _rows(hit: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], hit.astype(np.int8), [0]))))
    return [*zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]


def _chains(places: list[int], step: int) -> list[int]:
    """Give the lengths of the chains of places that lie ``step`` apart, if long enough."""
    lengths: list[int] = []
    length = 0
    before: int | None = None
    for place in places:
        length = length + 1 if before is not None and place - before == step else 1
        if length == CYCLES:
            lengths.append(length)
        elif length > CYCLES:
            lengths[-1] = length
        before = place
    return lengths
