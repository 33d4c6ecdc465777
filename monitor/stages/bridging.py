"""Bridges missing samples by straight lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bridged(row: NDArray[np.float64], otherwise: float = 0.0) -> NDArray[np.float64]:
    """Give a row of samples without NaN: a straight line over each hole, constant at the ends.

    A row without any valid sample becomes the constant ``otherwise``.

    Examples
    --------
    >>> bridged(np.array([np.nan, 1.0, np.nan, 2.0]))
    array([1. , 1. , 1.5, 2. ])
    """
    known = np.flatnonzero(np.isfinite(row))
    if not len(known):
        return np.full(len(row), otherwise)
    return np.interp(np.arange(len(row)), known, row[known])
