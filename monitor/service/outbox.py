"""The messages that leave the service: journalled in one transaction, then published.

Rules:

1. A message that must not be lost is in the journal before it is published.
2. The snippet of an alarm is kept with the alert that has its stream, number and transition.
3. A message that cannot be stored or sent quarantines its stream. What that gives is published
   after the batch in which it happened.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from monitor.errors import MonitorError
from monitor.journal.entries import Draft, Memory, alert_signal_of, draft_of, is_kept
from monitor.journal.journal import Journal
from monitor.messages import Alert, Samples, Snippet
from monitor.service.hub import Hub
from monitor.wire.frames import encode, pieces
from monitor.wire.protocol import Body, Heartbeat, Mark, ProtocolError, StreamState, topic_of
from monitor.wire.sequence import SequenceCounter
from monitor.wire.sockets import ServiceSockets

PIECE_BYTES = 16 * 1024  # of samples: the queue of a slow subscriber is counted in messages
DISPLAY = (Samples, StreamState, Heartbeat)  # not needed when nobody watches


class Outbox:
    """Keeps, delivers and publishes messages.

    Parameters
    ----------
    hub
        Knows the streams; told of a message that cannot be given out.
    sockets
        Send the messages.
    publisher
        Publisher id of the service.
    deliver
        Takes every message, for a local sink.
    journal
        Keeps messages; None keeps none.
    wall_ns
        Wall clock.

    Attributes
    ----------
    shed
        Display messages left out so far, because the service was too slow.
    """

    def __init__(
        self,
        hub: Hub,
        sockets: ServiceSockets,
        publisher: str,
        deliver: Callable[[Body], object] | None,
        journal: Journal | None,
        wall_ns: Callable[[], int],
    ) -> None:
        self.shed = 0
        self._hub = hub
        self._sockets = sockets
        self._publisher = publisher
        self._deliver = deliver
        self._journal = journal
        self._wall_ns = wall_ns
        self._numbers = SequenceCounter()
        self._problem = ""

    def take_problem(self) -> str:
        """Give why messages could not be published since the last call; empty if none failed."""
        problem, self._problem = self._problem, ""
        return problem

    def publish(self, bodies: Iterable[Body]) -> None:
        """Journal what is to be kept, then deliver and publish all, in the same order."""
        batch = [*bodies]
        while batch:
            failed: list[Body] = []
            for body, mark, text in self._kept(batch):
                if self._deliver is not None:
                    self._deliver(body)
                for part in self._parts(body):
                    failed += self._send(part, mark, text)
            batch = failed

    def _parts(self, body: Body) -> Iterable[Body]:
        info = self._hub.info(body.stream) if isinstance(body, Samples) else None
        if not isinstance(body, Samples) or info is None:
            return (body,)
        return pieces(body, info.rate_hz, PIECE_BYTES, math.inf)

    def _send(self, body: Body, mark: Mark | None, text: str | None) -> list[Body]:
        """Send one message; give what its failure sets off."""
        topic = topic_of(body)
        number = self._numbers.next(topic)
        if isinstance(body, DISPLAY) and not self._sockets.wants(topic):
            return []
        if isinstance(body, Samples) and self._hub.overload.shedding:
            self.shed += 1
            return []
        try:
            frames = encode(body, self._publisher, number, self._wall_ns(), mark, text=text)
        except ProtocolError as error:
            return self._hub.fail(body.stream, f"cannot be published: {error}")
        try:
            self._sockets.publish(frames)
        except MonitorError as error:
            self._problem = str(error)
        return []

    def _kept(self, bodies: Iterable[Body]) -> list[tuple[Body, Mark | None, str | None]]:
        """Journal what is to be kept; give all in order, with journal numbers and JSON texts."""
        if self._journal is None:
            return [(body, None, None) for body in bodies]
        out, drafts = self._drafted(bodies)
        last_of = {
            b.stream: self._journal.last_of(b.stream) for b in out if isinstance(b, StreamState)
        }
        kept = list(drafts.values())
        marks = dict(zip(drafts, self._journal.keep(kept, self._memories(kept)), strict=True))
        marked: list[tuple[Body, Mark | None, str | None]] = []
        for place, body in enumerate(out):
            mark = marks.get(place)
            if mark is not None:
                last_of[body.stream] = mark.number
            elif isinstance(body, StreamState):  # tells the last entry before it
                body = replace(body, journal_last=last_of[body.stream])
            marked.append((body, mark, drafts[place].text if place in drafts else None))
        return marked

    def _drafted(self, bodies: Iterable[Body]) -> tuple[list[Body], dict[int, Draft]]:
        """Give all messages in order, and by place those to be kept, alerts with their snippet."""
        out: list[Body] = []
        drafts: dict[int, Draft] = {}
        alerts: dict[tuple[str, int, int], int] = {}  # stream, id, seq: place
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
            if isinstance(body, Alert):
                alerts[body.stream, body.id, body.seq] = len(out)
            elif isinstance(body, Snippet):
                place = alerts.get((body.stream, body.alert_id, body.seq))
                info = self._hub.info(body.stream)
                if place is not None and info is not None:
                    signal = alert_signal_of(body, info, self._wall_ns())
                    drafts[place] = replace(drafts[place], signal=signal)
            out.append(body)
        return out, drafts

    def _memories(self, drafts: Iterable[Draft]) -> dict[str, Memory]:
        """Give the state, for a restart, of every stream that has a draft."""
        found = {draft.stream: self._hub.memory(draft.stream) for draft in drafts}
        return {
            name: Memory(memory.text(), memory.next_sample)
            for name, memory in found.items()
            if memory is not None
        }
