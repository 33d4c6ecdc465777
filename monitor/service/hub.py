"""All streams of the service: messages and requests in, messages to publish out. Pure.

Rules:

1. No message raises an error. It is handled, or it is refused and counted, with a reason.
2. Streams do not know each other. A fault in one concerns that stream alone.
3. Memory is bounded: so is the number of streams, and each forgets what is over.
4. No patient is lost quietly. A stream is forgotten when its sender has ended it and nobody need
   see its alarms, or when a person discharges it. A stream that is refused is reported.

This file is long because it answers every kind of message and request.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from monitor.journal.history_query import QueriedJournal
from monitor.log_lines import Level, LogLine
from monitor.messages import AlertKind, StreamInfo
from monitor.recording.span_query import SignalMemory
from monitor.service.analysis import MakeAnalysis
from monitor.service.known import MAX_STREAMS, KnownStreams, StreamLog
from monitor.service.load import REAL_TIME, Overload
from monitor.service.memory import StreamMemory
from monitor.service.ownership import Announcement
from monitor.service.requests import Requests
from monitor.service.stream import MonitoredStream
from monitor.stages.steps import Steps, run_together
from monitor.wire.frames import decode
from monitor.wire.protocol import Body, Heartbeat, Packet, ProtocolError, StreamStatus
from monitor.wire.refusals import RefusedStreams


class Hub:
    """Hands messages to the streams they belong to, and requests to those who answer them.

    Parameters
    ----------
    make_analysis
        Makes the pipeline of one stream.
    publisher
        Publisher id of the service.
    log
        Takes one line for the log.
    max_streams
        Streams that are watched at a time.
    journal
        Where events are kept, for requests of history; None if nowhere.
    signals
        Knows the recent signal of the streams, for requests of it.
    """

    def __init__(
        self,
        make_analysis: MakeAnalysis,
        publisher: str,
        log: Callable[[str], object],
        max_streams: int = MAX_STREAMS,
        journal: QueriedJournal | None = None,
        signals: SignalMemory | None = None,
    ) -> None:
        self._publisher = publisher
        self._log = log
        self.answers = RefusedStreams()
        self._stream_log = StreamLog(log)
        self._known = KnownStreams(make_analysis, max_streams, self.answers, self._stream_log)
        self._streams = self._known.by_name
        self._unknown = 0  # messages of an unknown kind
        self._denied = 0  # connections
        self._problems = {"journal": "", "output": ""}
        self._requests = Requests(
            publisher, self._streams, self._stream_log, self._known.forget, journal, signals
        )
        self.overload = Overload()

    @property
    def appeared(self) -> int:
        """Streams that have begun so far."""
        return self._known.appeared

    @property
    def over(self) -> bool:
        """All streams that have come are over."""
        came = [stream for stream in self._streams.values() if not stream.awaited]
        return all(stream.over and not stream.turned_away for stream in came)

    @property
    def done(self) -> bool:
        """At least one stream has come, and all that have come are over."""
        return self.appeared > 0 and self.over

    def share_places(self, elsewhere: int) -> None:
        """Note how many of the places for streams are taken by streams of other processes."""
        self._known.elsewhere = elsewhere

    @property
    def refused(self) -> int:
        """Messages refused so far."""
        return self._stream_log.refusals.count

    def receive(self, frames: Sequence[bytes], now_s: float, wall_ns: int) -> list[Body]:
        """Take one multipart message from a sender of samples."""
        return self.receive_all([(frames, "")], now_s, wall_ns)

    def receive_all(
        self, messages: Iterable[tuple[Sequence[bytes], str]], now_s: float, wall_ns: int
    ) -> list[Body]:
        """Take messages that have come by now, and label the beats of all in one batch.

        Each comes with the key of its sender, empty without keys. A stream belongs to the key that
        announced it, until it is forgotten. The result is the same as of each message alone.
        """
        out: list[Body] = []
        together: dict[str, Steps[list[Body]]] = {}
        for frames, key in messages:
            packet = self._decoded(frames, now_s)
            if packet is None:
                continue
            name = packet.body.stream
            if name in together:  # a stream takes one message after the other
                out += chain.from_iterable(run_together([*together.values()]))
                together.clear()
            together[name] = self._take(packet, key, now_s, wall_ns)
        out += chain.from_iterable(run_together([*together.values()]))
        return out

    def _decoded(self, frames: Sequence[bytes], now_s: float) -> Packet | None:
        try:
            packet = decode(frames)
        except ProtocolError as error:
            self._stream_log.refuse(error, now_s)
            return None
        if packet is None:
            self._unknown += 1
        return packet

    def _note_refused(self, stream: MonitoredStream, before: int, now_s: float) -> None:
        if stream.refused > before:
            self._stream_log.refuse(stream.refusal, now_s, stream.refused - before)

    def _take(self, packet: Packet, key: str, now_s: float, wall_ns: int) -> Steps[list[Body]]:
        name, announced = packet.body.stream, isinstance(packet.body, StreamInfo)
        stream = self._streams.get(name)
        try:
            if stream is None:
                if not isinstance(packet.body, StreamInfo):
                    raise ProtocolError(f"stream {name} has not been announced (info message)")
                return self._known.appear(_announcement(packet.body, packet, key), now_s)
            if key != stream.key:
                raise ProtocolError(f"stream {name} belongs to another key")
            was, awaited, refused = stream.status, stream.awaited, stream.refused
            out: list[Body] = []
            if announced and (stream.turned_away or stream.status is StreamStatus.ENDED):
                out = self._known.admit(stream, packet.publisher, now_s)
                if stream.turned_away:
                    return out
            out += yield from stream.take(packet, now_s, wall_ns)
            self._known.appeared += awaited and not stream.awaited
            self._note_refused(stream, refused, now_s)
        except ProtocolError as error:
            self._stream_log.refuse(error, now_s)
            if stream is not None:
                stream.refused += 1
            if announced:
                self.answers.refuse(name, packet.publisher, str(error), now_s)
            return []
        if announced and not stream.turned_away and stream.sent_by(packet.publisher):
            self.answers.accept(name, packet.publisher)
        self._stream_log.report(stream, was)
        return out

    def request(
        self, text: bytes, permits: Callable[[str], bool] = lambda right: True
    ) -> tuple[bytes, list[Body]]:
        """Answer one request; give the reply, and the messages that it caused.

        ``permits`` tells whether the sender has a right.
        """
        return self._requests.answer(text, permits)

    def tick(self, now_s: float, looked_at_s: float, denied: int = 0, shed: int = 0) -> list[Body]:
        """Once a second: give the heartbeat, and the state of every stream.

        Parameters
        ----------
        now_s
            Monotonic seconds.
        looked_at_s
            When the input was last found empty.
        denied
            Connections that the sockets have refused so far.
        shed
            Display messages that were left out so far.
        """
        out: list[Body] = []
        behind_s: list[float] = []
        self._denied = denied
        for name, stream in list(self._streams.items()):
            was, refused = stream.status, stream.refused
            out += stream.tick(now_s, looked_at_s)
            if self.overload.shows_states:
                out.append(stream.state())
            self._note_refused(stream, refused, now_s)
            if stream.rejected:
                self.answers.refuse(name, stream.rejected, str(stream.refusal), now_s)
                stream.rejected = ""
            self._stream_log.report(stream, was)
            if stream.status is StreamStatus.LIVE:
                behind_s.append(stream.behind_s)
            if self._known.done_with(stream, now_s):
                out += self._known.forget(name)
        self._stream_log.refusals.tick(now_s)
        self.answers.tick(now_s)
        self._known.tick(now_s)
        name, speed = self._known.fastest
        fastest = f"; most signal comes from {name}, at {speed:.0f} times real time"
        said = self.overload.judge(
            behind_s, now_s - looked_at_s, shed, fastest if speed > REAL_TIME else ""
        )
        if said:
            self._log(LogLine(said, Level.WARNING) if self.overload.shedding else said)
        return [self._heartbeat(), *out]

    def stored(self, problems: Mapping[str, str], journal: str = "") -> list[Body]:
        """Take why streams are not recorded, by name, and why the journal fails; raise alerts."""
        self._note_problem("journal", journal, "all events are stored again")
        out: list[Body] = []
        for name, stream in self._streams.items():
            reasons = [problems.get(name, ""), journal and f"events: {journal}"]
            problem = "; ".join(reason for reason in reasons if reason)
            text = problem and f"Not being stored: {problem}"
            out += stream.troubled(AlertKind.STORAGE_FAILED, text)
        return out

    def published(self, problem: str) -> list[Body]:
        """Take why results could not be published in the last second; raise alerts."""
        self._note_problem("output", problem, "results are published again")
        text = problem and f"Results are not reaching subscribers: {problem}"
        kind = AlertKind.PUBLISHER_FAILED
        return [body for s in self._streams.values() for body in s.troubled(kind, text)]

    def _note_problem(self, part: str, problem: str, over: str) -> None:
        """Log a problem of a part of the service when it changes."""
        if problem != self._problems[part]:
            self._log(LogLine(f"{part}: {problem or over}", Level.ERROR if problem else Level.INFO))
            self._problems[part] = problem

    def greeting(self) -> list[Body]:
        """Give a new subscriber a heartbeat, and the state of every stream."""
        return [self._heartbeat(), *(stream.state() for stream in self._streams.values())]

    def fail(self, name: str, reason: str) -> list[Body]:
        """Quarantine one stream for a reason outside of its analysis."""
        stream = self._streams.get(name)
        if stream is None or stream.status is StreamStatus.QUARANTINED:
            return []
        was = stream.status
        out = stream.quarantine(reason)
        self._stream_log.report(stream, was)
        return out

    def flush(self) -> list[Body]:
        """End all streams, and give what their analyses still hold."""
        out: list[Body] = []
        for stream in self._streams.values():
            was = stream.status
            out += stream.end(stopped=True)
            self._stream_log.report(stream, was)
        self._stream_log.refusals.tick(math.inf)
        return out

    def restore(self, memories: Iterable[StreamMemory], now_s: float) -> None:
        """Continue the streams from before a restart of the service."""
        self._known.restore(memories, now_s)

    def memory(self, name: str) -> StreamMemory | None:
        """Give what a restart needs of a stream; None if there was none of this name."""
        return self._known.memory(name)

    def info(self, name: str) -> StreamInfo | None:
        """Give the last announcement of a stream; None if it is not known."""
        stream = self._streams.get(name)
        return None if stream is None else stream.info

    def positions(self) -> dict[str, int]:
        """Give the next sample of every stream."""
        return {name: stream.next_sample for name, stream in self._streams.items()}

    def _heartbeat(self) -> Heartbeat:
        known, overload = self._known, self.overload
        return Heartbeat(
            self._publisher,
            len(self._streams) - known.turned_away,
            self.refused,
            self._unknown,
            overload.late,
            overload.shed,
            self._denied,
            known.turned_away + known.crowded_out,
        )


def _announcement(info: StreamInfo, packet: Packet, key: str) -> Announcement:
    return Announcement(info, packet.publisher, key, packet.unit, packet.device)
