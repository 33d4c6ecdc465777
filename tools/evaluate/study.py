"""Shared by the sections of ``strangers``: how to run them, and intervals over patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
FOLDS = 4  # by default

Counts = Mapping[str, NDArray[np.float64]]
"""Counts of each patient; what is measured is a function of their sum."""

Figure = Callable[[NDArray[np.float64]], float | None]
"""From the sum of counts; None where it is not defined."""


@dataclass(frozen=True, slots=True)
class Study:
    """The settings with which a section is run.

    Parameters
    ----------
    folder
        With the databases, each in a folder of its own.
    work
        For built inputs and trained networks.
    seed
        Of training.
    folds
        Of cross-validation.
    quick
        Leave out what takes the whole monitor over all records.
    """

    folder: Path
    work: Path
    seed: int = 1
    folds: int = FOLDS
    quick: bool = False


def deal(names: list[str], count: int, seed: int = 1) -> list[list[str]]:
    """Deal patients out to folds, those of each database evenly.

    Parameters
    ----------
    names
        Patients as database and record, ``svdb/800``.
    count
        Number of folds.
    seed
        Of the order in which the patients of a database are dealt.

    Returns
    -------
    list of list of str
        Every patient is in one fold.
    """
    dealt: list[list[str]] = [[] for _ in range(count)]
    at = 0
    for database in databases_of(names):
        own = [name for name in names if name.startswith(f"{database}/")]
        for index in np.random.default_rng(seed).permutation(len(own)).tolist():
            dealt[at % count].append(own[index])
            at += 1
    return [sorted(fold) for fold in dealt]


def databases_of(names: list[str]) -> list[str]:
    """Give the databases of some patients, in the order in which they come."""
    return list(dict.fromkeys(name.split("/")[0] for name in names))


def interval(counts: Counts, figure: Figure, seed: int = 1) -> tuple[float, float] | None:
    """Give the 95 % interval of a figure, by drawing patients anew with repetition.

    Parameters
    ----------
    counts
        Of each patient, arrays of one shape.
    figure
        Of the sum of counts; None where it is not defined.
    seed
        Of the draws.

    Returns
    -------
    tuple or None
        Low and high end; None if the figure is defined in no draw.

    Examples
    --------
    >>> same = {name: np.array([9.0, 10.0]) for name in "abc"}
    >>> interval(same, lambda total: float(total[0] / total[1]))
    (0.9, 0.9)
    """
    patients = np.stack([counts[name] for name in sorted(counts)])
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(patients), (RESAMPLES, len(patients)))
    found = [figure(patients[rows].sum(axis=0)) for rows in drawn]
    values = [value for value in found if value is not None]
    if not values:
        return None
    low, high = np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def shown(counts: Counts, figure: Figure) -> str:
    """Show a figure of all patients and its interval: ``93.1 (90 to 95)``; "-" if undefined."""
    value = figure(np.sum(list(counts.values()), axis=0)) if counts else None
    if value is None:
        return "-"
    ends = interval(counts, figure)
    return f"{value:.1f}" + (f" ({ends[0]:.0f} to {ends[1]:.0f})" if ends else "")
