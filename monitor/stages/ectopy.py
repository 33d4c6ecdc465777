"""Counts ectopic beats, in the same way for the rhythm and for the alarms."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from monitor.messages import AamiClass, Beat

_MINUTE_S = 60.0


class LastMinute:
    """Keeps the samples of events of the last minute of signal.

    Events before a hole in the samples count too: they have happened, and the hole is part of the
    minute.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    """

    def __init__(self, rate_hz: float) -> None:
        self._length = _MINUTE_S * rate_hz
        self._samples: deque[int] = deque()

    def add(self, sample: int) -> None:
        """Take the next event."""
        self._samples.append(sample)

    def clear(self) -> None:
        """Forget all events."""
        self._samples.clear()

    def up_to(self, end_sample: int) -> tuple[int, ...]:
        """Give the events after the sample that lies one minute before ``end_sample``."""
        while self._samples and self._samples[0] <= end_sample - self._length:
            self._samples.popleft()
        return tuple(self._samples)


def ventricular_cycles(beats: Sequence[Beat], period: int, count: int) -> list[Beat]:
    """Give the newest ``count`` cycles of ``period`` beats if one of each is ventricular.

    It has the same place in each cycle. Bigeminy has a period of two, trigeminy of three. The list
    is empty if the newest beats are no such cycles.
    """
    size = period * count
    tail = [beats[i] for i in range(-size, 0)] if len(beats) >= size else []
    ventricular = [beat.label is AamiClass.V for beat in tail]
    alike = sum(ventricular) == count and ventricular[:period] * count == ventricular
    return tail if alike else []
