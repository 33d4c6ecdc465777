"""One stream cut into segments. Not safe for threads; only ``flush`` touches the disk.

A segment ends

- after ``segment_s`` of signal, exact to the sample;
- at a hole of more than ``hole_s``. A shorter hole is filled with invalid samples;
- at a value that does not fit its scale, if the segment has lasted :data:`RESCALE_S`;
- when the stream ends or is announced again.

The analysis may decide an event long after its sample. So a full segment waits :data:`LATE_S` of
signal for such events before its annotations are final.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from monitor.config import RecordingSettings
from monitor.log_lines import Level, LogLine
from monitor.messages import FloatArray, Quality, Rhythm, Samples, StreamInfo
from monitor.recording.segment import Annotated, Segment

LATE_S = 120.0
RESCALE_S = 10.0
HOLD_S = 10.0  # signal kept in memory while the disk fails
MAX_CLOSING = 8  # segments that wait to be finished; the oldest are dropped while the disk fails


class StreamRecording:
    """The segments of one stream, from an announcement to its end.

    Parameters
    ----------
    folder
        Folder of the stream.
    info
        As announced.
    settings
        Lengths.
    name
        Gives the name of a segment from its wall time (ns).
    finished
        Told of each finished segment: its name and its size in bytes.
    log
        Takes one line for the operator.
    """

    def __init__(
        self,
        folder: Path,
        info: StreamInfo,
        settings: RecordingSettings,
        name: Callable[[int], str],
        finished: Callable[[str, int], object],
        log: Callable[[str], object],
    ) -> None:
        self.info = info
        self.over = False
        self._folder = folder
        self._name = name
        self._finished = finished
        self._log = log
        self._segment_samples = round(settings.segment_s * info.rate_hz)
        self._hole_samples = round(settings.hole_s * info.rate_hz)
        self._late = round(LATE_S * info.rate_hz)
        self._expected: int | None = None
        self._skew_ns = 0  # our wall clock less that of the source
        self._current: Segment | None = None
        self._closing: list[Segment] = []
        self._rhythm: Rhythm | None = None
        self._quality: Quality | None = None
        self._told_clipped = False

    @property
    def pending_samples(self) -> int:
        """Number of samples that wait to be written."""
        return self._current.pending_samples if self._current is not None else 0

    @property
    def done(self) -> bool:
        """The stream is over, and all of it has been written."""
        return self.over and self._current is None and not self._closing

    def samples(self, samples: Samples, wall_ns: int) -> None:
        """Take samples; repeated ones are dropped, as in the analysis.

        ``wall_ns`` is our wall clock at the first sample. The header gives the time of the source
        if it states one. Names use our clock, so that they grow.
        """
        stated_ns = wall_ns if samples.wall_ns is None else samples.wall_ns
        self._skew_ns, wall_ns = wall_ns - stated_ns, stated_ns
        start, values = samples.start_sample, samples.values_mv
        if self._expected is not None:
            dropped = min(max(self._expected - start, 0), len(values))
            values, start = values[dropped:], start + dropped
            wall_ns += round(dropped / self.info.rate_hz * 1e9)
        if not len(values):
            return
        hole = 0 if self._expected is None else start - self._expected
        if hole > self._hole_samples:
            self._close()
        elif hole and self._current is not None:
            missing = np.full((hole, values.shape[1]), np.nan, np.float32)
            self._append(missing, start - hole, wall_ns - round(hole / self.info.rate_hz * 1e9))
        self._append(values, start, wall_ns)
        self._expected = start + len(values)

    def event(self, event: Annotated) -> None:
        """Take an event for its segment; rhythm and quality also go to later segments."""
        if isinstance(event, Rhythm):
            self._rhythm = event
        elif isinstance(event, Quality):
            self._quality = event
        lasting = isinstance(event, Rhythm | Quality)
        for segment in self._segments():
            inside = event.sample >= segment.start_sample and (
                segment is self._current or event.sample < segment.end_sample
            )
            if inside or (lasting and event.sample < segment.start_sample):
                segment.add(event)

    def end(self) -> None:
        """No more samples and events will come."""
        self._close()
        self.over = True

    def flush(self) -> None:
        """Write the samples that wait.

        Raises
        ------
        OSError
            If the disk fails; the next call tries again.
        """
        for segment in self._segments():
            segment.flush()
            if segment.cut_off and not self._told_clipped:
                self._told_clipped = True
                text = (
                    f"recording of {self.info.stream}: samples beyond the range of the file are "
                    "cut off; the header counts them"
                )
                self._log(LogLine(text, Level.WARNING, self.info.stream))

    def settle(self) -> bool:
        """Finish one segment, if one is due; tell whether one was.

        Raises
        ------
        OSError
            If the disk fails; the next call tries again.
        """
        expected = self._expected or 0
        if self._closing and (self.over or expected - self._closing[0].end_sample >= self._late):
            size = self._closing[0].finish()
            name = self._closing.pop(0).name
            if size:
                self._finished(name, size)
            return True
        return False

    def hold(self) -> None:
        """Keep memory bounded while the disk fails: drop samples that have waited too long."""
        current = self._current
        if current is not None and current.pending_samples > HOLD_S * self.info.rate_hz:
            current.drop_pending()
            self._close()
        del self._closing[:-MAX_CLOSING]

    def _segments(self) -> list[Segment]:
        return [*self._closing, *([self._current] if self._current is not None else [])]

    def _append(self, values: FloatArray, start: int, wall_ns: int) -> None:
        """Append values from ``start`` on, to as many segments as needed."""
        while len(values):
            current = self._current
            if current is not None and (
                current.end_sample - current.start_sample >= self._segment_samples
                or (
                    current.end_sample - current.start_sample >= RESCALE_S * self.info.rate_hz
                    and not current.fits(values)
                )
            ):
                self._close()
                current = None
            if current is None:
                current = self._open(start, wall_ns)
            room = self._segment_samples - (current.end_sample - current.start_sample)
            piece = values[:room]
            current.append(piece)
            values, start = values[len(piece) :], start + len(piece)
            wall_ns += round(len(piece) / self.info.rate_hz * 1e9)

    def _open(self, start: int, wall_ns: int) -> Segment:
        name = self._name(wall_ns + self._skew_ns)
        segment = Segment(self._folder, name, self.info, start, wall_ns)
        for event in (self._quality, self._rhythm):
            if event is not None:
                segment.add(event)
        self._current = segment
        return segment

    def _close(self) -> None:
        if self._current is not None:
            if not self._current.empty:
                self._closing.append(self._current)
            self._current = None
