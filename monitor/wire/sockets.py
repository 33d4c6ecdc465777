"""ZeroMQ sockets: opened, checked, bounded. What is said over them is in ``protocol``.

Rules that hold here:

1. Sockets bind to loopback only, unless the caller was told otherwise.
2. Every queue is bounded, and it is stated what happens when it is full:

   - *input* (SUB, binds): :data:`INPUT_QUEUE` messages a sender; then TCP holds the sender
     back. A sender that blocks (:class:`~monitor.wire.publisher.SamplePublisher`) loses nothing;
     a plain PUB drops, and the holes are seen in sequence and sample index.
   - *output* (XPUB, binds): :data:`OUTPUT_QUEUE` messages a subscriber; then that subscriber
     loses messages and sees it in the sequence. Nothing waits for a subscriber.
   - *control* (REP, binds): one request at a time, answered at once.
3. No frame larger than :data:`MAX_FRAME_BYTES` is read from anybody.
"""

from __future__ import annotations

import errno
import uuid
from collections.abc import Iterator
from types import TracebackType

import zmq

from monitor.errors import USAGE, MonitorError
from monitor.wire.protocol import MAX_PAYLOAD_BYTES

INPUT_QUEUE = 64
OUTPUT_QUEUE = 5000
CONTROL_QUEUE = 64
MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES
CLOSE_LINGER_MS = 1000

Context = zmq.Context[zmq.Socket[bytes]]
Socket = zmq.Socket[bytes]


def new_publisher_id() -> str:
    """Give an id for one life of one sender."""
    return uuid.uuid4().hex[:16]


def is_loopback(endpoint: str) -> bool:
    """Tell whether an endpoint can be reached from this machine only.

    >>> is_loopback("tcp://127.0.0.1:5555"), is_loopback("tcp://*:5555")
    (True, False)
    """
    transport, _, rest = endpoint.partition("://")
    if transport in ("ipc", "inproc"):
        return True
    host = rest.rpartition(":")[0]
    octets = host.split(".")
    in_127 = len(octets) == 4 and octets[0] == "127" and all(o.isdecimal() for o in octets)
    return transport == "tcp" and (in_127 or host in ("localhost", "[::1]", "lo"))


def bind(socket: Socket, endpoint: str, option: str, allow_remote: bool = False) -> str:
    """Bind, and give the endpoint with the port that was taken; ``option`` names it in errors.

    Raises
    ------
    MonitorError
        If the endpoint is beyond loopback, busy, or no endpoint at all.
    """
    _check(endpoint, option)
    if not allow_remote and not is_loopback(endpoint):
        raise MonitorError(
            f"{option} {endpoint} can be reached from other machines, without encryption or "
            "password; bind to tcp://127.0.0.1:PORT, or add --allow-remote if the network is "
            "trusted",
            USAGE,
        )
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise _explained(error, endpoint, option) from error
    return str(socket.get_string(zmq.LAST_ENDPOINT))


def connect(socket: Socket, endpoint: str, option: str) -> None:
    """Connect; the other side need not be there yet.

    Raises
    ------
    MonitorError
        If it is no endpoint.
    """
    _check(endpoint, option)
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        raise _explained(error, endpoint, option) from error


def new_socket(context: Context, kind: int, queue: int) -> Socket:
    """Make a socket with bounded queues and frames that does not outlive its owner."""
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVHWM, queue)
    socket.setsockopt(zmq.SNDHWM, queue)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
    # notices a peer that is gone without a word; ZMTP heartbeats would take one that is merely
    # held back by a full queue for dead
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 10)
    return socket


def _check(endpoint: str, option: str) -> None:
    transport, separator, rest = endpoint.partition("://")
    port = rest.rpartition(":")[2]
    # libzmq takes ports modulo 65536
    valid_port = port == "*" or (port.isdecimal() and len(port) <= 5 and int(port) <= 65535)
    if (
        not separator
        or not rest
        or transport not in ("tcp", "ipc")
        or (transport == "tcp" and not valid_port)
    ):
        raise MonitorError(
            f"{option} {endpoint!r} is not an endpoint; write it like tcp://127.0.0.1:5555", USAGE
        )


def _explained(error: zmq.ZMQError, endpoint: str, option: str) -> MonitorError:
    if error.errno == errno.EADDRINUSE:
        return MonitorError(
            f"{option} {endpoint} is busy: is another `serve` running? choose another port"
        )
    if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
        return MonitorError(f"{option} {endpoint}: this machine has no such address", USAGE)
    if error.errno == errno.EACCES:
        return MonitorError(f"{option} {endpoint}: not permitted; choose a port above 1023", USAGE)
    return MonitorError(
        f"{option} {endpoint!r} is not usable ({error.strerror}); write it like "
        "tcp://127.0.0.1:5555",
        USAGE,
    )


class ServiceSockets:
    """The three sockets of the service.

    Parameters
    ----------
    input_endpoint, output_endpoint, control_endpoint
        Where to bind; port ``*`` takes a free one.
    allow_remote
        Bind beyond loopback.

    Raises
    ------
    MonitorError
        If one of them cannot be bound; none stays open then.
    """

    def __init__(
        self,
        input_endpoint: str,
        output_endpoint: str,
        control_endpoint: str,
        allow_remote: bool = False,
    ) -> None:
        self._context: Context = zmq.Context()
        self._input = new_socket(self._context, zmq.SUB, INPUT_QUEUE)
        self._output = new_socket(self._context, zmq.XPUB, OUTPUT_QUEUE)
        self._control = new_socket(self._context, zmq.REP, CONTROL_QUEUE)
        self._output.setsockopt(zmq.XPUB_VERBOSE, 1)  # every newcomer is noticed
        self._poller = zmq.Poller()
        for socket in (self._input, self._output, self._control):
            self._poller.register(socket, zmq.POLLIN)
        try:
            self.input_endpoint = bind(self._input, input_endpoint, "--input", allow_remote)
            self.output_endpoint = bind(self._output, output_endpoint, "--output", allow_remote)
            self.control_endpoint = bind(self._control, control_endpoint, "--control", allow_remote)
        except BaseException:
            self.close(0)
            raise

    def open_input(self) -> None:
        """Let the samples come: senders wait until somebody has subscribed."""
        self._input.setsockopt(zmq.SUBSCRIBE, b"")

    def wait(self, timeout_s: float) -> bool:
        """Wait until something comes in; tell whether it did."""
        return bool(self._poller.poll(max(0, round(timeout_s * 1000))))

    def receive(self, limit: int) -> Iterator[list[bytes]]:
        """Give at most ``limit`` messages from senders that have come in by now."""
        for _ in range(limit):
            try:
                yield self._input.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return

    def newcomers(self, limit: int = 100) -> bool:
        """Tell whether anybody has subscribed since the last call."""
        came = False
        for _ in range(limit):
            try:
                came |= self._output.recv(zmq.NOBLOCK)[:1] == b"\x01"
            except zmq.Again:
                break
        return came

    def request(self) -> bytes | None:
        """Give a request that has come in by now; it must be answered by :meth:`reply`."""
        try:
            frames = self._control.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None
        return frames[0] if len(frames) == 1 else b""

    def reply(self, text: bytes) -> None:
        """Answer the last request."""
        self._control.send(text)

    def publish(self, frames: list[bytes]) -> None:
        """Send to all subscribers; one whose queue is full loses it."""
        self._output.send_multipart(frames, zmq.NOBLOCK, copy=True)

    def close(self, linger_ms: int = CLOSE_LINGER_MS) -> None:
        """Close; what has been published may still leave for ``linger_ms``."""
        self._context.destroy(linger_ms)

    def __enter__(self) -> ServiceSockets:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
