"""What has come in by now, in rounds that take a bounded time, so that no sender makes others wait.

ZeroMQ gives one message of each connection in turn. A round ends before the first topic that is in
it already, and when its signal is enough for now: whoever sends faster than the others has one
message in it like everybody, and whatever comes meanwhile is in the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

BATCH = 64  # messages
ROUND_BYTES = 128 * 1024

Incoming = tuple[Sequence[bytes], str]  # frames, key of the sender


class Rounds:
    """Cuts what ``receive`` gives into rounds.

    Parameters
    ----------
    receive
        Gives at most so many messages that have come in by now, one after the other.

    Attributes
    ----------
    emptied
        Nothing more was there after the last round.

    Examples
    --------
    >>> came = iter([[b"samples.a"], [b"samples.b"], [b"samples.a"], [b"end.a"]])
    >>> rounds = Rounds(lambda limit: ((frames, "") for frames in came))
    >>> [frames for frames, _ in rounds.take()], rounds.emptied
    ([[b'samples.a'], [b'samples.b']], False)
    >>> [frames for frames, _ in rounds.take()], rounds.emptied
    ([[b'samples.a'], [b'end.a']], True)
    """

    def __init__(self, receive: Callable[[int], Iterable[Incoming]]) -> None:
        self._receive = receive
        self._held: list[Incoming] = []
        self.emptied = False

    @property
    def waiting(self) -> bool:
        """A message has been received that no round has held."""
        return bool(self._held)

    def take(self) -> list[Incoming]:
        """Give the next round; empty if nothing is there."""
        out: list[Incoming] = []
        topics: set[bytes] = set()
        size = 0
        held, self._held = self._held, []
        for message in chain(held, self._receive(BATCH)):
            topic = message[0][0]
            if topic in topics or size >= ROUND_BYTES:
                self._held = [message]
                break
            out.append(message)
            topics.add(topic)
            size += sum(map(len, message[0]))
        self.emptied = not self._held and len(out) < BATCH
        return out
