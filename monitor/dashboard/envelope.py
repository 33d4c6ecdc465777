"""The lowest and highest sample of each small stretch of time: a trace ready to be drawn small.

A ward of small traces is drawn many times a second. So the samples are taken down to dots once,
as they come, and not again for each frame. Pure.
"""

from __future__ import annotations

import numpy as np

from monitor.messages import FloatArray

DOTS_PER_S = 50
KEPT_DOTS = 650  # 13 s


class Envelope:
    """Keeps the extremes of each lead in the newest dots of 1/50 s, by absolute sample index.

    Parameters
    ----------
    rate_hz
        Sampling rate, at least 50 Hz.
    leads
        Number of signal columns.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._rate_hz = rate_hz
        self._low: FloatArray = np.full((KEPT_DOTS, leads), np.nan, np.float32)
        self._high = self._low.copy()
        self._end = 0  # just past the newest dot

    def write(self, start_sample: int, values_mv: FloatArray) -> None:
        """Take in samples, shape (n, leads), mV; what is missing before them stays empty."""
        if not len(values_mv):
            return
        samples = np.arange(start_sample, start_sample + len(values_mv))
        dots = (samples * (DOTS_PER_S / self._rate_hz)).astype(np.int64)
        edges = np.concatenate(([0], np.flatnonzero(dots[1:] != dots[:-1]) + 1))
        low = np.fmin.reduceat(values_mv, edges, axis=0)
        high = np.fmax.reduceat(values_mv, edges, axis=0)
        at = dots[edges][-KEPT_DOTS:]
        low, high = low[-KEPT_DOTS:], high[-KEPT_DOTS:]
        end = int(at[-1]) + 1
        if at[0] < self._end - KEPT_DOTS:  # the stream begins anew
            self._low[:], self._high[:] = np.nan, np.nan
            self._end = 0
        fresh = np.arange(max(self._end, end - KEPT_DOTS), end) % KEPT_DOTS
        self._low[fresh], self._high[fresh] = np.nan, np.nan
        self._end = max(self._end, end)
        places = at % KEPT_DOTS
        self._low[places] = np.fmin(self._low[places], low)
        self._high[places] = np.fmax(self._high[places], high)

    def newest(self, dots_per_s: int) -> int:
        """Give the absolute index of the newest dot at a rate that divides 50; -1 for none."""
        return (self._end - 1) // (DOTS_PER_S // dots_per_s)

    def read(self, lead: int, dots_per_s: int, count: int) -> tuple[FloatArray, FloatArray]:
        """Give lowest and highest value of the last ``count`` dots, each of shape (count,).

        Parameters
        ----------
        lead
            Index of the lead.
        dots_per_s
            A divisor of 50.
        count
            At most 12.9 s of dots; what is not known is NaN.
        """
        group = DOTS_PER_S // dots_per_s
        first = (self.newest(dots_per_s) - count + 1) * group
        places = np.arange(first, first + count * group) % KEPT_DOTS
        low, high = self._low[places, lead], self._high[places, lead]
        ahead = first + count * group - self._end  # the newest dot is not full yet
        if ahead > 0:
            low[-ahead:] = high[-ahead:] = np.nan
        if group == 1:
            return low, high
        return (
            np.fmin.reduce(low.reshape(count, group), axis=1),
            np.fmax.reduce(high.reshape(count, group), axis=1),
        )
