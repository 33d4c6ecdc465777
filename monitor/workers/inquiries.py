"""Requests that are being answered by workers."""

from __future__ import annotations

from monitor.journal.history_query import QueriedJournal
from monitor.wire.sockets import ServiceSockets
from monitor.workers.messages import REQUEST
from monitor.workers.places import Place, Places
from monitor.workers.requests import BEING_REPLACED, Asked, joined_states, refusal, route

ANSWER_S = 10.0


class Inquiries:
    """Takes requests, asks the workers, and gives their answers.

    Parameters
    ----------
    sockets
        Requests come from there.
    publisher
        Id of the service.
    journal
        Answers requests of history; None without one.
    places
        The workers.
    """

    def __init__(
        self,
        sockets: ServiceSockets,
        publisher: str,
        journal: QueriedJournal | None,
        places: Places,
    ) -> None:
        self._sockets = sockets
        self._publisher = publisher
        self._journal = journal
        self._places = places
        self._asked: dict[int, Asked] = {}
        self._numbers = 0
        self._answers: list[tuple[Asked, bytes]] = []

    def take(self, now_s: float) -> None:
        """Take a request: answer it, or hand it to those who can."""
        request = self._sockets.request()
        if request is None:
            return
        text, permits = request
        way = route(text, permits, self._publisher, self._journal)
        if way.answer is not None:
            self._sockets.reply(way.answer)
            return
        asked_of = self._places.all
        if way.stream is not None:
            asked_of = (self._places.of(way.stream.encode("utf-8", "replace")),)
        self._numbers += 1
        message = [REQUEST, b"%d" % self._numbers, text]
        if not all(place.tell(message) for place in asked_of):
            self._sockets.reply(refusal(BEING_REPLACED))
            return
        waits_for = {place.number for place in asked_of}
        self._asked[self._numbers] = Asked(self._sockets.defer(), now_s, waits_for, way.all)

    def answered(self, place: Place, number: int, text: bytes) -> None:
        """Take the answer of a worker; it is given with :meth:`reply`."""
        asked = self._asked.get(number)
        if asked is None:
            return
        asked.waits_for.discard(place.number)
        asked.parts.append(text)
        if not asked.waits_for:
            del self._asked[number]
            whole = joined_states(asked.parts, self._journal) if asked.states else text
            self._answers.append((asked, whole))

    def reply(self) -> None:
        """Give the answers that are there; what they confirm is in the journal by now."""
        answers, self._answers = self._answers, []
        for asked, text in answers:
            self._sockets.answer_late(asked.asker, text)

    def lost(self, place: Place) -> None:
        """Refuse what a worker that is gone was asked."""
        self._refuse([n for n, a in self._asked.items() if place.number in a.waits_for])

    def expire(self, now_s: float) -> None:
        """Refuse what a worker has not answered for long."""
        self._refuse([n for n, a in self._asked.items() if now_s - a.asked_s > ANSWER_S])

    def _refuse(self, numbers: list[int]) -> None:
        for number in numbers:
            self._sockets.answer_late(self._asked.pop(number).asker, refusal(BEING_REPLACED))
