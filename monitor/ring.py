"""A ring of recent signal of one stream, by absolute sample index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Ring:
    """A fixed-size memory of the newest samples; missing samples are NaN.

    The samples lie in one piece, in a buffer a quarter larger than needed. When it is full, the
    samples still needed move to its beginning.

    Parameters
    ----------
    size
        How many samples are kept.
    leads
        Number of signal columns.
    start_sample
        Index of the first sample.
    dtype
        Of the values kept.
    """

    def __init__(
        self, size: int, leads: int, start_sample: int = 0, dtype: DTypeLike = np.float32
    ) -> None:
        self._size = size
        self._values: NDArray[Any] = np.empty((size + max(size // 4, 1), leads), dtype)
        self._filled = 0
        self.first_sample = start_sample
        self.end_sample = start_sample

    def forget(self, start_sample: int) -> None:
        """Forget everything; the next sample is ``start_sample``."""
        self._filled = 0
        self.first_sample = self.end_sample = start_sample

    def write(self, start_sample: int, values_mv: NDArray[Any]) -> None:
        """Store samples, shape (n, leads), mV; a hole before them becomes NaN."""
        stop = self._filled + len(values_mv)
        if start_sample == self.end_sample and stop <= len(self._values):
            self._values[self._filled : stop] = values_mv
            self._filled = stop
            self.end_sample += len(values_mv)
            return
        hole = start_sample - self.end_sample
        if hole > 0:
            leads = self._values.shape[1]
            self._append(np.full((min(hole, self._size), leads), np.nan, self._values.dtype))
            self.end_sample = start_sample
        elif hole < 0:  # repeated samples replace the old ones
            again = values_mv[:-hole]
            at = self._filled + hole
            skip = max(0, -at, self.first_sample - start_sample)
            if skip < len(again):
                self._values[at + skip : at + len(again)] = again[skip:]
            values_mv = values_mv[-hole:]
        self._append(values_mv)
        self.end_sample += len(values_mv)

    def read(self, samples: int) -> tuple[int, NDArray[Any]]:
        """Give (start sample, copy of shape (n, leads)) of at most the last ``samples`` samples."""
        start = max(self.oldest_sample, self.end_sample - samples)
        return start, self._slice(start, self.end_sample).copy()

    def span(self, start_sample: int, end_sample: int) -> NDArray[Any]:
        """Give a copy of [start_sample, end_sample); forgotten samples are NaN."""
        if self.oldest_sample <= start_sample <= end_sample <= self.end_sample:
            return self._slice(start_sample, end_sample).copy()
        shape = end_sample - start_sample, self._values.shape[1]
        values = np.full(shape, np.nan, self._values.dtype)
        first = max(start_sample, self.oldest_sample)
        last = min(end_sample, self.end_sample)
        if first < last:
            values[first - start_sample : last - start_sample] = self._slice(first, last)
        return values

    def holds(self, start_sample: int, end_sample: int) -> bool:
        """Tell whether all of [start_sample, end_sample) is remembered, also as NaN."""
        return self.oldest_sample <= start_sample <= end_sample <= self.end_sample

    @property
    def oldest_sample(self) -> int:
        """Index of the oldest sample remembered."""
        return self.end_sample - min(self._filled, self._size)

    def _slice(self, start_sample: int, end_sample: int) -> NDArray[Any]:
        at = self._filled - self.end_sample
        return self._values[at + start_sample : at + end_sample]

    def _append(self, values: NDArray[Any]) -> None:
        values = values[-self._size :]
        if self._filled + len(values) > len(self._values):
            kept = min(self._filled, self._size - len(values))
            self._values[:kept] = self._values[self._filled - kept : self._filled].copy()
            self._filled = kept
        self._values[self._filled : self._filled + len(values)] = values
        self._filled += len(values)
