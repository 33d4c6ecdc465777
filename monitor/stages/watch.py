"""Tells which signal is analysed, and since when.

While the signal is not usable the monitor says so and reports no beat or interval from it. EC57
(3.2) calls this state shutdown and scores it apart. After a hole, or a long shutdown, earlier beats
prove nothing about later ones.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

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
        self._since = info.start_sample
        self._unusable_since: int | None = None
        self._after_hole = self._forgets = False

    def push(self, block: Samples, quality: Quality) -> None:
        """Take the next hop and its quality."""
        after_hole = self._end is not None and block.start_sample != self._end
        if self._end is None or after_hole:
            self._since = block.start_sample
        self._end = block.end_sample
        forget = after_hole
        if after_hole:
            self._unusable_since = None
        if not quality.usable:
            self._remember(quality)
            if self._unusable_since is None:
                self._unusable_since = block.start_sample
            lasted = block.end_sample - self._unusable_since
            forget = forget or lasted > self._forget_s * self._rate_hz
        elif self._unusable_since is not None:
            self._since, self._unusable_since = block.start_sample, None
        if forget:
            self._last_rpeak = None
        self._after_hole, self._forgets = after_hole, forget

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
        since = self._since
        last = since if self._last_rpeak is None else max(self._last_rpeak, since)
        watched = Watched(since, self._unusable_since, last, self._after_hole, self._forgets)
        return rpeaks, watched

    def at_end(self) -> None:
        """Note that the stream is over: the last beats come without signal."""
        self._after_hole = self._forgets = False

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
