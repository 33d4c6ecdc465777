"""Groups the beats of each class by the shape of their QRS. Pure.

A beat joins the group whose mean it is most like, if the likeness 2 a.b / (|a|^2 + |b|^2) of the
two QRS is at least :data:`JOIN`, at the best of a few shifts; otherwise it begins a group. Groups
that have become alike are joined. The smallest groups of a class are put together as "other".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.messages import FloatArray

JOIN = 0.85
MAX_GROUPS = 6  # of one class, and one more for the rest
SHARE, MIN_BEATS = 0.01, 3  # of its class that a group needs, if it is not the largest
BEFORE_S, AFTER_S = 0.3, 0.5
QRS_S = (-0.10, 0.14)
SHIFT_S = 0.024
_BATCH = 4096
_LEADERS = 24  # groups begun in one class at most


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Beats of one class that look alike.

    Parameters
    ----------
    label
        The class.
    number
        1, 2 ... by size; 0 for the rest, which have no common shape.
    members
        Indices of the beats, in order of time.
    mean_mv
        Their mean about the R peak, from :data:`BEFORE_S` before to :data:`AFTER_S` after it,
        shape (samples, leads), mV.
    """

    label: str
    number: int
    members: NDArray[np.int64]
    mean_mv: FloatArray

    @property
    def name(self) -> str:
        """Name such as ``V2``."""
        return f"{self.label}{self.number}" if self.number else f"{self.label} other"


def groups(
    values_mv: FloatArray, rate_hz: float, places: NDArray[np.int64], labels: NDArray[np.str_]
) -> tuple[Group, ...]:
    """Group the beats.

    Parameters
    ----------
    values_mv
        The signal, shape (n, leads); the first lead decides.
    rate_hz
        Sampling rate.
    places
        Row of each R peak, shape (beats,).
    labels
        Class of each beat, shape (beats,).
    """
    out: list[Group] = []
    for label in "NSVFQ":
        members = np.flatnonzero(labels == label)
        if len(members):
            found = _grouped(values_mv[:, 0], rate_hz, places[members])
            for number, chosen in found:
                which = members[chosen]
                mean = _mean(values_mv, rate_hz, places[which])
                out.append(Group(label, number, which, mean))
    return tuple(out)


def _grouped(
    lead_mv: FloatArray, rate_hz: float, places: NDArray[np.int64]
) -> list[tuple[int, NDArray[np.int64]]]:
    """Give (number, indices of beats) of each group of one class."""
    sums: list[NDArray[np.float64]] = []
    counts: list[int] = []
    owner = np.full(len(places), -1, np.int64)
    for first, lagged in _windows(lead_mv, rate_hz, places):
        middle = lagged[len(lagged) // 2]
        waiting = np.arange(len(middle))
        while len(waiting):
            if sums:
                means = np.stack([s / c for s, c in zip(sums, counts, strict=True)])
                likeness, lag = _likeness(lagged[:, waiting], means)
                best = likeness.argmax(axis=1)
                rows = np.arange(len(waiting))
                joins = likeness[rows, best] >= JOIN
                if len(sums) >= _LEADERS:
                    joins[:] = True
                for group in np.unique(best[joins]).tolist():
                    mine = joins & (best == group)
                    shapes = lagged[lag[rows[mine], group], waiting[mine]]
                    sums[group] = sums[group] + shapes.sum(axis=0)
                    counts[group] += int(mine.sum())
                    owner[first + waiting[mine]] = group
                waiting = waiting[~joins]
            if len(waiting):
                sums.append(middle[waiting[0]].copy())
                counts.append(1)
                owner[first + waiting[0]] = len(sums) - 1
                waiting = waiting[1:]
    owner = _joined(owner, sums, counts)
    sizes = [(int((owner == g).sum()), -g) for g in np.unique(owner).tolist()]
    order = [-g for _, g in sorted(sizes, reverse=True)]
    enough = [size for size, _ in sizes if size >= max(SHARE * len(owner), MIN_BEATS)]
    own = min(max(len(enough), 1), MAX_GROUPS)
    named = [(n, np.flatnonzero(owner == g)) for n, g in enumerate(order[:own], 1)]
    rest = np.flatnonzero(np.isin(owner, order[own:]))
    return [*named, (0, rest)] if len(rest) else named


def _windows(
    lead_mv: FloatArray, rate_hz: float, places: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Give batches of QRS, shape (shifts, beats, samples), their means removed."""
    span = np.arange(round(QRS_S[0] * rate_hz), round(QRS_S[1] * rate_hz) + 1)
    reach = max(round(SHIFT_S * rate_hz), 1)
    step = max(reach // 3, 1)
    lags = np.arange(-reach // step * step, reach + 1, step)
    for first in range(0, len(places), _BATCH):
        at = places[first : first + _BATCH]
        rows = at[None, :, None] + lags[:, None, None] + span[None, None, :]
        cut = np.nan_to_num(lead_mv[np.clip(rows, 0, len(lead_mv) - 1)].astype(np.float64))
        yield first, cut - cut.mean(axis=2, keepdims=True)


def _likeness(
    lagged: NDArray[np.float64], means: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give the best likeness of each beat to each mean, and the shift of the best."""
    dots = lagged @ means.T  # (shifts, beats, groups)
    own = (lagged * lagged).sum(axis=2)[:, :, None]
    likeness = 2 * dots / (own + (means * means).sum(axis=1)[None, None, :] + 1e-9)
    lag = likeness.argmax(axis=0)
    return likeness.max(axis=0), lag


def _joined(
    owner: NDArray[np.int64], sums: list[NDArray[np.float64]], counts: list[int]
) -> NDArray[np.int64]:
    """Put groups together whose means have become alike, the smaller into the larger."""
    owner = owner.copy()
    order = sorted(range(len(sums)), key=lambda g: -counts[g])
    kept: list[int] = []
    for group in order:
        mean = sums[group] / counts[group]
        alike = [
            other
            for other in kept
            if float(_likeness(mean[None, None], (sums[other] / counts[other])[None])[0][0, 0])
            >= JOIN
        ]
        if alike:
            owner[owner == group] = alike[0]
        else:
            kept.append(group)
    return owner


def _mean(values_mv: FloatArray, rate_hz: float, places: NDArray[np.int64]) -> FloatArray:
    """Give the mean beat, shape (samples, leads), of at most some 2000 of the beats."""
    some = places[:: max(len(places) // 2000, 1)]
    span = np.arange(-round(BEFORE_S * rate_hz), round(AFTER_S * rate_hz) + 1)
    inside = some[(some + span[0] >= 0) & (some + span[-1] < len(values_mv))]
    if not len(inside):
        return np.full((len(span), values_mv.shape[1]), np.nan, np.float32)
    cut = values_mv[inside[:, None] + span]  # (beats, samples, leads)
    cut = cut - np.nan_to_num(np.nanmedian(cut, axis=1, keepdims=True))
    known = np.isfinite(cut)
    total = np.where(known, cut, 0).sum(axis=0)
    mean: FloatArray = (total / np.maximum(known.sum(axis=0), 1)).astype(np.float32)
    return mean
