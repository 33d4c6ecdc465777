"""The link to a service: a thread that folds what is published into the ward, and requests."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from monitor.errors import MonitorError
from monitor.web.ward import Ward
from monitor.wire.follow import Follower
from monitor.wire.keys import ClientKeys
from monitor.wire.protocol import Mark, Packet, ProtocolError, body_from_dict, topic_of
from monitor.wire.subscriber import ControlClient, Subscription

PERIOD_S = 0.04  # many small messages are taken together: that costs far less
MAX_BATCHES = 50  # of messages in one period
PATIENCE_S = 3.0
RECALLED = 5000  # newest entries of the journal that are looked through for alarms of the past
PAGE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service is: its ``--output`` and ``--control``, and our keys."""

    output: str
    control: str
    keys: ClientKeys | None = None


class Requester:
    """Asks the service, one request after the other, from any thread."""

    def __init__(self, place: Place) -> None:
        self._client = ControlClient(place.control, place.keys)
        self._lock = threading.Lock()

    def ask(self, request: dict[str, object]) -> dict[str, object]:
        """Give the answer.

        Raises
        ------
        MonitorError
            If no service answers, or it refuses.
        """
        with self._lock:
            return self._client.ask(request, PATIENCE_S)

    def close(self) -> None:
        """Close at once."""
        with self._lock:
            self._client.close()


class Link(threading.Thread):
    """Folds what a service publishes into a ward, until it is stopped.

    Parameters
    ----------
    ward
        Folded into, under ``lock``.
    lock
        Held for a short time only.
    place
        The service.
    requester
        Asked for alarms of the past.
    failed
        Called when the service refuses us: there is no use in going on.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        ward: Ward,
        lock: threading.Lock,
        place: Place,
        requester: Requester,
        failed: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="link", daemon=True)
        self._ward = ward
        self._lock = lock
        self._place = place
        self._requester = requester
        self._failed = failed
        self._clock = clock
        self._ending = threading.Event()
        self._known: frozenset[str] = frozenset()
        self._recalling: threading.Thread | None = None
        self.error: MonitorError | None = None

    def stop(self) -> None:
        """Ask the thread to end soon."""
        self._ending.set()

    def run(self) -> None:
        """Follow the service."""
        try:
            self._follow()
        except MonitorError as error:
            self.error = error
            self._failed()

    def _follow(self) -> None:
        place = self._place
        with (
            Subscription(place.output, keys=place.keys) as subscription,
            contextlib.closing(ControlClient(place.control, place.keys)) as control,
        ):
            follower = Follower(subscription, control)
            while not self._ending.wait(PERIOD_S):
                follower.wait(0.0)
                for _ in range(MAX_BATCHES):
                    packets = follower.receive()
                    if not packets:
                        break
                    now_s = self._clock()
                    with self._lock:
                        for packet in packets:
                            self._ward.take(packet, now_s)
                with self._lock:
                    self._ward.service.problem = follower.problem
                    names = frozenset(self._ward.beds)
                if names - self._known and not (self._recalling and self._recalling.is_alive()):
                    new, self._known = names - self._known, names
                    self._recalling = threading.Thread(
                        target=self._recall, args=(sorted(new),), name="recall", daemon=True
                    )
                    self._recalling.start()

    def _recall(self, names: list[str]) -> None:
        """Take alarms of the past of these streams from the journal, if one is kept."""
        with contextlib.suppress(MonitorError):
            at = self._requester.ask({"command": "history", "after": None})
            last, after = _number(at, "last"), max(_number(at, "first") - 1, 0)
            after = max(after, last - RECALLED)
            while after < last and not self._ending.is_set():
                page = self._requester.ask(
                    {
                        **{"command": "history", "after": after, "limit": PAGE},
                        **{"streams": names, "kinds": ["alert"]},
                    }
                )
                packets = _packets(page)
                with self._lock:
                    self._ward.recall(packets)
                through = _number(page, "through")
                if through <= after:
                    return
                after = through


def _number(reply: dict[str, object], name: str) -> int:
    value = reply.get(name)
    if not isinstance(value, int):
        raise ProtocolError(f"the answer has no number {name}")
    return value


def _packets(page: dict[str, object]) -> list[Packet]:
    events = page.get("events")
    if not isinstance(events, list):
        raise ProtocolError("the answer has no events")
    packets = []
    for fields in events:
        try:
            body, number = body_from_dict(fields), int(fields["journal"])
            wall_ns = int(fields["wall_ns"])
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError("an event of the journal cannot be read") from error
        packets.append(Packet(topic_of(body), "", 0, wall_ns, body, Mark(number, 0)))
    return packets
