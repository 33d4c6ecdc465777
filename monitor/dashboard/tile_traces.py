"""Many small traces of the same size as braille cells, all at once. Pure.

A small trace has no scale in mV. It is never drawn larger than 0.5 mV over its height, so that a
flat line with noise stays flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.dashboard.ward import Tile
from monitor.dashboard.waveform import ERASE_S, braille
from monitor.messages import FloatArray

LEAST_SPAN_MV = 0.5
MARGIN = 0.08

TileScales: TypeAlias = dict[str, tuple[float, float]]
"""Lowest and highest mV of each stream's small trace in the last frame."""


def fit(tile: Tile, previous: tuple[float, float] | None) -> tuple[float, float]:
    """Give the mV at the lower and the upper edge, changing the previous ones only when needed."""
    known = np.isfinite(tile.low_mv) & np.isfinite(tile.high_mv)
    if not known.any():
        return previous or (-LEAST_SPAN_MV / 2, LEAST_SPAN_MV / 2)
    low, high = float(tile.low_mv[known].min()), float(tile.high_mv[known].max())
    span = max(high - low, LEAST_SPAN_MV)
    if previous is not None:
        bottom, top = previous
        if bottom <= low and high <= top and top - bottom <= 1.6 * span:
            return previous
    middle, half = (low + high) / 2, span * (0.5 + MARGIN)
    return middle - half, middle + half


def trace_cells(
    tiles: Sequence[Tile], scales: TileScales, rows: int, rate: int, width: int
) -> NDArray[np.uint32]:
    """Draw the traces of tiles that sweep: code points of shape (tiles, rows, cells), 0 for none.

    Parameters
    ----------
    tiles
        Each with at least ``width`` dots, or with none.
    scales
        Brought up to date.
    rows
        Height of each trace in cells.
    rate
        Dots per second.
    width
        Dots across, an even number.
    """
    low = np.full((len(tiles), width), np.nan, np.float32)
    high = low.copy()
    edges = np.zeros((len(tiles), 2), np.float32)
    erased = min(width // 4, max(3, round(ERASE_S * rate)))
    for number, tile in enumerate(tiles):
        scales[tile.stream] = edges[number] = fit(tile, scales.get(tile.stream))
        if len(tile.low_mv):
            # a dot stands at its index modulo the width; those before the newest are old
            places = np.arange(tile.newest + 1 - width + erased, tile.newest + 1) % width
            low[number, places] = tile.low_mv[erased - width :]
            high[number, places] = tile.high_mv[erased - width :]
    dots = _strokes(low, high, edges, 4 * rows)
    cells = braille(dots.reshape(len(tiles) * 4 * rows, width))
    return cells.reshape(len(tiles), rows, width // 2)


def _strokes(
    low_mv: FloatArray, high_mv: FloatArray, edges_mv: FloatArray, dots: int
) -> NDArray[np.bool_]:
    """Give dots of shape (tiles, dots, n), the uppermost first, neighbours joined."""
    seen = ~np.isnan(low_mv)
    bottom, top = edges_mv[:, :1], edges_mv[:, 1:]
    per_dot = (top - bottom) / dots
    upper = np.where(seen, (top - high_mv) / per_dot, 0).clip(0, dots - 1).astype(np.int64)
    lower = np.where(seen, (top - low_mv) / per_dot, 0).clip(0, dots - 1).astype(np.int64)
    joined = seen[:, 1:] & seen[:, :-1]
    drop = joined & (upper[:, 1:] > lower[:, :-1] + 1)
    rise = joined & (lower[:, 1:] < upper[:, :-1] - 1)
    from_upper = np.where(drop, lower[:, :-1] + 1, upper[:, 1:])
    to_lower = np.where(rise, upper[:, :-1] - 1, lower[:, 1:])
    upper[:, 1:], lower[:, 1:] = from_upper, to_lower
    y = np.arange(dots)[None, :, None]
    drawn: NDArray[np.bool_] = (y >= upper[:, None]) & (y <= lower[:, None]) & seen[:, None]
    return drawn
