"""Read the journal's tables, also while another process writes them."""

from __future__ import annotations

import contextlib
from typing import Any

from monitor.errors import MonitorError
from monitor.journal.entries import AlertSignal, Draft, Entry, Memory, Query
from monitor.journal.postgres.connection import READ_MS, Server
from monitor.journal.postgres.schema import VERSION, version_of
from monitor.journal.storage import PAGE, Reader, conditions


class PostgresReader(Reader):
    """A journal in a database, opened for reading.

    Parameters
    ----------
    server
        Of the database.

    Raises
    ------
    MonitorError
        If there is no such journal, or it cannot be read.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection = server.connect(READ_MS)
        try:
            with server.explained():
                version = version_of(self._connection, server)
            if version < VERSION:
                raise MonitorError(
                    f"there is no journal in {server}"
                    if not version
                    else f"journal {server} has schema {version}, this program reads {VERSION}; "
                    "start `serve` with it once, which brings it up to date"
                )
        except BaseException:
            self._connection.close()
            raise

    @property
    def outdated(self) -> bool:
        """The connection is broken."""
        return self._connection.closed

    def page(self, query: Query, limit: int = PAGE) -> list[Entry]:
        """Give the first entries wanted, in order of their numbers."""
        where, values = conditions(query, "%s")
        rows = self._rows(
            "SELECT number, wall_ns, stream, kind, sample, text, alert, priority, state "
            f"FROM events WHERE {where} ORDER BY number LIMIT %s",
            (*values, limit),
        )
        return [Entry(row[0], row[1], Draft(*row[2:])) for row in rows]

    def alert_signal(self, stream: str, alert_id: int) -> AlertSignal | None:
        """Give the stored signal before an alert, None if it is not (or no longer) stored."""
        rows = self._rows(
            "SELECT alert_id, text, samples FROM snippets WHERE stream = %s AND alert_id = %s"
            " ORDER BY number DESC LIMIT 1",
            (stream, alert_id),
        )
        return AlertSignal(*rows[0]) if rows else None

    def identity(self) -> str:
        """Give the identity of this journal."""
        return str(self._rows("SELECT id FROM journal")[0][0])

    def first(self) -> int:
        """Give the number of the oldest entry, 0 if there is none."""
        return int(self._rows("SELECT min(number) FROM events")[0][0] or 0)

    def memories(self) -> dict[str, Memory]:
        """Give the stored state of every stream."""
        rows = self._rows(
            "SELECT stream, text, next_sample, positions.wall_ns"
            " FROM streams JOIN positions USING (stream) ORDER BY stream"
        )
        return {name: Memory(*rest) for name, *rest in rows}

    def last_number(self) -> int:
        """Give the highest number ever written, 0 if there is none."""
        return int(self._rows("SELECT last_number FROM journal")[0][0])

    def last_numbers(self) -> dict[str, int]:
        """Give the number of the last entry of every stream."""
        return dict(self._rows("SELECT stream, max(number) FROM events GROUP BY stream"))

    def close(self) -> None:
        """Close."""
        with contextlib.suppress(Exception):  # a connection that is broken
            self._connection.close()

    def _rows(self, statement: str, values: tuple[object, ...] = ()) -> list[Any]:
        with self._server.explained():
            return self._connection.execute(statement.encode(), values).fetchall()
