"""What a connection has sent without ever completing a message.

ZeroMQ bounds the size of a frame and the number of messages that wait, but collects all frames
of a message before it hands over the first, however many they are. So one peer could fill
memory with a message that never ends. Linux counts the bytes that came over a connection: what
came, less what was taken out as messages, is what ZeroMQ holds for it.

Bounded so are TCP connections on Linux; elsewhere, and for ``ipc``, nothing is.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass

if sys.platform == "linux":
    import fcntl
    import termios

FRAME_OVERHEAD = 42  # at most: 9 bytes of ZMTP, 33 of CURVE
ROUNDS = 3
_BYTES_RECEIVED = 128  # place of tcpi_bytes_received in struct tcp_info
_INFO_BYTES = 136


@dataclass(slots=True)
class _Line:
    inode: int
    taken: int
    received: int | None = None
    served: int = 0


class Backlog:
    """Bytes in and messages out, for each connection of one socket.

    Parameters
    ----------
    message_bytes
        What one message may hold, with all its frames.
    queue_bytes
        What all messages that may wait hold.
    total_bytes
        What all connections together may hold.
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
        """Tell whether a message ever came over a connection."""
        return descriptor in self._heard

    def gone(self, descriptor: int) -> None:
        """Note that a connection has ended."""
        self._heard.discard(descriptor)

    def drained(self) -> None:
        """Note that no message is waiting any more."""
        self._drained = True

    def check(self, descriptors: Iterable[int]) -> list[int]:
        """Give the connections that hold more than they may.

        Where all together hold too much, these are those that hold most of it.

        Messages are taken from all connections in turn. Whatever came complete before the last
        call has been taken if nothing waits any more, or if another connection has had several
        turns and this one none.
        """
        busiest = max((line.served for line in self._lines.values()), default=0)
        drained, self._drained = self._drained, False
        before, self._lines = self._lines, {}
        over = []
        held: dict[int, int] = {}
        for descriptor in descriptors:
            try:
                inode, received = os.fstat(descriptor).st_ino, _received(descriptor)
            except (OSError, struct.error):  # gone; or no such count here
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
            line.taken = min(line.taken, received)  # overhead was estimated: no credit from it
            line.received, line.served = received, 0
            self._lines[descriptor] = line
        total = sum(held.values())
        for descriptor in sorted(held, key=held.__getitem__, reverse=True):
            if total <= self._total_bytes:
                break
            total -= held[descriptor]
            over.append(descriptor)
        return over


def _received(descriptor: int) -> int:
    """Bytes that came over a connection and were read from it."""
    if sys.platform != "linux":
        raise OSError
    waiting = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    return int(struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0]) - int(waiting)
