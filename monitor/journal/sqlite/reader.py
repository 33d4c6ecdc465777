"""Read the journal's SQLite file, also while another process writes it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from monitor.errors import MonitorError
from monitor.journal.entries import AlertSignal, Draft, Entry, Memory, Query
from monitor.journal.sqlite.schema import VERSION, check, explained, inode_of
from monitor.journal.storage import PAGE, Reader, conditions

PATIENCE_S = 2.0


class SqliteReader(Reader):
    """A journal's file opened for reading.

    Parameters
    ----------
    path
        The file.
    patience_s
        How long to wait for a locked file.
    alone
        No process writes it while it is open.

    Raises
    ------
    MonitorError
        If there is no such journal, or it cannot be read.
    """

    def __init__(self, path: Path, patience_s: float = PATIENCE_S, alone: bool = False) -> None:
        self._path = path
        log = Path(f"{path}-wal")
        if not path.is_file():
            raise MonitorError(f"there is no journal {path}; name one with --journal FILE")
        uri = f"{path.resolve().as_uri()}?mode=ro"
        # to read a log SQLite makes a file beside it; where it cannot, nobody can write either
        alone = alone or not os.access(path.parent, os.W_OK)
        if alone and not (log.exists() and log.stat().st_size):
            uri += "&immutable=1"
        try:
            self._connection = sqlite3.connect(
                uri, patience_s, isolation_level=None, check_same_thread=False, uri=True
            )
            version = check(self._connection, path)
            self._inode = inode_of(path)
        except sqlite3.Error as error:
            raise MonitorError(explained(path, error)) from error
        if version < VERSION:
            self.close()
            raise MonitorError(
                f"journal {path} has schema {version}, this program reads {VERSION}; start "
                "`serve` with it once, which brings it up to date"
            )

    @property
    def outdated(self) -> bool:
        """Another file has taken the place of the opened one."""
        return inode_of(self._path) != self._inode

    def page(self, query: Query, limit: int = PAGE) -> list[Entry]:
        """Give the first entries wanted, in order of their numbers.

        Raises
        ------
        MonitorError
            If the file cannot be read.
        """
        where, values = conditions(query, "?")
        try:
            rows = self._connection.execute(
                "SELECT number, wall_ns, stream, kind, sample, text, alert, priority, state "
                f"FROM events WHERE {where} ORDER BY number LIMIT ?",
                [*values, limit],
            ).fetchall()
        except sqlite3.Error as error:
            raise MonitorError(explained(self._path, error)) from error
        return [Entry(row[0], row[1], Draft(*row[2:])) for row in rows]

    def alert_signal(self, stream: str, alert_id: int) -> AlertSignal | None:
        """Give the stored signal before an alert, None if it is not (or no longer) stored.

        Raises
        ------
        MonitorError
            If the file cannot be read.
        """
        try:
            row = self._connection.execute(
                "SELECT alert_id, text, samples FROM snippets WHERE stream = ? AND alert_id = ?"
                " ORDER BY number DESC LIMIT 1",
                (stream, alert_id),
            ).fetchone()
        except sqlite3.Error as error:
            raise MonitorError(explained(self._path, error)) from error
        return AlertSignal(*row) if row else None

    def identity(self) -> str:
        """Give the identity of this journal."""
        row = self._connection.execute("SELECT id FROM journal").fetchone()
        return str(row[0])

    def first(self) -> int:
        """Give the number of the oldest entry, 0 if there is none."""
        return int(self._connection.execute("SELECT min(number) FROM events").fetchone()[0] or 0)

    def memories(self) -> dict[str, Memory]:
        """Give the stored state of every stream."""
        rows = self._connection.execute(
            "SELECT stream, text, next_sample, positions.wall_ns"
            " FROM streams JOIN positions USING (stream)"
        )
        return {name: Memory(*rest) for name, *rest in rows}

    def last_number(self) -> int:
        """Give the highest number ever written, 0 if there is none."""
        row = self._connection.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
        ).fetchone()
        return int(row[0]) if row else 0

    def last_numbers(self) -> dict[str, int]:
        """Give the number of the last entry of every stream."""
        rows = self._connection.execute("SELECT stream, max(number) FROM events GROUP BY stream")
        return dict(rows.fetchall())

    def close(self) -> None:
        """Close."""
        self._connection.close()
