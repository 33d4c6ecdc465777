"""Running statistics of the RR intervals and of the rejected candidates."""

from __future__ import annotations

import math

_FADE_S = 2.0  # time constant of the count of rejected candidates
_MOST_REJECTED = 6.0
_RR_S = (0.2, 2.5)  # an interval outside of this is a false or a missed beat


class RrStatistics:
    """Mean RR interval, its deviation, and how much is rejected.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.

    Attributes
    ----------
    mean
        Running mean RR interval, samples.
    deviation
        Running mean deviation from it, as a part of it.
    beats
        Number of beats so far.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._rate_hz = rate_hz
        self.mean = 0.8 * rate_hz
        self.deviation = 0.1
        self.beats = 0
        self._all = leads
        self._noise = [0.1] * (leads + 1)  # per lead; the last one is for all leads together
        self._selected = self._all
        self._rejected = 0.0
        self._rejected_at = 0

    def rejected(self, sample: int) -> float:
        """Count of rejected candidates, fading with a time constant of 2 s, at most 6."""
        return min(self._faded(sample), _MOST_REJECTED)

    def _faded(self, sample: int) -> float:
        seconds = max(sample - self._rejected_at, 0) / self._rate_hz
        return self._rejected * math.exp(-seconds / _FADE_S)

    @property
    def noise(self) -> float:
        """Mean height of rejected candidates in the leads that count."""
        return self._noise[self._selected]

    def select_leads(self, counted: list[bool]) -> None:
        """Set the leads that count. Noise is tracked per set of active leads."""
        one = counted.count(True) == 1 < len(counted)
        self._selected = counted.index(True) if one else self._all

    def reject(self, sample: int, log_height: float, heights: list[float]) -> None:
        """Take in a rejected candidate: its height in all leads that count, and in each lead."""
        self._rejected = self._faded(sample) + 1.0
        self._rejected_at = sample
        for lead, height in enumerate(heights):
            self._learn(lead, height)
        if self._selected == self._all:
            self._learn(self._all, math.exp(log_height))

    def _learn(self, of: int, height: float) -> None:
        self._noise[of] += 0.1 * (min(height, 1.5) - self._noise[of])

    def accept(self, rr: int | None) -> None:
        """Take in a beat, and the samples since the beat before it, if there was one."""
        self.beats += 1
        shortest, longest = _RR_S
        if rr is not None and shortest * self._rate_hz < rr < longest * self._rate_hz:
            self.deviation += 0.1 * (min(abs(rr / self.mean - 1.0), 1.0) - self.deviation)
            self.mean += 0.125 * (rr - self.mean)
