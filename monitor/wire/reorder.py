"""Samples that overtook each other on the way, put back in order. Pure.

A message that starts beyond the next expected sample may only have overtaken another. It is
held until the missing one comes, or until so much signal has come after the hole that it counts
as lost. Nothing is delayed while nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.messages import Samples

WAIT_S = 1.0  # of signal from the start of a hole: three messages of 0.25 s after a lost one
MAX_HELD = 64  # messages, however short


class Reorder:
    """Waits a bounded span of signal for messages that come late.

    Parameters
    ----------
    rate_hz
        Samples per second of the stream.
    next_sample
        First sample expected.

    Examples
    --------
    Three samples a message at 12 Hz; the third message overtakes the second:

    >>> import numpy as np
    >>> def message(start):
    ...     return Samples("s", start, np.zeros((3, 1), np.float32))
    >>> reorder = Reorder(12.0, 0)
    >>> [[m.start_sample for m in reorder.push(message(start))] for start in (0, 6, 3, 9)]
    [[0], [], [3, 6], [9]]
    """

    def __init__(self, rate_hz: float, next_sample: int) -> None:
        self._wait_samples = round(WAIT_S * rate_hz)
        self._next = next_sample
        self._held: dict[int, Samples] = {}

    def push(self, samples: Samples) -> list[Samples]:
        """Take the next message that came; give those whose turn it is."""
        if not len(samples.values_mv):
            return [samples]
        if samples.start_sample > self._next:
            self._keep(samples)
            end = max(held.end_sample for held in self._held.values())
            if end - self._next < self._wait_samples and len(self._held) < MAX_HELD:
                return []
            return self.release()
        self._next = max(self._next, samples.end_sample)
        return [samples, *self._following()]

    def release(self) -> list[Samples]:
        """Wait no longer: give all that is held, in order of the samples."""
        out = [self._held[start] for start in sorted(self._held)]
        self._held.clear()
        if out:
            self._next = max(self._next, *(samples.end_sample for samples in out))
        return out

    def _keep(self, samples: Samples) -> None:
        """Hold a message; of two from the same sample on, the longer one."""
        same = self._held.get(samples.start_sample)
        if same is None or len(same.values_mv) < len(samples.values_mv):
            self._held[samples.start_sample] = samples

    def _following(self) -> Iterator[Samples]:
        """Give the held messages that are no longer beyond a hole."""
        for start in sorted(self._held):
            if start > self._next:
                return
            held = self._held.pop(start)
            self._next = max(self._next, held.end_sample)
            yield held
