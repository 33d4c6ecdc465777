"""Where a journal is stored: the interface of a storage, and what all storages share. Pure.

``sqlite`` is a file of one service, ``postgres`` a database that several machines can reach. The
same tests run on both.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from monitor.errors import MonitorError
from monitor.journal.entries import AlertSignal, Entry, Memory, Query

PAGE = 500
TIDY_EVENTS = 500  # deleted at a time, so that a write waits only briefly
TIDY_SNIPPETS = 100
SNIPPETS_SHARE = 0.5  # of the room: beyond it snippets are deleted before events
DAY_NS = 86_400_000_000_000


class StoreError(MonitorError):
    """Entries cannot be written now."""


class DiskFullError(StoreError):
    """There is no room for entries now; earlier ones may still be read."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The limits of the events kept: at most so many days, and so many bytes in all."""

    keep_days: float = math.inf
    max_bytes: float = math.inf

    def oldest_ns(self, wall_ns: int) -> int:
        """Give the time before which events are too old."""
        return int(wall_ns - min(self.keep_days * DAY_NS, wall_ns))


class Store(Protocol):
    """A journal opened for writing."""

    def append(
        self,
        entries: Sequence[Entry],
        memories: Mapping[str, Memory],
        positions: Mapping[str, tuple[int, int]],
    ) -> None:
        """Write in one transaction: everything, or nothing and a :class:`StoreError`.

        ``positions`` are (wall_ns, next sample) of streams.
        """
        ...

    def tidy(self, wall_ns: int) -> int:
        """Delete a bounded number of entries beyond the retention; tell how many.

        Raises
        ------
        StoreError
            If it is not possible now.
        """
        ...

    def close(self) -> None:
        """Close."""
        ...


class Reader(ABC):
    """A journal opened for reading, also while another process writes it.

    Every method raises a :class:`~monitor.errors.MonitorError` if it cannot be read now.
    """

    @property
    @abstractmethod
    def outdated(self) -> bool:
        """What is written is no longer read by it: open another."""

    @abstractmethod
    def page(self, query: Query, limit: int = PAGE) -> list[Entry]:
        """Give the first entries wanted, in order of their numbers."""

    @abstractmethod
    def alert_signal(self, stream: str, alert_id: int) -> AlertSignal | None:
        """Give the stored signal before an alert, None if it is not (or no longer) stored."""

    @abstractmethod
    def identity(self) -> str:
        """Give the identity of this journal."""

    @abstractmethod
    def first(self) -> int:
        """Give the number of the oldest entry, 0 if there is none."""

    @abstractmethod
    def memories(self) -> dict[str, Memory]:
        """Give the stored state of every stream."""

    @abstractmethod
    def last_number(self) -> int:
        """Give the highest number ever written, 0 if there is none."""

    @abstractmethod
    def last_numbers(self) -> dict[str, int]:
        """Give the number of the last entry of every stream."""

    @abstractmethod
    def close(self) -> None:
        """Close."""

    def entries(self, query: Query) -> Iterator[Entry]:
        """Give all entries wanted, page by page: a slow caller holds no transaction open."""
        while page := self.page(query):
            yield from page
            query = replace(query, after=page[-1].number)


class Storage(Protocol):
    """A place for one journal, and the right to write it, which one process has at a time."""

    slow: str
    """What is said when a write takes too long."""

    def take(self) -> bool:
        """Take the right to write; tell whether the place is still empty.

        Raises
        ------
        MonitorError
            If another process has it, or there can be no journal here.
        """
        ...

    def release(self) -> None:
        """Give the right back."""
        ...

    def store(self, retention: Retention | None = None, identity: str | None = None) -> Store:
        """Open for writing, or make anew; ``identity`` is that of a journal that was removed.

        Raises
        ------
        DiskFullError
            If there is no room now.
        MonitorError
            If it cannot be opened, is no journal, or of a newer version.
        """
        ...

    def reader(self, alone: bool = False) -> Reader:
        """Open for reading without waiting; ``alone``: no process writes it meanwhile.

        Raises
        ------
        MonitorError
            If there is no such journal, or it cannot be read.
        """
        ...

    @property
    def complete(self) -> bool:
        """Every number that was given out is stored, as far as this place knows."""
        ...

    def note_complete(self, complete: bool) -> None:
        """Note whether every number that was given out is stored; must not wait."""
        ...


def conditions(query: Query, mark: str) -> tuple[str, list[object]]:
    """Give the condition of a query in SQL, and its values; ``mark`` stands for one of them.

    >>> conditions(Query(after=7, priorities=("high",)), "?")
    ('number > ? AND (priority IN (?))', [7, 'high'])
    """
    terms, values = [f"number > {mark}"], list[object]([query.after])
    for columns, wanted in (
        (("stream",), query.streams),
        (("kind", "alert"), query.kinds),
        (("priority",), query.priorities),
    ):
        if wanted:
            marks = ", ".join([mark] * len(wanted))
            terms.append("(" + " OR ".join(f"{name} IN ({marks})" for name in columns) + ")")
            values += list(wanted) * len(columns)
    if query.since_ns is not None:
        terms.append(f"wall_ns >= {mark}")
        values.append(query.since_ns)
    if query.until_ns is not None:
        terms.append(f"wall_ns < {mark}")
        values.append(query.until_ns)
    return " AND ".join(terms), values


def columns_of(entry: Entry) -> tuple[object, ...]:
    """Give an entry as a row of the table of events."""
    d = entry.draft
    head = entry.number, entry.wall_ns, d.stream, d.kind, d.sample, d.text
    return (*head, d.alert, d.priority, d.state)
