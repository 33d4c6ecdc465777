"""Messages lost, doubled or out of order: counted by number, put back by sample index. Pure.

A sender numbers the messages of every topic 0, 1, 2, ... and chooses a new publisher id
whenever it starts. The receiver keeps the last :data:`WINDOW` numbers: within it a number is
told apart as new, seen before, or late. A number older than that means that the sender began
anew under its old id; as in RFC 3550, appendix A.1, two in a row are needed to believe it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from monitor.messages import Samples

WINDOW = 1024
MAX_TOPICS = 4096
MAX_COUNTED = 100_000
WAIT_S = 1.0  # of signal from the start of a hole: three messages of 0.25 s after a lost one
MAX_HELD = 64  # messages, however short
_MASK = (1 << WINDOW) - 1


class Arrival(Enum):
    """How one message fits into the sequence of its topic."""

    IN_ORDER = auto()
    AFTER_LOSS = auto()
    LATE = auto()
    DUPLICATE = auto()
    RESTART = auto()


@dataclass(slots=True)
class SequenceCounts:
    """Messages counted; ``lost`` goes down again when a missing one comes late."""

    received: int = 0
    lost: int = 0
    duplicates: int = 0
    reordered: int = 0


class SequenceTracker:
    """Accounts for the messages of one topic.

    Examples
    --------
    >>> tracker = SequenceTracker()
    >>> for sequence in (0, 1, 4, 4, 3):
    ...     _ = tracker.observe("sender", sequence)
    >>> tracker.counts
    SequenceCounts(received=5, lost=1, duplicates=1, reordered=1)
    """

    def __init__(self) -> None:
        self.counts = SequenceCounts()
        self._publisher: str | None = None
        self._first = 0
        self._highest = 0
        self._seen = 0  # bit i: number highest - i has come
        self._expected_after_restart: int | None = None

    def observe(self, publisher: str, sequence: int) -> Arrival:
        """Take note of one message; tell how it fits in."""
        counts = self.counts
        counts.received += 1
        if publisher != self._publisher:
            known = self._publisher is not None
            self._publisher = publisher
            self._begin(sequence)
            return Arrival.RESTART if known else Arrival.IN_ORDER
        ahead = sequence - self._highest
        if ahead > 0:
            self._expected_after_restart = None
            self._highest = sequence
            self._seen = ((self._seen << ahead) | 1) & _MASK if ahead < WINDOW else 1
            counts.lost += ahead - 1
            return Arrival.IN_ORDER if ahead == 1 else Arrival.AFTER_LOSS
        if -ahead >= WINDOW:
            return self._very_old(sequence)
        if self._seen >> -ahead & 1:
            counts.duplicates += 1
            return Arrival.DUPLICATE
        self._seen |= 1 << -ahead
        counts.reordered += 1
        if sequence > self._first:  # messages before we joined never counted as lost
            counts.lost -= 1
        return Arrival.LATE

    def _very_old(self, sequence: int) -> Arrival:
        if sequence == self._expected_after_restart:
            self._begin(sequence)
            return Arrival.RESTART
        self._expected_after_restart = sequence + 1
        self.counts.duplicates += 1
        return Arrival.DUPLICATE

    def _begin(self, sequence: int) -> None:
        self._first = self._highest = sequence
        self._seen = 1
        self._expected_after_restart = None


class TopicSequences:
    """One tracker for each topic, at most :data:`MAX_TOPICS`."""

    def __init__(self) -> None:
        self._trackers: dict[bytes, SequenceTracker] = {}

    def observe(self, topic: bytes, publisher: str, sequence: int) -> Arrival:
        """Take note of one message of ``topic``."""
        tracker = self._trackers.pop(topic, None) or SequenceTracker()
        if len(self._trackers) >= MAX_TOPICS:
            self._trackers.pop(next(iter(self._trackers)))  # the topic that was silent for longest
        self._trackers[topic] = tracker
        return tracker.observe(publisher, sequence)

    def total(self) -> SequenceCounts:
        """Sum over all topics."""
        total = SequenceCounts()
        for tracker in self._trackers.values():
            total.received += tracker.counts.received
            total.lost += tracker.counts.lost
            total.duplicates += tracker.counts.duplicates
            total.reordered += tracker.counts.reordered
        return total


class SequenceCounter:
    """The sender's side: the next number of every topic.

    Beyond :data:`MAX_COUNTED` topics the one unused for longest begins at 0 again.
    """

    def __init__(self) -> None:
        self._next: dict[bytes, int] = {}

    def next(self, topic: bytes) -> int:
        """Give the number for the next message of ``topic``, from 0."""
        number = self._next.pop(topic, 0)
        self._next[topic] = number + 1
        if len(self._next) > MAX_COUNTED:
            self._next.pop(next(iter(self._next)))
        return number


class Reorder:
    """Waits for late messages, for a bounded span of signal.

    Parameters
    ----------
    rate_hz
        Samples per second of the stream.
    next_sample
        First sample expected.

    Examples
    --------
    Three samples a message at 12 Hz; the third message overtakes the second:

    >>> import numpy as np
    >>> def message(start):
    ...     return Samples("s", start, np.zeros((3, 1), np.float32))
    >>> reorder = Reorder(12.0, 0)
    >>> [[m.start_sample for m in reorder.push(message(start))] for start in (0, 6, 3, 9)]
    [[0], [], [3, 6], [9]]
    """

    def __init__(self, rate_hz: float, next_sample: int) -> None:
        self._wait_samples = round(WAIT_S * rate_hz)
        self._next = next_sample
        self._held: dict[int, Samples] = {}

    def push(self, samples: Samples) -> list[Samples]:
        """Take the next message; give the messages whose turn it is."""
        if not len(samples.values_mv):
            return [samples]
        if samples.start_sample > self._next:
            self._keep(samples)
            end = max(held.end_sample for held in self._held.values())
            if end - self._next < self._wait_samples and len(self._held) < MAX_HELD:
                return []
            return self.release()
        self._next = max(self._next, samples.end_sample)
        return [samples, *self._following()]

    def release(self) -> list[Samples]:
        """Stop waiting: give all held messages, in order of the samples."""
        out = [self._held[start] for start in sorted(self._held)]
        self._held.clear()
        if out:
            self._next = max(self._next, *(samples.end_sample for samples in out))
        return out

    def _keep(self, samples: Samples) -> None:
        """Hold a message; of two from the same sample on, the longer one."""
        same = self._held.get(samples.start_sample)
        if same is None or len(same.values_mv) < len(samples.values_mv):
            self._held[samples.start_sample] = samples

    def _following(self) -> Iterator[Samples]:
        """Give the held messages that follow without a hole."""
        for start in sorted(self._held):
            if start > self._next:
                return
            held = self._held.pop(start)
            self._next = max(self._next, held.end_sample)
            yield held
