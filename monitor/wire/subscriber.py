"""Subscribe to a service: its messages as a feed for the dashboard, and as plain packets."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType

import zmq

from monitor.dashboard.feed import Deliver, Status
from monitor.messages import Alert, End, StreamInfo
from monitor.wire.jsonform import ProtocolError, dumps, loads
from monitor.wire.protocol import (
    KINDS,
    SCHEMA,
    Heartbeat,
    Packet,
    StreamState,
    StreamStatus,
    decode,
)
from monitor.wire.sequence import TopicSequences
from monitor.wire.sockets import CONTROL_QUEUE, OUTPUT_QUEUE, Context, Socket, connect, new_socket

SILENT_S = 3.0
WAIT_S = 0.1
BATCH = 200
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

    Raises
    ------
    MonitorError
        If ``endpoint`` is no endpoint.
    """

    def __init__(
        self, endpoint: str, kinds: Iterable[str] | None = None, stream: str | None = None
    ) -> None:
        self._stream = stream
        self.sequences = TopicSequences()
        self.refused = 0
        self.context: Context = zmq.Context()
        self.socket: Socket = new_socket(self.context, zmq.SUB, OUTPUT_QUEUE)
        try:
            connect(self.socket, endpoint, "--connect")
        except BaseException:
            self.close()
            raise
        for kind in {*(kinds or KINDS), "heartbeat"}:
            name = "" if stream is None or kind == "heartbeat" else stream
            self.socket.setsockopt(zmq.SUBSCRIBE, f"{kind}.{name}".encode())

    def receive(self, limit: int = BATCH) -> list[Packet]:
        """Give what has come in by now; what breaks the rules is counted and left out."""
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

    def wait(self, timeout_s: float) -> bool:
        """Wait for messages; tell whether any came."""
        return bool(self.socket.poll(max(0, round(timeout_s * 1000))))

    def close(self) -> None:
        """Close at once."""
        self.context.destroy(0)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AlertMemory:
    """Which transitions have been seen: alerts come as they happen, and again with the state."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], int] = {}

    def is_new(self, alert: Alert) -> bool:
        """Tell whether this transition has not been seen; from now on it has."""
        key = (alert.stream, alert.id)
        last = self._last.pop(key, -1)
        # technical alerts count downwards
        self._last[key] = max(last, abs(alert.seq))
        if len(self._last) > MAX_ALERTS_REMEMBERED:
            self._last.pop(next(iter(self._last)))
        return abs(alert.seq) > last


class SubscriberFeed:
    """A service's messages as a :class:`~monitor.dashboard.feed.Feed`.

    A newcomer gets what is going on from the states that the service repeats. Nothing of a
    stream is delivered before its :class:`~monitor.messages.StreamInfo`.

    Parameters
    ----------
    endpoint
        The service's ``--output``.
    control
        The service's ``--control``, for acknowledging; None for a display that cannot.
    stream
        Only this stream; None for all.
    until_ended
        Return when all streams that were seen have ended, instead of waiting for more.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        endpoint: str,
        control: str | None = None,
        stream: str | None = None,
        until_ended: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._control = control
        self._stream = stream
        self._until_ended = until_ended
        self._clock = clock
        self._stop = threading.Event()
        self._wishes: deque[tuple[str, int | None]] = deque()
        self._infos: dict[str, StreamInfo] = {}
        self._ended: set[str] = set()
        self._alerts = AlertMemory()
        self._publisher = ""
        self._note = ""

    def run(self, deliver: Deliver) -> None:
        """Deliver until :meth:`stop`, or until all streams have ended if so asked.

        Raises
        ------
        MonitorError
            If an endpoint is none.
        """
        deliver(Status(self._stream or "", f"waiting for a service at {self._endpoint}"))
        with Subscription(self._endpoint, stream=self._stream) as subscription:
            control = self._open_control(subscription.context)
            heard_s, silent = self._clock(), False
            while not self._stop.is_set():
                subscription.wait(WAIT_S)
                packets = subscription.receive()
                for packet in packets:
                    self._take(packet, subscription.sequences, deliver)
                if packets:
                    heard_s, silent = self._clock(), False
                elif not silent and self._clock() - heard_s > SILENT_S:
                    silent = True
                    for stream in self._infos or [self._stream or ""]:
                        deliver(Status(stream, f"no service at {self._endpoint}"))
                if control is not None:
                    self._talk(control)
                if self._until_ended and self._infos and self._ended >= self._infos.keys():
                    return

    def stop(self) -> None:
        """Ask :meth:`run` to return soon."""
        self._stop.set()

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        """Ask the service to acknowledge; its answer comes as alerts."""
        self._wishes.append((stream, alert_id))

    def _take(self, packet: Packet, sequences: TopicSequences, deliver: Deliver) -> None:
        body = packet.body
        if packet.publisher != self._publisher:  # another life of the service: all is new
            deliver(Status(self._stream or "", f"connected to the service at {self._endpoint}"))
            self._publisher = packet.publisher
            self._alerts = AlertMemory()
            self._infos.clear()
        if isinstance(body, Heartbeat):
            return
        if isinstance(body, StreamState):
            self._take_state(body, sequences, deliver)
            return
        if isinstance(body, StreamInfo):
            self._infos[body.stream] = body
            self._ended.discard(body.stream)
            deliver(body)
            return
        if body.stream not in self._infos:
            return  # its state will come within a second, with everything that matters
        if isinstance(body, Alert) and not self._alerts.is_new(body):
            return
        if isinstance(body, End):
            self._ended.add(body.stream)
        deliver(body)

    def _take_state(self, state: StreamState, sequences: TopicSequences, deliver: Deliver) -> None:
        if state.stream not in self._infos:
            self._infos[state.stream] = state.info
            deliver(state.info)
        for alert in state.alerts:
            if self._alerts.is_new(alert):
                deliver(alert)
        ended = state.status is StreamStatus.ENDED
        if ended and state.stream not in self._ended:
            self._ended.add(state.stream)
            deliver(End(state.stream, state.sample + 1))
        missed = sequences.total().lost
        notes = [
            _STATUS_TEXTS[state.status],
            state.text,
            f"display missed {missed} messages" if missed else "",
            self._note,
        ]
        deliver(
            Status(
                state.stream,
                "; ".join(note for note in notes if note),
                state.speed,
                state.lag_s,
                state.lost_samples,
                state.duplicates,
                state.reordered,
            )
        )

    def _open_control(self, context: Context) -> Socket | None:
        if self._control is None:
            return None
        socket = new_socket(context, zmq.REQ, CONTROL_QUEUE)
        # a request that is never answered must not lock the socket
        socket.setsockopt(zmq.REQ_RELAXED, 1)
        socket.setsockopt(zmq.REQ_CORRELATE, 1)
        connect(socket, self._control, "--control")
        return socket

    def _talk(self, control: Socket) -> None:
        while self._wishes:
            stream, alert_id = self._wishes.popleft()
            try:
                control.send(acknowledge_request(stream, alert_id), zmq.NOBLOCK)
            except zmq.Again:
                self._note = f"cannot acknowledge: no service at {self._control}"
        try:
            reply = loads(control.recv(zmq.NOBLOCK))
            self._note = "" if reply.get("ok") is True else f"not acknowledged: {_why(reply)}"
        except zmq.ZMQError:  # nothing came (EAGAIN), or nothing was asked (EFSM)
            pass
        except ProtocolError:
            self._note = "the service's answer was not understood"


_STATUS_TEXTS = {
    StreamStatus.WAITING: "waiting for samples",
    StreamStatus.LIVE: "",
    StreamStatus.STALE: "no samples are coming in",
    StreamStatus.ENDED: "finished",
    StreamStatus.QUARANTINED: "analysis stopped",
}


def acknowledge_request(stream: str, alert_id: int | None) -> bytes:
    """Give the text of a request to acknowledge one alert, or all of a stream (None)."""
    request = {
        "schema": SCHEMA,
        "command": "acknowledge",
        "stream": stream,
        "alert_id": alert_id,
    }
    return dumps(request).encode()


def _why(reply: dict[str, object]) -> str:
    return "".join(c for c in str(reply.get("error"))[:200] if c.isprintable())
