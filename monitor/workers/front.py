"""The front of a service in several processes: public sockets, journal, numbers; no analysis.

Rules:

1. A stream belongs to one place, by its name. A place has one worker at a time.
2. The front alone knows what is true of a stream: what was journalled and published. A worker that
   ends takes nothing with it but what it had not sent; its streams go on from here, in a new one.
3. A worker that is replaced is never heard again, whatever it still sends.

This file is long because it is one loop: what comes from senders, workers and subscribers in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace

from monitor.errors import MonitorError
from monitor.journal.entries import Memory
from monitor.journal.history_query import QueriedJournal
from monitor.log_lines import Level, LogLine
from monitor.service.loop import LOOK_UP_S, TICK_S, EndWhen
from monitor.service.memory import StreamMemory
from monitor.service.outgoing import Outgoing
from monitor.service.output import Output
from monitor.wire.frames import written
from monitor.wire.protocol import Body, topic_of
from monitor.wire.sockets import ServiceSockets
from monitor.workers import messages as kinds
from monitor.workers.crew import Crew, Member
from monitor.workers.inquiries import Inquiries
from monitor.workers.messages import Status, Tick, packed, unpack_outgoing, unpacked
from monitor.workers.places import Place, Places

BATCH = 256  # messages of a turn
EMPTY_S = 0.1
GATHER_S = 0.01  # messages come together for so long: a turn costs far more than a message
BACKLOG_S = 0.005  # until a full queue is tried again
STOP_S = 20.0
SHOWN = (b"samples.", b"state.")  # kinds that workers leave out unless somebody wants them


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
    workers
        How many have streams; the crew has more.
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
        workers: int,
        log: Callable[[str], object],
        memories: Iterable[StreamMemory] = (),
        journal: QueriedJournal | None = None,
        sinks: bool = False,
        storage_problems: Callable[[], Mapping[str, str]] = dict,
        turned: Callable[[int, float], object] = lambda messages, seconds: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sockets = sockets
        self._publisher = publisher
        self._output = output
        self._crew = crew
        self._log = log
        self._sinks = sinks
        self._storage_problems = storage_problems
        self._turned = turned
        self._clock = clock
        known = {m.stream: Memory(m.text(), m.next_sample) for m in memories}
        self._places = Places(workers, known)
        self._inquiries = Inquiries(sockets, publisher, journal, self._places)
        self._wanted: frozenset[bytes] = frozenset()
        self._out: list[Outgoing] = []
        self._kept: dict[str, Memory] = {}
        self._new: list[Member] = []  # not told yet what to load
        self._line = ("", 0.0)
        self._status = Status()
        self._starting = True
        self._stopped = False

    def stop(self) -> None:
        """Ask :meth:`run` to end; may be called from a signal handler."""
        self._stopped = True

    def start(self) -> None:
        """Start the workers, and wait until each place has one.

        Raises
        ------
        MonitorError
            If they cannot load the analysis.
        """
        tell_s = 0.0
        while not self._places.served and not self._stopped:
            self._sockets.wait(LOOK_UP_S)
            self._care()
            if self._clock() >= tell_s:
                self._tell_status()
                tell_s = self._clock() + TICK_S
        self._starting = False

    def run(self, end_when: EndWhen | None = None) -> None:
        """Serve until stopped, then let the workers end their streams."""
        end_when = end_when or EndWhen()
        sockets, places = self._sockets, self._places
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
            if sockets.wait(BACKLOG_S if places.waiting else wait_s):
                time.sleep(GATHER_S)
            woke_s = self._clock()
            for place in places.all:
                place.flush()
            count = 0 if places.held else places.forward(sockets.receive(BATCH))
            emptied = count < BATCH and not places.held
            if count:
                heard_s = woke_s
            if emptied and woke_s - empty_s >= EMPTY_S:
                places.found_empty()
                empty_s = woke_s
            self._care()
            self._inquiries.take(woke_s)
            self._subscriptions()
            if end_when.done and emptied and places.done:
                break
            if end_when.idle_s is not None and self._clock() - heard_s >= end_when.idle_s:
                break
        self._end()

    def _care(self) -> None:
        """Take what workers send, and publish it; replace those that are gone."""
        crew = self._crew
        for member in crew.members:
            self._drain(member)
        self._publish()
        for member, why in crew.dead():
            self._replace(member, why)
        for member in crew.fill():
            self._sockets.watch(member.link.socket)
            self._new.append(member)
        self._new = [member for member in self._new if not crew.prepare(member)]
        for place in self._places.all:
            if place.way is None and (spare := crew.spare()) is not None:
                self._begin(place, spare)

    def _begin(self, place: Place, member: Member) -> None:
        """Give a place to a worker that waits for one."""
        memories = self._places.memories_of(place)
        member.place = place.number
        member.heard_s = member.began_s = self._clock()
        place.begin(member.link)
        member.link.offer([kinds.BEGIN, packed({"memories": memories})])
        place.tell([kinds.WANTED, *self._wanted])
        place.tell([kinds.STATUS, self._status_for(place)])
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
        if member.place is not None:
            place = self._places.all[member.place]
            place.lose()
            self._inquiries.lost(place)
            self._sockets.answer(self._places.answers())

    def _drain(self, member: Member) -> None:
        while (frames := member.link.receive()) is not None:
            member.heard_s = self._clock()
            self._take(member, frames)

    def _take(self, member: Member, frames: list[bytes]) -> None:
        """Take one message of a worker."""
        kind = frames[0]
        if kind == kinds.READY:
            member.ready, member.process_id = True, unpacked(frames[1])["process"]
            self._log(f"worker {member.number} (process {member.process_id}) waits for a place")
        elif kind == kinds.FAILED:
            text, code = unpacked(frames[1])
            if self._starting:
                raise MonitorError(text, code)
            self._log(LogLine(f"worker {member.number}: {text}", Level.ERROR))
        elif kind == kinds.LINE:
            self._say(*unpacked(frames[1]))
        if member.place is None:
            return
        place = self._places.all[member.place]
        if kind == kinds.OUTGOING:
            outgoing, memories = unpack_outgoing(frames)
            streams = place.streams
            self._out += (out for out in outgoing if not _heartbeat(place, out))
            if place.streams != streams:
                self._tell_status()  # so that another worker gives no place that is taken
            self._kept |= memories
            for name, memory in memories.items():
                self._places.remember(name, memory)
        elif kind == kinds.ANSWER:
            self._inquiries.answered(place, int(frames[1]), frames[2])
        elif kind == kinds.ANSWERS:
            place.answers = frozenset(frames[1:])
            self._sockets.answer(self._places.answers())
        elif kind == kinds.TICK:
            self._places.ticked(place, Tick(**unpacked(frames[1])))
        elif kind == kinds.DONE:
            place.done = True

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
        self._inquiries.reply()

    def _tick(self, now_s: float) -> None:
        """Once a second: the heartbeat, the positions, what workers must know."""
        self._output.note(self._places.positions())
        problems = dict(self._storage_problems())
        self._status = Status(self._output.trouble, self._output.take_problem(), problems)
        self._tell_status()
        self._heartbeat()
        self._inquiries.expire(now_s)

    def _tell_status(self) -> None:
        """Tell every worker that we are here, and what it must know."""
        for place in self._places.all:
            place.tell([kinds.STATUS, self._status_for(place)])
            place.tell([kinds.WANTED, *self._wanted])  # if it had no room for it before
        for member in self._crew.members:
            if member.ready and member.place is None:
                member.link.offer([kinds.EMPTY])  # and it answers

    def _status_for(self, place: Place) -> bytes:
        return packed(asdict(replace(self._status, elsewhere=self._places.elsewhere(place))))

    def _heartbeat(self) -> None:
        body: Body = self._places.heartbeat(self._publisher, self._sockets.refusals)
        text, payload = written(body)
        self._output.send([Outgoing(topic_of(body), text, tuple(payload), None, body)], {})

    def _tell(self, message: list[bytes]) -> None:
        for place in self._places.all:
            place.tell(message)

    def _subscriptions(self) -> None:
        """Tell workers of new subscribers, and of what is wanted."""
        newcomers = self._sockets.newcomers()
        wanted = frozenset(SHOWN) if self._sinks else self._sockets.wanted(SHOWN)
        if wanted != self._wanted:
            self._wanted = wanted
            self._tell([kinds.WANTED, *wanted])
        if newcomers:
            self._tell([kinds.NEWCOMER])
            self._heartbeat()

    def _end(self) -> None:
        """Let the workers end their streams, and publish what that gives."""
        untold = [*self._crew.members]
        serving = [member for member in untold if member.place is not None]
        end_s = self._clock() + STOP_S
        while serving and self._clock() < end_s:
            untold = [member for member in untold if not member.link.urge([kinds.STOP])]
            self._sockets.wait(LOOK_UP_S)
            for member in list(serving):
                alive = member.process.alive
                self._drain(member)
                if not alive or self._places.all[member.place or 0].done:
                    serving.remove(member)
            self._publish()
        self._output.note(self._places.positions())


def _heartbeat(place: Place, out: Outgoing) -> bool:
    """Keep the counts of a worker's heartbeat; tell whether it was one."""
    if out.kind != b"heartbeat":
        return False
    fields = unpacked(out.text.encode())
    place.counts = {name: value for name, value in fields.items() if isinstance(value, int)}
    return True
