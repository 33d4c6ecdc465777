"""What the central station knows of the ward: messages of a service, folded. Pure.

Rules:

1. No socket and no clock: times are passed in.
2. Bounded: memory does not grow with time or with the number of streams.
3. What is lost is told: a service that is silent makes every patient unwatched.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from monitor.messages import Snippet
from monitor.web.bed import Bed
from monitor.wire.protocol import Heartbeat, Packet, StreamState

MAX_BEDS = 256  # as many as a service analyses by default
SILENT_S = 2.5  # a service speaks each second, and it must be seen within 3 s that it is gone
MAX_SNIPPET_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Service:
    """What is known of the service itself.

    ``heard_s`` is when it last spoke (None: never); ``problem`` is why events may be missing.
    """

    endpoint: str = ""
    publisher: str = ""
    heard_s: float | None = None
    problem: str = ""
    late: int = 0
    turned_away: int = 0


class Ward:
    """Folds packets into beds.

    Parameters
    ----------
    endpoint
        Of the service, for people.
    """

    def __init__(self, endpoint: str = "") -> None:
        self.beds: dict[str, Bed] = {}
        self.service = Service(endpoint)
        self.gone = 0
        """Grows whenever a bed is forgotten."""
        self._next = 0
        self._unconfirmed: set[str] = set()  # beds of a service that was there before
        self._snippets: OrderedDict[tuple[str, int], Snippet] = OrderedDict()
        self._snippet_bytes = 0

    def take(self, packet: Packet, now_s: float) -> None:
        """Take one packet; ``now_s`` is any clock that never goes back."""
        if packet.publisher != self.service.publisher:
            self.service.publisher = packet.publisher
            self._unconfirmed = set(self.beds)
        self.service.heard_s = now_s
        body = packet.body
        if isinstance(body, Heartbeat):
            self.service.late, self.service.turned_away = body.late, body.turned_away
            return
        if isinstance(body, StreamState) and body.stream in self._unconfirmed:
            self._unconfirmed.discard(body.stream)
            if body.journal_last is None:  # without a journal a service counts alarms anew
                self.beds[body.stream].alarms.forget()
        if isinstance(body, Snippet):
            self._keep(body)
            return
        bed = self._bed(body.stream, now_s)
        bed.touched_s = now_s
        bed.take(body, packet.sent_ns)

    def recall(self, packets: list[Packet]) -> None:
        """Take alarms of the past, from the journal of the service."""
        for packet in packets:
            bed = self.beds.get(packet.body.stream)
            if bed is not None:
                bed.take(packet.body, packet.sent_ns)

    def lost(self, now_s: float) -> bool:
        """Tell whether the service is silent (or was never heard)."""
        heard_s = self.service.heard_s
        return heard_s is None or now_s - heard_s > SILENT_S

    def snippet(self, stream: str, alert_id: int) -> Snippet | None:
        """Give the signal before an alert, if it is still in memory."""
        return self._snippets.get((stream, alert_id))

    def _bed(self, name: str, now_s: float) -> Bed:
        bed = self.beds.get(name)
        if bed is None:
            if len(self.beds) >= MAX_BEDS:
                least = min(self.beds.values(), key=_needed)
                del self.beds[least.name]
                self.gone += 1
            bed = self.beds[name] = Bed(name, self._next)
            self._next += 1
        return bed

    def _keep(self, snippet: Snippet) -> None:
        key = (snippet.stream, snippet.alert_id)
        old = self._snippets.pop(key, None)
        self._snippets[key] = snippet
        self._snippet_bytes += snippet.values_mv.nbytes - (
            0 if old is None else old.values_mv.nbytes
        )
        while self._snippet_bytes > MAX_SNIPPET_BYTES:
            _, dropped = self._snippets.popitem(last=False)
            self._snippet_bytes -= dropped.values_mv.nbytes


def _needed(bed: Bed) -> tuple[bool, bool, float]:
    """Order beds by how much they are needed: one with alarms stays longest."""
    return bool(bed.alarms.active()), not bed.ended, bed.touched_s
