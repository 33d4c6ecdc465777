"""The worker's side of the link: in place of the sockets, and of the journal and output.

All that comes from the front is handled in the order in which it was sent; so is what goes there.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict

from monitor.errors import MonitorError
from monitor.journal.entries import Memory
from monitor.service.outgoing import Outgoing
from monitor.wire.link import Link
from monitor.wire.protocol import Body
from monitor.workers.messages import (
    ANSWER,
    ANSWERS,
    EMPTY,
    NEWCOMER,
    REQUEST,
    SAMPLES,
    STATUS,
    STOP,
    TICK,
    WANTED,
    Status,
    Tick,
    pack_outgoing,
    packed,
    unpacked,
)

FRONT_GONE_S = 10.0  # silence after which a worker ends: the front has replaced it or is gone
CAUGHT_UP_S = 0.5  # the front says so more often while nothing waits there


class FrontSockets:
    """Stands for the sockets of the service.

    Parameters
    ----------
    link
        To the front.
    stop
        Called when the front asks the worker to end.
    clock
        Monotonic seconds.

    Attributes
    ----------
    refusals
        Of connections: there are none here.
    received
        Messages of senders taken so far.
    status
        What the front told last.
    """

    refusals = 0

    def __init__(
        self,
        link: Link,
        stop: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self.stop = stop
        self._clock = clock
        self._heard_s = clock()
        self._emptied_s = clock()
        self._newcomers = False
        self._requests: deque[list[bytes]] = deque()
        self._asked = b""
        self._wanted: frozenset[bytes] = frozenset()
        self.received = 0
        self.status = Status()

    @property
    def caught_up(self) -> bool:
        """Nothing waits at the front."""
        return self._clock() - self._emptied_s < CAUGHT_UP_S

    def open_input(self) -> None:
        """Do nothing: the front has opened it."""

    def answer(self, topics: frozenset[bytes]) -> None:
        """Show exactly these topics to the senders."""
        self._link.send([ANSWERS, *topics])

    def wait(self, timeout_s: float) -> bool:
        """Wait for messages; tell whether any came.

        Raises
        ------
        MonitorError
            If the front has been silent for too long.
        """
        if self._requests:
            timeout_s = 0.0
        came = self._link.wait(timeout_s)
        if came:
            self._heard_s = self._clock()
            while (frames := self._link.receive_urgent()) is not None:
                self._take(frames)
        elif self._clock() - self._heard_s > FRONT_GONE_S:
            raise MonitorError("the front of the service is gone")
        return came

    def receive(self, limit: int) -> Iterator[tuple[list[bytes], str]]:
        """Give at most ``limit`` messages of senders, each with its sender's key."""
        given = 0
        while given < limit and (frames := self._link.receive()) is not None:
            if frames[0] == SAMPLES:
                self.received += 1
                given += 1
                yield frames[2:], frames[1].decode()
            else:
                self._take(frames)

    def _take(self, frames: list[bytes]) -> None:
        kind = frames[0]
        if kind == EMPTY:
            self._emptied_s = self._clock()
        elif kind == REQUEST:
            self._requests.append(frames)
        elif kind == NEWCOMER:
            self._newcomers = True
        elif kind == WANTED:
            self._wanted = frozenset(frames[1:])
        elif kind == STATUS:
            self.status = Status(**unpacked(frames[1]))
        elif kind == STOP:
            self.stop()

    def newcomers(self) -> bool:
        """Tell whether a subscription has come since the last call."""
        came, self._newcomers = self._newcomers, False
        return came

    def request(self) -> tuple[bytes, Callable[[str], bool]] | None:
        """Give a waiting request, whose sender's rights the front has checked."""
        if not self._requests:
            return None
        _, self._asked, text = self._requests.popleft()
        return text, lambda right: True

    def reply(self, text: bytes) -> None:
        """Answer the last request."""
        self._link.send([ANSWER, self._asked, text])

    def wants(self, topic: bytes) -> bool:
        """Tell whether a topic is subscribed to; the front always wants heartbeats."""
        if topic.startswith(b"heartbeat."):
            return True
        return any(topic[:length] in self._wanted for length in range(len(topic) + 1))


class LinkOutlet:
    """Sends to the front what a service would journal and publish itself.

    Parameters
    ----------
    link
        To the front.
    sockets
        Know what the front tells.
    deliver
        Takes every message that is made here, for local sinks.
    progress
        Gives how many streams have begun, and whether all that came have ended.
    """

    def __init__(
        self,
        link: Link,
        sockets: FrontSockets,
        deliver: Callable[[Body], object],
        progress: Callable[[], tuple[int, bool]],
    ) -> None:
        self._link = link
        self._sockets = sockets
        self._deliver = deliver
        self._progress = progress

    @property
    def trouble(self) -> str:
        """Why events are not stored; empty while they are."""
        return self._sockets.status.journal

    def wants(self, topic: bytes) -> bool:
        """Tell whether anybody has subscribed to a topic."""
        return self._sockets.wants(topic)

    def send(self, outgoing: Sequence[Outgoing], memories: Mapping[str, Memory]) -> None:
        """Send messages, and the states of their streams, in order."""
        for out in outgoing:
            if out.body is not None:
                self._deliver(out.body)
        # what nobody wants takes no number; what was left out under load does
        sent = [out for out in outgoing if out.text or self.wants(out.topic)]
        if sent:
            self._link.send(pack_outgoing(sent, memories))

    def note(self, positions: Mapping[str, int]) -> None:
        """Tell the next sample of every stream, and how far we are."""
        appeared, over = self._progress()
        tick = Tick(positions, self._sockets.received, appeared, over)
        self._link.send([TICK, packed(asdict(tick))])

    def take_problem(self) -> str:
        """Give why messages were not published."""
        return self._sockets.status.output
