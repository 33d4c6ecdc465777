"""One linear filter for all stages that carry filter state from hop to hop."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

Array = NDArray[np.float64]

# lfilter without its checks, which take longer than filtering a quarter of a second
_filter = getattr(scipy.signal._sigtools, "_linear_filter", scipy.signal.lfilter)


def filter_on(b: Array, a: Array, x: Array, state: Array) -> tuple[Array, Array]:
    """Filter every row of ``x`` on from its state.

    Parameters
    ----------
    b, a
        The filter, ``a[0]`` 1.
    x
        Shape (rows, n).
    state
        Shape (rows, order): what the call before gave, or :func:`scipy.signal.lfilter_zi` times
        the value that each row had had for ever.

    Returns
    -------
    y, state
        The filtered rows, and the state for what follows.
    """
    y, state = _filter(b, a, x, -1, state)
    return y, state
