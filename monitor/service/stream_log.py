"""What the log tells of the streams. Pure.

No line holds what a sender wrote, except names of streams: who the patient is must not be in logs.
"""

from __future__ import annotations

from collections.abc import Callable

from monitor.log_lines import Level, LogLine
from monitor.messages import StreamInfo
from monitor.service.stream import MonitoredStream
from monitor.wire.protocol import ProtocolError, StreamStatus
from monitor.wire.refusals import Refusals


class StreamLog:
    """Writes one line when the status of a stream changes, and counts refused messages.

    Parameters
    ----------
    say
        Takes one line.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self.refusals = Refusals(say)

    def line(self, stream: str, text: str, level: Level = Level.INFO) -> None:
        """Write one line about a stream."""
        self._say(LogLine(f"stream {stream}: {text}", level, stream))

    def refuse(self, error: ProtocolError, now_s: float, count: int = 1) -> None:
        """Count refused messages; only the public reason of the error is logged."""
        self.refusals.note(f"a message: {error.reason}", now_s, count)

    def report(self, stream: MonitoredStream, was: StreamStatus) -> None:
        """Write what is new of a stream; ``was`` is its former status."""
        name = stream.info.stream
        if stream.news is not None:
            news, stream.news = stream.news, None
            self.line(name, news, news.level)
        if stream.status is was or stream.turned_away:
            return
        if stream.status is StreamStatus.QUARANTINED:
            self.line(name, f"quarantined: {stream.reason}", Level.ERROR)
        elif stream.status is StreamStatus.STALE:
            self.line(name, stream.status, Level.WARNING)
        elif stream.status is StreamStatus.ENDED:
            self.line(name, stream.status)
        elif stream.status is StreamStatus.WAITING:
            self.line(name, f"begins anew: {described(stream.info)}")
        elif was is StreamStatus.STALE:
            self.line(name, "samples again")


def described(info: StreamInfo) -> str:
    """Describe a stream without its source and lead names, which a sender chooses freely."""
    return f"{info.rate_hz:g} Hz, {len(info.leads)} lead(s)"
