"""ZeroMQ sockets: opened, checked, bounded. What is said over them is in ``protocol``.

Rules that hold here:

1. Sockets bind to loopback only, unless there are keys (CURVE), or the operator did without.
2. Every queue is bounded, and it is stated what happens when it is full:

   - *input* (SUB, binds): :data:`INPUT_QUEUE` messages a sender; then TCP holds the sender
     back. A sender that blocks (:class:`~monitor.wire.publisher.SamplePublisher`) loses nothing;
     a plain PUB drops, and the holes are seen in sequence and sample index.
   - *output* (XPUB, binds): :data:`OUTPUT_QUEUE` messages a subscriber; then that subscriber
     loses messages and sees it in the sequence. Nothing waits for a subscriber; one that leaves
     :data:`UNREAD_BYTES` unread is cut, and may come again.
   - *control* (ROUTER, binds; what REQ asks): one request at a time, answered at once. A REP
     socket would lose an answer after what strangers sent that is no request.
3. No frame larger than :data:`~monitor.wire.endpoints.MAX_FRAME_BYTES` is read from anybody, on
   output and control
   none larger than :data:`MAX_SUBSCRIPTION_BYTES` and :data:`MAX_REQUEST_BYTES`.
4. With keys every message is checked against the allow-list, which may change at any time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import zmq

from monitor.errors import MonitorError
from monitor.wire.access import Access
from monitor.wire.backlog import FRAME_OVERHEAD, Backlog
from monitor.wire.connections import Connections, cut
from monitor.wire.endpoints import Context, Socket, bind, new_socket, say_on_stderr
from monitor.wire.jsonform import MAX_JSON_BYTES
from monitor.wire.protocol import MAX_PAYLOAD_BYTES
from monitor.wire.refusals import Refusals
from monitor.wire.unread import Unread

INPUT_QUEUE = 64
OUTPUT_QUEUE = 5000
CONTROL_QUEUE = 64
MAX_FRAMES = 3
MAX_REQUEST_FRAMES = 8  # who asks, what proxies added, an empty frame, the request
MAX_SUBSCRIPTION_BYTES = 1024  # the handshake must fit too
MAX_REQUEST_BYTES = 64 * 1024
MAX_TOPICS = 1024  # subscribed to over one connection
MAX_TOPICS_IN_ALL = 16_384  # ZeroMQ looks at all of them whenever somebody goes
MAX_CONNECTIONS = {"input": 2048, "output": 256, "control": 64}
HANDSHAKE_MS = 30_000  # who is silent for so long while connecting is hung up on
CHECK_PERIOD_S = 0.2
REQUESTS_A_CHECK = 20  # 100 a second; more wait their turn
REQUEST_SHARE = 0.25  # of our time at most
MESSAGE_BYTES = 2 * MAX_PAYLOAD_BYTES + MAX_JSON_BYTES
QUEUE_BYTES = {  # what ZeroMQ may hold of one connection before it is cut
    "input": (INPUT_QUEUE + 2) * (MAX_PAYLOAD_BYTES + MAX_JSON_BYTES),
    "output": 4 * 1024 * 1024,
    "control": (CONTROL_QUEUE + 2) * MAX_REQUEST_BYTES,
}
TOTAL_BYTES = {"input": 512 * 1024 * 1024, "output": 64 * 1024 * 1024, "control": 64 * 1024 * 1024}
UNREAD_BYTES = 96 * 1024 * 1024  # more than a queue of samples in pieces
UNREAD_TOTAL_BYTES = 512 * 1024 * 1024
CLOSE_LINGER_MS = 1000

Permits = Callable[[str], bool]


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
        unread = Unread(OUTPUT_QUEUE, UNREAD_BYTES, UNREAD_TOTAL_BYTES)
        self._connections = Connections(self._refused, unread)
        self._access: Access | None = None
        self._backlogs: dict[str, Backlog] = {}
        self._requests_left = REQUESTS_A_CHECK
        self._request_s = REQUEST_SHARE * CHECK_PERIOD_S  # time left for requests
        self._asked_s = 0.0
        self._answers: frozenset[bytes] = frozenset()  # to senders
        self._asker: list[bytes] = []  # frames in front of a request, and of its answer
        self._context: Context = zmq.Context()
        try:
            self._input = new_socket(self._context, zmq.SUB, INPUT_QUEUE)
            self._output = new_socket(self._context, zmq.XPUB, OUTPUT_QUEUE)
            self._control = new_socket(self._context, zmq.ROUTER, CONTROL_QUEUE)
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
        backlog = self._backlogs[room] = Backlog(
            MESSAGE_BYTES, QUEUE_BYTES[room], TOTAL_BYTES[room]
        )
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

    def answer(self, topics: frozenset[bytes]) -> None:
        """Let the senders read these topics, as subscriptions of the input, and no others."""
        for topic in self._answers - topics:
            self._input.setsockopt(zmq.UNSUBSCRIBE, topic)
        for topic in topics - self._answers:
            self._input.setsockopt(zmq.SUBSCRIBE, topic)
        self._answers = topics

    def wait(self, timeout_s: float) -> bool:
        """Wait until something comes in; tell whether it did. Handshakes are answered here."""
        ready = self._poller.poll(max(0, round(timeout_s * 1000)))
        if self._access is not None:
            self._access.answer()
        self._connections.work()
        now_s = self._clock()
        if now_s - self._checked_s >= CHECK_PERIOD_S:
            passed_s, self._checked_s = now_s - self._checked_s, now_s
            self._refusals.tick(now_s)
            self._connections.check()
            waited = not self._may_ask
            self._requests_left = REQUESTS_A_CHECK
            room_s = REQUEST_SHARE * CHECK_PERIOD_S
            self._request_s = min(self._request_s + REQUEST_SHARE * passed_s, room_s)
            if waited and self._may_ask:
                self._poller.register(self._control, zmq.POLLIN)
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
            elif self._connections.topics > MAX_TOPICS_IN_ALL:
                self._refused(f"on --output: more than {MAX_TOPICS_IN_ALL} topics in all")
                self._connections.cut_greediest()
            came |= head == b"\x01"
        return came

    def request(self) -> tuple[bytes, Permits] | None:
        """Give a request that has come in by now, and what tells whether its sender has a right.

        It must be answered by :meth:`reply`.
        """
        if not self._may_ask:
            return None
        self._asked_s = self._clock()
        message = self._receive(self._control, "control", MAX_REQUEST_FRAMES)
        if message is None:
            return None
        asker, text = _request_in(message.frames)
        if not asker or not self._admitted(message, "control"):
            self._asked()
            return None
        self._asker = asker

        def permits(right: str) -> bool:
            if self._access is None or right in self._access.rights(message.user):
                return True
            self._refused(self._access.lacks(message.user, "control", right))
            return False

        return text, permits

    def reply(self, text: bytes) -> None:
        """Answer the last request; what it took is taken off the time for requests."""
        self._control.send_multipart([*self._asker, text])
        self._asked()

    def _asked(self) -> None:
        self._requests_left -= 1
        self._request_s -= self._clock() - self._asked_s
        if not self._may_ask:
            self._poller.unregister(self._control)

    @property
    def _may_ask(self) -> bool:
        return self._requests_left > 0 and self._request_s > 0.0

    def wants(self, topic: bytes) -> bool:
        """Tell whether anybody has subscribed to a topic, as far as :meth:`newcomers` has seen."""
        return self._connections.wants(topic)

    def publish(self, frames: list[bytes]) -> None:
        """Send to all subscribers; one whose queue is full loses it.

        Raises
        ------
        MonitorError
            If the socket cannot send at all.
        """
        try:
            self._output.send_multipart(frames, zmq.NOBLOCK, copy=True)
        except zmq.ZMQError as error:
            raise MonitorError(f"cannot publish: {error}") from error
        self._connections.published(frames[0], sum(map(len, frames)))

    def close(self, linger_ms: int = CLOSE_LINGER_MS) -> None:
        """Close; what has been published may still leave for ``linger_ms``."""
        self._context.destroy(linger_ms)

    def _receive(self, socket: Socket, room: str, most: int = MAX_FRAMES) -> _Incoming | None:
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
            if len(frames) <= most:  # one too many is enough to refuse it
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


def _request_in(frames: list[bytes]) -> tuple[list[bytes], bytes]:
    """Part what came over *control*: the frames in front of the request, and the request.

    There are none where it is no request of a REQ socket; a request is one frame, else empty.

    >>> _request_in([b"id", b"", b"{}"]), _request_in([b"id", b"?", b"!"])
    (([b'id', b''], b'{}'), ([], b''))
    """
    if b"" not in frames[1:]:
        return [], b""
    begin = frames.index(b"", 1) + 1
    rest = frames[begin:]
    return frames[:begin], rest[0] if len(rest) == 1 else b""
