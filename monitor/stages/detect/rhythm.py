"""Running figures of the rhythm and of what was rejected."""

from __future__ import annotations

import math


class Rhythm:
    """Mean RR, its deviation, and how much is being rejected.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._rate_hz = rate_hz
        self.rr = 0.8 * rate_hz  # samples
        self.deviation = 0.1  # of the mean RR
        self._all = leads
        self._noise = [0.1] * (leads + 1)  # in each lead, and last in all together
        self._heard = self._all
        self.beats = 0
        self._rejected = 0.0
        self._rejected_at = 0

    def rejected(self, sample: int) -> float:
        """Count of rejected candidates that fades with a time constant of 2 s, at most 6."""
        seconds = max(sample - self._rejected_at, 0) / self._rate_hz
        return min(self._rejected * math.exp(-seconds / 2.0), 6.0)

    @property
    def noise(self) -> float:
        """Mean height of what was rejected, as the leads show it that count."""
        return self._noise[self._heard]

    def hear(self, counted: list[bool]) -> None:
        """Take the leads that count from now on: what is noise in one is none in the other."""
        one = counted.count(True) == 1 < len(counted)
        self._heard = counted.index(True) if one else self._all

    def reject(self, sample: int, log_height: float, heights: list[float]) -> None:
        """Take in a rejected candidate: its height in all leads that count, and in each lead."""
        seconds = max(sample - self._rejected_at, 0) / self._rate_hz
        self._rejected = self._rejected * math.exp(-seconds / 2.0) + 1.0
        self._rejected_at = sample
        for lead, height in enumerate(heights):
            self._learn(lead, height)
        if self._heard == self._all:
            self._learn(self._all, math.exp(log_height))

    def _learn(self, of: int, height: float) -> None:
        self._noise[of] += 0.1 * (min(height, 1.5) - self._noise[of])

    def accept(self, rr: int | None) -> None:
        """Take in a beat, and the samples since the one before it if there was one."""
        self.beats += 1
        if rr is not None and 0.2 * self._rate_hz < rr < 2.5 * self._rate_hz:
            self.deviation += 0.1 * (min(abs(rr / self.rr - 1.0), 1.0) - self.deviation)
            self.rr += 0.125 * (rr - self.rr)
