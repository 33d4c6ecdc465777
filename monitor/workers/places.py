"""The places of the workers: which streams each has, what waits for it, what it has told.

While a place has no worker, or a slow one, its messages wait here. Behind a slow worker the senders
are held back; without a worker the oldest messages are dropped, which is a marked gap. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from monitor.journal.entries import Memory
from monitor.wire.protocol import Heartbeat
from monitor.workers.messages import EMPTY, SAMPLES, Tick
from monitor.workers.placing import place_of

HELD_BYTES = 16 * 1024 * 1024  # behind one worker; then senders wait
DROP_BYTES = 64 * 1024 * 1024  # of a place without a worker
MAX_MEMORIES = 20_000
LASTING = ("refused", "unknown", "shed")  # counts that go on when a worker is replaced


class Way(Protocol):
    """A link to a worker."""

    def offer(self, frames: list[bytes]) -> bool:
        """Send if there is room; tell whether there was."""
        ...

    def urge(self, frames: list[bytes]) -> bool:
        """Send before what waits, if there is room; tell whether there was."""
        ...


@dataclass(slots=True, eq=False)
class Place:
    """The streams that one worker has."""

    number: int
    way: Way | None = None  # to its worker
    waiting: deque[list[bytes]] = field(default_factory=deque)
    waiting_bytes: int = 0
    forwarded: int = 0  # to this worker
    dropped: int = 0
    tick: Tick = field(default_factory=lambda: Tick({}))
    answers: frozenset[bytes] = frozenset()
    counts: dict[str, int] = field(default_factory=dict)  # of its last heartbeat
    before: dict[str, int] = field(default_factory=dict)  # counted by former workers
    done: bool = False

    @property
    def streams(self) -> int:
        """How many it has, by its last heartbeat."""
        return self.counts.get("streams", 0)

    def hand_on(self, message: list[bytes]) -> None:
        """Send a message of a sender, or let it wait."""
        if not self.waiting and self.way is not None and self.way.offer(message):
            self.forwarded += 1
        else:
            self.waiting.append(message)
            self.waiting_bytes += sum(map(len, message))

    def flush(self) -> None:
        """Send what waits, as far as there is room; drop what is too much."""
        while self.waiting and self.way is not None and self.way.offer(self.waiting[0]):
            self.waiting_bytes -= sum(map(len, self.waiting.popleft()))
            self.forwarded += 1
        while self.waiting_bytes > DROP_BYTES and self.way is None:
            self.waiting_bytes -= sum(map(len, self.waiting.popleft()))
            self.dropped += 1

    def tell(self, message: list[bytes]) -> bool:
        """Tell the worker something before what waits; tell whether that was possible."""
        return self.way is not None and self.way.urge(message)

    def begin(self, way: Way) -> None:
        """Take a new worker."""
        self.way, self.forwarded, self.tick = way, 0, Tick({}, over=False)

    def lose(self) -> None:
        """Let the worker go."""
        for name in LASTING:
            self.before[name] = self.before.get(name, 0) + self.counts.get(name, 0)
        self.way, self.answers = None, frozenset()
        self.counts = {"streams": self.streams}  # the next worker goes on with them


class Places:
    """All places, and what is remembered of every stream.

    Parameters
    ----------
    count
        How many there are.
    memories
        Of the streams, by name, from before a restart.
    """

    def __init__(self, count: int, memories: dict[str, Memory]) -> None:
        self.all = tuple(Place(number) for number in range(count))
        self._memories = memories

    def of(self, stream: bytes) -> Place:
        """Give the place of a stream."""
        return self.all[place_of(stream[:64], len(self.all))]

    def forward(self, messages: Iterable[tuple[list[bytes], str]]) -> int:
        """Hand messages of senders on, each with its sender's key; give how many."""
        count = 0
        for frames, key in messages:
            count += 1
            place = self.of(frames[0].partition(b".")[2])
            place.hand_on([SAMPLES, key.encode(), *frames])
        return count

    def found_empty(self) -> None:
        """Tell the workers, behind all that was sent to them, that nothing more waits."""
        for place in self.all:
            if place.way is not None and not place.waiting:
                place.way.offer([EMPTY])

    @property
    def held(self) -> bool:
        """So much waits for a worker that senders must wait too."""
        return any(place.waiting_bytes > HELD_BYTES and place.way for place in self.all)

    @property
    def waiting(self) -> bool:
        """Something waits for a worker that is there."""
        return any(place.waiting and place.way for place in self.all)

    @property
    def served(self) -> bool:
        """Every place has a worker."""
        return all(place.way is not None for place in self.all)

    @property
    def done(self) -> bool:
        """At least one stream has come, and all that came are over."""
        told = [place.tick for place in self.all]
        current = self.served and all(
            not place.waiting and place.tick.received == place.forwarded for place in self.all
        )
        return current and any(t.appeared for t in told) and all(t.over for t in told)

    def memories_of(self, place: Place) -> list[tuple[str, int]]:
        """Give the states of the streams of a place: text and next sample."""
        return [
            (memory.text, memory.next_sample)
            for name, memory in self._memories.items()
            if self.of(name.encode()) is place
        ]

    def remember(self, name: str, memory: Memory) -> None:
        """Take the state of a stream."""
        self._memories.pop(name, None)
        self._memories[name] = memory
        if len(self._memories) > MAX_MEMORIES:  # the one that was unchanged for longest
            self._memories.pop(next(iter(self._memories)))

    def ticked(self, place: Place, tick: Tick) -> None:
        """Take what a worker tells once a second."""
        place.tick = tick
        for name, sample in tick.positions.items():
            known = self._memories.get(name)
            if known is not None and known.next_sample != sample:
                self.remember(name, replace(known, next_sample=sample))

    def positions(self) -> dict[str, int]:
        """Give the next sample of every stream."""
        return {n: sample for place in self.all for n, sample in place.tick.positions.items()}

    def answers(self) -> frozenset[bytes]:
        """Give what the senders of all streams are told."""
        return frozenset().union(*(place.answers for place in self.all))

    def elsewhere(self, place: Place) -> int:
        """Count the streams of the other places."""
        return sum(other.streams for other in self.all if other is not place)

    def heartbeat(self, publisher: str, denied: int) -> Heartbeat:
        """Give the heartbeat of the whole service."""

        def total(name: str) -> int:
            return sum(p.counts.get(name, 0) + p.before.get(name, 0) for p in self.all)

        streams, refused, unknown = total("streams"), total("refused"), total("unknown")
        late, shed, turned_away = total("late"), total("shed"), total("turned_away")
        return Heartbeat(publisher, streams, refused, unknown, late, shed, denied, turned_away)
