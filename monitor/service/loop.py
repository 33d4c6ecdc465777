"""The running service: clock and sockets around the hub, in one thread with one poller."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from monitor.journal.journal import Journal
from monitor.service.hub import Hub
from monitor.service.load import BATCH, Rounds
from monitor.service.outbox import Outbox
from monitor.service.outgoing import Outlet
from monitor.service.output import Output
from monitor.wire.protocol import Body
from monitor.wire.sockets import ServiceSockets

TICK_S = 1.0
NEWCOMER_PERIOD_S = 0.1  # states are not repeated faster, however many subscribe
GREETING_SHARE = 0.1  # of the time at most, likewise
LOOK_UP_S = 0.1  # longest delay of a request to stop
TURN_S = 0.05  # no further round begins after this time: requests and ticks wait


@dataclass(frozen=True, slots=True)
class EndWhen:
    """The condition on which the service ends by itself; the default is never.

    ``done``: all streams that came have ended. ``idle_s``: no message came for so long.
    """

    done: bool = False
    idle_s: float | None = None


class Sockets(Protocol):
    """What comes to the service, and the answers to it: see :mod:`monitor.wire.sockets`."""

    @property
    def refusals(self) -> int:
        """Connections and messages refused."""
        ...

    def open_input(self) -> None:
        """Let the samples come."""
        ...

    def answer(self, topics: frozenset[bytes]) -> None:
        """Show exactly these topics to the senders."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Wait for messages; tell whether any came."""
        ...

    def receive(self, limit: int) -> Iterable[tuple[list[bytes], str]]:
        """Give messages of senders, each with its sender's key."""
        ...

    def newcomers(self) -> bool:
        """Tell whether a subscription has come."""
        ...

    def request(self) -> tuple[bytes, Callable[[str], bool]] | None:
        """Give a waiting request and a test of its sender's rights."""
        ...

    def reply(self, text: bytes) -> None:
        """Answer the last request."""
        ...


class Service:
    """Takes messages from the sockets, and publishes what the hub makes of them.

    Parameters
    ----------
    hub
        Decides.
    sockets
        Open sockets; the caller closes them.
    publisher
        Publisher id of the service.
    deliver
        Takes every published message, for a local sink.
    journal
        Keeps what must not be lost before it is published; None keeps nothing. The caller closes
        it.
    clock
        Monotonic seconds.
    storage_problems
        Tells why streams are not recorded, by stream.
    turned
        Told of every turn of the loop: messages taken, seconds it took without waiting.
    wall_ns
        Wall clock.
    outlet
        Takes the messages in place of the journal and the output socket.
    current
        Tells whether nothing waits before the sockets, while they are empty.
    """

    def __init__(
        self,
        hub: Hub,
        sockets: Sockets,
        publisher: str,
        deliver: Callable[[Body], object] | None = None,
        journal: Journal | None = None,
        clock: Callable[[], float] = time.monotonic,
        storage_problems: Callable[[], Mapping[str, str]] | None = None,
        turned: Callable[[int, float], object] = lambda messages, seconds: None,
        wall_ns: Callable[[], int] = time.time_ns,
        outlet: Outlet | None = None,
        current: Callable[[], bool] = lambda: True,
    ) -> None:
        self._hub = hub
        self._sockets = sockets
        self._clock = clock
        self._wall_ns = wall_ns
        self._storage_problems = storage_problems
        self._turned = turned
        if outlet is None:  # then the sockets publish
            to = cast(ServiceSockets, sockets)
            outlet = Output(to, publisher, deliver, journal, wall_ns)
        self._outlet = outlet
        self._outbox = Outbox(hub, self._outlet, wall_ns)
        self._rounds = Rounds(sockets.receive)
        self._current = current
        self._stopped = False

    def stop(self) -> None:
        """Ask :meth:`run` to end; may be called from a signal handler."""
        self._stopped = True

    def start(self) -> None:
        """Do nothing: a service of one process is ready when it is made."""

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
                troubles = self._troubles()
                newcomers = newcomers and not hub.overload.shows_states  # the tick gives states
                ticked = hub.tick(now_s, looked_s, sockets.refusals, self._outbox.shed)
                self._outbox.publish([*troubles, *ticked])
                self._answer_senders()
                self._outlet.note(hub.positions())
                tick_s = now_s + TICK_S
            if newcomers and now_s >= greet_s:
                self._outbox.publish(hub.greeting())
                took_s = self._clock() - now_s
                greet_s = now_s + max(NEWCOMER_PERIOD_S, took_s / GREETING_SHARE)
                newcomers = False
            due_s = min(tick_s, greet_s) if newcomers else tick_s
            self._turned(count, self._clock() - woke_s)
            wait_s = 0.0 if self._rounds.waiting else min(max(due_s - now_s, 0.0), LOOK_UP_S)
            sockets.wait(wait_s)
            woke_s = self._clock()
            count = self._take()
            if self._rounds.emptied and self._current():
                looked_s = self._clock()
            if count:
                heard_s = self._clock()
            self._answer()
            newcomers |= sockets.newcomers()
            if end_when.done and self._rounds.emptied and hub.done:
                break
            if end_when.idle_s is not None and self._clock() - heard_s >= end_when.idle_s:
                break
        self._outbox.publish(hub.flush())

    def _take(self) -> int:
        """Take the messages that have come by now, in rounds; give their number."""
        out: list[Body] = []
        began_s, count = self._clock(), 0
        while messages := self._rounds.take():
            count += len(messages)
            out += self._hub.receive_all(messages, self._clock(), self._wall_ns())
            self._answer_senders()
            if self._rounds.emptied or count >= BATCH or self._clock() - began_s >= TURN_S:
                break
        self._outbox.publish(out)
        return count

    def _answer(self) -> None:
        request = self._sockets.request()
        if request is not None:
            reply, out = self._hub.request(*request)
            self._outbox.publish(out)  # what is confirmed is in the journal
            self._sockets.reply(reply)

    def _answer_senders(self) -> None:
        answers = self._hub.answers
        if answers.changed:
            answers.changed = False
            self._sockets.answer(answers.topics)

    def _troubles(self) -> list[Body]:
        """Raise and clear alerts about recording, journal and output."""
        recording = self._storage_problems() if self._storage_problems is not None else {}
        stored = self._hub.stored(recording, self._outlet.trouble)
        return [*stored, *self._hub.published(self._outlet.take_problem())]
