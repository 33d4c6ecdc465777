"""Clients of a service: subscribe to its output, send requests to its control socket."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import Any

import zmq

from monitor.errors import MonitorError
from monitor.messages import Alert
from monitor.wire.endpoints import Context, Socket, connect, new_socket
from monitor.wire.frames import decode
from monitor.wire.jsonform import ProtocolError, dumps, loads, refusal_in
from monitor.wire.keys import ClientKeys
from monitor.wire.protocol import KINDS, SCHEMA, Heartbeat, Packet
from monitor.wire.sequence import TopicSequences
from monitor.wire.sockets import CONTROL_QUEUE, OUTPUT_QUEUE

BATCH = 200
LOOK_UP_MS = 100
MAX_ALERTS_REMEMBERED = 2000


class Subscription:
    """A SUB socket on a service's output.

    Parameters
    ----------
    endpoint
        The service's ``--output``.
    kinds
        Kinds of messages wanted; None for all.
    stream
        Only this stream (and heartbeats).
    keys
        Our keys, for a service that asks for them.

    Raises
    ------
    MonitorError
        If ``endpoint`` is not valid.
    """

    def __init__(
        self,
        endpoint: str,
        kinds: Iterable[str] | None = None,
        stream: str | None = None,
        keys: ClientKeys | None = None,
    ) -> None:
        self._stream = stream
        self.sequences = TopicSequences()
        self.refused = 0
        self.context: Context = zmq.Context()
        self.socket: Socket = new_socket(self.context, zmq.SUB, OUTPUT_QUEUE)
        try:
            self._refusal = connect(self.socket, endpoint, "--connect", keys)
        except BaseException:
            self.close()
            raise
        for kind in {*(kinds or KINDS), "heartbeat"}:
            name = "" if stream is None or kind == "heartbeat" else stream
            self.socket.setsockopt(zmq.SUBSCRIBE, f"{kind}.{name}".encode())

    def receive(self, limit: int = BATCH) -> list[Packet]:
        """Give the messages that have come; malformed ones are counted and left out."""
        packets = []
        for _ in range(limit):
            try:
                packet = decode(self.socket.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                break
            except ProtocolError:
                self.refused += 1
                continue
            if packet is None:
                continue
            wanted = self._stream in (None, packet.body.stream)
            if wanted or isinstance(packet.body, Heartbeat):
                self.sequences.observe(packet.topic, packet.publisher, packet.sequence)
                packets.append(packet)
        return packets

    def wait(self, timeout_s: float, also: Socket | None = None) -> bool:
        """Wait for messages, also on another socket; tell whether any came.

        Raises
        ------
        MonitorError
            If the service refuses us.
        """
        poller = zmq.Poller()
        for socket in (self.socket, *([] if also is None else [also])):
            poller.register(socket, zmq.POLLIN)
        came = bool(poller.poll(max(0, round(timeout_s * 1000))))
        self._refusal.check()
        return came

    def close(self) -> None:
        """Close at once."""
        self.context.destroy(0)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AlertMemory:
    """Knows the transitions seen: an alert comes when it happens, and again with the state."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], int] = {}

    def is_new(self, alert: Alert) -> bool:
        """Tell whether this transition is new, and remember it."""
        key = (alert.stream, alert.id)
        last = self._last.pop(key, -1)
        # technical alerts count downwards
        self._last[key] = max(last, abs(alert.seq))
        if len(self._last) > MAX_ALERTS_REMEMBERED:
            self._last.pop(next(iter(self._last)))
        return abs(alert.seq) > last


class ControlClient:
    """A REQ socket on a service's control that never blocks.

    Parameters
    ----------
    endpoint
        The service's ``--control``.
    keys
        Our keys, for a service that asks for them.

    Raises
    ------
    MonitorError
        If ``endpoint`` is not valid.
    """

    def __init__(self, endpoint: str, keys: ClientKeys | None = None) -> None:
        self._endpoint = endpoint
        self._context: Context = zmq.Context()
        self._socket = new_socket(self._context, zmq.REQ, CONTROL_QUEUE)
        # a request that is never answered must not lock the socket
        self._socket.setsockopt(zmq.REQ_RELAXED, 1)
        self._socket.setsockopt(zmq.REQ_CORRELATE, 1)
        try:
            self._refusal = connect(self._socket, endpoint, "--control", keys)
        except BaseException:
            self.close()
            raise

    @property
    def socket(self) -> Socket:
        """Poll this socket for an answer."""
        return self._socket

    def send(self, command: str, **fields: object) -> None:
        """Send a request; an earlier request without an answer is dropped."""
        request = {"schema": SCHEMA, "command": command, **fields}
        with contextlib.suppress(zmq.Again):  # no service: the missing answer shows it
            self._socket.send(dumps(request).encode(), zmq.NOBLOCK)

    def receive(self) -> dict[str, Any] | None:
        """Give the answer to the last request, None if none has come.

        Raises
        ------
        MonitorError
            If the answer cannot be read, or the service refuses us.
        """
        self._refusal.check()
        try:
            return loads(self._socket.recv(zmq.NOBLOCK))
        except zmq.ZMQError:  # nothing came (EAGAIN), or nothing was asked (EFSM)
            return None

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        """Ask to acknowledge one alert of a stream; None acknowledges all."""
        self.send("acknowledge", stream=stream, alert_id=alert_id)

    def limits(
        self, stream: str, changes: dict[str, object], patience_s: float = 5.0
    ) -> dict[str, object]:
        """Set alarm limits of a stream, if any are given; give the limits then in force.

        Raises
        ------
        MonitorError
            If no service answers within ``patience_s``, or it refuses.
        """
        reply = self.ask({"command": "limits", "stream": stream, "set": changes}, patience_s)
        limits = reply.get("limits")
        if not isinstance(limits, dict):
            raise MonitorError("refused: no limits in the answer")
        return limits

    def ask(self, request: dict[str, object], patience_s: float) -> dict[str, object]:
        """Give the answer to a request.

        Raises
        ------
        MonitorError
            If no service answers within ``patience_s``, or it refuses.
        """
        text = dumps({"schema": SCHEMA, **request}).encode()
        silent = MonitorError(f"no service answers at {self._endpoint}; is `serve` running there?")
        end_s = time.monotonic() + patience_s
        for event in (zmq.POLLOUT, zmq.POLLIN):
            while not self._socket.poll(LOOK_UP_MS, event):
                self._refusal.check()
                if time.monotonic() > end_s:
                    raise silent
            if event == zmq.POLLOUT:
                self._socket.send(text, zmq.NOBLOCK)
        reply = loads(self._socket.recv(zmq.NOBLOCK))
        reason = refusal_in(reply)
        if reason:
            raise MonitorError(f"refused: {reason}")
        return reply

    def answer(self) -> str | None:
        """Give the reason of a refusal ("" if not refused); None if no answer came."""
        try:
            reply = self.receive()
        except MonitorError as error:
            return str(error)
        return None if reply is None else refusal_in(reply)

    def close(self) -> None:
        """Close at once."""
        self._context.destroy(0)
