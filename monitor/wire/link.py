"""Links between the front of a service and its workers: a pair of sockets, in order, bounded.

On one machine a link is a socket file in a folder that only this user can enter. Between machines
it is TCP with CURVE: each link has a new key of its own, so only the worker that was told the
address gets in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import zmq

from monitor.errors import MonitorError
from monitor.wire.endpoints import Context

TO_WORKER = 256  # messages: what waits beyond them waits in the front, and outlives the worker
TO_FRONT = 4000
SEND_MS = 10_000


@dataclass(frozen=True, slots=True)
class Address:
    """Where a worker finds the front; the keys are empty on one machine."""

    endpoint: str
    server_public: str = ""
    public: str = ""
    secret: str = ""


class Link:
    """One end of a link.

    Parameters
    ----------
    context
        Of the socket.
    out, back
        Messages that wait here to be sent, and those that have come.
    """

    def __init__(self, context: Context, out: int, back: int) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, out)
        self.socket.setsockopt(zmq.RCVHWM, back)
        self.socket.setsockopt(zmq.SNDTIMEO, SEND_MS)
        self.socket.setsockopt(zmq.IMMEDIATE, 1)  # nothing is queued for who is not there

    def offer(self, frames: list[bytes]) -> bool:
        """Send if the queue has room; tell whether it had."""
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

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
        """Give the next message that has come; None if there is none."""
        try:
            return self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def wait(self, timeout_s: float) -> bool:
        """Wait for a message; tell whether one is there."""
        return bool(self.socket.poll(max(0, round(timeout_s * 1000))))

    def close(self, linger_ms: int = 0) -> None:
        """Close; what was sent may still leave for ``linger_ms``."""
        self.socket.close(linger_ms)


def listen(context: Context, place: Path | str, number: int) -> tuple[Link, Address]:
    """Open the front's end of a link; give it with the address for the worker.

    Parameters
    ----------
    context
        Of the socket.
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
    try:
        if isinstance(place, Path):
            link.socket.bind(f"ipc://{place / str(number)}")
            return link, Address(str(link.socket.get_string(zmq.LAST_ENDPOINT)))
        server_public, server_secret = zmq.curve_keypair()
        public, secret = zmq.curve_keypair()
        link.socket.setsockopt(zmq.CURVE_SERVER, 1)
        link.socket.setsockopt(zmq.CURVE_SECRETKEY, server_secret)
        link.socket.setsockopt(zmq.IPV6, int(":" in place))
        link.socket.bind(f"tcp://{f'[{place}]' if ':' in place else place}:*")
        endpoint = str(link.socket.get_string(zmq.LAST_ENDPOINT))
        return link, Address(endpoint, server_public.decode(), public.decode(), secret.decode())
    except zmq.ZMQError as error:
        link.close()
        raise MonitorError(f"cannot open a link to workers at {place}: {error}") from error


def connect(context: Context, address: Address) -> Link:
    """Open the worker's end of a link."""
    link = Link(context, TO_FRONT, TO_WORKER)
    if address.server_public:
        link.socket.setsockopt(zmq.CURVE_SERVERKEY, address.server_public.encode())
        link.socket.setsockopt(zmq.CURVE_PUBLICKEY, address.public.encode())
        link.socket.setsockopt(zmq.CURVE_SECRETKEY, address.secret.encode())
    link.socket.setsockopt(zmq.IPV6, int("[" in address.endpoint))
    link.socket.connect(address.endpoint)
    return link


def new_context() -> Context:
    """Give a context for the links of one process."""
    return zmq.Context()
