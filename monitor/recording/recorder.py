"""Record all streams of a service. Not safe for threads; see ``thread`` for one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from monitor.config import RecordingSettings
from monitor.errors import MonitorError
from monitor.messages import Beat, End, Gap, Quality, Rhythm, Samples, StreamInfo
from monitor.recording.header import segment_name
from monitor.recording.stream import StreamRecording
from monitor.wire.protocol import Body

SETTLE_AT_ONCE = 4  # slower pieces of work in one flush


class Recorder:
    """Takes everything a service publishes, and stores the streams.

    Parameters
    ----------
    folder
        Where the streams' folders go.
    settings
        Lengths and retention.
    say
        Takes one line for the operator.
    """

    def __init__(
        self, folder: Path, settings: RecordingSettings, say: Callable[[str], object]
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._say = say
        self._streams: dict[str, StreamRecording] = {}
        self._ending: list[StreamRecording] = []
        self._last_ms: dict[str, int] = {}
        self.problems: dict[str, str] = {}
        """Why streams are not being stored, by stream; empty while all is well."""

    def take(self, body: Body, wall_ns: int) -> None:
        """Take one message; ``wall_ns`` is when it came."""
        match body:
            case Samples():
                recording = self._streams.get(body.stream)
                if recording is not None:
                    rate_hz = recording.info.rate_hz
                    length_ns = round(len(body.values_mv) / rate_hz * 1e9)
                    recording.samples(body, body.wall_ns or wall_ns - length_ns)
            case Beat() | Quality() | Rhythm() | Gap():
                recording = self._streams.get(body.stream)
                if recording is not None:
                    recording.event(body)
            case StreamInfo():
                self._end(body.stream)
                self._streams[body.stream] = self._begin(body)
            case End():
                self._end(body.stream)

    def flush(self) -> None:
        """Write what waits; a stream whose turn fails is a problem until it succeeds."""
        budget = SETTLE_AT_ONCE
        for recording in self._all():
            try:
                recording.flush()
                while budget and recording.settle():
                    budget -= 1
            except (OSError, MonitorError) as error:
                recording.hold()
                self._failed(recording.info.stream, error)
            else:
                self._healed(recording.info.stream)
        self._ending = [recording for recording in self._ending if not recording.done]

    def close(self) -> None:
        """End all streams, and write everything that can be written."""
        for name in list(self._streams):
            self._end(name)
        while self._ending:
            before = len(self._ending)
            self.flush()
            if self.problems and len(self._ending) == before:
                self._say(f"{before} recording(s) left unfinished: the next start finishes them")
                return

    def _all(self) -> Iterable[StreamRecording]:
        return [*self._ending, *self._streams.values()]

    def _begin(self, info: StreamInfo) -> StreamRecording:
        return StreamRecording(
            self._folder / info.stream,
            info,
            self._settings,
            lambda wall_ns: self._name(info.stream, wall_ns),
            lambda name, size: None,
            self._say,
        )

    def _end(self, stream: str) -> None:
        recording = self._streams.pop(stream, None)
        if recording is not None:
            recording.end()
            self._ending.append(recording)

    def _name(self, stream: str, wall_ns: int) -> str:
        """Name a segment so that names go on even where the clock was set back."""
        now_ms = wall_ns // 1_000_000
        self._last_ms[stream] = max(now_ms, self._last_ms.get(stream, now_ms - 1) + 1)
        return segment_name(self._last_ms[stream])

    def _failed(self, stream: str, error: Exception) -> None:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        if stream not in self.problems:
            self._say(f"recording of {stream} has stopped: {reason}")
        self.problems[stream] = reason

    def _healed(self, stream: str) -> None:
        if self.problems.pop(stream, None) is not None:
            self._say(f"recording of {stream} goes on")
