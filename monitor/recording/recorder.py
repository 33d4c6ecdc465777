"""Record all streams of a service. Not safe for threads; see ``thread`` for one of its own."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from monitor.config import RecordingSettings
from monitor.errors import MonitorError
from monitor.log_lines import Level, LogLine
from monitor.messages import Beat, End, Gap, Quality, Rhythm, Samples, StreamInfo
from monitor.recording.header import segment_name
from monitor.recording.recover import recover
from monitor.recording.retention import Retention
from monitor.recording.stream import StreamRecording
from monitor.wire.protocol import Body, StreamState, StreamStatus

SETTLE_AT_ONCE = 4  # finished segments in one flush: each waits for the disk
MAX_NAMES = 10_000  # streams remembered after their end
TIDY_NS = 60_000_000_000


class Recorder:
    """Takes all messages that a service publishes, and stores the streams.

    Parameters
    ----------
    folder
        Where the streams' folders go.
    settings
        Lengths and retention.
    log
        Takes one line for the operator.
    wall_ns
        Wall clock (ns since 1970).

    Raises
    ------
    MonitorError
        If the folder cannot be written, or another service records into it.
    """

    def __init__(
        self,
        folder: Path,
        settings: RecordingSettings,
        log: Callable[[str], object],
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds health data
            self._lock = _locked(folder)
            recover(folder, log)
            self._retention = Retention(folder, settings.keep_days, settings.max_mb)
        except OSError as error:
            reason = error.strerror or error
            raise MonitorError(f"cannot record into {folder}: {reason}") from error
        self._wall_ns = wall_ns
        self._tidied_ns = 0
        self._folder = folder
        self._settings = settings
        self._log = log
        self._streams: dict[str, StreamRecording] = {}
        self._ending: list[StreamRecording] = []
        self._given_up: set[str] = set()
        self._last_ms = self._retention.newest_ms()
        self.problems: dict[str, str] = {}
        """Why streams are not being stored, by stream; empty while all is well."""

    def take(self, body: Body, wall_ns: int) -> None:
        """Take one message; ``wall_ns`` is its time of arrival."""
        match body:
            case Samples() | Beat() | Quality() | Rhythm() | Gap():
                recording = self._streams.get(body.stream)
                if recording is not None:
                    try:
                        _hand(recording, body, wall_ns)
                    except Exception as error:  # the other recordings must go on
                        self._give_up(recording, error)
            case StreamInfo():
                self._end(body.stream)
                self._begin(body)
            case End():
                self._end(body.stream)
            case StreamState(status=StreamStatus.LIVE):
                # announced before the service was restarted, and not since
                if body.stream not in self._streams and body.stream not in self._given_up:
                    self._begin(body.info)

    def flush(self) -> None:
        """Write the samples that wait; a stream that fails is a problem until it succeeds."""
        budget = SETTLE_AT_ONCE
        for recording in self._all():
            try:
                recording.flush()
                while budget and recording.settle():
                    budget -= 1
            except OSError as error:
                recording.hold()
                self._failed(recording.info.stream, error)
            except Exception as error:
                self._give_up(recording, error)
            else:
                self._healed(recording.info.stream)
        self._ending = [recording for recording in self._ending if not recording.done]
        if abs(self._wall_ns() - self._tidied_ns) >= TIDY_NS:
            self._tidied_ns = self._wall_ns()
            self._tidy()

    def close(self) -> None:
        """End all streams, write what can be written, release the folder."""
        try:
            self._end_all()
        finally:
            os.close(self._lock)

    def _end_all(self) -> None:
        for name in list(self._streams):
            self._end(name)
        while self._ending:
            before = len(self._ending)
            self.flush()
            if self.problems and len(self._ending) == before:
                text = f"{before} recording(s) left unfinished: the next start finishes them"
                self._log(LogLine(text, Level.WARNING))
                return

    def _all(self) -> Iterable[StreamRecording]:
        return [*self._ending, *self._streams.values()]

    def _begin(self, info: StreamInfo) -> None:
        if info.stream in self._given_up:
            self._given_up.discard(info.stream)
            self._healed(info.stream)
        self._streams[info.stream] = StreamRecording(
            self._folder / info.stream,
            info,
            self._settings,
            lambda wall_ns: self._name(info.stream, wall_ns),
            lambda name, size: self._retention.add(info.stream, name, size),
            self._log,
        )

    def _give_up(self, recording: StreamRecording, error: Exception) -> None:
        """Stop recording this stream until it is announced again; files on disk stay valid."""
        stream = recording.info.stream
        self._given_up.add(stream)
        if self._streams.get(stream) is recording:
            del self._streams[stream]
        self._ending = [other for other in self._ending if other is not recording]
        self._failed(stream, error)

    def _end(self, stream: str) -> None:
        recording = self._streams.pop(stream, None)
        if recording is not None:
            recording.end()
            self._ending.append(recording)

    def _name(self, stream: str, wall_ns: int) -> str:
        """Name a segment so that names keep growing even if the clock was set back."""
        now_ms = wall_ns // 1_000_000
        last_ms = max(now_ms, self._last_ms.pop(stream, now_ms - 1) + 1)
        self._last_ms[stream] = last_ms
        if len(self._last_ms) > MAX_NAMES:  # the stream that began first
            self._last_ms.pop(next(iter(self._last_ms)))
        return segment_name(last_ms)

    def _tidy(self) -> None:
        try:
            deleted = self._retention.apply(self._tidied_ns // 1_000_000)
        except OSError as error:
            reason = error.strerror or error
            self._log(LogLine(f"old recordings cannot be deleted: {reason}", Level.ERROR))
        else:
            if deleted:
                self._log(f"deleted {deleted} old recording(s)")

    def _failed(self, stream: str, error: Exception) -> None:
        reason = str(error)
        if isinstance(error, OSError):
            reason = error.strerror or reason
        else:
            reason = f"{type(error).__name__}: {' '.join(reason.split())[:200]}"
        if stream not in self.problems:
            text = f"recording of {stream} has stopped: {reason}"
            self._log(LogLine(text, Level.ERROR, stream))
        self.problems[stream] = reason

    def _healed(self, stream: str) -> None:
        if self.problems.pop(stream, None) is not None:
            self._log(LogLine(f"recording of {stream} goes on", stream=stream))


def _hand(
    recording: StreamRecording, body: Samples | Beat | Quality | Rhythm | Gap, wall_ns: int
) -> None:
    if not isinstance(body, Samples):
        recording.event(body)
        return
    length_ns = round(len(body.values_mv) / recording.info.rate_hz * 1e9)
    recording.samples(body, wall_ns - length_ns)


def _locked(folder: Path) -> int:
    """Lock a folder until the process ends; give the descriptor of the lock file."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise MonitorError(
            f"another `serve` records into {folder}; give each a folder of its own"
        ) from None
    return handle
