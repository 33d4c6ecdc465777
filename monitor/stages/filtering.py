"""One linear filter for all stages that carry filter state from hop to hop."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

Array = NDArray[np.float64]


def filter_on(b: Array, a: Array, x: Array, state: Array) -> tuple[Array, Array]:
    """Filter every row of ``x``, starting from its state.

    Parameters
    ----------
    b, a
        The filter, ``a[0]`` 1.
    x
        Shape (rows, n).
    state
        Shape (rows, order): the state from the last call, or :func:`scipy.signal.lfilter_zi`
        times the constant value that each row had before.

    Returns
    -------
    y, state
        The filtered rows, and the state for the next call.
    """
    y, state = scipy.signal.lfilter(b, a, x, axis=-1, zi=state)
    return y, state
