"""The journal's file as it is read, also while another process writes it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.errors import MonitorError
from monitor.journal.entries import Draft, Entry
from monitor.journal.schema import VERSION, check, explained

PAGE = 500
PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Query:
    """What is wanted of a journal; an empty tuple or None stands for all.

    ``after`` is a journal number; ``since_ns`` and ``until_ns`` are wall times of journalling,
    the latter not included. ``kinds`` holds kinds of messages and kinds of alerts: an entry of
    any of them is wanted.
    """

    after: int = 0
    streams: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None

    def wants(self, entry: Entry) -> bool:
        """Tell whether an entry is wanted."""
        draft = entry.draft
        return (
            entry.number > self.after
            and (not self.streams or draft.stream in self.streams)
            and (not self.kinds or draft.kind in self.kinds or draft.alert in self.kinds)
            and (not self.priorities or draft.priority in self.priorities)
            and (self.since_ns is None or entry.wall_ns >= self.since_ns)
            and (self.until_ns is None or entry.wall_ns < self.until_ns)
        )


class Reader:
    """A journal that is only read.

    Parameters
    ----------
    path
        The file.
    patience_s
        How long to wait for a file that is locked.

    Raises
    ------
    MonitorError
        If there is no such journal, or it cannot be read.
    """

    def __init__(self, path: Path, patience_s: float = PATIENCE_S) -> None:
        self._path = path
        if not path.is_file():
            raise MonitorError(f"there is no journal {path}; name one with --journal FILE")
        uri = f"{path.resolve().as_uri()}?mode=ro"
        # SQLite reads a log through a file beside it: where it can make none, nobody may write
        if not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists():
            uri += "&immutable=1"
        try:
            self._connection = sqlite3.connect(uri, patience_s, isolation_level=None, uri=True)
            version = check(self._connection, path)
        except sqlite3.Error as error:
            raise MonitorError(explained(path, error)) from error
        if version < VERSION:
            self.close()
            raise MonitorError(
                f"journal {path} has schema {version}, this program reads {VERSION}; start "
                "`serve` with it once, which brings it up to date"
            )

    def page(self, query: Query, limit: int = PAGE) -> list[Entry]:
        """Give the first entries that are wanted, in order of their numbers.

        Raises
        ------
        MonitorError
            If the file cannot be read.
        """
        where, values = _conditions(query)
        try:
            rows = self._connection.execute(
                "SELECT number, wall_ns, stream, kind, sample, text, alert, priority, state "
                f"FROM events WHERE {where} ORDER BY number LIMIT ?",
                [*values, limit],
            ).fetchall()
        except sqlite3.Error as error:
            raise MonitorError(explained(self._path, error)) from error
        return [Entry(row[0], row[1], Draft(*row[2:])) for row in rows]

    def entries(self, query: Query) -> Iterator[Entry]:
        """Give all entries that are wanted; the file is not held open by whoever takes them."""
        while page := self.page(query):
            yield from page
            query = replace(query, after=page[-1].number)

    def close(self) -> None:
        """Close."""
        self._connection.close()


def _conditions(query: Query) -> tuple[str, list[object]]:
    terms, values = ["number > ?"], list[object]([query.after])
    for columns, wanted in (
        (("stream",), query.streams),
        (("kind", "alert"), query.kinds),
        (("priority",), query.priorities),
    ):
        if wanted:
            marks = ", ".join("?" * len(wanted))
            terms.append("(" + " OR ".join(f"{name} IN ({marks})" for name in columns) + ")")
            values += list(wanted) * len(columns)
    if query.since_ns is not None:
        terms.append("wall_ns >= ?")
        values.append(query.since_ns)
    if query.until_ns is not None:
        terms.append("wall_ns < ?")
        values.append(query.until_ns)
    return " AND ".join(terms), values
