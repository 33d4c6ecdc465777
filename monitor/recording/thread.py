"""A recorder in a thread of its own, so that a slow disk never delays the analysis.

The queue is bounded. When :data:`MAX_WAITING_BYTES` wait for a slow disk, further messages are
left out of the recording, but not of the analysis, and a problem is reported.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.config import RecordingSettings
from monitor.log_lines import Level, LogLine
from monitor.messages import Beat, End, Gap, Quality, Rhythm, Samples, StreamInfo
from monitor.recording.recorder import Recorder
from monitor.wire.protocol import Body, StreamState

FLUSH_S = 0.7  # a crash loses at most the last second
MAX_WAITING_BYTES = 64 * 1024 * 1024
EARLY_BYTES = 4 * 1024 * 1024  # more waiting bytes are written at once
CLOSE_S = 20.0


_STORED = (StreamInfo, Samples, End, Beat, Quality, Rhythm, Gap, StreamState)
_EVENT_BYTES = 500


class RecordingThread:
    """Owns a :class:`~monitor.recording.recorder.Recorder` and feeds it.

    Parameters
    ----------
    folder, settings, log
        For the recorder.

    Raises
    ------
    MonitorError
        If the folder cannot be written, or another service records into it.
    """

    def __init__(
        self, folder: Path, settings: RecordingSettings, log: Callable[[str], object]
    ) -> None:
        self._recorder = Recorder(folder, settings, log)
        self._log = log
        self._queue: deque[tuple[Body, int]] = deque()
        self._early = threading.Event()
        self._closed = False
        self._put = self._taken = 0  # bytes; each is written by one thread only
        self._defect = ""
        self._overrun: dict[str, str] = {}
        self._problems: Mapping[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def problems(self) -> Mapping[str, str]:
        """Why streams are not stored, by stream; empty if all are."""
        return {**self._overrun, **self._problems}

    @property
    def idle(self) -> bool:
        """All messages delivered so far have been recorded."""
        return self._put == self._taken

    def deliver(self, body: Body) -> None:
        """Take one message that is being published."""
        if not isinstance(body, _STORED):
            return
        must_be_taken = isinstance(body, StreamInfo | End)
        waiting = self._put - self._taken
        if self._defect or (waiting > MAX_WAITING_BYTES and not must_be_taken):
            self._overrun[body.stream] = self._defect or "the disk is too slow"
            return
        if must_be_taken or isinstance(body, Samples):
            self._overrun.pop(body.stream, None)
        self._put += _size(body)
        self._queue.append((body, time.time_ns()))
        if waiting > EARLY_BYTES:
            self._early.set()

    def close(self) -> None:
        """End all recordings, within :data:`CLOSE_S`."""
        self._closed = True
        self._early.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            text = "the disk does not answer: recordings are left unfinished"
            self._log(LogLine(text, Level.ERROR))

    def _run(self) -> None:
        try:
            while not self._closed:
                self._early.wait(FLUSH_S)
                self._early.clear()
                self._record()
            self._record()
            self._recorder.close()
        except Exception as error:
            self._defect = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            self._log(LogLine(f"nothing is recorded any more: {self._defect}", Level.ERROR))

    def _record(self) -> None:
        """Write the messages that have come so far."""
        for _ in range(len(self._queue)):
            body, wall_ns = self._queue.popleft()
            self._recorder.take(body, wall_ns)
            self._taken += _size(body)
        self._recorder.flush()
        self._problems = dict(self._recorder.problems)


def _size(body: Body) -> int:
    return body.values_mv.nbytes + _EVENT_BYTES if isinstance(body, Samples) else _EVENT_BYTES
