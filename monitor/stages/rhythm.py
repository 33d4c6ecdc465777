"""From beats to heart rate, counts and the name of the rhythm.

Rules that hold here:

1. :class:`~monitor.messages.Vitals` come once per second of signal, from R peaks (known about
   0.3 s after they happen), not from labels (up to 1.5 s).
2. While the signal is not usable nothing is known: the heart rate is None, never 0.
3. After a hole, or a shutdown longer than ``RhythmSettings.forget_s``, averages start anew;
   beat counts go on.
"""

from __future__ import annotations

from collections import deque

from monitor.config import RhythmSettings
from monitor.messages import AamiClass, Hop, Rhythm, StreamInfo, Vitals
from monitor.stages.heart_rate import HeartRate


class RhythmStage:
    """Names the rhythm and computes the vitals of one stream.

    Parameters
    ----------
    info
        The stream.
    settings
        Averaging and naming limits.
    """

    def __init__(self, info: StreamInfo, settings: RhythmSettings) -> None:
        self._info = info
        self._settings = settings
        self._heart_rate = HeartRate(info.rate_hz, settings)
        self._settle = round(settings.settle_s * info.rate_hz)
        self._counts = {label.value: 0 for label in AamiClass}
        self._pvcs: deque[int] = deque()
        self._end: int | None = None
        self._unusable_since: int | None = None
        self._second: int | None = None

    def push(self, hop: Hop) -> list[Rhythm | Vitals]:
        """Take one hop; give the rhythm when it changes, the vitals once a second."""
        block = hop.block
        if self._end is not None and block.start_sample != self._end:
            self._heart_rate.forget()
            self._pvcs.clear()
            self._unusable_since = None
        self._end = block.end_sample
        self._watch_quality(hop)
        for rpeak in hop.rpeaks:
            self._heart_rate.push(rpeak.sample)
        for beat in hop.beats:
            self._counts[beat.label.value] += 1
            if beat.label is AamiClass.V:
                self._pvcs.append(beat.sample)
        return list(self._vitals(hop))

    def _watch_quality(self, hop: Hop) -> None:
        if hop.quality.usable:
            self._unusable_since = None
            return
        if self._unusable_since is None:
            self._unusable_since = hop.block.start_sample
        self._heart_rate.skip()
        lost_s = (hop.block.end_sample - self._unusable_since) / self._info.rate_hz
        if lost_s > self._settings.forget_s:
            self._heart_rate.forget()

    def _vitals(self, hop: Hop) -> list[Vitals]:
        end = hop.block.end_sample
        second = int(end / self._info.rate_hz)
        if second == self._second:
            return []
        self._second = second
        while self._pvcs and self._pvcs[0] <= end - 60.0 * self._info.rate_hz:
            self._pvcs.popleft()
        usable = hop.quality.usable
        return [
            Vitals(
                stream=self._info.stream,
                sample=end - 1,
                heart_rate_bpm=self._heart_rate.bpm(end - self._settle) if usable else None,
                rr_s=self._heart_rate.rr_s if usable else None,
                usable=usable,
                beat_counts=dict(self._counts),
                pvcs_per_min=len(self._pvcs),
            )
        ]
