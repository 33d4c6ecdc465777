"""How many streams share one processor: fair rounds of messages, and what to drop. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain

BATCH = 64  # messages
ROUND_BYTES = 128 * 1024  # of one round: keeps the time of a round bounded
SATURATED_S = 1.0
SHED_LAG_S = 0.5  # leaves as much for the label of a beat, due 1.5 s after its R peak
STATE_PERIOD = 5

Incoming = tuple[Sequence[bytes], str]  # frames, key of the sender


class Rounds:
    """Cuts the incoming messages into rounds.

    ZeroMQ gives one message of each connection in turn. A round ends before a topic that it holds
    already, and when it holds enough signal. So a fast sender has one message in each round, like
    every other; whatever comes meanwhile is in the next.

    Parameters
    ----------
    receive
        Gives the messages that have come in by now, at most as many as asked for.

    Attributes
    ----------
    emptied
        No message was left after the last round.

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
        """A message has been received that is in no round yet."""
        return bool(self._held)

    def take(self) -> list[Incoming]:
        """Give the next round; empty if no message is there."""
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


class Overload:
    """Decides once a second whether to drop display messages.

    The order of measures:

    1. None, while the input is found empty now and then: the queue is being worked off.
    2. Once the input has not been empty for :data:`SATURATED_S` and a live stream is
       :data:`SHED_LAG_S` behind, samples are not shown to subscribers, and states come each
       :data:`STATE_PERIOD` seconds. Every message left out takes its number, so that a subscriber
       sees the loss; the heartbeat counts them.
    3. Analysis, alerts, beats, journal and recordings are never dropped. They come late: the state
       of a stream tells its lag, and from :data:`monitor.service.pace.LATE_S` on there is an alarm.
    4. When the queues are full, the senders are held back (see :mod:`monitor.wire.sockets`).
    """

    def __init__(self) -> None:
        self.shedding = False
        self.shed = 0  # messages left out so far
        self.late = 0  # live streams that are behind now
        self._ticks = 0

    @property
    def shows_states(self) -> bool:
        """The states are published this second."""
        return not self.shedding or self._ticks % STATE_PERIOD == 0

    def judge(
        self, behind_s: Collection[float], saturated_s: float, shed: int, fastest: str = ""
    ) -> str:
        """Take the lag of each live stream, and for how long the input has not been empty.

        Gives a line for the log when something changes, else an empty text. ``shed`` messages were
        left out so far; ``fastest`` is added to the line.
        """
        self.shed = shed
        self._ticks += 1
        self.late = sum(lag_s > SHED_LAG_S for lag_s in behind_s)
        saturated = saturated_s > SATURATED_S
        if not self.shedding and saturated and self.late:
            self.shedding, self._ticks = True, 0
            return (
                f"too slow: {self.late} of {len(behind_s)} live streams are late, the worst by "
                f"{max(behind_s):.1f} s; samples are no longer shown to subscribers{fastest}"
            )
        if self.shedding and not saturated and not self.late:
            self.shedding = False
            return f"caught up; {self.shed} messages were not shown so far"
        return ""
