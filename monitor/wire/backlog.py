"""Bytes that ZeroMQ holds for each connection, in both directions.

Input: ZeroMQ bounds the size of a frame and the number of messages that wait, but it collects all
frames of a message before it hands over the first. So one peer could fill memory with a message
that never ends. Linux counts the bytes that came over a connection: these, less the bytes taken
out as messages, are what ZeroMQ holds.

Output: ZeroMQ bounds the number of messages that wait for a subscriber, but not their bytes. Linux
counts the bytes that the peer has acknowledged: the bytes published since nothing waited, less
those acknowledged meanwhile, are what ZeroMQ holds for that subscriber.

This works for TCP connections on Linux. Elsewhere, and for ``ipc``, only the number of messages is
bounded.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

if sys.platform == "linux":
    import fcntl
    import termios

FRAME_OVERHEAD = 42  # at most: 9 bytes of ZMTP, 33 of CURVE
ROUNDS = 3  # turns of another connection after which a silent one has had its own
_BYTES_ACKED, _BYTES_RECEIVED = 120, 128  # places in struct tcp_info
_INFO_BYTES = 136


@dataclass(slots=True)
class _Line:
    inode: int
    taken: int
    received: int | None = None
    served: int = 0


class InputBacklog:
    """Bytes of messages that are not complete or not taken yet, for each connection of one socket.

    Parameters
    ----------
    message_bytes
        Limit of one message with all its frames.
    queue_bytes
        Limit of all waiting messages of one connection.
    total_bytes
        Limit of all connections together.
    """

    def __init__(self, message_bytes: int, queue_bytes: int, total_bytes: int) -> None:
        self._message_bytes = message_bytes
        self._queue_bytes = queue_bytes
        self._total_bytes = total_bytes
        self._lines: dict[int, _Line] = {}
        self._heard: set[int] = set()
        self._drained = False

    def took(self, descriptor: int, size: int) -> None:
        """Note a message of ``size`` bytes (with :data:`FRAME_OVERHEAD` for each frame)."""
        self._heard.add(descriptor)
        line = self._lines.get(descriptor)
        if line is not None:
            line.taken += size
            line.served += 1

    def heard(self, descriptor: int) -> bool:
        """Tell whether a message has come over a connection."""
        return descriptor in self._heard

    def gone(self, descriptor: int) -> None:
        """Note that a connection has ended."""
        self._heard.discard(descriptor)

    def drained(self) -> None:
        """Note that no message waits now."""
        self._drained = True

    def check(self, descriptors: Iterable[int]) -> list[int]:
        """Give the connections that hold too much; if the total is too high, the largest ones.

        Messages are taken from all connections in turn. All messages complete at the last call
        have been taken if no message waits now, or if another connection has had several turns
        and this one none.
        """
        busiest = max((line.served for line in self._lines.values()), default=0)
        drained, self._drained = self._drained, False
        before, self._lines = self._lines, {}
        over = []
        held: dict[int, int] = {}
        for descriptor in descriptors:
            try:
                inode, received = os.fstat(descriptor).st_ino, _received(descriptor)
            except (OSError, struct.error):  # gone, or this system has no such count
                continue
            line = before.get(descriptor)
            if line is None or line.inode != inode:
                line = _Line(inode, received)
            all_taken = drained or (not line.served and busiest >= ROUNDS)
            if received - line.taken > self._queue_bytes or (
                all_taken
                and line.received is not None
                and line.received - line.taken > self._message_bytes
            ):
                over.append(descriptor)
            else:
                held[descriptor] = received - line.taken
            line.taken = min(
                line.taken, received
            )  # the overhead is an estimate: give no credit for it
            line.received, line.served = received, 0
            self._lines[descriptor] = line
        total = sum(held.values())
        for descriptor in sorted(held, key=held.__getitem__, reverse=True):
            if total <= self._total_bytes:
                break
            total -= held[descriptor]
            over.append(descriptor)
        return over


@dataclass(slots=True)
class _Waiting:
    inode: int
    acked: int
    size: float = 0.0
    messages: float = 0.0


class OutputBacklog:
    """Bytes that wait for each subscriber of one socket.

    Parameters
    ----------
    messages
        How many may wait for one subscriber; ZeroMQ drops more.
    most_bytes, total_bytes
        Limits of one subscriber, and of all together.
    """

    def __init__(self, messages: int, most_bytes: int, total_bytes: int) -> None:
        self._messages = messages
        self._most_bytes = most_bytes
        self._total_bytes = total_bytes
        self._waiting: dict[int, _Waiting] = {}

    def published(self, size: int, wants: Callable[[int], bool]) -> None:
        """Note a message of ``size`` bytes; ``wants`` tells which connections it goes to."""
        for descriptor, waiting in self._waiting.items():
            if waiting.messages < self._messages and wants(descriptor):
                waiting.size += size
                waiting.messages += 1

    def check(self, inodes: Mapping[int, int]) -> list[int]:
        """Give the connections for which too many bytes wait, the largest first.

        ``inodes`` are those of all connections, by descriptor.
        """
        before, self._waiting = self._waiting, {}
        for descriptor, inode in inodes.items():
            try:
                gone = os.fstat(descriptor).st_ino != inode
                queued, acked = (0, 0) if gone else _sent(descriptor)
            except (OSError, struct.error):  # gone, or this system has no such count
                continue
            if not queued:
                continue
            waiting = before.get(descriptor)
            if waiting is None or waiting.inode != inode:
                waiting = _Waiting(inode, acked)
            elif waiting.size:
                left = max(0.0, 1.0 - (acked - waiting.acked) / waiting.size)
                waiting.size, waiting.messages = left * waiting.size, left * waiting.messages
            waiting.acked = acked
            self._waiting[descriptor] = waiting
        sizes = {descriptor: waiting.size for descriptor, waiting in self._waiting.items()}
        total, over = sum(sizes.values()), []
        for descriptor in sorted(sizes, key=sizes.__getitem__, reverse=True):
            if sizes[descriptor] <= self._most_bytes and total <= self._total_bytes:
                break
            total -= sizes[descriptor]
            over.append(descriptor)
        return over


def _received(descriptor: int) -> int:
    """Bytes that came over a connection and were read from it."""
    if sys.platform != "linux":
        raise OSError
    waiting = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]
    return _tcp_count(descriptor, _BYTES_RECEIVED) - int(waiting)


def _sent(descriptor: int) -> tuple[int, int]:
    """Bytes that the system has not sent yet over a connection, and bytes acknowledged."""
    if sys.platform != "linux":
        raise OSError
    queued = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))[0]
    return int(queued), _tcp_count(descriptor, _BYTES_ACKED)


def _tcp_count(descriptor: int, place: int) -> int:
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    return int(struct.unpack_from("=Q", info, place)[0])
