"""From samples to dots: an ECG trace as braille cells of 2 x 4 dots.

Rules:

1. Every dot column stands for a fixed stretch of the absolute sample index, so a trace looks
   the same in every frame.
2. A dot column is a stroke from its minimum to its maximum: an R peak of one sample is drawn
   at its full height at any time scale.
3. The mV scale is true: no filter, only an offset to bring the trace into view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.dashboard.snapshot import Wave
from monitor.messages import FloatArray

GAINS_MV = (0.25, 0.5, 1.0, 2.0, 4.0)
"""mV per division; automatic gain may go on doubling beyond the last."""

DOTS_PER_S = (10, 15, 20, 25, 50, 100)
"""Time scales, in dots per second; multiples of 5, so that 0.2 s is a whole number of dots."""

MAX_AUTO_GAIN_MV = 1024.0
ERASE_S = 0.3  # blank ahead of the newest sample
SHOWN_AT_LEAST_S = 4.8  # a few beats, at 50 bpm four

_BRAILLE = 0x2800
_DOT_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps mV to ``rows`` cell rows: row ``r`` is centred on :meth:`level`.

    ``gain_mv`` is the height of one division of ``rows_per_division`` rows; ``middle`` is the
    value of the middle row in units of one row.
    """

    rows: int
    gain_mv: float
    middle: int

    @property
    def rows_per_division(self) -> int:
        """Rows from one labelled grid line to the next."""
        return rows_per_division(self.rows)

    @property
    def mv_per_row(self) -> float:
        """Height of one cell in mV."""
        return self.gain_mv / self.rows_per_division

    def level(self, row: int) -> int:
        """Give the value at the centre of a row, in units of one row."""
        return self.middle + self.rows // 2 - row

    @property
    def top_mv(self) -> float:
        """Value at the upper edge."""
        return (self.level(0) + 0.5) * self.mv_per_row

    @property
    def bottom_mv(self) -> float:
        """Value at the lower edge."""
        return (self.level(self.rows - 1) - 0.5) * self.mv_per_row


def rows_per_division(rows: int) -> int:
    """Give the height of one division in cell rows, for a plot of ``rows`` rows."""
    return 4 if rows >= 12 else 3 if rows >= 8 else 2


def fit_scale(
    values_mv: FloatArray, rows: int, gain_mv: float | None = None, previous: Scale | None = None
) -> Scale:
    """Choose gain and offset for a trace, changing the previous ones only when needed.

    Parameters
    ----------
    values_mv
        Shape (n,), float32, mV; NaN is left out.
    rows
        Cell rows of the plot.
    gain_mv
        A gain set by hand; ``None`` chooses the largest trace that fits.
    previous
        The scale of the last frame.
    """
    keep = previous if previous is not None and previous.rows == rows else None
    finite = values_mv[np.isfinite(values_mv)]
    if not len(finite):
        if keep is not None and gain_mv in (None, keep.gain_mv):
            return keep
        return Scale(rows, gain_mv or 0.5, 0)
    # one sample in a thousand may stick out: an electrode pop shall not shrink the trace
    order = np.sort(finite)
    skip = len(order) // 1000
    low, high = float(order[skip]), float(order[len(order) - 1 - skip])
    gain = gain_mv or _gain_for(high - low, rows)
    if keep is not None and gain_mv in (None, keep.gain_mv):
        fits = keep.bottom_mv <= low and high <= keep.top_mv
        # a smaller gain is taken up only once the trace fits it with room to spare
        smaller = gain_mv is None and _gain_for((high - low) * 1.2, rows) < keep.gain_mv
        if fits and not smaller:
            return keep
    step = gain / rows_per_division(rows)
    centre = 0.0 if rows % 2 else 0.5  # an even number of rows has its centre between two
    return Scale(rows, gain, round((low + high) / 2 / step - centre))


def _gain_for(span_mv: float, rows: int) -> float:
    gain = GAINS_MV[0]
    # half a row at each edge may be lost to rounding the offset
    while span_mv > gain * (rows - 1) / rows_per_division(rows) and gain < MAX_AUTO_GAIN_MV:
        gain *= 2
    return gain


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Extremes of each dot column: ``low_mv``, ``high_mv`` of shape (n,).

    ``invalid`` marks columns whose samples are all NaN; ``absent`` those without any sample.
    """

    first_dot: int
    low_mv: FloatArray
    high_mv: FloatArray
    invalid: NDArray[np.bool_]
    absent: NDArray[np.bool_]


def dot_of(sample: int, rate_hz: float, dots_per_s: int) -> int:
    """Give the absolute dot column in which a sample lies."""
    return int(np.floor(sample * dots_per_s / rate_hz))


def columns(
    values_mv: FloatArray,
    start_sample: int,
    rate_hz: float,
    dots_per_s: int,
    first_dot: int,
    count: int,
) -> Columns:
    """Give minimum and maximum of the samples in each of ``count`` dot columns.

    Parameters
    ----------
    values_mv
        Shape (n,), float32, mV; the first is sample ``start_sample``.
    rate_hz, dots_per_s
        Sampling rate and time scale, ``dots_per_s <= rate_hz``.
    first_dot
        Absolute index of the first dot column; dot ``d`` holds the samples with
        ``floor(sample * dots_per_s / rate_hz) == d``.
    """
    low = np.full(count, np.nan, dtype=np.float32)
    high = low.copy()
    absent = np.ones(count, dtype=np.bool_)
    if len(values_mv):
        samples = np.arange(start_sample, start_sample + len(values_mv))
        dots = np.floor(samples * dots_per_s / rate_hz).astype(np.int64) - first_dot
        inside = (dots >= 0) & (dots < count)
        dots, values = dots[inside], values_mv[inside]
        if len(dots):
            edges = np.flatnonzero(np.diff(dots, prepend=dots[0] - 1))
            at = dots[edges]
            low[at] = np.fmin.reduceat(values, edges)
            high[at] = np.fmax.reduceat(values, edges)
            absent[at] = False
    return Columns(first_dot, low, high, np.isnan(low) & ~absent, absent)


def strokes(cols: Columns, scale: Scale) -> NDArray[np.bool_]:
    """Draw the columns as dots: shape (4 x rows, n), row 0 on top, neighbours joined."""
    dots = 4 * scale.rows
    per_dot = scale.mv_per_row / 4
    seen = ~np.isnan(cols.low_mv)
    top = np.clip((scale.top_mv - np.where(seen, cols.high_mv, 0)) / per_dot, 0, dots - 1)
    bottom = np.clip((scale.top_mv - np.where(seen, cols.low_mv, 0)) / per_dot, 0, dots - 1)
    upper = top.astype(np.int64)
    lower = bottom.astype(np.int64)
    joined = seen[1:] & seen[:-1]
    drop = joined & (upper[1:] > lower[:-1] + 1)  # falls from the column before
    rise = joined & (lower[1:] < upper[:-1] - 1)
    new_upper, new_lower = upper.copy(), lower.copy()
    new_upper[1:][drop] = lower[:-1][drop] + 1
    new_lower[1:][rise] = upper[:-1][rise] - 1
    y = np.arange(dots)[:, None]
    drawn: NDArray[np.bool_] = (y >= new_upper) & (y <= new_lower) & seen
    return drawn


def braille(dots: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Pack dots of shape (4 x rows, 2 x columns) into braille code points; no dot gives 0."""
    rows, width = dots.shape[0] // 4, dots.shape[1] // 2
    cells = dots.reshape(rows, 4, width, 2).astype(np.uint32)
    bits = np.einsum("rycx,yx->rc", cells, _DOT_BITS)
    return np.where(bits > 0, bits + _BRAILLE, 0).astype(np.uint32)


def automatic_dots_per_s(cells: int) -> int:
    """Give the finest time scale that still shows a few beats on ``cells`` cells."""
    fitting = [d for d in DOTS_PER_S if d <= 50 and 2 * cells / d >= SHOWN_AT_LEAST_S]
    return max(fitting, default=DOTS_PER_S[0])


@dataclass(frozen=True, slots=True, eq=False)
class TimeAxis:
    """Which absolute dot column is drawn in which dot of the screen; -1 is nothing.

    Sweeping, dot ``d`` lies at ``d`` modulo the width, and a few columns ahead of the newest
    are blank. Scrolling, the newest is at the right edge.
    """

    dots: NDArray[np.int64]
    newest: int
    dots_per_s: int

    @classmethod
    def at(cls, wave: Wave, cells: int, dots_per_s: int, sweep: bool) -> TimeAxis:
        """Lay the newest ``2 * cells`` dots of a wave on the screen."""
        width = 2 * cells
        newest = dot_of(wave.end_sample - 1, wave.info.rate_hz, dots_per_s)
        dots = np.full(width, -1, dtype=np.int64)
        if sweep:
            erased = min(width // 4, max(4, round(ERASE_S * dots_per_s)))
            shown = np.arange(newest - width + 1 + erased, newest + 1)
            dots[shown % width] = shown
        else:
            # an even first dot, or the braille pattern would change as the trace moves
            first = (newest - width + 2) // 2 * 2
            shown = np.arange(first, newest + 1)
            dots[: len(shown)] = shown
        dots[dots < 0] = -1
        return cls(dots, newest, dots_per_s)

    def cell(self, dot: int) -> int | None:
        """Give the cell in which an absolute dot is drawn, if it is."""
        found = np.flatnonzero(self.dots == dot)
        return int(found[0]) // 2 if len(found) and dot >= 0 else None

    def lines(self, every_dots: int) -> NDArray[np.int64]:
        """Give the cells that hold a dot divisible by ``every_dots``."""
        hit = (self.dots >= 0) & (self.dots % every_dots == 0)
        return np.unique(np.flatnonzero(hit) // 2)
