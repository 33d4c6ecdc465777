"""The front of a service in several processes: public sockets, journal, numbers; no analysis.

Rules:

1. A stream belongs to one place, by its name. A place has one worker at a time.
2. The front alone knows what is true of a stream: what was journalled and published. A worker that
   ends takes nothing with it but what it had not sent; its streams go on from here, in a new one.
3. A worker that is replaced is never heard again, whatever it still sends.
4. While a place has no worker, or a slow one, its messages wait here. Behind a slow worker the
   senders are held back; without a worker the oldest messages are dropped, which is a marked gap.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from monitor.config import ServiceSettings
from monitor.journal.entries import Memory
from monitor.journal.history_query import QueriedJournal
from monitor.log_lines import Level, LogLine
from monitor.service.loop import LOOK_UP_S, TICK_S, EndWhen
from monitor.service.memory import StreamMemory
from monitor.service.outgoing import Outgoing
from monitor.service.output import Output
from monitor.wire.frames import written
from monitor.wire.protocol import Body, Heartbeat, topic_of
from monitor.wire.sockets import ServiceSockets
from monitor.workers.crew import Crew, Member
from monitor.workers.messages import (
    ANSWER,
    ANSWERS,
    BEGIN,
    DONE,
    EMPTY,
    LINE,
    NEWCOMER,
    OUTGOING,
    READY,
    REQUEST,
    SAMPLES,
    STATUS,
    STOP,
    TICK,
    WANTED,
    Status,
    Tick,
    packed,
    unpack_outgoing,
    unpacked,
)
from monitor.workers.placing import place_of
from monitor.workers.requests import BEING_REPLACED, Asked, joined_states, refusal, route

BATCH = 256  # messages of a turn
EMPTY_S = 0.1
BACKLOG_S = 0.005  # until a full queue is tried again
HELD_BYTES = 16 * 1024 * 1024  # behind one worker; then senders wait
DROP_BYTES = 64 * 1024 * 1024  # of a place without a worker
ANSWER_S = 10.0
STOP_S = 20.0
MAX_MEMORIES = 20_000
SHOWN = (b"samples.", b"state.")  # kinds that workers leave out unless somebody wants them


@dataclass(slots=True, eq=False)
class Place:
    """The streams that one worker has."""

    number: int
    member: Member | None = None
    backlog: deque[list[bytes]] = field(default_factory=deque)
    backlog_bytes: int = 0
    forwarded: int = 0  # to this member
    dropped: int = 0
    tick: Tick = field(default_factory=lambda: Tick({}))
    answers: frozenset[bytes] = frozenset()
    counts: dict[str, int] = field(default_factory=dict)  # of its last heartbeat
    before: dict[str, int] = field(default_factory=dict)  # counted by former members
    done: bool = False


class Front:
    """Joins senders, subscribers, journal and workers.

    Parameters
    ----------
    sockets
        Open sockets; the caller closes them.
    publisher
        Publisher id of the service.
    output
        Journals and publishes.
    crew
        The workers; the caller closes it.
    at
        How many workers have streams; the crew has more.
    log
        Takes lines.
    memories
        Of the streams from before a restart.
    journal
        Answers requests of history; None without one.
    sinks
        Local sinks want every message, with samples.
    storage_problems
        Tells why streams are not recorded, by stream.
    turned
        Told of every turn: messages taken, seconds it took without waiting.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        sockets: ServiceSockets,
        publisher: str,
        output: Output,
        crew: Crew,
        at: ServiceSettings,
        log: Callable[[str], object],
        memories: Iterable[StreamMemory] = (),
        journal: QueriedJournal | None = None,
        sinks: bool = False,
        storage_problems: Callable[[], Mapping[str, str]] | None = None,
        turned: Callable[[int, float], object] = lambda messages, seconds: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sockets = sockets
        self._publisher = publisher
        self._output = output
        self._crew = crew
        self._log = log
        self._journal = journal
        self._sinks = sinks
        self._storage_problems = storage_problems
        self._turned = turned
        self._clock = clock
        self._places = [Place(number) for number in range(at.workers)]
        self._memories = {m.stream: Memory(m.text(), m.next_sample) for m in memories}
        self._asked: dict[int, Asked] = {}
        self._numbers = 0
        self._wanted: frozenset[bytes] = frozenset()
        self._out: list[Outgoing] = []
        self._kept: dict[str, Memory] = {}
        self._replies: list[tuple[Asked, bytes]] = []
        self._new: list[Member] = []
        self._line = ("", 0.0)
        self._problem = ""
        self._stopped = False

    def stop(self) -> None:
        """Ask :meth:`run` to end; may be called from a signal handler."""
        self._stopped = True

    def start(self) -> None:
        """Start the workers, and wait until each place has one."""
        while any(place.member is None for place in self._places) and not self._stopped:
            self._sockets.wait(LOOK_UP_S)
            self._care()

    def run(self, end_when: EndWhen | None = None) -> None:
        """Serve until stopped, then let the workers end their streams."""
        end_when = end_when or EndWhen()
        sockets = self._sockets
        sockets.open_input()
        heard_s = tick_s = self._clock()
        empty_s = 0.0
        count, woke_s = 0, tick_s
        while not self._stopped:
            now_s = self._clock()
            if now_s >= tick_s:
                self._tick(now_s)
                tick_s = now_s + TICK_S
            self._turned(count, self._clock() - woke_s)
            wait_s = min(max(tick_s - now_s, 0.0), LOOK_UP_S)
            waits = any(place.backlog and place.member for place in self._places)
            sockets.wait(BACKLOG_S if waits else wait_s)
            woke_s = self._clock()
            count, emptied = self._forward()
            if count:
                heard_s = woke_s
            if emptied and woke_s - empty_s >= EMPTY_S:
                self._tell([EMPTY])
                empty_s = woke_s
            self._care()
            self._request()
            self._subscriptions()
            if end_when.done and emptied and self._done:
                break
            if end_when.idle_s is not None and self._clock() - heard_s >= end_when.idle_s:
                break
        self._end()

    def _forward(self) -> tuple[int, bool]:
        """Hand messages of senders to the workers; give how many, and whether no more wait."""
        for place in self._places:
            self._flush(place)
        if any(place.backlog_bytes > HELD_BYTES and place.member for place in self._places):
            return 0, False
        count = 0
        for frames, key in self._sockets.receive(BATCH):
            count += 1
            stream = frames[0].partition(b".")[2]
            place = self._places[place_of(stream[:64], len(self._places))]
            message = [SAMPLES, key.encode(), *frames]
            if not place.backlog and place.member and place.member.link.offer(message):
                place.forwarded += 1
            else:
                place.backlog.append(message)
                place.backlog_bytes += sum(map(len, message))
        return count, count < BATCH

    def _flush(self, place: Place) -> None:
        """Send what waits for a place, as far as there is room; drop what is too much."""
        while place.backlog and place.member and place.member.link.offer(place.backlog[0]):
            place.backlog_bytes -= sum(map(len, place.backlog.popleft()))
            place.forwarded += 1
        while place.backlog_bytes > DROP_BYTES and not place.member:
            place.backlog_bytes -= sum(map(len, place.backlog.popleft()))
            place.dropped += 1

    def _care(self) -> None:
        """Take what workers send; replace those that are gone; publish."""
        crew = self._crew
        for member in list(crew.members):
            self._drain(member)
        self._publish()
        for member, why in crew.dead():
            self._replace(member, why)
        for member in crew.fill():
            self._sockets.watch(member.link.socket)
            self._new.append(member)
        self._new = [member for member in self._new if not crew.prepare(member)]
        for place in self._places:
            if place.member is None and (spare := crew.spare()) is not None:
                self._begin(place, spare)

    def _begin(self, place: Place, member: Member) -> None:
        """Give a place to a worker that waits for one."""
        count = len(self._places)
        memories = [
            [memory.text, memory.next_sample]
            for name, memory in self._memories.items()
            if place_of(name.encode(), count) == place.number
        ]
        member.place, place.member = place.number, member
        place.forwarded, place.tick = 0, Tick({}, over=False)
        member.link.offer([BEGIN, packed({"place": place.number, "memories": memories})])
        member.link.offer([WANTED, *self._wanted])
        member.link.offer([STATUS, packed(asdict(self._status(place)))])
        member.heard_s = member.began_s = self._clock()
        self._log(f"worker {member.number} (process {member.process_id}) has place {place.number}")
        if place.dropped:
            text = f"{place.dropped} messages were dropped while there was no worker for them"
            self._log(LogLine(text, Level.ERROR))
            place.dropped = 0

    def _replace(self, member: Member, why: str) -> None:
        """End a worker; its streams wait for the next one."""
        self._drain(member)  # what it has sent counts
        self._publish()
        self._sockets.unwatch(member.link.socket)
        self._new = [new for new in self._new if new is not member]
        self._crew.bury(member, why)
        for number in member.pending:
            asked = self._asked.pop(number, None)
            if asked is not None:
                self._sockets.answer_late(asked.asker, refusal(BEING_REPLACED))
        if member.place is None:
            return
        place = self._places[member.place]
        place.member, place.answers = None, frozenset()
        for name, count in place.counts.items():
            if name in ("refused", "unknown", "shed"):
                place.before[name] = place.before.get(name, 0) + count
        place.counts = {}
        self._show_answers()

    def _drain(self, member: Member) -> None:
        while (frames := member.link.receive()) is not None:
            member.heard_s = self._clock()
            self._take(member, frames)

    def _take(self, member: Member, frames: list[bytes]) -> None:
        """Take one message of a worker."""
        kind = frames[0]
        if kind == READY:
            member.ready, member.process_id = True, unpacked(frames[1])["process"]
            self._log(f"worker {member.number} (process {member.process_id}) waits for a place")
        elif kind == LINE:
            self._say(*unpacked(frames[1]))
        if member.place is None:
            return
        place = self._places[member.place]
        if kind == OUTGOING:
            outgoing, memories = unpack_outgoing(frames)
            self._out += (out for out in outgoing if not self._heartbeat_of(place, out))
            for name, memory in memories.items():
                self._kept[name] = memory
                self._remember(name, memory)
        elif kind == ANSWER:
            self._answered(member, int(frames[1]), frames[2])
        elif kind == ANSWERS:
            place.answers = frozenset(frames[1:])
            self._show_answers()
        elif kind == TICK:
            place.tick = Tick(**unpacked(frames[1]))
            for name, sample in place.tick.positions.items():
                known = self._memories.get(name)
                if known is not None and known.next_sample != sample:
                    self._remember(name, replace(known, next_sample=sample))
        elif kind == DONE:
            place.done = True

    def _remember(self, name: str, memory: Memory) -> None:
        self._memories.pop(name, None)
        self._memories[name] = memory
        if len(self._memories) > MAX_MEMORIES:  # the one that was unchanged for longest
            self._memories.pop(next(iter(self._memories)))

    def _heartbeat_of(self, place: Place, out: Outgoing) -> bool:
        """Keep the counts of a worker's heartbeat; tell whether it was one."""
        if out.kind != b"heartbeat":
            return False
        fields = unpacked(out.text.encode())
        place.counts = {name: value for name, value in fields.items() if isinstance(value, int)}
        return True

    def _say(self, text: str, level: int, stream: str | None) -> None:
        """Log a line of a worker; what all say at once is said once."""
        now_s = self._clock()
        if stream is not None or text != self._line[0] or now_s - self._line[1] > TICK_S:
            self._log(LogLine(text, Level(level), stream))
        self._line = (text, now_s) if stream is None else self._line

    def _publish(self) -> None:
        """Journal and publish what workers have sent; then answer what was asked."""
        out, self._out = self._out, []
        kept, self._kept = self._kept, {}
        if out:
            if self._sinks:
                out = [replace(o, body=o.message()) if o.text else o for o in out]
            self._output.send(out, kept)
        replies, self._replies = self._replies, []
        for asked, text in replies:  # what is confirmed is in the journal
            self._sockets.answer_late(asked.asker, text)

    def _tick(self, now_s: float) -> None:
        """Once a second: the heartbeat, the positions, what workers must know."""
        positions: dict[str, int] = {}
        for place in self._places:
            positions |= place.tick.positions
        self._output.note(positions)
        self._problem = self._output.take_problem()
        for place in self._places:
            if place.member is not None:
                place.member.link.offer([STATUS, packed(asdict(self._status(place)))])
        for member in self._crew.members:
            if member.ready and member.place is None:
                member.link.offer([EMPTY])  # and it answers
        self._send_body(self._heartbeat())
        for number, asked in list(self._asked.items()):
            if now_s - asked.asked_s > ANSWER_S:
                del self._asked[number]
                self._sockets.answer_late(asked.asker, refusal("a worker does not answer"))

    def _status(self, place: Place) -> Status:
        problems = self._storage_problems() if self._storage_problems is not None else {}
        others = sum(p.counts.get("streams", 0) for p in self._places if p is not place)
        return Status(self._output.trouble, self._problem, dict(problems), others)

    def _heartbeat(self) -> Heartbeat:
        def total(name: str) -> int:
            return sum(p.counts.get(name, 0) + p.before.get(name, 0) for p in self._places)

        return Heartbeat(
            self._publisher,
            total("streams"),
            total("refused"),
            total("unknown"),
            total("late"),
            total("shed"),
            self._sockets.refusals,
            total("turned_away"),
        )

    def _send_body(self, body: Body) -> None:
        text, payload = written(body)
        self._output.send([Outgoing(topic_of(body), text, tuple(payload), None, body)], {})

    def _tell(self, message: list[bytes]) -> None:
        """Tell every worker that has streams."""
        for place in self._places:
            if place.member is not None and not place.backlog:
                place.member.link.offer(message)

    def _subscriptions(self) -> None:
        """Tell workers of new subscribers, and of what is wanted."""
        newcomers = self._sockets.newcomers()
        wanted = frozenset(SHOWN) if self._sinks else self._sockets.wanted(SHOWN)
        if wanted != self._wanted:
            self._wanted = wanted
            self._tell([WANTED, *wanted])
        if newcomers:
            self._tell([NEWCOMER])
            self._send_body(self._heartbeat())

    def _show_answers(self) -> None:
        self._sockets.answer(frozenset().union(*(place.answers for place in self._places)))

    def _request(self) -> None:
        """Take a request: answer it, or hand it to those who can."""
        request = self._sockets.request()
        if request is None:
            return
        text, permits = request
        way = route(text, permits, self._publisher, self._journal)
        if way.answer is not None:
            self._sockets.reply(way.answer)
            return
        places = self._places
        if way.stream is not None:
            places = [places[place_of(way.stream.encode("utf-8", "replace"), len(places))]]
        if not all(place.member is not None for place in places):
            self._sockets.reply(refusal(BEING_REPLACED))
            return
        self._numbers += 1
        asked = Asked(self._sockets.defer(), self._clock(), set(), way.all)
        self._asked[self._numbers] = asked
        for place in places:
            assert place.member is not None
            asked.waits_for.add(place.number)
            place.member.pending.add(self._numbers)
            place.member.link.offer([REQUEST, b"%d" % self._numbers, text])

    def _answered(self, member: Member, number: int, text: bytes) -> None:
        member.pending.discard(number)
        asked = self._asked.get(number)
        if asked is None or member.place is None:
            return
        asked.waits_for.discard(member.place)
        asked.parts.append(text)
        if not asked.waits_for:
            del self._asked[number]
            whole = joined_states(asked.parts, self._journal) if asked.states else text
            self._replies.append((asked, whole))

    @property
    def _done(self) -> bool:
        """At least one stream has come, and all that came are over."""
        told = [place.tick for place in self._places]
        current = all(
            place.member is not None
            and not place.backlog
            and place.tick.received == place.forwarded
            for place in self._places
        )
        return current and any(t.appeared for t in told) and all(t.over for t in told)

    def _end(self) -> None:
        """Let the workers end their streams, and publish what that gives."""
        serving = [place for place in self._places if place.member is not None]
        for member in self._crew.members:
            member.link.offer([STOP])
        end_s = self._clock() + STOP_S
        while not all(place.done for place in serving) and self._clock() < end_s:
            self._sockets.wait(LOOK_UP_S)
            for place in serving:
                assert place.member is not None
                self._drain(place.member)
                place.done = place.done or not place.member.process.alive
            self._publish()
        self._output.note({n: s for p in self._places for n, s in p.tick.positions.items()})
