"""A row of bars as block characters. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.messages import FloatArray

_BARS = np.array([ord(c) for c in " ▁▂▃▄▅▆▇█"], dtype=np.uint32)


def sparkline(values: FloatArray, low: float, high: float, rows: int = 1) -> NDArray[np.uint32]:
    """Draw values as bars: code points of shape (rows, n).

    Parameters
    ----------
    values
        Shape (n,); NaN gives a blank, each other value at least the lowest bar.
    low, high
        Values of the lowest and of the highest bar, ``low < high``.
    rows
        Height in cells.

    Examples
    --------
    >>> codes = sparkline(np.array([60, np.nan, 75, 90], np.float32), 60, 90)
    >>> "".join(map(chr, codes[0]))
    '▁ ▅█'
    """
    known = np.isfinite(values)
    share = np.clip((np.where(known, values, low) - low) / (high - low), 0.0, 1.0)
    eighths = np.where(known, 1 + np.rint(share * (8 * rows - 1)), 0).astype(np.int64)
    below = 8 * np.arange(rows - 1, -1, -1)[:, None]  # eighths in the rows under each row
    bars: NDArray[np.uint32] = _BARS[np.clip(eighths - below, 0, 8)]
    return bars


def bar_range(values: FloatArray, least: float) -> tuple[float, float]:
    """Give the lowest and highest known value, at least ``least`` apart; (0, least) for none.

    Examples
    --------
    >>> bar_range(np.array([70, 80], np.float32), 20.0)
    (65.0, 85.0)
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, least
    low, high = float(known.min()), float(known.max())
    if high - low < least:
        low = max(0.0, (low + high - least) / 2)
        high = low + least
    return low, high
