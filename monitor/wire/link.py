"""Links between the front of a service and its workers, in order and bounded.

A link has two ways to the worker: one for messages of senders, and an *urgent* one for what must
not wait behind them, such as an acknowledgement. All that comes back is in one order.

On one machine a link is two socket files in a folder that only this user can enter. Between
machines it is TCP with CURVE: each link has new keys of its own, so only the worker that was told
the address gets in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import zmq

from monitor.errors import MonitorError
from monitor.wire.endpoints import Context, Socket

TO_WORKER = 256  # messages: what waits beyond them waits in the front, and outlives the worker
URGENT = 1000
TO_FRONT = 4000
SEND_MS = 10_000


@dataclass(frozen=True, slots=True)
class Address:
    """Where a worker finds the front; the keys are empty on one machine."""

    endpoint: str
    urgent: str
    server_public: str = ""
    public: str = ""
    secret: str = ""


class Link:
    """One end of a link.

    Parameters
    ----------
    context
        Of the sockets.
    out, back
        Messages that wait here to be sent, and those that have come.
    """

    def __init__(self, context: Context, out: int, back: int) -> None:
        self.socket = _socket(context, out, back)
        self.urgent = _socket(context, URGENT, URGENT)

    def offer(self, frames: list[bytes]) -> bool:
        """Send if the queue has room; tell whether it had."""
        return _offered(self.socket, frames)

    def urge(self, frames: list[bytes]) -> bool:
        """Send to a worker before what waits, if there is room; tell whether there was."""
        return _offered(self.urgent, frames)

    def send(self, frames: list[bytes]) -> None:
        """Send, and wait for room.

        Raises
        ------
        MonitorError
            If there is none for too long: the other end is gone or stuck.
        """
        try:
            self.socket.send_multipart(frames)
        except zmq.Again as error:
            raise MonitorError("the other end of the link takes no messages") from error

    def receive(self) -> list[bytes] | None:
        """Give the next message that has come, an urgent one first; None if there is none."""
        for socket in (self.urgent, self.socket):
            try:
                return socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                continue
        return None

    def receive_urgent(self) -> list[bytes] | None:
        """Give the next urgent message that has come; None if there is none."""
        try:
            return self.urgent.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def wait(self, timeout_s: float) -> bool:
        """Wait for a message; tell whether one is there."""
        poller = zmq.Poller()
        for socket in (self.socket, self.urgent):
            poller.register(socket, zmq.POLLIN)
        return bool(poller.poll(max(0, round(timeout_s * 1000))))

    def close(self, linger_ms: int = 0) -> None:
        """Close; what was sent may still leave for ``linger_ms``."""
        self.socket.close(linger_ms)
        self.urgent.close(0)


def _socket(context: Context, out: int, back: int) -> Socket:
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, out)
    socket.setsockopt(zmq.RCVHWM, back)
    socket.setsockopt(zmq.SNDTIMEO, SEND_MS)
    socket.setsockopt(zmq.IMMEDIATE, 1)  # nothing is queued for who is not there
    return socket


def _offered(socket: Socket, frames: list[bytes]) -> bool:
    try:
        socket.send_multipart(frames, zmq.NOBLOCK)
    except zmq.Again:
        return False
    return True


def listen(context: Context, place: Path | str, number: int) -> tuple[Link, Address]:
    """Open the front's end of a link; give it with the address for the worker.

    Parameters
    ----------
    context
        Of the sockets.
    place
        A folder that nobody else can enter, or the IP address of this machine for workers on
        others.
    number
        Of the link.

    Raises
    ------
    MonitorError
        If it cannot be opened.
    """
    link = Link(context, TO_WORKER, TO_FRONT)
    sockets = (link.socket, link.urgent)
    try:
        if isinstance(place, Path):
            for socket, name in zip(sockets, ("samples", "urgent"), strict=True):
                socket.bind(f"ipc://{place / f'{number}-{name}'}")
            return link, Address(*map(_endpoint, sockets))
        server_public, server_secret = zmq.curve_keypair()
        public, secret = zmq.curve_keypair()
        for socket in sockets:
            socket.setsockopt(zmq.CURVE_SERVER, 1)
            socket.setsockopt(zmq.CURVE_SECRETKEY, server_secret)
            socket.setsockopt(zmq.IPV6, int(":" in place))
            socket.bind(f"tcp://{f'[{place}]' if ':' in place else place}:*")
        keys = (key.decode() for key in (server_public, public, secret))
        return link, Address(*map(_endpoint, sockets), *keys)
    except zmq.ZMQError as error:
        link.close()
        raise MonitorError(f"cannot open a link to workers at {place}: {error}") from error


def _endpoint(socket: Socket) -> str:
    return str(socket.get_string(zmq.LAST_ENDPOINT))


def connect(context: Context, address: Address) -> Link:
    """Open the worker's end of a link."""
    link = Link(context, TO_FRONT, TO_WORKER)
    for socket, endpoint in ((link.socket, address.endpoint), (link.urgent, address.urgent)):
        if address.server_public:
            socket.setsockopt(zmq.CURVE_SERVERKEY, address.server_public.encode())
            socket.setsockopt(zmq.CURVE_PUBLICKEY, address.public.encode())
            socket.setsockopt(zmq.CURVE_SECRETKEY, address.secret.encode())
        socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        socket.connect(endpoint)
    return link


def new_context() -> Context:
    """Give a context for the links of one process."""
    return zmq.Context()
