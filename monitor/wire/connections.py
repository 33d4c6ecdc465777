"""Connections of the service's sockets: count them, bound them, cut one of them.

ZeroMQ has no call to drop one peer of a socket. But it names the file descriptor of every
connection it accepts, and of the connection a message came over. Shutting the descriptor down ends
that connection only, as if the peer had gone. The inode tells whether a descriptor still belongs to
the same connection.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket as os_socket
from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass, field

import zmq
from zmq.utils.monitor import parse_monitor_message

from monitor.wire.backlog import FRAME_OVERHEAD, InputBacklog, OutputBacklog

EVENTS = (
    zmq.EVENT_ACCEPTED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
_REASONS: dict[int, str] = {
    zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: "a peer without keys, or with keys where there "
    "are none",
    zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: "a peer that knows another server key",
}


@dataclass(slots=True)
class _Room:
    monitor: zmq.Socket[bytes]
    most: int
    backlog: InputBacklog
    accepted: dict[int, None] = field(default_factory=dict)  # in order


@dataclass(slots=True)
class _Subscriber:
    inode: int
    user: str
    topics: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message, the key of its sender ("" without keys) and the connection it came over."""

    frames: list[bytes]
    user: str
    descriptor: int | None


class Connections:
    """Knows who is connected to which socket.

    Parameters
    ----------
    refused
        Takes one line for each refusal.
    unread
        Counts the bytes that wait for subscribers.
    keyed
        Clients have keys.
    """

    def __init__(
        self, refused: Callable[[str], object], unread: OutputBacklog, keyed: bool = False
    ) -> None:
        self._refused = refused
        self._keyed = keyed
        self._unread = unread
        self._rooms: dict[str, _Room] = {}
        self._subscribers: dict[int, _Subscriber] = {}
        self._wanted: Counter[bytes] = Counter()
        self._wanted_of: dict[tuple[bytes, ...], frozenset[bytes]] = {}  # until it changes
        self.topics = 0  # of all subscribers

    def watch(
        self, socket: zmq.Socket[bytes], room: str, most: int, backlog: InputBacklog
    ) -> zmq.Socket[bytes]:
        """Watch a socket; give a socket that is readable when :meth:`work` is needed."""
        monitor = socket.get_monitor_socket(EVENTS)
        self._rooms[room] = _Room(monitor, most, backlog)
        return monitor

    def check(self) -> None:
        """Cut the connections whose messages take too much memory."""
        for name, room in self._rooms.items():
            for descriptor in room.backlog.check(room.accepted):
                self._refused(f"on --{name}: a message without end, or too many that wait")
                cut(descriptor)
        inodes = {descriptor: known.inode for descriptor, known in self._subscribers.items()}
        for descriptor in self._unread.check(inodes):
            self._refused("on --output: a subscriber that leaves too much unread")
            cut(descriptor, self._subscribers.pop(descriptor).inode)

    def work(self, limit: int = 1000) -> None:
        """Take note of new and ended connections."""
        for name, room in self._rooms.items():
            for _ in range(limit):
                try:
                    frames = room.monitor.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                event = parse_monitor_message(frames)
                self._take(name, room, int(event["event"]), int(event["value"]))

    def _take(self, name: str, room: _Room, event: int, value: int) -> None:
        if event == zmq.EVENT_ACCEPTED:
            room.accepted[value] = None
            if len(room.accepted) > room.most:
                self._refused(f"on --{name}: more than {room.most} connections")
                # cut a peer that has sent nothing: strangers must not shut clients out
                silent = (fd for fd in room.accepted if not room.backlog.heard(fd))
                gone = next(silent, value)
                del room.accepted[gone]
                cut(gone)
        elif event == zmq.EVENT_DISCONNECTED:
            room.accepted.pop(value, None)
            room.backlog.gone(value)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
            reason = _REASONS.get(value, f"a peer that does not speak ZMTP 3 (0x{value:x})")
            self._refused(f"on --{name}: {reason}")
        elif value == errno.EAGAIN:
            self._refused(f"on --{name}: a peer that was silent while connecting")
        else:
            self._refused(f"on --{name}: a peer that hung up while connecting (without keys?)")

    def receive(self, socket: zmq.Socket[bytes], room: str, most: int) -> Incoming | None:
        """Take one message that has come; keep at most one frame more than ``most``."""
        backlog = self._rooms[room].backlog
        try:
            frame = socket.recv(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            backlog.drained()
            return None
        user, descriptor = "", None
        with contextlib.suppress(zmq.ZMQError):  # a message of the socket itself has none
            descriptor = int(frame.get(zmq.SRCFD))
            if self._keyed:
                user = str(frame.get("User-Id"))
        frames, size = [frame.bytes], len(frame) + FRAME_OVERHEAD
        while frame.more:
            frame = socket.recv(copy=False)
            size += len(frame) + FRAME_OVERHEAD
            if len(frames) <= most:  # one too many is enough to refuse it
                frames.append(frame.bytes)
        if descriptor is not None:
            backlog.took(descriptor, size)
        return Incoming(frames, user, descriptor)

    def subscribed(self, descriptor: int, user: str, prefix: bytes, wanted: bool) -> int:
        """Note a subscription, or its end; give how many topics the connection has."""
        try:
            inode = os.fstat(descriptor).st_ino
        except OSError:  # gone again
            return 0
        known = self._subscribers.get(descriptor)
        if known is None or known.inode != inode:
            known = self._subscribers[descriptor] = _Subscriber(inode, user)
        if wanted != (prefix in known.topics):  # not repeated
            if wanted:
                known.topics.add(prefix)
                self._wanted[prefix] += 1
                self._wanted_of.clear()
                self.topics += 1
            else:
                known.topics.discard(prefix)
                self.left(prefix)
        return len(known.topics)

    def left(self, prefix: bytes) -> None:
        """Note that a subscription of any connection has ended."""
        self.topics -= 1
        self._wanted[prefix] -= 1
        self._wanted_of.clear()
        if self._wanted[prefix] <= 0:
            del self._wanted[prefix]

    def wants(self, topic: bytes) -> bool:
        """Tell whether anybody has subscribed to a topic."""
        return _holds(self._wanted, topic)

    def wanted(self, beginnings: tuple[bytes, ...]) -> frozenset[bytes]:
        """Give the topics subscribed to that may match any of these beginnings."""
        if beginnings not in self._wanted_of:
            self._wanted_of[beginnings] = frozenset(
                prefix
                for prefix in self._wanted
                if any(prefix.startswith(b) or b.startswith(prefix) for b in beginnings)
            )
        return self._wanted_of[beginnings]

    def published(self, topic: bytes, size: int) -> None:
        """Note that a message has been published."""

        def wants(descriptor: int) -> bool:
            known = self._subscribers.get(descriptor)
            return known is not None and _holds(known.topics, topic)

        self._unread.published(size, wants)

    def cut_greediest(self) -> None:
        """Cut the connection with most topics."""
        known = self._subscribers
        descriptor = max(known, key=lambda fd: len(known[fd].topics), default=None)
        if descriptor is not None:
            cut(descriptor, known.pop(descriptor).inode)

    def cut_unless(self, admits: Callable[[str], bool]) -> None:
        """Cut every subscriber that is no longer admitted."""
        for descriptor, known in list(self._subscribers.items()):
            if not admits(known.user):
                cut(descriptor, known.inode)
                del self._subscribers[descriptor]


def _holds(prefixes: Container[bytes], topic: bytes) -> bool:
    return any(topic[:length] in prefixes for length in range(len(topic) + 1))


def cut(descriptor: int, inode: int | None = None) -> None:
    """End a connection, if the descriptor still belongs to one with this inode."""
    # already closed, or no connection
    with contextlib.suppress(OSError):
        if inode in (None, os.fstat(descriptor).st_ino):
            with os_socket.socket(fileno=os.dup(descriptor)) as connection:
                connection.shutdown(os_socket.SHUT_RDWR)


class RequestBudget:
    """Bounds the number of requests, and our time for them.

    Parameters
    ----------
    clock
        Monotonic seconds.
    requests
        At most so many between two calls of :meth:`refill`.
    share
        Requests may take this share of our time.
    most_s
        Time that can be saved up.
    """

    def __init__(
        self, clock: Callable[[], float], requests: int, share: float, most_s: float
    ) -> None:
        self._clock = clock
        self._requests = self._requests_left = requests
        self._share = share
        self._most_s = self._left_s = most_s
        self._began_s = 0.0

    @property
    def left(self) -> bool:
        """Another request may be taken now."""
        return self._requests_left > 0 and self._left_s > 0.0

    def begin(self) -> None:
        """Note that a request is being taken."""
        self._began_s = self._clock()

    def end(self) -> None:
        """Note that the request has been answered or dropped."""
        self._requests_left -= 1
        self._left_s -= self._clock() - self._began_s

    def refill(self, passed_s: float) -> bool:
        """Add the time that has passed; tell whether requests may be taken again."""
        empty = not self.left
        self._requests_left = self._requests
        self._left_s = min(self._left_s + self._share * passed_s, self._most_s)
        return empty and self.left
