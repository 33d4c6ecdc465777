"""Draws the trends of one stream: each figure as bars over the last minutes or hours. Pure."""

from __future__ import annotations

import numpy as np

from monitor.dashboard import theme
from monitor.dashboard.canvas import Canvas
from monitor.dashboard.sparkline import bar_range, sparkline
from monitor.dashboard.traces import GUTTER, Box
from monitor.dashboard.trends import Trend

LEAST_RANGE = {"HR": 20.0, "PVC/min": 6.0}
LABEL_CELLS = 18


def trend_rows(height: int) -> int:
    """Give the rows of all trends on a screen of this height."""
    return 2 if height < 36 else 4 if height < 50 else 6


def draw_trends(canvas: Canvas, box: Box, trends: tuple[Trend, ...]) -> None:
    """Draw one figure under the other; at the right the range of its bars."""
    if not trends:
        return
    rows = box.height // len(trends)
    for number, trend in enumerate(trends):
        row = box.row + number * rows
        canvas.text(row, box.column + 1, trend.name, theme.DIM)
        place = Box(row, box.column + GUTTER + 3, box.width - GUTTER - 3 - LABEL_CELLS, rows)
        values = trend.values[-place.width :]
        known = values[np.isfinite(values)]
        words = "no value yet"
        if len(known):
            hours, minutes = trend.span_s // 3600, trend.span_s // 60
            span = f"{hours} h" if hours else f"{minutes} min"
            words = f"{known.min():.0f}-{known.max():.0f} in {span}"
            low, high = bar_range(values, LEAST_RANGE.get(trend.name, 1.0))
            right = place.column + place.width
            area = (slice(row, row + rows), slice(right - len(values), right))
            canvas.characters[area] = sparkline(values, low, high, rows)
            canvas.styles[area] = canvas.style_number(theme.GOOD)
        canvas.right(row, box.column + box.width - 1, words[: LABEL_CELLS - 1], theme.DIM)
