"""Follow a service over losses, reconnects and restarts: every journalled message once, in order.

A thin shell around :class:`~monitor.wire.merge.Merger`, with a subscription and a control socket.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from monitor.messages import Alert
from monitor.wire.jsonform import refusal_in
from monitor.wire.merge import Merger, Page
from monitor.wire.protocol import (
    Mark,
    Packet,
    ProtocolError,
    StreamState,
    body_from_dict,
    topic_of,
)
from monitor.wire.subscriber import AlertMemory, ControlClient, Subscription

ANSWER_S = 1.0  # ask again after so long without an answer
PATIENCE_S = 3.0  # messages wait at most this long for an answer
GREETING_S = 3.0  # three states: they come each second
LIMIT = 500


class Follower:
    """Messages of a subscription, with missed ones filled in from the service's journal.

    Alerts in states are given only if they are new: those active when we joined and, without a
    journal, those that were missed. So every transition comes once. If ``control`` does not
    answer, messages are given as they come.

    Parameters
    ----------
    subscription
        Open; the caller closes it. It should take all journalled kinds.
    control
        The service's ``--control``, None to ask for nothing; the caller closes it.
    since
        Begin after this journal number; None begins with the active alerts.
    stream
        Only this stream.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        subscription: Subscription,
        control: ControlClient | None,
        since: int | None = None,
        stream: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subscription = subscription
        self._control = control
        self._streams = [] if stream is None else [stream]
        self._clock = clock
        self._since = since
        self._merger: Merger[Packet] = Merger(since)
        self._memory = AlertMemory()
        self._greeted: set[str] = set()
        self._joined_s: float | None = None
        self._publisher = ""
        self._ask_s = 0.0
        self._asked = False
        self._waiting_s: float | None = None
        self.answered = False
        self.problem = ""

    def wait(self, timeout_s: float) -> None:
        """Wait for messages, or for an answer of the journal.

        Raises
        ------
        MonitorError
            If the service refuses us.
        """
        also = self._control.socket if self._control is not None and self._asked else None
        self._subscription.wait(timeout_s, also)

    def receive(self) -> list[Packet]:
        """Give the messages that have come so far, in order.

        Raises
        ------
        MonitorError
            If the service refuses us.
        """
        out: list[Packet] = []
        for packet in self._subscription.receive():
            out += self._taken(packet)
        if self._control is not None and self._publisher:
            out += self._filled(self._control)
        return out

    def _taken(self, packet: Packet) -> list[Packet]:
        """Take one published message."""
        if packet.publisher != self._publisher:
            if self._publisher:
                self._merger.restarted()
                self._memory, self._since = AlertMemory(), self._merger.after or 0
            self._publisher, self._ask_s, self._asked = packet.publisher, 0.0, False
            self._joined_s = self._joined_s or self._clock()
        body = packet.body
        if packet.mark is not None:
            return self._noted(self._merger.live(body.stream, packet.mark, packet))
        if isinstance(body, Alert):  # not journalled
            return [packet] if self._memory.is_new(body) else []
        if not isinstance(body, StreamState):
            return [packet]
        alerts: tuple[Alert, ...] = body.alerts
        if body.journal_last is not None:
            self._merger.told(body.stream, body.journal_last)
            # the first state has the alerts that were active before us; later ones come themselves
            greeting = self._since is None and self._clock() - (self._joined_s or 0) < GREETING_S
            alerts = alerts if greeting and body.stream not in self._greeted else ()
            self._greeted.add(body.stream)
        new = tuple(alert for alert in alerts if self._memory.is_new(alert))
        return [replace(packet, body=replace(body, alerts=new))]

    def _filled(self, control: ControlClient) -> list[Packet]:
        """Ask the journal for missing messages; take its answer."""
        now_s, out = self._clock(), list[Packet]()
        if self._asked and (reply := self._reply(control)) is not None:
            self._asked, self._ask_s = False, now_s
            self.problem = refusal_in(reply)
            if self.problem:
                self._ask_s += ANSWER_S
            elif reply.get("publisher") != self._publisher:
                self.problem = "the control socket is that of another service"
                self._ask_s += ANSWER_S
            elif (page := self._page(reply)) is not None:
                out += self._noted(self._merger.page(page))
                self.answered = True
        if self._merger.wanted and now_s >= self._ask_s:
            after = self._merger.after
            control.send("history", after=after, streams=self._streams, limit=LIMIT)
            self._asked, self._ask_s = True, now_s + ANSWER_S
        if not self._merger.waiting:
            self._waiting_s = None
        elif self._waiting_s is None:
            self._waiting_s = now_s
        elif now_s - self._waiting_s > PATIENCE_S:
            self.problem = self.problem or "the journal does not answer"
            out += self._noted(self._merger.give_up())
        return out

    def _reply(self, control: ControlClient) -> dict[str, Any] | None:
        try:
            return control.receive()
        except ProtocolError as error:
            return {"ok": False, "error": str(error)}

    def _page(self, reply: dict[str, Any]) -> Page[Packet] | None:
        """Read an answer; None, with the problem noted, if it cannot be read."""
        after, packets = self._merger.after, []
        try:
            first = int(reply["first"])
            for fields in reply["events"]:
                body, mark = body_from_dict(fields), Mark(int(fields["journal"]), 0)
                sent_ns = int(fields["wall_ns"])
                packets.append(Packet(topic_of(body), self._publisher, 0, sent_ns, body, mark))
            last, through = int(reply["last"]), int(reply["through"])
        except (KeyError, TypeError, ValueError, OverflowError, ProtocolError) as error:
            self.problem = f"the journal's answer cannot be read ({error!a:.60})"
            self._ask_s += ANSWER_S
            return None
        if after and first > after + 1:
            self.problem = f"the journal begins at {first}: what came after {after} is gone"
        events = tuple((p.mark.number, p.body.stream, p) for p in packets if p.mark)
        return Page(str(reply.get("journal_id")), last, through, events)

    def _noted(self, packets: list[Packet]) -> list[Packet]:
        for packet in packets:
            if isinstance(packet.body, Alert):
                self._memory.is_new(packet.body)
        return packets
