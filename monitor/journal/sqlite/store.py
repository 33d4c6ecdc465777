"""Write the journal's file. One connection, no thread of its own."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from monitor.errors import MonitorError
from monitor.journal.entries import Entry, Memory
from monitor.journal.sqlite.schema import (
    check,
    explained_write,
    failure,
    inode_of,
    migrate,
)
from monitor.journal.storage import (
    SNIPPETS_SHARE,
    TIDY_EVENTS,
    TIDY_SNIPPETS,
    Retention,
    StoreError,
    columns_of,
)

BUSY_TIMEOUT_S = 2.0
TIDY_PAGES = 500  # given back to the disk at a time


class SqliteStore:
    """A journal opened for writing.

    Parameters
    ----------
    path
        The file; made if it does not exist.
    retention
        How long events are kept.
    identity
        New identity of the journal; by default it keeps its own.

    Raises
    ------
    DiskFullError
        If the disk cannot be written now.
    MonitorError
        If it cannot be opened, is no journal, or of a newer version.
    """

    def __init__(
        self, path: Path, retention: Retention | None = None, identity: str | None = None
    ) -> None:
        self._path = path
        self._retention = retention or Retention()
        # made here, then used by the writer thread only
        self._connection = sqlite3.connect(
            path, BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            if not check(self._connection, path):
                self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self._connection.execute("PRAGMA journal_mode = WAL")
            # a commit survives a power failure
            self._connection.execute("PRAGMA synchronous = FULL")
            migrate(self._connection, path)
            if identity is not None:
                self._connection.execute("UPDATE journal SET id = ?", (identity,))
            self._inode = inode_of(path)
        except sqlite3.Error as error:
            self._connection.close()
            raise failure(path, error) from error
        except MonitorError:
            self._connection.close()
            raise

    def append(
        self,
        entries: Sequence[Entry],
        memories: Mapping[str, Memory],
        positions: Mapping[str, tuple[int, int]],
    ) -> None:
        """Write in one transaction: everything, or nothing and a :class:`StoreError`.

        ``positions`` are (wall_ns, next sample) of streams.
        """
        if inode_of(self._path) != self._inode:  # SQLite would write on into a removed file
            raise StoreError(f"{self._path} has been removed or replaced")
        with self._transaction():
            self._connection.executemany(
                "INSERT INTO events (number, wall_ns, stream, kind, sample, text, alert, priority,"
                " state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [columns_of(e) for e in entries],
            )
            self._connection.executemany(
                "INSERT INTO snippets VALUES (?, ?, ?, ?, ?)",
                [
                    (e.number, e.draft.stream, found.alert_id, found.text, found.samples)
                    for e in entries
                    if (found := e.draft.signal) is not None
                ],
            )
            self._connection.executemany(
                "REPLACE INTO streams VALUES (?, ?, ?)",
                [(name, m.wall_ns, m.text) for name, m in memories.items()],
            )
            self._connection.executemany(
                "REPLACE INTO positions VALUES (?, ?, ?)",
                [(name, *position) for name, position in positions.items()],
            )

    def tidy(self, wall_ns: int) -> int:
        """Delete a bounded number of entries beyond the retention; tell how many."""
        execute = self._connection.execute
        oldest_ns = self._retention.oldest_ns(wall_ns)
        with self._transaction():
            deleted = execute(
                "DELETE FROM events WHERE number IN"
                " (SELECT number FROM events WHERE wall_ns < ? ORDER BY wall_ns LIMIT ?)",
                (oldest_ns, TIDY_EVENTS),
            ).rowcount
            if self._too_large():
                table, count = "events", TIDY_EVENTS
                if self._many_snippets():
                    table, count = "snippets", TIDY_SNIPPETS
                deleted += execute(
                    f"DELETE FROM {table} WHERE number IN"
                    f" (SELECT number FROM {table} ORDER BY number LIMIT ?)",
                    (count,),
                ).rowcount
            first = "coalesce((SELECT min(number) FROM events), number + 1)"
            execute(f"DELETE FROM snippets WHERE number < {first}")
            if not deleted:  # streams without entries
                gone = "SELECT stream FROM positions WHERE wall_ns < ? AND NOT EXISTS"
                gone += " (SELECT 1 FROM events WHERE events.stream = positions.stream)"
                execute(f"DELETE FROM streams WHERE stream IN ({gone})", (oldest_ns,))
                execute(f"DELETE FROM positions WHERE stream IN ({gone})", (oldest_ns,))
        with self._failing():
            # gives a row a page, without columns: execute() would stop after the first
            self._connection.executescript(f"PRAGMA incremental_vacuum({TIDY_PAGES})")
        return deleted

    def _too_large(self) -> bool:
        """Tell whether the content takes more than its room."""
        pages, free, size = (
            int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size > self._retention.max_bytes

    def _many_snippets(self) -> bool:
        """Tell whether snippets take more than their share of the room."""
        found = self._connection.execute("SELECT total(length(samples)) FROM snippets").fetchone()
        return float(found[0]) > SNIPPETS_SHARE * self._retention.max_bytes

    def close(self) -> None:
        """Close; SQLite merges the write-ahead log into the file."""
        self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._failing():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explained_write(self._path, error) from error
