"""ZeroMQ sockets: opened, checked, bounded. What is said over them is in ``protocol``.

Rules that hold here:

1. Sockets bind to loopback only, unless there are keys (CURVE), or the operator did without.
2. Every queue is bounded, and it is stated what happens when it is full:

   - *input* (SUB, binds): :data:`INPUT_QUEUE` messages a sender; then TCP holds the sender
     back. A sender that blocks (:class:`~monitor.wire.publisher.SamplePublisher`) loses nothing;
     a plain PUB drops, and the holes are seen in sequence and sample index.
   - *output* (XPUB, binds): :data:`OUTPUT_QUEUE` messages a subscriber; then that subscriber
     loses messages and sees it in the sequence. Nothing waits for a subscriber.
   - *control* (REP, binds): one request at a time, answered at once.
3. No frame larger than :data:`MAX_FRAME_BYTES` is read from anybody; on output and control
   none larger than :data:`MAX_SUBSCRIPTION_BYTES` and :data:`MAX_REQUEST_BYTES`.
4. With keys every message is checked against the allow-list, which may change at any time.
"""

from __future__ import annotations

import contextlib
import errno
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import zmq
from zmq.utils.monitor import recv_monitor_message

from monitor.errors import USAGE, MonitorError
from monitor.wire.access import Access
from monitor.wire.backlog import FRAME_OVERHEAD, Backlog
from monitor.wire.connections import Connections, cut
from monitor.wire.jsonform import MAX_JSON_BYTES
from monitor.wire.keys import ClientKeys
from monitor.wire.protocol import MAX_PAYLOAD_BYTES
from monitor.wire.refusals import Refusals

INPUT_QUEUE = 64
OUTPUT_QUEUE = 5000
CONTROL_QUEUE = 64
MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES
MAX_FRAMES = 3
MAX_SUBSCRIPTION_BYTES = 1024  # the handshake must fit too
MAX_REQUEST_BYTES = 64 * 1024
MAX_TOPICS = 1024  # subscribed to over one connection
MAX_CONNECTIONS = {"input": 512, "output": 256, "control": 64}
HANDSHAKE_MS = 10_000  # who is silent for so long while connecting is hung up on
HANG_UPS = 3  # in a row, and a client takes it for a refusal
CHECK_PERIOD_S = 0.2
REQUESTS_A_CHECK = 20  # 100 a second; more wait their turn
MESSAGE_BYTES = 2 * MAX_PAYLOAD_BYTES + MAX_JSON_BYTES
QUEUE_BYTES = {  # what ZeroMQ may hold of one connection before it is cut
    "input": (INPUT_QUEUE + 2) * (MAX_PAYLOAD_BYTES + MAX_JSON_BYTES),
    "output": 4 * 1024 * 1024,
    "control": (CONTROL_QUEUE + 2) * MAX_REQUEST_BYTES,
}
CLOSE_LINGER_MS = 1000

Permits = Callable[[str], bool]
Context = zmq.Context[zmq.Socket[bytes]]
Socket = zmq.Socket[bytes]


def say_on_stderr(text: str) -> None:
    """Write one line for the operator."""
    print(f"ecg-monitor: {text}", file=sys.stderr, flush=True)  # noqa: T201


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


def bind(socket: Socket, endpoint: str, option: str, beyond_loopback: bool = False) -> str:
    """Bind, and give the endpoint with the port that was taken; ``option`` names it in errors.

    Raises
    ------
    MonitorError
        If the endpoint is beyond loopback, busy, or no endpoint at all.
    """
    _check(endpoint, option)
    if not beyond_loopback and not is_loopback(endpoint):
        raise MonitorError(
            f"{option} {endpoint} can be reached from other machines: add --keys DIR to let in "
            "known clients only, encrypted (see `ecg-monitor keys`), or --insecure if everybody "
            "who reaches it may send, read and acknowledge",
            USAGE,
        )
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise _explained(error, endpoint, option) from error
    return str(socket.get_string(zmq.LAST_ENDPOINT))


def connect(socket: Socket, endpoint: str, option: str, keys: ClientKeys | None = None) -> Refusal:
    """Connect; the other side need not be there yet. Give what notices that it refuses us.

    Raises
    ------
    MonitorError
        If it is no endpoint.
    """
    _check(endpoint, option)
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    if keys is not None:
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.own.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.own.secret)
        socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server_public.encode())
    refusal = Refusal(socket, endpoint, keys is not None)
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        raise _explained(error, endpoint, option) from error
    return refusal


class Refusal:
    """Notices on a client's socket that the service will not have it: ZeroMQ itself says nothing.

    Parameters
    ----------
    socket
        Of the client, before it connects.
    endpoint
        Where it connects.
    keyed
        Whether the client has keys.
    """

    def __init__(self, socket: Socket, endpoint: str, keyed: bool) -> None:
        self._endpoint = endpoint
        self._keyed = keyed
        self._broken = 0
        self._monitor = socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED
            | zmq.EVENT_HANDSHAKE_FAILED_AUTH
            | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        )

    def check(self) -> None:
        """Raise if the service has refused since the last call.

        Raises
        ------
        MonitorError
            If it did: it will not change its mind by our trying again.
        """
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._broken = 0
            elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                # hung up on: for a wrong server key, but also when the service just ends
                self._broken += 1
            if self._broken < HANG_UPS and event in (
                zmq.EVENT_HANDSHAKE_SUCCEEDED,
                zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
            ):
                continue
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                reason = "the key is not in its allow-list, or lacks the right for this"
            elif not self._keyed:
                reason = "it lets in known keys only; give yours with --keys DIR"
            else:
                reason = "server.key is not its key, or it runs without keys"
            raise MonitorError(f"refused by the service at {self._endpoint}: {reason}")


def try_bind(endpoint: str, option: str) -> None:
    """Bind and let go again, to tell whether it can be done; beyond loopback too.

    Raises
    ------
    MonitorError
        If it cannot.
    """
    context: Context = zmq.Context()
    socket = new_socket(context, zmq.REP, CONTROL_QUEUE)
    try:
        bind(socket, endpoint, option, beyond_loopback=True)
    finally:
        context.destroy(0)


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


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A message, the key of its sender ("" without keys) and the connection it came over."""

    frames: list[bytes]
    user: str
    descriptor: int | None


class ServiceSockets:
    """The three sockets of the service.

    Parameters
    ----------
    input_endpoint, output_endpoint, control_endpoint
        Where to bind; port ``*`` takes a free one.
    keys
        Folder of the server's keys and allow-list: only known clients come in, by CURVE.
    insecure
        Bind beyond loopback without keys.
    say
        Takes one line for the operator: a refusal, a new allow-list.
    clock
        Monotonic seconds.

    Raises
    ------
    MonitorError
        If one of them cannot be bound (none stays open then), or the keys are not usable.
    """

    def __init__(
        self,
        input_endpoint: str,
        output_endpoint: str,
        control_endpoint: str,
        keys: Path | None = None,
        insecure: bool = False,
        say: Callable[[str], object] = say_on_stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._checked_s = clock()
        self._refusals = Refusals(say)
        self._connections = Connections(self._refused)
        self._access: Access | None = None
        self._backlogs: dict[str, Backlog] = {}
        self._requests_left = REQUESTS_A_CHECK
        self._context: Context = zmq.Context()
        try:
            self._input = new_socket(self._context, zmq.SUB, INPUT_QUEUE)
            self._output = new_socket(self._context, zmq.XPUB, OUTPUT_QUEUE)
            self._control = new_socket(self._context, zmq.REP, CONTROL_QUEUE)
            self._output.setsockopt(zmq.MAXMSGSIZE, MAX_SUBSCRIPTION_BYTES)
            self._control.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
            self._output.setsockopt(zmq.XPUB_VERBOSER, 1)  # every newcomer is noticed
            self._poller = zmq.Poller()
            if keys is not None:
                self._access = Access(self._context, keys, self._refused, say)
                self._poller.register(self._access.socket, zmq.POLLIN)
            beyond = insecure or keys is not None
            self.input_endpoint = self._open(self._input, "input", input_endpoint, beyond)
            self.output_endpoint = self._open(self._output, "output", output_endpoint, beyond)
            self.control_endpoint = self._open(self._control, "control", control_endpoint, beyond)
        except BaseException:
            self.close(0)
            raise

    def _open(self, socket: Socket, room: str, endpoint: str, beyond_loopback: bool) -> str:
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        if self._access is not None:
            self._access.guard(socket, room)
        backlog = self._backlogs[room] = Backlog(MESSAGE_BYTES, QUEUE_BYTES[room])
        monitor = self._connections.watch(socket, room, MAX_CONNECTIONS[room], backlog)
        self._poller.register(socket, zmq.POLLIN)
        self._poller.register(monitor, zmq.POLLIN)
        return bind(socket, endpoint, f"--{room}", beyond_loopback)

    @property
    def refusals(self) -> int:
        """Connections and messages refused for who sent them, or for how much."""
        return self._refusals.count

    def open_input(self) -> None:
        """Let the samples come: senders wait until somebody has subscribed."""
        self._input.setsockopt(zmq.SUBSCRIBE, b"")

    def wait(self, timeout_s: float) -> bool:
        """Wait until something comes in; tell whether it did. Handshakes are answered here."""
        ready = self._poller.poll(max(0, round(timeout_s * 1000)))
        if self._access is not None:
            self._access.answer()
        self._connections.work()
        now_s = self._clock()
        if now_s - self._checked_s >= CHECK_PERIOD_S:
            self._checked_s = now_s
            self._refusals.tick(now_s)
            self._connections.check()
            if not self._requests_left:
                self._poller.register(self._control, zmq.POLLIN)
            self._requests_left = REQUESTS_A_CHECK
            if self._access is not None and self._access.reload():
                admits = self._access.admits
                self._connections.cut_unless(lambda user: admits(user, "output"))
        return bool(ready)

    def receive(self, limit: int) -> Iterator[tuple[list[bytes], str]]:
        """Give at most ``limit`` messages that have come in by now, each with its sender's key.

        Without keys the key is empty.
        """
        for _ in range(limit):
            message = self._receive(self._input, "input")
            if message is None:
                return
            if self._admitted(message, "input"):
                yield message.frames, message.user

    def newcomers(self, limit: int = 1000) -> bool:
        """Tell whether anybody has subscribed since the last call."""
        came = False
        for _ in range(limit):
            message = self._receive(self._output, "output")
            if message is None:
                break
            head = message.frames[0][:1]
            prefix = message.frames[0][1:]
            if head == b"\x00" and message.descriptor is None:
                self._connections.left(prefix)  # with its subscriber
                continue
            if not self._admitted(message, "output") or message.descriptor is None:
                continue
            topics = self._connections.subscribed(
                message.descriptor, message.user, prefix, head == b"\x01"
            )
            if topics > MAX_TOPICS or head not in (b"\x00", b"\x01"):
                self._refused(f"on --output: more than {MAX_TOPICS} topics, or what is no topic")
                cut(message.descriptor)
            came |= head == b"\x01"
        return came

    def request(self) -> tuple[bytes, Permits] | None:
        """Give a request that has come in by now, and what tells whether its sender has a right.

        It must be answered by :meth:`reply`.
        """
        if not self._requests_left:
            return None
        message = self._receive(self._control, "control")
        if message is None:
            return None
        self._requests_left -= 1
        if not self._requests_left:
            self._poller.unregister(self._control)
        if not self._admitted(message, "control"):
            self.reply(b"")  # the socket wants an answer; nobody is there any more to read it
            return None

        def permits(right: str) -> bool:
            if self._access is None or right in self._access.rights(message.user):
                return True
            self._refused(self._access.lacks(message.user, "control", right))
            return False

        return message.frames[0] if len(message.frames) == 1 else b"", permits

    def reply(self, text: bytes) -> None:
        """Answer the last request."""
        self._control.send(text)

    def wants(self, topic: bytes) -> bool:
        """Tell whether anybody has subscribed to a topic, as far as :meth:`newcomers` has seen."""
        return self._connections.wants(topic)

    def publish(self, frames: list[bytes]) -> None:
        """Send to all subscribers; one whose queue is full loses it."""
        self._output.send_multipart(frames, zmq.NOBLOCK, copy=True)

    def close(self, linger_ms: int = CLOSE_LINGER_MS) -> None:
        """Close; what has been published may still leave for ``linger_ms``."""
        self._context.destroy(linger_ms)

    def _receive(self, socket: Socket, room: str) -> _Incoming | None:
        """Take one message that is there, and no more of its frames than any message has."""
        try:
            frame = socket.recv(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            self._backlogs[room].drained()
            return None
        user, descriptor = "", None
        with contextlib.suppress(zmq.ZMQError):  # it is the socket's own
            descriptor = int(frame.get(zmq.SRCFD))
            if self._access is not None:
                user = str(frame.get("User-Id"))
        frames, size = [frame.bytes], len(frame) + FRAME_OVERHEAD
        while frame.more:
            frame = socket.recv(copy=False)
            size += len(frame) + FRAME_OVERHEAD
            if len(frames) <= MAX_FRAMES:  # one too many is enough to refuse it
                frames.append(frame.bytes)
        if descriptor is not None:
            self._backlogs[room].took(descriptor, size)
        return _Incoming(frames, user, descriptor)

    def _admitted(self, message: _Incoming, room: str) -> bool:
        """Tell whether the sender of a message (still) may be on a socket; if not, cut it off."""
        if self._access is None or self._access.admits(message.user, room):
            return True
        self._refused(self._access.why_not(message.user, room))
        if message.descriptor is not None:
            cut(message.descriptor)
        return False

    def _refused(self, cause: str) -> None:
        self._refusals.note(cause, self._clock())

    def __enter__(self) -> ServiceSockets:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
