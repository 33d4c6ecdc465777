"""The last seconds of signal of one stream, by absolute sample index."""

from __future__ import annotations

import numpy as np

from monitor.messages import FloatArray


class Ring:
    """A fixed-size memory of the newest samples; what was never received is NaN.

    Parameters
    ----------
    size
        How many samples are kept.
    leads
        Number of signal columns.
    start_sample
        Index of the first sample that will come.
    """

    def __init__(self, size: int, leads: int, start_sample: int = 0) -> None:
        self._values: FloatArray = np.full((size, leads), np.nan, dtype=np.float32)
        self.first_sample = start_sample
        self.end_sample = start_sample

    def write(self, start_sample: int, values_mv: FloatArray) -> None:
        """Store samples, shape (n, leads), mV; a hole before them becomes NaN."""
        size = len(self._values)
        end = start_sample + len(values_mv)
        if start_sample > self.end_sample:
            hole_start = max(self.end_sample, start_sample - size)
            self._values[np.arange(hole_start, start_sample) % size] = np.nan
        keep_from = max(start_sample, max(end, self.end_sample) - size, self.first_sample)
        if keep_from < end:
            index = np.arange(keep_from, end) % size
            self._values[index] = values_mv[keep_from - start_sample :]
        self.end_sample = max(self.end_sample, end)

    def read(self, samples: int) -> tuple[int, FloatArray]:
        """Give (start sample, copy of shape (n, leads)) of at most the last ``samples`` samples."""
        size = len(self._values)
        start = max(self.first_sample, self.end_sample - min(samples, size))
        return start, self._values[np.arange(start, self.end_sample) % size]

    def span(self, start_sample: int, end_sample: int) -> FloatArray:
        """Give a copy of [start_sample, end_sample); what is not remembered is NaN."""
        size = len(self._values)
        values = np.full((end_sample - start_sample, self._values.shape[1]), np.nan, np.float32)
        first = max(start_sample, self.oldest_sample)
        last = min(end_sample, self.end_sample)
        if first < last:
            kept = self._values[np.arange(first, last) % size]
            values[first - start_sample : last - start_sample] = kept
        return values

    @property
    def oldest_sample(self) -> int:
        """Index of the oldest sample that may still be remembered."""
        return max(self.first_sample, self.end_sample - len(self._values))
