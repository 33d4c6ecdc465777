"""The charts of a report, for page and document alike. Pure."""

from __future__ import annotations

import numpy as np

from monitor.messages import FloatArray
from monitor.pictures.charts import (
    Span,
    Values,
    bars,
    rate_trend,
    scatter,
    ticks,
    time_label,
    time_ticks,
)
from monitor.pictures.drawing import Drawing
from monitor.pictures.marks import INK, Box, Item, Text, line
from monitor.pictures.strip import LABEL_COLOURS, MM_PER_MV, MM_PER_S, paper_grid
from monitor.report.beat_table import BeatTable
from monitor.report.figures import Figures
from monitor.report.rates import running_rate
from monitor.report.templates import BEFORE_S, Group

AF_COLOUR, UNUSABLE_COLOUR = "#ffe0b2", "#d5dbe0"
RR_BIN_S = 0.02
_RR_RANGE_S = (0.2, 2.0)
_SAMPLE_MM = 3.0


def trend(found: Figures, width_mm: float, height_mm: float) -> Drawing:
    """Draw the heart rate, with atrial fibrillation and unusable signal shaded."""
    at_s, bpm = running_rate(found.table)
    shaded = ((found.unusable, UNUSABLE_COLOUR), (found.af, AF_COLOUR))
    return rate_trend(at_s, bpm, found.duration_s, width_mm, height_mm, shaded)


def ectopic_trend(found: Figures, label: str, width_mm: float, height_mm: float) -> Drawing:
    """Draw how many ectopic beats of a class came in each minute, or in each hundredth."""
    step_s = max(60.0, found.duration_s / 144)
    count = max(round(found.duration_s / step_s), 1)
    edges = np.linspace(0.0, found.duration_s, count + 1)
    hits, _ = np.histogram(found.table.at_s[found.table.is_label(label)], edges)
    per = "minute" if step_s == 60.0 else f"{step_s / 60:.0f} min"
    return bars(
        edges,
        hits.astype(np.float64),
        width_mm,
        height_mm,
        f"{label} beats in each {per}",
        time_label(found.duration_s),
        time_ticks(found.duration_s),
        LABEL_COLOURS[label],
    )


def rr_histogram(table: BeatTable, width_mm: float, height_mm: float) -> Drawing:
    """Draw the histogram of all RR intervals."""
    known = table.rr_s[np.isfinite(table.rr_s)]
    low, high = _range_s(known)
    edges = np.arange(low, high + RR_BIN_S / 2, RR_BIN_S)
    counts, _ = np.histogram(np.clip(known, low, high - 1e-9), edges)
    names = [(v, f"{v * 1000:.0f}") for v in ticks(low, high, 6)]
    return bars(
        edges,
        counts.astype(np.float64),
        width_mm,
        height_mm,
        "RR intervals",
        "ms, all beats",
        names,
    )


def poincare(table: BeatTable, size_mm: float) -> Drawing:
    """Draw each N-N interval against the one before it."""
    nn = table.is_nn
    pairs = np.flatnonzero(nn[1:] & nn[:-1]) + 1
    x, y = table.rr_s[pairs - 1] * 1000, table.rr_s[pairs] * 1000
    low, high = _range_s(table.rr_s[nn])
    return scatter(
        x,
        y,
        (low * 1000, high * 1000),
        size_mm,
        "Poincaré plot (N-N)",
        "ms, against the one before",
    )


def template(group: Group, rate_hz: float, leads: tuple[str, ...]) -> Drawing:
    """Draw the mean beat of a group in true size, one lead beside the other."""
    values = group.mean_mv[:, :2]
    wide = len(values) / rate_hz * MM_PER_S
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (-1.0, 1.0)
    tall = max(np.ceil((high - low) * MM_PER_MV / 5) * 5 + 5, 15.0)
    shown = values.shape[1]
    width = shown * wide + (shown - 1) * _SAMPLE_MM
    height = float(tall) + 9.0
    count = len(group.members)
    colour = LABEL_COLOURS[group.label]
    items: list[Item] = [Box(0, 0, width, height, "#ffffff")]
    items.append(Text(0, 3.4, group.name, 3.2, colour, bold=True))
    items.append(Text(width, 3.4, f"{count} beat{'s' if count != 1 else ''}", 2.6, anchor="end"))
    for i in range(shown):
        left = i * (wide + _SAMPLE_MM)
        items += paper_grid(left, 5.0, wide, float(tall))
        zero = 5.0 + float(tall) / 2 + (high + low) / 2 * MM_PER_MV
        items.append(line(_beat(values[:, i], rate_hz, zero), INK, 0.3, left))
        items.append(Text(left + 0.6, 5.0 + float(tall) + 3.0, leads[i], 2.3))
    r_mm = BEFORE_S * MM_PER_S
    items.append(line([(r_mm, 4.2), (r_mm, 5.6)], colour, 0.3))
    return Drawing(width, height, tuple(items), f"{group.name}: {count}")


def disclosure(
    values_mv: FloatArray,
    rate_hz: float,
    marks: list[tuple[float, str]],
    width_mm: float,
    height_mm: float,
    line_s: float,
    mm_per_mv: float = 2.5,
) -> list[Item]:
    """Draw a line of full disclosure: one lead, shape (n,), and the ectopic beats in it.

    Parameters
    ----------
    values_mv
        The signal of the line.
    rate_hz
        Its sampling rate.
    marks
        (seconds from its beginning, label) of the beats that are not normal.
    width_mm, height_mm
        Room for ``line_s`` seconds.
    line_s
        Length of a full line.
    mm_per_mv
        Scale.
    """
    if not len(values_mv):
        return []
    x, y = _outline(values_mv, rate_hz, width_mm / line_s, mm_per_mv)
    y = np.clip(height_mm / 2 - y, 0.3, height_mm - 0.3)
    items: list[Item] = [line(np.stack([x, y], axis=1), INK, 0.09)]
    items += [
        Text(at_s / line_s * width_mm, height_mm * 0.16, label, 1.5, LABEL_COLOURS[label], "middle")
        for at_s, label in marks
    ]
    return items


def _outline(
    values_mv: FloatArray, rate_hz: float, mm_per_s: float, mm_per_mv: float
) -> tuple[Values, Values]:
    """Give lowest and highest value of each quarter of a millimetre, about the median."""
    step = max(int(rate_hz / mm_per_s / 4), 1)
    padded = np.full(-(-len(values_mv) // step) * step, np.nan, np.float32)
    padded[: len(values_mv)] = values_mv
    known = values_mv[np.isfinite(values_mv)]
    level = np.median(known) if len(known) else 0.0
    cells = padded.reshape(-1, step)
    empty = ~np.isfinite(cells).any(axis=1)
    low = np.where(empty, np.nan, np.where(np.isnan(cells), np.inf, cells).min(axis=1))
    high = np.where(empty, np.nan, np.where(np.isnan(cells), -np.inf, cells).max(axis=1))
    x = np.repeat(np.arange(len(cells)) * step / rate_hz * mm_per_s, 2)
    falling = cells[:, 0] > cells[:, -1]  # so that the pen goes the way the signal goes
    y = np.stack([np.where(falling, high, low), np.where(falling, low, high)], axis=1).ravel()
    return x, (y - level) * mm_per_mv


def _beat(values_mv: FloatArray, rate_hz: float, zero_mm: float) -> Values:
    x = np.arange(len(values_mv)) / rate_hz * MM_PER_S
    found: Values = np.stack([x, zero_mm - values_mv * MM_PER_MV], axis=1)
    return found


def _range_s(intervals_s: Values) -> Span:
    """Give round limits that hold nearly all intervals."""
    if not len(intervals_s):
        return 0.4, 1.2
    low, high = np.percentile(intervals_s, (0.5, 99.5))
    low, high = max(float(low) - 0.1, _RR_RANGE_S[0]), min(float(high) + 0.1, _RR_RANGE_S[1])
    if high - low < 0.4:
        middle = (low + high) / 2
        low, high = middle - 0.2, middle + 0.2
    return round(low, 1), round(high + 0.05, 1)
