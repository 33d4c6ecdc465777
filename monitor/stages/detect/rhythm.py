"""Running figures of the rhythm and of what was rejected."""

from __future__ import annotations

import math


class Rhythm:
    """Mean RR, its deviation, and how much is being rejected.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self.rr = 0.8 * rate_hz  # samples
        self.deviation = 0.1  # of the mean RR
        self.noise = 0.1  # height of what was rejected
        self.beats = 0
        self._rejected = 0.0
        self._rejected_at = 0

    def rejected(self, sample: int) -> float:
        """Count of rejected candidates that fades with a time constant of 2 s, at most 6."""
        seconds = max(sample - self._rejected_at, 0) / self._rate_hz
        return min(self._rejected * math.exp(-seconds / 2.0), 6.0)

    def reject(self, sample: int, log_height: float) -> None:
        """Take in a rejected candidate."""
        seconds = max(sample - self._rejected_at, 0) / self._rate_hz
        self._rejected = self._rejected * math.exp(-seconds / 2.0) + 1.0
        self._rejected_at = sample
        self.noise += 0.1 * (min(math.exp(log_height), 1.5) - self.noise)

    def accept(self, rr: int | None) -> None:
        """Take in a beat, and the samples since the one before it if there was one."""
        self.beats += 1
        if rr is not None and 0.2 * self._rate_hz < rr < 2.5 * self._rate_hz:
            self.deviation += 0.1 * (min(abs(rr / self.rr - 1.0), 1.0) - self.deviation)
            self.rr += 0.125 * (rr - self.rr)
