"""Whether a stream's sampling rate is what its sender's clock says. Pure.

A sender may put ``wall_ns`` on its samples: when the first of them was taken, by its own clock.
The samples stay where their index puts them; a rate that is far off is said.
"""

from __future__ import annotations

import itertools
from collections import deque
from statistics import median

from monitor.messages import Samples

WINDOW_S = 10.0  # of signal; the least late message of each is taken: delays pass
WINDOWS = 7  # looked back on
LEAST_STEPS = 3  # one step of the sender's clock does not count
MOST_DEVIATION = 0.02  # of the rate


class SenderRate:
    """Measures the rate of one stream by the stamps on its messages."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._windows: deque[tuple[int, float]] = deque(maxlen=WINDOWS)  # number, least lateness
        self._measured_hz: float | None = None

    def push(self, samples: Samples) -> float | None:
        """Take the next samples; give the rate by the sender's clock (Hz), None if unknown."""
        if samples.wall_ns is None or not len(samples.values_mv):
            return self._measured_hz
        number = int(samples.start_sample / self._rate_hz // WINDOW_S)
        late_s = samples.wall_ns / 1e9 - samples.start_sample / self._rate_hz
        if self._windows and self._windows[-1][0] == number:
            self._windows[-1] = number, min(late_s, self._windows[-1][1])
            return self._measured_hz
        self._measured_hz = self._measure()
        self._windows.append((number, late_s))
        return self._measured_hz

    def _measure(self) -> float | None:
        """Compare successive windows: how much later each is than the one before."""
        steps = [
            (after - before) / ((later - earlier) * WINDOW_S)
            for (earlier, before), (later, after) in itertools.pairwise(self._windows)
            if later > earlier
        ]
        if len(steps) < LEAST_STEPS:
            return None
        return self._rate_hz / max(1.0 + median(steps), 0.01)

    def problem(self, samples: Samples) -> str:
        """Take the next samples; say in one line what is wrong with the rate, if anything is."""
        measured_hz = self.push(samples)
        if measured_hz is None or abs(measured_hz / self._rate_hz - 1.0) <= MOST_DEVIATION:
            return ""
        return (
            f"Announced at {self._rate_hz:g} Hz, {measured_hz:.3g} Hz by the sender's clock: "
            "times and rates cannot be relied on"
        )
