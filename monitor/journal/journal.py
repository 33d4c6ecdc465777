"""The journal of a service: numbers events and stores them before they are published."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from monitor.errors import MonitorError
from monitor.journal.entries import AlertSignal, Draft, Entry, Memory, Query
from monitor.journal.opening import storage_at
from monitor.journal.place import Place
from monitor.journal.storage import DiskFullError, Reader, Retention, Store
from monitor.journal.writer import MAX_WAITING, RETRY_S, Writer
from monitor.wire.protocol import Mark

PATIENCE_S = 0.25  # an alarm waits at most this long for the disk
CLOSE_S = 5.0
TIDY_TICKS = 2
MAX_SIGNALS = 500  # events that wait for the disk together with their signal, which is large


class Journal:
    """Stores events before they are published.

    The storage notes whether every number given out so far is stored. If that is not certain, a
    service that starts skips as many numbers as may be missing. So a number that a subscriber has
    seen is never used again for another event.

    If the disk is full at the start, events wait in memory until it is not.

    Parameters
    ----------
    place
        A file, made if it does not exist, or the URL of a PostgreSQL database.
    wall_ns
        Wall clock.
    retry_s
        Seconds between two attempts to write while the disk fails.
    retention
        How long events are kept; by default without limit.

    Attributes
    ----------
    memories
        Stored states of the streams of an earlier service.
    unsure
        How many numbers that service may have given out without storing them.

    Raises
    ------
    MonitorError
        If another process writes it, or it cannot be made or opened.
    """

    def __init__(
        self,
        place: Place,
        wall_ns: Callable[[], int] = time.time_ns,
        retry_s: float = RETRY_S,
        retention: Retention | None = None,
    ) -> None:
        self._storage = storage_at(place)
        self._retention = retention
        self._wall_ns = wall_ns
        self._unkept = 0
        self._positions: dict[str, int] = {}
        self._ticks = 0
        storage = self._storage
        with contextlib.ExitStack() as stack:
            stack.callback(storage.release)
            fresh = storage.take()
            store, trouble = None, ""
            try:
                store = storage.store(retention)
                stack.callback(store.close)
            except DiskFullError as error:
                trouble = str(error)
            self._last, self._last_of, self.memories = 0, {}, {}
            self._identity = secrets.token_hex(8)
            self._reader: Reader | None = None
            if store is not None or not fresh:
                reader = storage.reader(alone=store is None)
                stack.callback(reader.close)
                self._last, self._last_of = reader.last_number(), reader.last_numbers()
                self.memories, self._identity = reader.memories(), reader.identity()
                if store is not None:
                    self._reader = reader
                else:
                    reader.close()  # it would not see later writes
            self.unsure = 0 if fresh or storage.complete else MAX_WAITING
            self._last += self.unsure
            self._writer = Writer(store, self._reopened, trouble, retry_s, storage.slow)
            stack.pop_all()
        self._storage.note_complete(True)

    @property
    def identity(self) -> str:
        """Identity of this journal."""
        return self._identity

    @property
    def last(self) -> int:
        """The last number given out."""
        return self._last

    @property
    def trouble(self) -> str:
        """Why events do not reach the disk; empty while they do. The wording is stable."""
        reason = self._writer.trouble
        if not reason:
            self._unkept = 0
            self._storage.note_complete(True)
            return ""
        return f"{reason}; memory is full too: events are lost" if self._unkept else reason

    def last_of(self, stream: str) -> int:
        """Give the number of the last entry of a stream, 0 if there is none."""
        return self._last_of.get(stream, 0)

    def note(self, positions: Mapping[str, int]) -> None:
        """Take the next sample of every stream, once a second, to be written later.

        Also starts the deletion of events that are older than the retention allows.
        """
        now_ns = self._wall_ns()
        self._ticks += 1
        if self._ticks % TIDY_TICKS == 0:
            self._writer.tidy(now_ns)
        moved = {
            name: (now_ns, sample)
            for name, sample in positions.items()
            if self._positions.get(name) != sample
        }
        if moved:
            self._positions = dict(positions)
            self._writer.note(moved)

    def keep(
        self, drafts: Sequence[Draft], memories: Mapping[str, Memory] | None = None
    ) -> list[Mark | None]:
        """Write events and states of streams in one transaction; give the number of each event.

        Returns within :data:`PATIENCE_S` in any case. Events that are not on the disk by then
        wait in memory and are written as soon as possible; if many wait, new ones lose their
        signal. An event for which memory has no room gets no number.
        """
        room = self._writer.room()
        now_ns = self._wall_ns()
        entries: list[Entry] = []
        marks: list[Mark | None] = []
        for draft in drafts[:room]:
            if draft.signal is not None and MAX_WAITING - room > MAX_SIGNALS:
                draft = replace(draft, signal=None)
            self._last += 1
            marks.append(Mark(self._last, self.last_of(draft.stream)))
            self._last_of[draft.stream] = self._last
            entries.append(Entry(self._last, now_ns, draft))
        self._unkept += len(drafts) - len(entries)
        noted = {n: replace(m, wall_ns=now_ns) for n, m in (memories or {}).items()}
        if entries and not self._writer.write(entries, noted, PATIENCE_S):
            self._storage.note_complete(False)
        return [*marks, *[None] * (len(drafts) - len(entries))]

    def page(self, query: Query, limit: int) -> list[Entry]:
        """Give the first entries wanted, including those that wait for the disk.

        Raises
        ------
        MonitorError
            If it cannot be read now.
        """
        reader = self._readable()
        waiting = self._writer.waiting()  # first: entries written meanwhile are in the storage
        entries = reader.page(query, limit)
        after = replace(query, after=entries[-1].number if entries else query.after)
        return [*entries, *(e for e in waiting if after.wants(e))][:limit]

    def alert_signal(self, stream: str, alert_id: int) -> AlertSignal | None:
        """Give the stored signal before an alert, None if it is not (or no longer) stored.

        Raises
        ------
        MonitorError
            If it cannot be read now.
        """
        for entry in self._writer.waiting():
            found = entry.draft.signal
            if found is not None and (entry.draft.stream, found.alert_id) == (stream, alert_id):
                return found
        return self._readable().alert_signal(stream, alert_id)

    def first(self) -> int:
        """Give the number of the oldest entry, 0 if there is none.

        Raises
        ------
        MonitorError
            If it cannot be read now.
        """
        return self._readable().first()

    def close(self) -> None:
        """Write the events that still wait, and close.

        Raises
        ------
        MonitorError
            If something could not be written.
        """
        if self._reader is not None:
            self._reader.close()  # the writer must close a file last
        left = self._writer.close(CLOSE_S)
        if not left:
            self._storage.note_complete(True)
        self._storage.release()
        if left:
            raise MonitorError(
                f"{left} event(s) could not be written to the journal: {self._writer.trouble}"
            )

    def _reopened(self) -> Store:
        """Open the storage again, or make a new one if it was removed; the numbers continue."""
        return self._storage.store(self._retention, self._identity)

    def _readable(self) -> Reader:
        """Give a reader of what is written now, even if the storage was replaced."""
        if self._reader is not None and self._reader.outdated:
            self._reader.close()
            self._reader = None
        if self._reader is None:
            self._reader = self._storage.reader()
        return self._reader
