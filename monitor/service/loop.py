"""The running service: clock and sockets around the hub, one thread, one poller."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from monitor.errors import MonitorError
from monitor.journal.entries import Draft, Memory, draft_of, evidence_of, is_kept
from monitor.journal.journal import Journal
from monitor.messages import Samples, Snippet
from monitor.service.hub import Hub
from monitor.service.rounds import BATCH, Rounds
from monitor.wire.pieces import pieces
from monitor.wire.protocol import (
    Body,
    Heartbeat,
    Mark,
    ProtocolError,
    StreamState,
    encode,
    topic_of,
)
from monitor.wire.sequence import SequenceCounter
from monitor.wire.sockets import ServiceSockets

TICK_S = 1.0
NEWCOMER_PERIOD_S = 0.1  # states are not repeated faster than this, however many subscribe
GREETING_SHARE = 0.1  # of our time at most, likewise
PIECE_BYTES = 16 * 1024  # of samples: what waits for a slow subscriber is counted in messages
LOOK_UP_S = 0.1  # how long a request to stop may wait
TURN_S = 0.05  # no further round is begun after so long: requests and ticks are waiting
DISPLAY = (Samples, StreamState, Heartbeat)  # for the eye; everything else is found, and counts


@dataclass(frozen=True, slots=True)
class EndWhen:
    """When the service ends by itself; the default is never.

    ``done``: all streams that came have ended. ``idle_s``: nothing came for so long.
    """

    done: bool = False
    idle_s: float | None = None


class Service:
    """Take samples, publish what the hub makes of them.

    What a turn of the loop brings is journalled in one transaction, then published.

    Parameters
    ----------
    hub
        Decides.
    sockets
        Open sockets; the caller closes them.
    publisher
        Our publisher id.
    deliver
        Takes everything that is published, for a local sink.
    journal
        Keeps what must not be lost before it is published; None keeps nothing. The caller
        closes it.
    clock
        Monotonic seconds.
    storage_problems
        Tells why streams are not being stored, by stream.
    turned
        Told of every turn of the loop: messages taken, seconds it took without waiting.
    """

    def __init__(
        self,
        hub: Hub,
        sockets: ServiceSockets,
        publisher: str,
        deliver: Callable[[Body], object] | None = None,
        journal: Journal | None = None,
        clock: Callable[[], float] = time.monotonic,
        storage_problems: Callable[[], Mapping[str, str]] | None = None,
        turned: Callable[[int, float], object] = lambda messages, seconds: None,
    ) -> None:
        self._hub = hub
        self._sockets = sockets
        self._publisher = publisher
        self._deliver = deliver
        self._journal = journal
        self._clock = clock
        self._storage_problems = storage_problems
        self._turned = turned
        self._numbers = SequenceCounter()
        self._rounds = Rounds(sockets.receive)
        self._stopped = False
        self._unpublished = ""  # why, since the last tick

    def stop(self) -> None:
        """Ask :meth:`run` to end; may be called from a signal handler."""
        self._stopped = True

    def run(self, end_when: EndWhen | None = None) -> None:
        """Serve until stopped, then flush all streams."""
        end_when = end_when or EndWhen()
        hub, sockets = self._hub, self._sockets
        sockets.open_input()
        looked_s = heard_s = self._clock()
        tick_s = looked_s
        greet_s = 0.0
        newcomers = False
        count, woke_s = 0, looked_s
        while not self._stopped:
            now_s = self._clock()
            if now_s >= tick_s:
                hub.denied = sockets.refusals
                newcomers = newcomers and not hub.overload.shows_states  # they come now
                self._publish([*self._troubles(), *hub.tick(now_s, looked_s)])
                self._answer_senders()
                if self._journal is not None:
                    self._journal.note(hub.positions())
                tick_s = now_s + TICK_S
            if newcomers and now_s >= greet_s:
                self._publish(hub.greeting())
                took_s = self._clock() - now_s
                greet_s = now_s + max(NEWCOMER_PERIOD_S, took_s / GREETING_SHARE)
                newcomers = False
            due_s = min(tick_s, greet_s) if newcomers else tick_s
            self._turned(count, self._clock() - woke_s)
            wait_s = 0.0 if self._rounds.waiting else min(max(due_s - now_s, 0.0), LOOK_UP_S)
            sockets.wait(wait_s)
            woke_s = self._clock()
            count = self._take()
            if self._rounds.emptied:
                looked_s = self._clock()
            if count:
                heard_s = self._clock()
            self._answer()
            newcomers |= sockets.newcomers()
            if end_when.done and self._rounds.emptied and hub.done:
                break
            if end_when.idle_s is not None and self._clock() - heard_s >= end_when.idle_s:
                break
        self._publish(hub.flush())

    def _take(self) -> int:
        """Take what has come by now, round by round; give the number of messages."""
        out: list[Body] = []
        began_s, count = self._clock(), 0
        while messages := self._rounds.take():
            count += len(messages)
            out += self._hub.receive_all(messages, self._clock(), time.time_ns())
            self._answer_senders()
            if self._rounds.emptied or count >= BATCH or self._clock() - began_s >= TURN_S:
                break
        self._publish(out)
        return count

    def _answer(self) -> None:
        request = self._sockets.request()
        if request is not None:
            reply, out = self._hub.request(*request)
            self._publish(out)  # what is confirmed has been journalled
            self._sockets.reply(reply)

    def _answer_senders(self) -> None:
        answers = self._hub.answers
        if answers.changed:
            answers.changed = False
            self._sockets.answer(answers.topics)

    def _troubles(self) -> list[Body]:
        problem, self._unpublished = self._unpublished, ""
        return [*self._stored(), *self._hub.published(problem)]

    def _stored(self) -> list[Body]:
        recording = self._storage_problems() if self._storage_problems is not None else {}
        return self._hub.stored(recording, self._journal.trouble if self._journal else "")

    def _publish(self, bodies: Iterable[Body]) -> None:
        for body, mark in self._kept(bodies):
            if self._deliver is not None:
                self._deliver(body)
            for part in self._parts(body):
                self._send(part, mark)

    def _parts(self, body: Body) -> Iterable[Body]:
        info = self._hub.info(body.stream) if isinstance(body, Samples) else None
        if not isinstance(body, Samples) or info is None:
            return (body,)
        return pieces(body, info.rate_hz, PIECE_BYTES, math.inf)

    def _send(self, body: Body, mark: Mark | None) -> None:
        overload = self._hub.overload
        topic = topic_of(body)
        number = self._numbers.next(topic)
        if isinstance(body, DISPLAY) and not self._sockets.wants(topic):
            return
        if isinstance(body, Samples) and overload.shedding:
            overload.shed += 1
            return
        try:
            frames = encode(body, self._publisher, number, time.time_ns(), mark)
        except ProtocolError as error:
            self._publish(self._hub.fail(body.stream, f"cannot be published: {error}"))
            return
        try:
            self._sockets.publish(frames)
        except MonitorError as error:
            self._unpublished = str(error)

    def _kept(self, bodies: Iterable[Body]) -> list[tuple[Body, Mark | None]]:
        """Journal what is to be kept; give all, in the same order, with the numbers it got."""
        if self._journal is None:
            return [(body, None) for body in bodies]
        out: list[Body] = []
        drafts: dict[int, Draft] = {}
        waiting = deque(bodies)
        while waiting:
            body = waiting.popleft()
            if is_kept(body):
                try:
                    drafts[len(out)] = draft_of(body)
                except ProtocolError as error:
                    reason = f"cannot be stored: {error}"
                    waiting.extendleft(reversed(self._hub.fail(body.stream, reason)))
                    continue
            elif isinstance(body, Snippet) and (draft := drafts.get(len(out) - 1)) is not None:
                info = self._hub.info(body.stream)  # it comes right behind its alert
                if info is not None:
                    evidence = evidence_of(body, info, time.time_ns())
                    drafts[len(out) - 1] = replace(draft, evidence=evidence)
            out.append(body)
        last_of = {
            b.stream: self._journal.last_of(b.stream) for b in out if isinstance(b, StreamState)
        }
        kept = list(drafts.values())
        marks = dict(zip(drafts, self._journal.keep(kept, self._memories(kept)), strict=True))
        placed: list[tuple[Body, Mark | None]] = []
        for place, body in enumerate(out):
            mark = marks.get(place)
            if mark is not None:
                last_of[body.stream] = mark.number
            elif isinstance(body, StreamState):  # so far goes what came before it
                body = replace(body, journal_last=last_of[body.stream])
            placed.append((body, mark))
        return placed

    def _memories(self, drafts: Iterable[Draft]) -> dict[str, Memory]:
        """Give what is to be remembered of the streams that something is kept of."""
        found = {draft.stream: self._hub.memory(draft.stream) for draft in drafts}
        return {
            name: Memory(memory.text(), memory.next_sample)
            for name, memory in found.items()
            if memory is not None
        }
