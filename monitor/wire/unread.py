"""What waits for subscribers who do not read, in bytes.

ZeroMQ bounds the number of messages that wait for a subscriber, whatever they weigh. Linux tells
how much it has sent over a connection: what was published since it last had sent everything, less
what it has sent meanwhile, is what is held for that subscriber.

Bounded so are TCP connections on Linux; elsewhere, and for ``ipc``, the number alone is.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

if sys.platform == "linux":
    import fcntl
    import termios

_BYTES_ACKED = 120  # place of tcpi_bytes_acked in struct tcp_info
_INFO_BYTES = 128


@dataclass(slots=True)
class _Waiting:
    inode: int
    acked: int
    size: float = 0.0
    messages: float = 0.0


class Unread:
    """Bytes that wait for each subscriber of one socket.

    Parameters
    ----------
    messages
        How many may wait for one; more are dropped by ZeroMQ.
    most_bytes, total_bytes
        What may wait for one, and for all together.
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
        """Give the connections for which more waits than may, those with most of it first.

        ``inodes`` are those of all connections, by descriptor.
        """
        before, self._waiting = self._waiting, {}
        for descriptor, inode in inodes.items():
            try:
                gone = os.fstat(descriptor).st_ino != inode
                queued, acked = (0, 0) if gone else _sent(descriptor)
            except (OSError, struct.error):  # gone; or no such count here
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


def _sent(descriptor: int) -> tuple[int, int]:
    """Bytes that the system has not sent yet over a connection, and those that have arrived."""
    if sys.platform != "linux":
        raise OSError
    queued = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))[0]
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    return int(queued), int(struct.unpack_from("=Q", info, _BYTES_ACKED)[0])
