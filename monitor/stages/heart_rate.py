"""Heart rate as monitors compute it.

The averaging rule, stated as IEC 60601-2-27 asks:

1. The rate is 60 divided by the mean of the last 12 RR intervals (of as many as there are
   after a start, at least 3). Every QRS counts, whatever its label.
2. When each of the last 3 intervals exceeds 1200 ms the mean of the last 4 is taken, so that
   a falling rate shows soon. An interval still open counts once it completes the 3, or
   when the rate is lower with it.
3. The result is rounded to whole beats per minute, as displayed and as compared with limits.
4. An interval of ``no_beat_s`` or more is a standstill, not an interval of the rate: with the
   beat after it averaging starts anew.
5. Twelve is a multiple of 2, 3, 4 and 6: rhythms that repeat after so many beats give a
   steady reading (the irregular waveforms of EC13 read 80, 60, 120 and 90).
"""

from __future__ import annotations

from collections import deque

from monitor.config import RhythmSettings


class HeartRate:
    """Averages RR intervals; times are sample indices.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    settings
        Length of the averages.
    """

    def __init__(self, rate_hz: float, settings: RhythmSettings) -> None:
        self._rate_hz = rate_hz
        self._settings = settings
        self._last: int | None = None
        self._rr_s: deque[float] = deque(maxlen=settings.average_beats)

    def forget(self) -> None:
        """Drop everything: after a hole or a long shutdown no interval is known."""
        self._last = None
        self._rr_s.clear()

    def skip(self) -> None:
        """Drop only the interval now open: a beat may have been missed in it."""
        self._last = None

    def push(self, rpeak: int) -> None:
        """Take the next R peak."""
        if self._last is not None:
            rr_s = (rpeak - self._last) / self._rate_hz
            if rr_s < self._settings.no_beat_s:
                self._rr_s.append(rr_s)
            else:
                self._rr_s.clear()
        self._last = rpeak

    def _slow(self, rr_s: list[float]) -> bool:
        count = self._settings.slow_count
        return len(rr_s) >= count and min(rr_s[-count:]) > self._settings.slow_rr_s

    @property
    def rr_s(self) -> float | None:
        """The last interval, None while none is known."""
        return self._rr_s[-1] if self._rr_s and self._last is not None else None

    def bpm(self, settled_sample: int) -> float | None:
        """Heart rate when every R peak before ``settled_sample`` is known; None if unknown."""
        s = self._settings
        if self._last is None or not self._rr_s:
            return None
        open_s = (settled_sample - self._last) / self._rate_hz
        if open_s >= s.no_beat_s:
            return None
        rr = list(self._rr_s)
        with_open = [*rr, open_s]
        if self._slow(rr):
            rr = rr[-s.slow_average_beats :]
            with_open = with_open[-s.slow_average_beats :]
            if sum(with_open) * len(rr) > sum(rr) * len(with_open):
                rr = with_open
        elif self._slow(with_open):
            rr = with_open[-s.slow_average_beats :]
        if len(rr) < s.least_beats:
            return None
        return float(round(60.0 * len(rr) / sum(rr)))
