"""Several hops at once: what is computed of each hop in the same way is computed for a row of them.

Rules that hold here:

1. A result is that of its hop, to the bit, however many hops come together. Element by element
   arithmetic, sums along the last axis and filters with carried state keep to this; matrix products
   do not.
2. A row is bounded, so memory does not grow with what is pushed at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.messages import Samples

LONGEST = 64
"""Hops of a row: arrays of more would not stay in the cache."""


def rows_of(blocks: Sequence[Samples]) -> Iterator[Sequence[Samples]]:
    """Cut hops into rows of hops that follow each other and have one length."""
    start = 0
    for k in range(1, len(blocks) + 1):
        if k < len(blocks) and k - start < LONGEST:
            before, block = blocks[k - 1], blocks[k]
            alike = len(block.values_mv) == len(before.values_mv)
            if alike and block.start_sample == before.end_sample:
                continue
        yield blocks[start:k]
        start = k


def stacked(blocks: Sequence[Samples], leads: int | None = None) -> NDArray[np.float64]:
    """Give the values of a row, shape (leads, hops, n), mV; by default of all leads."""
    values = np.stack([block.values_mv[:, :leads] for block in blocks])
    return np.ascontiguousarray(values.transpose(2, 0, 1), np.float64)
