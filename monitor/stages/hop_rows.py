"""Several hops at once: what is computed of each hop in the same way is computed for a row of them.

Rules that hold here:

1. A result is that of its hop, to the bit, however many hops come together. Element by element
   arithmetic, sums along the last axis and filters with carried state keep to this; matrix products
   do not.
2. A row is bounded, so memory does not grow with what is pushed at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from monitor.messages import Samples

Array = NDArray[np.float64]

LONGEST = 64
"""Hops of a row: arrays of more would not stay in the cache."""


class HopRow:
    """Hops that follow each other and have one length.

    Parameters
    ----------
    blocks
        The hops, one or more.

    Attributes
    ----------
    values
        Shape (leads, hops, n), mV; NaN where missing.
    whole
        For each hop, whether no sample of any lead is missing.
    """

    def __init__(self, blocks: Sequence[Samples]) -> None:
        self.blocks = blocks
        if len(blocks) == 1:
            self.values: Array = blocks[0].values_mv.T.astype(np.float64, "C")[:, None]
        else:
            joined = np.stack([block.values_mv for block in blocks])
            self.values = joined.transpose(2, 0, 1).astype(np.float64, "C")
        self.whole = [True] * len(blocks)
        # a sum that is not finite shows NaN in one cheap call
        if not math.isfinite(np.add.reduce(self.values, axis=None)):
            known = np.isfinite(self.values)
            self.values[~known] = np.nan
            self.whole = np.logical_and.reduce(known, axis=(0, 2)).tolist()

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def start_sample(self) -> int:
        """Index of the first sample."""
        return self.blocks[0].start_sample

    @property
    def end_sample(self) -> int:
        """Index just past the last sample."""
        return self.blocks[-1].end_sample


def rows_of(blocks: Sequence[Samples]) -> Iterator[HopRow]:
    """Cut hops into rows."""
    start = 0
    for k in range(1, len(blocks) + 1):
        if k < len(blocks) and k - start < LONGEST:
            before, block = blocks[k - 1], blocks[k]
            alike = len(block.values_mv) == len(before.values_mv)
            if alike and block.start_sample == before.end_sample:
                continue
        yield HopRow(blocks[start:k])
        start = k


def with_before(joined: Array, length: int, hops: int) -> Array:
    """Give each hop with what comes before it, (..., hops, length), as a view that is not written.

    ``joined`` holds what comes before the first hop, and the hops, along its last axis.
    """
    if hops == 1:
        return joined[..., None, :]
    step = joined.strides[-1]
    n = (joined.shape[-1] - length) // (hops - 1)
    shape = *joined.shape[:-1], hops, length
    return as_strided(joined, shape, (*joined.strides[:-1], n * step, step), writeable=False)
