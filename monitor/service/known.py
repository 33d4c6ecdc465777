"""The streams that the service knows: their places, what outlives them, and their log. Pure.

Rules:

1. A live stream takes a place, and so does one that is announced and waited for. One that is stale,
   quarantined or over takes none; when it is heard again it is watched again, place or not.
2. A stream that is not watched stays known: a stale one until it is discharged, an ended one while
   a lethal alarm has not been acknowledged. There is room for :data:`MAX_KEPT` of them.
3. Only a stream that needs no person any more makes room for others.
4. No line of the log holds what a sender wrote, except names of streams: who the patient is must
   not be in logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from monitor.log_lines import Level, LogLine
from monitor.messages import StreamInfo
from monitor.service.analysis import MakeAnalysis
from monitor.service.memory import StreamMemory
from monitor.service.ownership import Announcement
from monitor.service.stream import MonitoredStream
from monitor.wire.protocol import Body, ProtocolError, StreamStatus
from monitor.wire.refusals import ANSWER_S, Refusals, RefusedStreams

MAX_STREAMS = 256
MAX_KEPT = 256
MAX_FORMER = 10_000  # memories of forgotten streams
FORGET_ENDED_S = 60.0


class StreamLog:
    """Writes one line when the status of a stream changes, and counts refused messages.

    Parameters
    ----------
    log
        Takes one line.
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        self._log = log
        self.refusals = Refusals(log)

    def line(self, stream: str, text: str, level: Level = Level.INFO) -> None:
        """Write one line about a stream."""
        self._log(LogLine(f"stream {stream}: {text}", level, stream))

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


class KnownStreams:
    """Holds the streams by name, and what is remembered of former ones.

    Parameters
    ----------
    make_analysis
        Makes the analysis of one stream.
    max_streams
        Streams that are watched at a time.
    answers
        What is told to the senders.
    log
        Of the streams.

    Attributes
    ----------
    by_name
        All streams that are known.
    appeared
        Streams that have begun so far.
    elsewhere
        Places taken by streams of other processes.
    """

    def __init__(
        self, make_analysis: MakeAnalysis, max_streams: int, answers: RefusedStreams, log: StreamLog
    ) -> None:
        self.appeared = 0
        self.elsewhere = 0
        self._answers = answers
        self._log = log
        self.by_name: dict[str, MonitoredStream] = {}
        self._make = make_analysis
        self._max = max_streams
        self._former: dict[str, StreamMemory] = {}
        self._unknown: dict[str, float] = {}  # refused without being known; when last heard

    @property
    def reason(self) -> str:
        """Why a stream gets no place."""
        return f"already {self._max} streams (see --max-streams)"

    @property
    def taken(self) -> bool:
        """No place is left."""
        watched = sum(stream.watched for stream in self.by_name.values())
        return watched + self.elsewhere >= self._max

    @property
    def crowded(self) -> bool:
        """No other stream can be known, not even as one that is refused."""
        return len(self.by_name) >= self._max + MAX_KEPT

    @property
    def turned_away(self) -> int:
        """Streams that are known but refused."""
        return sum(stream.turned_away for stream in self.by_name.values())

    @property
    def crowded_out(self) -> int:
        """Streams that are refused and not even known."""
        return len(self._unknown)

    def dispensable(self, now_s: float) -> str | None:
        """Give the stream that can be forgotten first, None if each needs a person."""
        found = [
            (not stream.ended, stream.heard_s, name)
            for name, stream in self.by_name.items()
            if not stream.alarming
            and (stream.ended or (stream.turned_away and now_s - stream.heard_s > FORGET_ENDED_S))
        ]
        return min(found)[2] if found else None

    def done_with(self, stream: MonitoredStream, now_s: float) -> bool:
        """Tell whether a stream ended some time ago and needs no person any more."""
        silent_s = now_s - stream.heard_s
        return stream.ended and silent_s > FORGET_ENDED_S and not stream.alarming

    def appear(self, announced: Announcement, now_s: float) -> list[Body]:
        """Take the first announcement of a stream; its numbers continue those of a former one.

        Raises
        ------
        ProtocolError
            If the stream cannot even be known.
        """
        out: list[Body] = []
        info, name = announced.info, announced.info.stream
        if self.crowded and (dispensable := self.dispensable(now_s)) is not None:
            self._log.line(dispensable, "forgotten, to make room")
            out += self.forget(dispensable)
        if self.crowded:
            if len(self._unknown) < MAX_STREAMS or name in self._unknown:
                self._unknown[name] = now_s
            raise ProtocolError(
                f"stream {name} refused: {self.reason}, and too many that are not watched: "
                "discharge those that are no longer needed"
            )
        self._unknown.pop(name, None)
        taken = self.taken
        stream = MonitoredStream(announced, self._make, now_s, self._former.get(name))
        self.by_name[name] = stream
        if taken:
            return [*out, info, *self._turn_away(stream, announced.publisher, now_s)]
        self._answers.accept(name, announced.publisher)
        self.appeared += 1
        self._log.line(name, described(info))
        return [*out, info, stream.state()]

    def admit(self, stream: MonitoredStream, publisher: str, now_s: float) -> list[Body]:
        """Let a stream that was not watched begin, if there is a place."""
        if self.taken:
            stream.waits(publisher, now_s)
            return self._turn_away(stream, publisher, now_s)
        stream.admit()
        return []

    def _turn_away(self, stream: MonitoredStream, publisher: str, now_s: float) -> list[Body]:
        """Tell the sender, the displays and the log that a stream is not watched."""
        name = stream.info.stream
        self._answers.refuse(name, publisher, self.reason, now_s)
        self._log.refuse(ProtocolError(f"stream {name} refused: {self.reason}"), now_s)
        if stream.turned_away:
            return []
        out = stream.turn_away(self.reason)
        self._log.line(name, f"not watched: {self.reason}", Level.ERROR)
        return out

    def forget(self, name: str, why: str = "") -> list[Body]:
        """Let a stream go; its numbers are kept, in case the name comes again."""
        out = self.by_name[name].let_go(why)
        self._former.pop(name, None)
        self._former[name] = replace(self.by_name.pop(name).memory(), ended=True)
        while len(self._former) > MAX_FORMER:
            self._former.pop(next(iter(self._former)))
        return out

    def restore(self, memories: Iterable[StreamMemory], now_s: float) -> None:
        """Continue the streams from before a restart of the service."""
        for memory in memories:
            self._former[memory.stream] = memory
            if memory.ended and not memory.alerts:
                continue
            stream = MonitoredStream(memory.announced, self._make, now_s, memory)
            self.by_name[memory.stream] = stream
            after = "ended" if memory.ended else "awaited"
            text = f"restored, {len(memory.alerts)} active alert(s); {after}"
            self._log.line(memory.stream, text)

    @property
    def fastest(self) -> tuple[str, float]:
        """Name and speed of the stream that brings most signal; an empty name without streams."""
        speeds = {name: stream.pace.speed or 0.0 for name, stream in self.by_name.items()}
        name = max(speeds, key=speeds.__getitem__, default="")
        return name, speeds.get(name, 0.0)

    def memory(self, name: str) -> StreamMemory | None:
        """Give what a restart needs of a stream; None if there was none of this name."""
        stream = self.by_name.get(name)
        return self._former.get(name) if stream is None else stream.memory()

    def tick(self, now_s: float) -> None:
        """Drop the count of refused streams that are no longer heard."""
        for name, heard_s in list(self._unknown.items()):
            if now_s - heard_s > ANSWER_S:
                del self._unknown[name]
