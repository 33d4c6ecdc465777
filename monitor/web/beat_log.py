"""The newest beats of one stream, in little memory. Pure."""

from __future__ import annotations

import numpy as np

from monitor.messages import AamiClass, Beat

_CLASSES = tuple(AamiClass)


class BeatLog:
    """Keeps R peaks with label and RR interval; the oldest are forgotten.

    Parameters
    ----------
    size
        How many beats are kept.
    """

    def __init__(self, size: int = 8192) -> None:
        self._size = size
        self._sample = np.full(size, 0, np.int64)  # all memory is taken at the start
        self._label = np.full(size, 0, np.uint8)
        self._rr_s = np.full(size, np.nan, np.float32)
        self.count = 0
        """Beats taken since the start: the number of the next one."""

    def add(self, beat: Beat) -> None:
        """Keep one beat."""
        at = self.count % self._size
        self._sample[at] = beat.sample
        self._label[at] = _CLASSES.index(beat.label)
        self._rr_s[at] = np.nan if beat.rr_s is None else beat.rr_s
        self.count += 1

    def after(self, number: int, most: int) -> list[list[object]]:
        """Give the beats from ``number`` on, at most the newest ``most``: [sample, label, RR]."""
        first = max(number, self.count - min(most, self._size), 0)
        return [self._row(n % self._size) for n in range(first, self.count)]

    def between(self, start_sample: int, end_sample: int) -> list[list[object]]:
        """Give the beats in [start_sample, end_sample) that are still known, by sample."""
        kept = min(self.count, self._size)
        samples = self._sample[:kept]
        found = np.flatnonzero((samples >= start_sample) & (samples < end_sample))
        return [self._row(int(at)) for at in found[np.argsort(samples[found])]]

    def _row(self, at: int) -> list[object]:
        rr_s = float(self._rr_s[at])
        interval = None if np.isnan(rr_s) else round(rr_s, 4)
        return [int(self._sample[at]), _CLASSES[self._label[at]].value, interval]
