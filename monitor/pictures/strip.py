"""A strip of ECG on true-scale paper: 25 mm/s, 10 mm/mV, calibration, beats and intervals. Pure.

The paper has a line each millimetre and a heavier one each 5 mm, so a small square is 40 ms by
0.1 mV. The pulse at the left is 1 mV high and 0.2 s long. Each lead is drawn about its median;
nothing is filtered. What leaves the lane of its lead is cut off at its edge.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.messages import FloatArray
from monitor.pictures.drawing import Drawing
from monitor.pictures.marks import FAINT, INK, Box, Item, Line, Text, line, segments

MM_PER_S = 25.0
MM_PER_MV = 10.0
LABEL_COLOURS = {"N": INK, "S": "#0b62c4", "V": "#b3261e", "F": "#7b1fa2", "Q": FAINT}
FINE, COARSE = "#f7dcd8", "#eab6ae"

_CALIBRATION_MM = 10.0  # of paper at the left, with the pulse
_LANE_MM, _LANE_MAX_MM = 15.0, 45.0
_SPARE_MM = 2.0
_HEAD_MM, _FOOT_MM = 9.0, 5.0
_NARROW_MM = 7.5  # an interval closer than this has no room for its number


@dataclass(frozen=True, slots=True, eq=False)
class Lead:
    """The signal of one lead: ``values_mv`` has shape (n,), mV; NaN is missing."""

    name: str
    values_mv: FloatArray
    unit: str = "mV"


@dataclass(frozen=True, slots=True)
class Mark:
    """A beat: seconds from the left edge, its label, the RR interval before it in seconds."""

    at_s: float
    label: str
    rr_s: float | None = None


def strip(
    leads: Sequence[Lead],
    rate_hz: float,
    marks: Sequence[Mark] = (),
    title: str = "",
    note: str = "",
    span_s: tuple[float, float] | None = None,
) -> Drawing:
    """Draw a strip in true size.

    Parameters
    ----------
    leads
        One or more leads of equal length, drawn one below the other.
    rate_hz
        Sampling rate.
    marks
        Beats, in order of time.
    title
        Above the strip, at the left.
    note
        Above the strip, at the right: when and where.
    span_s
        A stretch to shade, in seconds from the left edge.
    """
    samples = max((len(lead.values_mv) for lead in leads), default=0)
    length_mm = samples / rate_hz * MM_PER_S
    lanes = [_lane_mm(lead.values_mv) for lead in leads]
    width, paper = _CALIBRATION_MM + length_mm, sum(lanes)
    height = _HEAD_MM + paper + _FOOT_MM
    items: list[Item] = [Box(0, 0, width, height, "#ffffff")]
    if span_s is not None:
        first, last = (min(max(s * MM_PER_S, 0.0), length_mm) for s in span_s)
        items.append(Box(_CALIBRATION_MM + first, _HEAD_MM, last - first, paper, "#fff6d6"))
    items += paper_grid(0, _HEAD_MM, width, paper)
    items.append(Text(0, 3.2, title, 3.2, bold=True))
    items.append(Text(width, 3.2, note, 2.8, FAINT, "end"))
    items += _marks(marks, length_mm, paper)
    top = _HEAD_MM
    for lead, lane in zip(leads, lanes, strict=True):
        items += _lead(lead, rate_hz, top, lane)
        top += lane
    unit = "10 mm/mV" if all(lead.unit == "mV" for lead in leads) else "10 mm/unit"
    items.append(Text(0, height - 1.4, f"25 mm/s   {unit}   not filtered", 2.4, FAINT))
    return Drawing(width, height, tuple(items), title)


def paper_grid(x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> list[Line]:
    """Give the lines of ECG paper: each millimetre, and heavier each 5 mm."""
    right, bottom = x_mm + width_mm, y_mm + height_mm

    def lines(step: int, colour: str, pen_mm: float) -> Line:
        xs = np.arange(0, width_mm + 1e-6, step) + x_mm
        ys = np.arange(0, height_mm + 1e-6, step) + y_mm
        upright = ((x, y_mm, x, bottom) for x in xs.tolist())
        level = ((x_mm, y, right, y) for y in ys.tolist())
        return segments([*upright, *level], colour, pen_mm)

    return [lines(1, FINE, 0.08), lines(5, COARSE, 0.15)]


def _lane_mm(values_mv: FloatArray) -> float:
    """Give whole large squares that hold all but the most extreme samples."""
    known = values_mv[np.isfinite(values_mv)]
    if not len(known):
        return _LANE_MM
    low, high = np.percentile(known, (0.2, 99.8))
    need = math.ceil((float(high - low) * MM_PER_MV + 2 * _SPARE_MM) / 5) * 5.0
    return min(max(need, _LANE_MM), _LANE_MAX_MM)


def _lead(lead: Lead, rate_hz: float, top_mm: float, lane_mm: float) -> list[Item]:
    values = np.asarray(lead.values_mv, np.float64)
    known = values[np.isfinite(values)]
    middle = top_mm + lane_mm / 2
    zero_mm = middle
    level = 0.0
    if len(known):
        level = float(np.median(known))
        low, high = np.percentile(known, (0.2, 99.8)) - level
        zero_mm = middle + (high + low) / 2 * MM_PER_MV  # the swing lies in the lane's middle
    y = np.clip(zero_mm - (values - level) * MM_PER_MV, top_mm, top_mm + lane_mm)
    x = _CALIBRATION_MM + np.arange(len(values)) / rate_hz * MM_PER_S
    low_mm, high_mm = middle + 5.0, middle - 5.0
    pulse = [(1, low_mm), (2.5, low_mm), (2.5, high_mm), (7.5, high_mm), (7.5, low_mm), (9, low_mm)]
    return [
        line(pulse, INK, 0.25),
        line(np.stack([x, y], axis=1), INK, 0.25),
        Text(_CALIBRATION_MM + 0.8, top_mm + 3.6, lead.name, 3.0, bold=True),
    ]


def _marks(marks: Sequence[Mark], length_mm: float, paper_mm: float) -> list[Item]:
    shown = [m for m in marks if 0 <= m.at_s * MM_PER_S <= length_mm]
    items: list[Item] = []
    for mark in shown:
        x = _CALIBRATION_MM + mark.at_s * MM_PER_S
        colour = LABEL_COLOURS.get(mark.label, FAINT)
        items.append(segments([(x, _HEAD_MM - 0.9, x, _HEAD_MM + 1.2)], colour, 0.3))
        items.append(Text(x, _HEAD_MM - 1.4, mark.label, 2.8, colour, "middle", bold=True))
    for before, mark in itertools.pairwise(shown):
        gap_mm = (mark.at_s - before.at_s) * MM_PER_S
        if mark.rr_s is not None and gap_mm >= _NARROW_MM:
            x = _CALIBRATION_MM + (mark.at_s + before.at_s) / 2 * MM_PER_S
            milliseconds = f"{mark.rr_s * 1000:.0f}"
            items.append(Text(x, _HEAD_MM - 1.4, milliseconds, 2.2, FAINT, "middle"))
    return items
