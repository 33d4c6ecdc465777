"""The three ZeroMQ sockets of the service, each bounded.

Rules that hold here:

1. Sockets bind to loopback only, unless there are keys (CURVE) or the operator allows it.
2. Every queue is bounded:

   - *input* (SUB): :data:`INPUT_QUEUE` messages for each sender, then TCP holds it back. A sender
     that blocks (:class:`~monitor.wire.publisher.SamplePublisher`) loses nothing. A plain PUB
     drops messages; the holes show in sequence and sample index.
   - *output* (XPUB): :data:`OUTPUT_QUEUE` messages for each subscriber, then it loses messages; the
     sequence shows it. One that leaves :data:`UNREAD_BYTES` unread is cut and may come back.
   - *control* (ROUTER, for REQ): one request at a time, answered at once. A REP socket would lose
     an answer after a message that is not a request.
3. Larger frames than :data:`~monitor.wire.endpoints.MAX_FRAME_BYTES` (input),
   :data:`MAX_SUBSCRIPTION_BYTES` (output) and :data:`MAX_REQUEST_BYTES` (control) are not read.
4. With keys every message is checked against the allow-list, which may change at any time.

This file is long because the three sockets are bounded, watched and closed together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zmq

from monitor.errors import MonitorError
from monitor.wire.access import Access
from monitor.wire.backlog import InputBacklog, OutputBacklog
from monitor.wire.connections import Connections, Incoming, RequestBudget, cut
from monitor.wire.endpoints import Context, Socket, bind, log_to_stderr, new_socket
from monitor.wire.jsonform import MAX_JSON_BYTES
from monitor.wire.protocol import MAX_PAYLOAD_BYTES
from monitor.wire.refusals import Refusals

INPUT_QUEUE = 64
OUTPUT_QUEUE = 5000
CONTROL_QUEUE = 64
MAX_FRAMES = 3
MAX_REQUEST_FRAMES = 8  # the asker, proxies, an empty frame, the request
MAX_SUBSCRIPTION_BYTES = 1024  # the handshake must fit too
MAX_REQUEST_BYTES = 64 * 1024
MAX_TOPICS = 1024  # subscribed to over one connection
MAX_TOPICS_IN_ALL = 16_384  # ZeroMQ walks through all whenever a subscriber goes
MAX_CONNECTIONS = {"input": 2048, "output": 256, "control": 64}
HANDSHAKE_MS = 30_000  # a peer that is silent for this long while connecting is cut
CHECK_PERIOD_S = 0.2
REQUESTS_A_CHECK = 20  # 100 a second; more must wait
REQUEST_SHARE = 0.25  # of our time
MESSAGE_BYTES = 2 * MAX_PAYLOAD_BYTES + MAX_JSON_BYTES
QUEUE_BYTES = {  # beyond this a connection is cut
    "input": (INPUT_QUEUE + 2) * (MAX_PAYLOAD_BYTES + MAX_JSON_BYTES),
    "output": 4 * 1024 * 1024,
    "control": (CONTROL_QUEUE + 2) * MAX_REQUEST_BYTES,
}
TOTAL_BYTES = {"input": 512 * 1024 * 1024, "output": 64 * 1024 * 1024, "control": 64 * 1024 * 1024}
UNREAD_BYTES = 96 * 1024 * 1024  # more than a queue of samples in pieces
UNREAD_TOTAL_BYTES = 512 * 1024 * 1024
CLOSE_LINGER_MS = 1000

Permits = Callable[[str], bool]


class ServiceSockets:
    """The three sockets of the service.

    Parameters
    ----------
    input_endpoint, output_endpoint, control_endpoint
        Where to bind; port ``*`` takes a free one.
    keys
        Folder of the server's keys and allow-list; then only known clients connect (CURVE).
    insecure
        Bind beyond loopback without keys.
    log
        Takes one line for the operator: a refusal, a new allow-list.
    clock
        Monotonic seconds.

    Raises
    ------
    MonitorError
        If a socket cannot be bound (then none stays open), or the keys are not usable.
    """

    def __init__(
        self,
        input_endpoint: str,
        output_endpoint: str,
        control_endpoint: str,
        keys: Path | None = None,
        insecure: bool = False,
        log: Callable[[str], object] = log_to_stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._checked_s = clock()
        self._refusals = Refusals(log)
        unread = OutputBacklog(OUTPUT_QUEUE, UNREAD_BYTES, UNREAD_TOTAL_BYTES)
        self._connections = Connections(self._refused, unread, keyed=keys is not None)
        self._access: Access | None = None
        self._budget = RequestBudget(
            clock, REQUESTS_A_CHECK, REQUEST_SHARE, REQUEST_SHARE * CHECK_PERIOD_S
        )
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
                self._access = Access(self._context, keys, self._refused, log)
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
        backlog = InputBacklog(MESSAGE_BYTES, QUEUE_BYTES[room], TOTAL_BYTES[room])
        monitor = self._connections.watch(socket, room, MAX_CONNECTIONS[room], backlog)
        self._poller.register(socket, zmq.POLLIN)
        self._poller.register(monitor, zmq.POLLIN)
        return bind(socket, endpoint, f"--{room}", beyond_loopback)

    @property
    def refusals(self) -> int:
        """Connections and messages refused for who sent them, or for how much."""
        return self._refusals.count

    def watch(self, socket: Socket) -> None:
        """Let messages on another socket end :meth:`wait` too."""
        self._poller.register(socket, zmq.POLLIN)

    def unwatch(self, socket: Socket) -> None:
        """Watch another socket no more."""
        self._poller.unregister(socket)

    def open_input(self) -> None:
        """Let the samples come: senders wait until the input subscribes."""
        self._input.setsockopt(zmq.SUBSCRIBE, b"")

    def answer(self, topics: frozenset[bytes]) -> None:
        """Show exactly these topics to the senders, as subscriptions of the input."""
        for topic in self._answers - topics:
            self._input.setsockopt(zmq.UNSUBSCRIBE, topic)
        for topic in topics - self._answers:
            self._input.setsockopt(zmq.SUBSCRIBE, topic)
        self._answers = topics

    def wait(self, timeout_s: float) -> bool:
        """Wait for messages; tell whether any came. Handshakes are answered here."""
        ready = self._poller.poll(max(0, round(timeout_s * 1000)))
        if self._access is not None:
            self._access.answer()
        self._connections.work()
        now_s = self._clock()
        if now_s - self._checked_s >= CHECK_PERIOD_S:
            passed_s, self._checked_s = now_s - self._checked_s, now_s
            self._refusals.tick(now_s)
            self._connections.check()
            if self._budget.refill(passed_s):
                self._poller.register(self._control, zmq.POLLIN)
            if self._access is not None and self._access.reload():
                admits = self._access.admits
                self._connections.cut_unless(lambda user: admits(user, "output"))
        return bool(ready)

    def receive(self, limit: int) -> Iterator[tuple[list[bytes], str]]:
        """Give at most ``limit`` waiting messages, each with its sender's key ("" without keys)."""
        for _ in range(limit):
            message = self._connections.receive(self._input, "input", MAX_FRAMES)
            if message is None:
                return
            if self._admitted(message, "input"):
                yield message.frames, message.user

    def newcomers(self, limit: int = 1000) -> bool:
        """Tell whether a subscription has come since the last call."""
        came = False
        for _ in range(limit):
            message = self._connections.receive(self._output, "output", MAX_FRAMES)
            if message is None:
                break
            head, prefix = message.frames[0][:1], message.frames[0][1:]
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
        """Give a waiting request and a test of its sender's rights; answer it by :meth:`reply`."""
        if not self._budget.left:
            return None
        self._budget.begin()
        message = self._connections.receive(self._control, "control", MAX_REQUEST_FRAMES)
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
            self._refused(self._access.why_not(message.user, "control", right))
            return False

        return text, permits

    def reply(self, text: bytes) -> None:
        """Answer the last request."""
        self._control.send_multipart([*self._asker, text])
        self._asked()

    def defer(self) -> list[bytes]:
        """Put the answer to the last request off; give what :meth:`answer_late` needs."""
        self._asked()
        return self._asker

    def answer_late(self, asker: list[bytes], text: bytes) -> None:
        """Answer a request that was put off."""
        self._control.send_multipart([*asker, text])

    def _asked(self) -> None:
        self._budget.end()
        if not self._budget.left:
            self._poller.unregister(self._control)

    def wants(self, topic: bytes) -> bool:
        """Tell whether a topic is subscribed to, as of the last :meth:`newcomers`."""
        return self._connections.wants(topic)

    def wanted(self, beginnings: tuple[bytes, ...]) -> frozenset[bytes]:
        """Give the topics subscribed to that may match any of these beginnings."""
        return self._connections.wanted(beginnings)

    def publish(self, frames: list[bytes]) -> None:
        """Send to all subscribers; a subscriber with a full queue loses the message.

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
        """Close; published messages may still leave for ``linger_ms``."""
        self._context.destroy(linger_ms)

    def _admitted(self, message: Incoming, room: str) -> bool:
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

    def __exit__(self, *error: object) -> None:
        self.close()


def _request_in(frames: list[bytes]) -> tuple[list[bytes], bytes]:
    """Split a message on *control* into the frames before the request, and the request.

    A message that no REQ socket sent gives none; a request of several frames gives b"".

    >>> _request_in([b"id", b"", b"{}"]), _request_in([b"id", b"?", b"!"])
    (([b'id', b''], b'{}'), ([], b''))
    """
    if b"" not in frames[1:]:
        return [], b""
    begin = frames.index(b"", 1) + 1
    rest = frames[begin:]
    return frames[:begin], rest[0] if len(rest) == 1 else b""
