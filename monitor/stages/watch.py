"""Tells which signal is analysed, and since when.

While the signal is not usable the monitor says so and reports no beat or interval from it. EC57
(3.2) calls this state shutdown and scores it apart. After a hole, or a long shutdown, earlier beats
prove nothing about later ones.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from monitor.config import WatchSettings
from monitor.messages import Quality, RPeak, Samples, StreamInfo
from monitor.stages.hop import Watched
from monitor.stages.segment import BeatWindow

_MEMORY_S = 30.0  # no beat is decided later than this


class Watch:
    """Follows the quality of one stream hop by hop.

    Parameters
    ----------
    info
        The stream.
    settings
        How long a shutdown may last before earlier beats are forgotten.
    """

    def __init__(self, info: StreamInfo, settings: WatchSettings) -> None:
        self._rate_hz = info.rate_hz
        self._forget_s = settings.forget_s
        self._memory = math.ceil(_MEMORY_S * info.rate_hz)
        self._shutdowns: deque[tuple[int, int]] = deque()  # [first, last) in order
        self._end: int | None = None
        self._last_rpeak: int | None = None
        self._state = Watched(info.start_sample, None, info.start_sample)

    def push(self, block: Samples, quality: Quality) -> None:
        """Take the next hop and its quality."""
        since, unusable = self._state.since_sample, self._state.unusable_since
        after_hole = self._end is not None and block.start_sample != self._end
        if self._end is None:
            since = block.start_sample
        self._end = block.end_sample
        forget = after_hole
        if after_hole:
            since, unusable = block.start_sample, None
        if quality.usable:
            if unusable is not None:
                since, unusable = block.start_sample, None
        else:
            self._remember(quality)
            if unusable is None:
                unusable = block.start_sample
            forget = forget or block.end_sample - unusable > self._forget_s * self._rate_hz
        if forget:
            self._last_rpeak = None
        self._state = Watched(since, unusable, since, after_hole, forget)

    def take(self, found: Sequence[RPeak]) -> tuple[list[RPeak], Watched]:
        """Take the R peaks found in this hop.

        Returns
        -------
        rpeaks : list of RPeak
            Those outside of every shutdown. A peak before a shutdown that is found during it stays.
        watched : Watched
            The state of the stream with them.
        """
        rpeaks = [peak for peak in found if not self._in_shutdown(peak.sample)]
        if rpeaks:
            self._last_rpeak = rpeaks[-1].sample
        since = self._state.since_sample
        last = since if self._last_rpeak is None else max(self._last_rpeak, since)
        return rpeaks, replace(self._state, quiet_from=last)

    def at_end(self) -> None:
        """Note that the stream is over: the last beats come without signal."""
        self._state = replace(self._state, after_hole=False, forget=False)

    def rr_s(self, windows: Sequence[BeatWindow]) -> dict[int, float | None]:
        """Give the RR interval, in seconds, of each beat outside of every shutdown, by sample.

        It is None where a shutdown lies in it: beats may have been missed there.
        """
        return {
            window.rpeak.sample: None if self._broken(window) else window.rr_s
            for window in windows
            if not self._in_shutdown(window.rpeak.sample)
        }

    def _remember(self, quality: Quality) -> None:
        shutdowns = self._shutdowns
        if shutdowns and shutdowns[-1][1] == quality.sample:
            shutdowns[-1] = (shutdowns[-1][0], quality.end_sample)
        else:
            shutdowns.append((quality.sample, quality.end_sample))
        while shutdowns[0][1] < quality.sample - self._memory:
            shutdowns.popleft()

    def _in_shutdown(self, sample: int) -> bool:
        return any(first <= sample < last for first, last in self._shutdowns)

    def _broken(self, window: BeatWindow) -> bool:
        end = window.rpeak.sample
        start = end - (window.rr_s or 0.0) * self._rate_hz
        return any(first < end and last > start for first, last in self._shutdowns)
