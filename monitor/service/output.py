"""The last step of messages that leave the service: journalled in one transaction, then published.

A message that must not be lost is in the journal before it is published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from monitor.errors import MonitorError
from monitor.journal.entries import Memory
from monitor.journal.journal import Journal
from monitor.service.outgoing import NO_PLACE, Outgoing
from monitor.wire.frames import framed
from monitor.wire.protocol import Body, Mark
from monitor.wire.sequence import SequenceCounter
from monitor.wire.sockets import ServiceSockets


class Output:
    """Keeps, delivers, numbers and publishes messages.

    Parameters
    ----------
    sockets
        Send the messages.
    publisher
        Publisher id of the service.
    deliver
        Takes every message that comes with its body, for a local sink.
    journal
        Keeps messages; None keeps none. The caller closes it.
    wall_ns
        Wall clock.
    """

    def __init__(
        self,
        sockets: ServiceSockets,
        publisher: str,
        deliver: Callable[[Body], object] | None,
        journal: Journal | None,
        wall_ns: Callable[[], int],
    ) -> None:
        self._sockets = sockets
        self._publisher = publisher
        self._deliver = deliver
        self._journal = journal
        self._wall_ns = wall_ns
        self._numbers = SequenceCounter()
        self._problem = ""

    @property
    def trouble(self) -> str:
        """Why events are not stored; empty while they are."""
        return self._journal.trouble if self._journal is not None else ""

    def wants(self, topic: bytes) -> bool:
        """Tell whether anybody has subscribed to a topic."""
        return self._sockets.wants(topic)

    def note(self, positions: Mapping[str, int]) -> None:
        """Take the next sample of every stream, once a second."""
        if self._journal is not None:
            self._journal.note(positions)

    def take_problem(self) -> str:
        """Give why messages could not be published since the last call; empty if none failed."""
        problem, self._problem = self._problem, ""
        return problem

    def send(self, outgoing: Sequence[Outgoing], memories: Mapping[str, Memory]) -> None:
        """Journal what is to be kept, then deliver and publish all, in the same order."""
        last_of: dict[str, int] = {}
        marks: list[Mark | None] = []
        if self._journal is not None:
            for out in outgoing:
                if out.kind == b"state":
                    last_of[out.stream] = self._journal.last_of(out.stream)
            drafts = [out.draft for out in outgoing if out.draft is not None]
            marks = self._journal.keep(drafts, memories)
        given = iter(marks)
        for out in outgoing:
            mark = next(given, None) if out.draft is not None else None
            text = out.text
            if mark is not None:
                last_of[out.stream] = mark.number
            elif out.kind == b"state" and self._journal is not None:
                # tells the last entry before it
                place = f'"journal_last":{last_of[out.stream]}'
                text = text.replace(NO_PLACE, place, 1)
            if self._deliver is not None and out.body is not None:
                self._deliver(out.body)
            self._publish(out, text, mark)

    def _publish(self, out: Outgoing, text: str, mark: Mark | None) -> None:
        number = self._numbers.next(out.topic)
        if not text:
            return
        sent_ns = self._wall_ns()
        frames = framed(out.topic, text, out.payload, self._publisher, number, sent_ns, mark)
        try:
            self._sockets.publish(frames)
        except MonitorError as error:
            self._problem = str(error)
