"""Marks on a sheet of paper, in millimetres from its upper left corner. Pure.

A row of NaN in the points of a line lifts the pen. A colour is ``#rrggbb``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points: TypeAlias = NDArray[np.float64]
Anchor = Literal["start", "middle", "end"]

INK = "#16202a"
FAINT = "#6b7782"


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A pen drawn through ``points``, shape (n, 2)."""

    points: Points
    colour: str = INK
    width_mm: float = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Dots:
    """A round dot at each of ``points``, shape (n, 2)."""

    points: Points
    colour: str = INK
    radius_mm: float = 0.25


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    colour: str


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; ``y_mm`` is its base line, ``size_mm`` the height of its letters' body."""

    x_mm: float
    y_mm: float
    text: str
    size_mm: float = 2.8
    colour: str = INK
    anchor: Anchor = "start"
    bold: bool = False


Item: TypeAlias = Line | Dots | Box | Text


def line(
    points: ArrayLike, colour: str = INK, width_mm: float = 0.2, x_mm: float = 0, y_mm: float = 0
) -> Line:
    """Give a line through ``points``, moved by (``x_mm``, ``y_mm``)."""
    return Line(np.add(points, np.array([x_mm, y_mm])), colour, width_mm)


def segments(ends: Iterable[tuple[float, float, float, float]], colour: str, width: float) -> Line:
    """Give many separate lines (x1, y1, x2, y2) of one pen.

    >>> segments([(0, 0, 1, 0)], "#000000", 0.1).points.shape
    (3, 2)
    """
    rows = np.array([*ends], np.float64).reshape(-1, 4)
    points = np.full((len(rows) * 3, 2), np.nan)
    points[0::3], points[1::3] = rows[:, :2], rows[:, 2:]
    return Line(points, colour, width)


def moved(items: Iterable[Item], x_mm: float, y_mm: float) -> tuple[Item, ...]:
    """Give the items at another place."""

    def one(item: Item) -> Item:
        if isinstance(item, Line | Dots):
            return replace(item, points=item.points + np.array([x_mm, y_mm]))
        return replace(item, x_mm=item.x_mm + x_mm, y_mm=item.y_mm + y_mm)

    return tuple(one(item) for item in items)


def strokes(points: Points) -> list[tuple[int, int]]:
    """Give where the pen goes down and comes up again: [first, end) of rows. A lone row is none.

    >>> strokes(np.array([[0, 0], [1, 1], [np.nan, 0], [2, 2], [3, 3.0]]))
    [(0, 2), (3, 5)]
    """
    good = np.isfinite(points).all(axis=1)
    if good.all():
        return [(0, len(points))] if len(points) > 1 else []
    edges = np.flatnonzero(np.diff(np.concatenate(([0], good.astype(np.int8), [0])))).tolist()
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def pieces(points: Points) -> list[Points]:
    """Cut a line where the pen is lifted.

    >>> [len(p) for p in pieces(np.array([[0, 0], [1, 1], [np.nan, 0], [2, 2], [3, 3.0]]))]
    [2, 2]
    """
    return [points[first:end] for first, end in strokes(points)]
