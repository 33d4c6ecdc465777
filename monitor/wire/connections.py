"""The connections of the service's sockets: how many there are, and cutting one of them.

ZeroMQ has no call to drop one peer of a socket. It does name the file descriptor of every
connection it accepts, and of the one a message came over; shutting that down ends the
connection as if the peer had gone, and touches no other. The inode, which no other open socket
has, tells whether a descriptor still is what it was.
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

from monitor.wire.backlog import Backlog
from monitor.wire.unread import Unread

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
    backlog: Backlog
    accepted: dict[int, None] = field(default_factory=dict)  # in order


@dataclass(slots=True)
class _Subscriber:
    inode: int
    user: str
    topics: set[bytes] = field(default_factory=set)


class Connections:
    """Who is connected to which socket.

    Parameters
    ----------
    refused
        Told each refusal, in one line.
    unread
        Keeps account of what waits for subscribers.
    """

    def __init__(self, refused: Callable[[str], object], unread: Unread) -> None:
        self._refused = refused
        self._unread = unread
        self._rooms: dict[str, _Room] = {}
        self._subscribers: dict[int, _Subscriber] = {}
        self._wanted: Counter[bytes] = Counter()
        self.topics = 0  # of all subscribers

    def watch(
        self, socket: zmq.Socket[bytes], room: str, most: int, backlog: Backlog
    ) -> zmq.Socket[bytes]:
        """Keep account of a socket; give what is readable when :meth:`work` is needed."""
        monitor = socket.get_monitor_socket(EVENTS)
        self._rooms[room] = _Room(monitor, most, backlog)
        return monitor

    def check(self) -> None:
        """Cut the connections that hold, or make us hold, more than the messages that may wait."""
        for name, room in self._rooms.items():
            for descriptor in room.backlog.check(room.accepted):
                self._refused(f"on --{name}: a message without end, or too many that wait")
                cut(descriptor)
        inodes = {descriptor: known.inode for descriptor, known in self._subscribers.items()}
        for descriptor in self._unread.check(inodes):
            self._refused("on --output: a subscriber that leaves too much unread")
            cut(descriptor, self._subscribers.pop(descriptor).inode)

    def work(self, limit: int = 1000) -> None:
        """Take note of who has come and gone."""
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
                # who has said nothing yet makes room: strangers shut nobody out
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

    def subscribed(self, descriptor: int, user: str, prefix: bytes, wanted: bool) -> int:
        """Note a subscription, or its end; give how many topics the connection has."""
        try:
            inode = os.fstat(descriptor).st_ino
        except OSError:  # gone again
            return 0
        known = self._subscribers.get(descriptor)
        if known is None or known.inode != inode:
            known = self._subscribers[descriptor] = _Subscriber(inode, user)
        if wanted != (prefix in known.topics):  # else it was said before, or never
            if wanted:
                known.topics.add(prefix)
                self._wanted[prefix] += 1
                self.topics += 1
            else:
                known.topics.discard(prefix)
                self.left(prefix)
        return len(known.topics)

    def left(self, prefix: bytes) -> None:
        """Note that a subscription has ended, of whomever."""
        self.topics -= 1
        self._wanted[prefix] -= 1
        if self._wanted[prefix] <= 0:
            del self._wanted[prefix]

    def wants(self, topic: bytes) -> bool:
        """Tell whether anybody has subscribed to a topic."""
        return _holds(self._wanted, topic)

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
        """Cut every connection over which somebody subscribed who is not admitted any more."""
        for descriptor, known in list(self._subscribers.items()):
            if not admits(known.user):
                cut(descriptor, known.inode)
                del self._subscribers[descriptor]


def _holds(prefixes: Container[bytes], topic: bytes) -> bool:
    return any(topic[:length] in prefixes for length in range(len(topic) + 1))


def cut(descriptor: int, inode: int | None = None) -> None:
    """End a connection, if the descriptor (still) is one, and the one with this inode."""
    # closed in the meantime, or no connection: what was to be done is done
    with contextlib.suppress(OSError):
        if inode in (None, os.fstat(descriptor).st_ino):
            with os_socket.socket(fileno=os.dup(descriptor)) as connection:
                connection.shutdown(os_socket.SHUT_RDWR)
