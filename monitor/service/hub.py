"""All streams of the service: multipart messages and requests in, messages to publish out. Pure.

Rules that hold here:

1. Nothing that comes in raises: it is handled, or refused and counted, with a reason.
2. Streams know nothing of each other. What goes wrong in one is that stream's own business.
3. Memory is bounded: the number of streams is, and each forgets what is over.
4. No patient is lost quietly: a stream is forgotten when its sender has ended it and nobody need
   see its alarms any more, or when a person discharges it; one that is refused is told of.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from monitor.journal.request import Kept
from monitor.messages import AlertKind, StreamInfo
from monitor.recording.request import Kept as KeptSignals
from monitor.remarks import Level, Remark
from monitor.service.analysis import MakeAnalysis
from monitor.service.memory import StreamMemory
from monitor.service.overload import Overload
from monitor.service.pace import REAL_TIME
from monitor.service.places import FORGET_ENDED_S, Places
from monitor.service.requests import Requests
from monitor.service.stream import MonitoredStream
from monitor.stages.steps import Steps, run_together
from monitor.wire.answers import ANSWER_S, Answers
from monitor.wire.protocol import (
    Body,
    Heartbeat,
    Packet,
    ProtocolError,
    StreamStatus,
    decode,
)
from monitor.wire.refusals import Refusals

MAX_STREAMS = 256
MAX_FORMER = 10_000
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class Hub:
    """Knows the streams and who sends them.

    Parameters
    ----------
    make_analysis
        Makes the pipeline of one stream.
    publisher
        Our own publisher id, named in the heartbeat.
    say
        Takes one line for the operator: a stream that is quarantined, messages refused.
    max_streams
        More streams than this at a time are not watched.
    journal
        Where events are kept, for those who ask for what they missed; None if nowhere.
    signals
        Knows the signal of the streams, for those who ask for a piece of it.
    """

    def __init__(
        self,
        make_analysis: MakeAnalysis,
        publisher: str,
        say: Callable[[str], object],
        max_streams: int = MAX_STREAMS,
        journal: Kept | None = None,
        signals: KeptSignals | None = None,
    ) -> None:
        self._make = make_analysis
        self._publisher = publisher
        self._say = say
        self._streams: dict[str, MonitoredStream] = {}
        self._places = Places(max_streams, self._streams)
        self._crowded_out: dict[str, float] = {}  # refused, and not even known; when last heard
        self.answers = Answers()
        self._appeared = 0
        self._refusals = Refusals(say)
        self._unknown = 0
        self._former: dict[str, StreamMemory] = {}
        self.overload = Overload()
        self.denied = 0  # by the sockets, who tell
        self._requests = Requests(
            publisher,
            self._streams,
            self._report,
            self._remark,
            self._discharge,
            journal,
            signals,
        )
        self._journal_problem = self._publisher_problem = ""

    @property
    def done(self) -> bool:
        """At least one stream has come, and all that came are over."""
        came = [stream for stream in self._streams.values() if not stream.awaited]
        over = (stream.over and not stream.turned_away for stream in came)
        return self._appeared > 0 and all(over)

    @property
    def refused(self) -> int:
        """Messages that broke the rules so far."""
        return self._refusals.count

    def receive(self, frames: Sequence[bytes], now_s: float, wall_ns: int) -> list[Body]:
        """Take one multipart message from a sender of samples."""
        return self.receive_all([(frames, "")], now_s, wall_ns)

    def receive_all(
        self, messages: Iterable[tuple[Sequence[bytes], str]], now_s: float, wall_ns: int
    ) -> list[Body]:
        """Take messages that have come by now; the beats found in them are labelled together.

        Each comes with the key of its sender, empty without keys. A stream belongs to the key
        that announced it, until it is forgotten. What comes out is what each message alone would
        have given, in the same order.
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
            self._refuse(str(error), now_s)
            return None
        if packet is None:
            self._unknown += 1
        return packet

    def _refuse(self, reason: str, now_s: float, count: int = 1) -> None:
        # what somebody wrote into a message may tell who the patient is
        reason = _QUOTED.sub("'...'", reason)
        self._refusals.note(f"a message: {reason}", now_s, count)

    def _note_refused(self, stream: MonitoredStream, before: int, now_s: float) -> None:
        if stream.refused > before:
            self._refuse(stream.refusal, now_s, stream.refused - before)

    def _take(self, packet: Packet, key: str, now_s: float, wall_ns: int) -> Steps[list[Body]]:
        name, announced = packet.body.stream, isinstance(packet.body, StreamInfo)
        stream = self._streams.get(name)
        try:
            if stream is None:
                if not isinstance(packet.body, StreamInfo):
                    raise ProtocolError(f"stream {name} has not been announced (info message)")
                return self._appear(packet.body, packet, key, now_s)
            if key != stream.key:
                raise ProtocolError(f"stream {name} belongs to another key")
            was, awaited, refused = stream.status, stream.awaited, stream.refused
            out: list[Body] = []
            if announced and (stream.turned_away or stream.status is StreamStatus.ENDED):
                out = self._admit(stream, packet, now_s)
                if stream.turned_away:
                    return out
            out += yield from stream.take(packet, now_s, wall_ns)
            self._appeared += awaited and not stream.awaited
            self._note_refused(stream, refused, now_s)
        except ProtocolError as error:
            self._refuse(str(error), now_s)
            if stream is not None:
                stream.refused += 1
            if announced:
                self.answers.refuse(name, packet.publisher, str(error), now_s)
            return []
        if announced and not stream.turned_away and stream.sent_by(packet.publisher):
            self.answers.accept(name, packet.publisher)
        self._report(stream, was)
        return out

    def _admit(self, stream: MonitoredStream, packet: Packet, now_s: float) -> list[Body]:
        """Let a stream that is not watched begin with its announcement, if there is a place."""
        if self._places.taken:
            stream.waits(packet.publisher, now_s)
            return self._turn_away(stream, packet.publisher, now_s)
        stream.admit()
        return []

    def _turn_away(self, stream: MonitoredStream, publisher: str, now_s: float) -> list[Body]:
        """Say that a stream is not watched: to its sender, to who watches, in the log."""
        name, reason = stream.info.stream, self._places.reason
        self.answers.refuse(name, publisher, reason, now_s)
        self._refuse(f"stream {name} refused: {reason}", now_s)
        if stream.turned_away:
            return []
        out = stream.turn_away(reason)
        self._remark(name, f"not watched: {reason}", Level.ERROR)
        return out

    def request(
        self, text: bytes, permits: Callable[[str], bool] = lambda right: True
    ) -> tuple[bytes, list[Body]]:
        """Answer one request on the control socket; give the reply and what it set off.

        ``permits`` tells whether the sender has a right.
        """
        return self._requests.answer(text, permits)

    def tick(self, now_s: float, looked_at_s: float) -> list[Body]:
        """Once a second: heartbeat, and where every stream stands."""
        out: list[Body] = []
        behind_s: list[float] = []
        for name, stream in list(self._streams.items()):
            was, refused = stream.status, stream.refused
            *news, state = stream.tick(now_s, looked_at_s)
            out += [*news, state] if self.overload.shows_states else news
            self._note_refused(stream, refused, now_s)
            if stream.rejected:
                self.answers.refuse(name, stream.rejected, stream.refusal, now_s)
                stream.rejected = ""
            self._report(stream, was)
            if stream.status is StreamStatus.LIVE:
                behind_s.append(stream.behind_s)
            silent_s = now_s - stream.heard_s
            if stream.ended and silent_s > FORGET_ENDED_S and not stream.alarming:
                out += self._forget(name)
        self._refusals.tick(now_s)
        self.answers.tick(now_s)
        for name, heard_s in list(self._crowded_out.items()):
            if now_s - heard_s > ANSWER_S:
                del self._crowded_out[name]
        said = self.overload.judge(behind_s, now_s - looked_at_s, self._fastest())
        if said:
            self._say(Remark(said, Level.WARNING) if self.overload.shedding else said)
        return [self._heartbeat(), *out]

    def _fastest(self) -> str:
        """Name the stream that brings most signal, if it comes faster than real time."""
        speeds = {name: stream.speed for name, stream in self._streams.items()}
        name = max(speeds, key=speeds.__getitem__, default="")
        if not name or speeds[name] <= REAL_TIME:
            return ""
        return f"; most signal comes from {name}, at {speeds[name]:.0f} times real time"

    def stored(self, problems: Mapping[str, str], journal: str = "") -> list[Body]:
        """Take why signals are not being stored, by stream, and why events are not; alarm."""
        if journal != self._journal_problem:
            if journal:
                self._say(Remark(f"journal: {journal}", Level.ERROR))
            else:
                self._say("journal: all events are stored again")
            self._journal_problem = journal
        out: list[Body] = []
        for name, stream in self._streams.items():
            reasons = [problems.get(name, ""), journal and f"events: {journal}"]
            problem = "; ".join(reason for reason in reasons if reason)
            text = problem and f"Not being stored: {problem}"
            out += stream.troubled(AlertKind.STORAGE_FAILED, text)
        return out

    def published(self, problem: str) -> list[Body]:
        """Take why results could not be published in the last second; alarm, for when they can."""
        if problem != self._publisher_problem:
            text = f"output: {problem}" if problem else "output: results are published again"
            self._say(Remark(text, Level.ERROR if problem else Level.INFO))
            self._publisher_problem = problem
        text = problem and f"Results are not reaching subscribers: {problem}"
        kind = AlertKind.PUBLISHER_FAILED
        return [body for s in self._streams.values() for body in s.troubled(kind, text)]

    def greeting(self) -> list[Body]:
        """Give a newcomer a heartbeat, and where every stream stands now."""
        return [self._heartbeat(), *(stream.state() for stream in self._streams.values())]

    def fail(self, name: str, reason: str) -> list[Body]:
        """Quarantine one stream for a reason found outside of its analysis."""
        stream = self._streams.get(name)
        if stream is None or stream.status is StreamStatus.QUARANTINED:
            return []
        was = stream.status
        out = stream.quarantine(reason)
        self._report(stream, was)
        return out

    def flush(self) -> list[Body]:
        """End all streams: give what their analyses still hold."""
        out: list[Body] = []
        for stream in self._streams.values():
            was = stream.status
            out += stream.end(stopped=True)
            self._report(stream, was)
        self._refusals.tick(math.inf)
        return out

    def restore(self, memories: Iterable[StreamMemory], now_s: float) -> None:
        """Go on with the streams of an earlier life, and with the numbers of all there were."""
        for memory in memories:
            self._former[memory.stream] = memory
            count = len(memory.alerts)
            if memory.ended and not count:
                continue
            stream = MonitoredStream(memory.info, memory.publisher, self._make, now_s, memory)
            self._streams[memory.stream] = stream
            after = "ended" if memory.ended else "awaited"
            self._remark(memory.stream, f"restored, {count} active alert(s); {after}")

    def memory(self, name: str) -> StreamMemory | None:
        """Give what a later life needs of a stream; None if there was none of this name."""
        stream = self._streams.get(name)
        return self._former.get(name) if stream is None else stream.memory()

    def info(self, name: str) -> StreamInfo | None:
        """Give what a stream is, as last announced; None if it is not known."""
        stream = self._streams.get(name)
        return None if stream is None else stream.info

    def positions(self) -> dict[str, int]:
        """Give the next sample of every stream."""
        return {name: stream.next_sample for name, stream in self._streams.items()}

    def _discharge(self, stream: MonitoredStream) -> list[Body]:
        """Let a stream go because a person says so."""
        return self._forget(stream.info.stream, "discharged")

    def _forget(self, name: str, why: str = "") -> list[Body]:
        """Let a stream go; its numbers are kept, in case one of this name comes again."""
        out = self._streams[name].let_go(why)
        self._former.pop(name, None)
        self._former[name] = replace(self._streams.pop(name).memory(), ended=True)
        while len(self._former) > MAX_FORMER:
            self._former.pop(next(iter(self._former)))
        return out

    def _heartbeat(self) -> Heartbeat:
        overload = self.overload
        turned_away = sum(stream.turned_away for stream in self._streams.values())
        return Heartbeat(
            self._publisher,
            len(self._streams) - turned_away,
            self._refusals.count,
            self._unknown,
            overload.late,
            overload.shed,
            self.denied,
            turned_away + len(self._crowded_out),
        )

    def _appear(self, info: StreamInfo, packet: Packet, key: str, now_s: float) -> list[Body]:
        out: list[Body] = []
        if self._places.crowded and (name := self._places.dispensable(now_s)) is not None:
            self._remark(name, "forgotten, to make room")
            out += self._forget(name)
        if self._places.crowded:
            if len(self._crowded_out) < MAX_STREAMS or info.stream in self._crowded_out:
                self._crowded_out[info.stream] = now_s
            raise ProtocolError(
                f"stream {info.stream} refused: {self._places.reason}, and too many that are not "
                "watched: discharge those that are no longer needed"
            )
        self._crowded_out.pop(info.stream, None)
        taken = self._places.taken
        former = self._former.get(info.stream)
        stream = MonitoredStream(info, packet.publisher, self._make, now_s, former)
        stream.key, stream.unit, stream.device = key, packet.unit, packet.device
        self._streams[info.stream] = stream
        if taken:
            return [*out, info, *self._turn_away(stream, packet.publisher, now_s)]
        self.answers.accept(info.stream, packet.publisher)
        self._appeared += 1
        self._remark(info.stream, _what(info))
        return [*out, info, stream.state()]

    def _report(self, stream: MonitoredStream, was: StreamStatus) -> None:
        name = stream.info.stream
        if stream.news is not None:
            news, stream.news = stream.news, None
            self._remark(name, news, news.level)
        if stream.status is was or stream.turned_away:
            return
        if stream.status is StreamStatus.QUARANTINED:
            self._remark(name, f"quarantined: {stream.reason}", Level.ERROR)
        elif stream.status is StreamStatus.STALE:
            self._remark(name, stream.status, Level.WARNING)
        elif stream.status is StreamStatus.ENDED:
            self._remark(name, stream.status)
        elif stream.status is StreamStatus.WAITING:
            self._remark(name, f"begins anew: {_what(stream.info)}")
        elif was is StreamStatus.STALE:
            self._remark(name, "samples again")

    def _remark(self, stream: str, text: str, level: Level = Level.INFO) -> None:
        self._say(Remark(f"stream {stream}: {text}", level, stream))


def _what(info: StreamInfo) -> str:
    """Describe a stream without its source and lead names: a sender may write anything there."""
    return f"{info.rate_hz:g} Hz, {len(info.leads)} lead(s)"
