"""Trends, histograms and scatter plots for reports. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.pictures.drawing import Drawing
from monitor.pictures.marks import FAINT, INK, Box, Dots, Item, Line, Text, segments

ACCENT, PALE, GRID = "#00695c", "#b5d8d3", "#e3e8ec"
_LEFT_MM, _BOTTOM_MM, _TOP_MM, _RIGHT_MM = 11.0, 9.0, 6.0, 2.0

Values = NDArray[np.float64]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """The area of a chart on its sheet, and the values at its edges."""

    width_mm: float
    height_mm: float
    x_range: Span
    y_range: Span

    def x_mm(self, value: float | Values) -> float | Values:
        """Place of a value along the sheet."""
        low, high = self.x_range
        room = self.width_mm - _LEFT_MM - _RIGHT_MM
        return _LEFT_MM + (value - low) / ((high - low) or 1.0) * room

    def y_mm(self, value: float | Values) -> float | Values:
        """Place of a value down the sheet."""
        low, high = self.y_range
        room = self.height_mm - _BOTTOM_MM - _TOP_MM
        return self.height_mm - _BOTTOM_MM - (value - low) / ((high - low) or 1.0) * room

    def points(self, x: Values, y: Values) -> Values:
        """Give places, shape (n, 2)."""
        return np.stack([np.asarray(self.x_mm(x)), np.asarray(self.y_mm(y))], axis=1)

    def axes(self, title: str, x_label: str, x_ticks: Sequence[tuple[float, str]]) -> list[Item]:
        """Draw title, grid and numbers."""
        left, right = _LEFT_MM, self.width_mm - _RIGHT_MM
        bottom, top = self.height_mm - _BOTTOM_MM, _TOP_MM
        levels = ticks(*self.y_range, 4)
        lines = [(left, float(self.y_mm(v)), right, float(self.y_mm(v))) for v in levels]
        lines += [(float(self.x_mm(v)), top, float(self.x_mm(v)), bottom) for v, _ in x_ticks]
        items: list[Item] = [segments(lines, GRID, 0.15)]
        items.append(segments([(left, bottom, right, bottom)], FAINT, 0.25))
        items.append(Text(0, 3.4, title, 3.0, bold=True))
        items += [
            Text(left - 1.2, float(self.y_mm(v)) + 0.8, f"{v:g}", 2.3, FAINT, "end") for v in levels
        ]
        items += [
            Text(float(self.x_mm(v)), bottom + 3.2, name, 2.3, FAINT, "middle")
            for v, name in x_ticks
        ]
        items.append(Text(right, self.height_mm - 1.4, x_label, 2.3, FAINT, "end"))
        return items


def ticks(low: float, high: float, about: int) -> list[float]:
    """Give round numbers between two values.

    >>> ticks(38, 131, 5)
    [40.0, 60.0, 80.0, 100.0, 120.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / about
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(m * scale for m in (1, 2, 5, 10) if m * scale >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def time_ticks(duration_s: float) -> list[tuple[float, str]]:
    """Give times and their names for an axis from the beginning on.

    >>> time_ticks(1806)
    [(0, '0:00'), (300, '0:05'), (600, '0:10'), (900, '0:15'), (1200, '0:20'), (1500, '0:25'), (1800, '0:30')]
    """  # noqa: E501
    step = _time_step_s(duration_s)
    times = range(0, int(duration_s) + 1, step)
    if step < 60:
        return [(t, f"{t // 60}:{t % 60:02d}") for t in times]
    return [(t, f"{t // 3600}:{t // 60 % 60:02d}") for t in times]


def time_label(duration_s: float) -> str:
    """Say what the names of :func:`time_ticks` are."""
    unit = "min:s" if _time_step_s(duration_s) < 60 else "h:min"
    return f"{unit} from the beginning"


def _time_step_s(duration_s: float) -> int:
    steps_s = (10, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600, 86400)
    return next((s for s in steps_s if duration_s / s <= 12), steps_s[-1])


def rate_trend(
    at_s: Values,
    bpm: Values,
    duration_s: float,
    width_mm: float,
    height_mm: float,
    shaded: Sequence[tuple[Sequence[Span], str]] = (),
    title: str = "Heart rate (bpm): lowest, mean and highest",
) -> Drawing:
    """Draw the heart rate: a bar from the lowest to the highest of each step, a line of the mean.

    Parameters
    ----------
    at_s, bpm
        Rates and their times, shape (n,), in order.
    duration_s
        Length of the time axis.
    width_mm, height_mm
        Of the sheet.
    shaded
        Spans to shade, in seconds, each with a colour.
    title
        Above the chart.
    """
    low, high = (float(bpm.min()), float(bpm.max())) if len(bpm) else (40.0, 120.0)
    y_range = (max(math.floor(low / 10 - 0.5) * 10.0, 0.0), math.ceil(high / 10 + 0.5) * 10.0)
    frame = Frame(width_mm, height_mm, (0.0, duration_s), y_range)
    items: list[Item] = [Box(0, 0, width_mm, height_mm, "#ffffff")]
    for spans, colour in shaded:
        items += _shades(frame, spans, colour)
    items += frame.axes(title, time_label(duration_s), time_ticks(duration_s))
    steps = int((width_mm - _LEFT_MM - _RIGHT_MM) * 2)  # two in a millimetre
    which = np.minimum((at_s / duration_s * steps).astype(np.int64), steps - 1)
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    if len(starts):
        lowest, highest = np.minimum.reduceat(bpm, starts), np.maximum.reduceat(bpm, starts)
        mean = np.add.reduceat(bpm, starts) / np.diff([*starts.tolist(), len(bpm)])
        middle = (which[starts] + 0.5) / steps * duration_s
        x = np.asarray(frame.x_mm(middle))
        bars = np.stack([x, np.asarray(frame.y_mm(lowest)), x, np.asarray(frame.y_mm(highest))], 1)
        items.append(segments(map(tuple, bars.tolist()), PALE, 0.5))
        points = frame.points(middle, mean)
        gaps = np.flatnonzero(np.diff(which[starts]) > max(steps // 100, 3)) + 1
        items.append(Line(np.insert(points, gaps, np.nan, axis=0), ACCENT, 0.3))
    return Drawing(width_mm, height_mm, tuple(items), title)


def bars(
    edges: Values,
    counts: Values,
    width_mm: float,
    height_mm: float,
    title: str,
    x_label: str,
    x_ticks: Sequence[tuple[float, str]],
    colour: str = ACCENT,
) -> Drawing:
    """Draw a histogram: ``counts`` (n,) between ``edges`` (n + 1,)."""
    top = max(float(counts.max()) if len(counts) else 0.0, 1.0) * 1.05
    frame = Frame(width_mm, height_mm, (float(edges[0]), float(edges[-1])), (0.0, top))
    items: list[Item] = [Box(0, 0, width_mm, height_mm, "#ffffff")]
    items += frame.axes(title, x_label, x_ticks)
    for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True):
        if count > 0:
            x, y = float(frame.x_mm(float(left))), float(frame.y_mm(float(count)))
            wide = float(frame.x_mm(float(right))) - x
            gap = min(0.15, wide * 0.1)
            items.append(Box(x, y, wide - gap, height_mm - _BOTTOM_MM - y, colour))
    return Drawing(width_mm, height_mm, tuple(items), title)


def scatter(x: Values, y: Values, limits: Span, size_mm: float, title: str, label: str) -> Drawing:
    """Draw a square scatter plot of ``x`` and ``y``, shape (n,), with its diagonal."""
    frame = Frame(size_mm, size_mm, limits, limits)
    names = [(v, f"{v:g}") for v in ticks(*limits, 4)]
    items: list[Item] = [Box(0, 0, size_mm, size_mm, "#ffffff")]
    items += frame.axes(title, label, names)
    ends = np.asarray(limits, np.float64)
    items.append(Line(frame.points(ends, ends), FAINT, 0.15))
    inside = (np.minimum(x, y) >= limits[0]) & (np.maximum(x, y) <= limits[1])
    places = frame.points(x[inside], y[inside])
    places = np.unique(np.rint(places * 5) / 5, axis=0)  # a dot each 0.2 mm shows as much
    items.append(Dots(places, INK, 0.22))
    return Drawing(size_mm, size_mm, tuple(items), title)


def _shades(frame: Frame, spans: Sequence[Span], colour: str) -> list[Item]:
    height = frame.height_mm - _BOTTOM_MM - _TOP_MM
    out: list[Item] = []
    for first, last in spans:
        x = float(frame.x_mm(first))
        wide = max(float(frame.x_mm(last)) - x, 0.15)
        out.append(Box(x, _TOP_MM, wide, height, colour))
    return out
