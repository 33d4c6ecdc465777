"""Asks a service for the signal that was published with an alert, one alert at a time."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from monitor.feeds.feed import Deliver
from monitor.messages import Snippet
from monitor.recording.span_query import read_answer
from monitor.wire.protocol import ProtocolError

ANSWER_S = 3.0  # then the next one is asked for


class Control(Protocol):
    """A control socket (:class:`monitor.wire.subscriber.ControlClient`)."""

    def send(self, command: str, **fields: object) -> None:
        """Send a request."""
        ...

    def receive(self) -> dict[str, object] | None:
        """Give the answer, None if none has come."""
        ...


class StripRequests:
    """The strips that are wanted; requests may come from another thread."""

    def __init__(self) -> None:
        self._wanted: deque[tuple[str, int]] = deque()
        self._asked: tuple[str, int] | None = None
        self._asked_s = 0.0

    def want(self, stream: str, alert_id: int) -> None:
        """Ask for the strip of one alert."""
        self._wanted.append((stream, alert_id))

    def follow(self, control: Control, deliver: Deliver, now_s: float) -> None:
        """Deliver an answer that has come as a :class:`Snippet`, and send the next request.

        A strip that is not kept any more is left out: the answer says no more than that.

        Raises
        ------
        MonitorError
            If the service refuses us.
        """
        if self._asked is not None:
            snippet, done = self._answer(control, *self._asked)
            if snippet is not None:
                deliver(snippet)
            if done or now_s - self._asked_s > ANSWER_S:
                self._asked = None
        if self._asked is None and self._wanted:
            self._asked, self._asked_s = self._wanted.popleft(), now_s
            stream, alert_id = self._asked
            control.send("snippet", stream=stream, alert_id=alert_id)

    def _answer(self, control: Control, stream: str, alert_id: int) -> tuple[Snippet | None, bool]:
        try:
            reply = control.receive()
            if reply is None:
                return None, False
            span = read_answer(reply)
        except ProtocolError:  # not kept, or not readable
            return None, True
        if span.info.stream != stream:
            return None, True
        return Snippet(stream, alert_id, 0, span.start_sample, span.values_mv), True
