"""While the signal is not usable the monitor says so, and reports no beat or interval from it."""

from __future__ import annotations

import math
from collections import deque

from monitor.messages import Quality, RPeak, StreamInfo
from monitor.stages.segment import BeatWindow

MEMORY_S = 30.0  # no beat is decided later than this


class Shutdown:
    """Knows the stretches without analysis, and leaves out what was found in them.

    Beats before a stretch that are decided during it stay; beats in it are guesses, even
    where a detector sees them (EC57 3.2 calls the state shutdown and scores it apart).
    """

    def __init__(self, info: StreamInfo) -> None:
        self._rate_hz = info.rate_hz
        self._memory = math.ceil(MEMORY_S * info.rate_hz)
        self._spans: deque[tuple[int, int]] = deque()  # [first, last) in order

    def push(self, quality: Quality) -> None:
        """Take the quality of the next hop."""
        if quality.usable:
            return
        if self._spans and self._spans[-1][1] == quality.sample:
            self._spans[-1] = (self._spans[-1][0], quality.end_sample)
        else:
            self._spans.append((quality.sample, quality.end_sample))
        while self._spans[0][1] < quality.sample - self._memory:
            self._spans.popleft()

    def outside(self, found: list[RPeak]) -> list[RPeak]:
        """Give those of ``found`` that do not lie in a stretch without analysis."""
        if not self._spans:
            return found
        return [f for f in found if not any(a <= f.sample < b for a, b in self._spans)]

    def intervals(self, windows: list[BeatWindow]) -> dict[int, float | None]:
        """Give the samples of the beats that are outside, each with its RR interval in seconds.

        That is None where part of it was not analysed: who knows how many beats were there.
        """
        outside = {peak.sample for peak in self.outside([window.rpeak for window in windows])}
        return {
            window.rpeak.sample: None if self._broken(window) else window.rr_s
            for window in windows
            if window.rpeak.sample in outside
        }

    def _broken(self, window: BeatWindow) -> bool:
        last = window.rpeak.sample
        first = last - (window.rr_s or 0.0) * self._rate_hz
        return any(a < last and b > first for a, b in self._spans)
