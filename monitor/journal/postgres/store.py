"""Write the journal's tables. One connection, no thread of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitor.journal.entries import Entry, Memory
from monitor.journal.postgres.connection import Connection, Server
from monitor.journal.storage import (
    SNIPPETS_SHARE,
    TIDY_EVENTS,
    TIDY_SNIPPETS,
    Retention,
    StoreError,
    columns_of,
)

ROW_BYTES = 200  # beside the text, with the indexes


class PostgresStore:
    """A journal opened for writing.

    Every transaction first checks, and locks, that no other service has taken the journal over.

    Parameters
    ----------
    connection
        Used by the writer's thread only, and closed with this.
    server
        Named in errors.
    epoch
        Of the service.
    retention
        How long events are kept.
    """

    def __init__(
        self, connection: Connection, server: Server, epoch: int, retention: Retention
    ) -> None:
        self._connection = connection
        self._server = server
        self._epoch = epoch
        self._retention = retention

    def append(
        self,
        entries: Sequence[Entry],
        memories: Mapping[str, Memory],
        positions: Mapping[str, tuple[int, int]],
    ) -> None:
        """Write in one transaction: everything, or nothing and a :class:`StoreError`.

        If the answer to a commit was lost, the same entries come again, and are left out.
        """
        signals = [
            (e.number, e.draft.stream, found.alert_id, found.text, found.samples)
            for e in entries
            if (found := e.draft.signal) is not None
        ]
        with self._transaction() as run:
            known = set()
            if entries:
                numbers = [e.number for e in entries]
                rows = run("SELECT number FROM events WHERE number = ANY(%s)", (numbers,))
                known = {row[0] for row in rows.fetchall()}
            new = [e for e in entries if e.number not in known]
            signals = [signal for signal in signals if signal[0] not in known]
            self._copy("events", [(*columns_of(e), self._epoch) for e in new])
            self._copy("snippets", signals)
            self._many(
                "INSERT INTO streams VALUES (%s, %s, %s) ON CONFLICT (stream)"
                " DO UPDATE SET wall_ns = excluded.wall_ns, text = excluded.text",
                [(name, m.wall_ns, m.text) for name, m in memories.items()],
            )
            self._many(
                "INSERT INTO positions VALUES (%s, %s, %s) ON CONFLICT (stream)"
                " DO UPDATE SET wall_ns = excluded.wall_ns, next_sample = excluded.next_sample",
                [(name, *position) for name, position in positions.items()],
            )
            if new:
                self._count(
                    run,
                    sum(len(e.draft.text.encode()) + ROW_BYTES for e in new),
                    sum(len(signal[4]) + len(signal[3]) + ROW_BYTES for signal in signals),
                    new[-1].number,
                )

    def tidy(self, wall_ns: int) -> int:
        """Delete a bounded number of entries beyond the retention; tell how many."""
        oldest_ns = self._retention.oldest_ns(wall_ns)
        with self._transaction() as run:
            sizes = run(
                "DELETE FROM events WHERE number IN"
                " (SELECT number FROM events WHERE wall_ns < %s ORDER BY wall_ns LIMIT %s)"
                " RETURNING octet_length(text)",
                (oldest_ns, TIDY_EVENTS),
            ).fetchall()
            deleted = len(sizes)
            self._count(run, -sum(row[0] + ROW_BYTES for row in sizes), 0)
            row = run("SELECT event_bytes, snippet_bytes FROM journal").fetchone()
            events, snippets = row or (0, 0)
            if events + snippets > self._retention.max_bytes:
                if snippets > SNIPPETS_SHARE * self._retention.max_bytes:
                    deleted += self._delete_snippets(
                        run,
                        "number IN (SELECT number FROM snippets ORDER BY number"
                        f" LIMIT {TIDY_SNIPPETS})",
                    )
                else:
                    sizes = run(
                        "DELETE FROM events WHERE number IN"
                        " (SELECT number FROM events ORDER BY number LIMIT %s)"
                        " RETURNING octet_length(text)",
                        (TIDY_EVENTS,),
                    ).fetchall()
                    deleted += len(sizes)
                    self._count(run, -sum(row[0] + ROW_BYTES for row in sizes), 0)
            self._delete_snippets(
                run,
                "number < coalesce((SELECT min(number) FROM events),"
                " (SELECT last_number + 1 FROM journal))",
            )
            if not deleted:  # streams without entries
                gone = "SELECT stream FROM positions WHERE wall_ns < %s AND NOT EXISTS"
                gone += " (SELECT 1 FROM events WHERE events.stream = positions.stream)"
                run(f"DELETE FROM streams WHERE stream IN ({gone})", (oldest_ns,))
                run(f"DELETE FROM positions WHERE stream IN ({gone})", (oldest_ns,))
        return deleted

    def close(self) -> None:
        """Close."""
        with contextlib.suppress(Exception):  # a connection that is broken
            self._connection.close()

    def _delete_snippets(self, run: Any, where: str) -> int:
        sizes = run(
            f"DELETE FROM snippets WHERE {where}"
            " RETURNING octet_length(samples) + octet_length(text)"
        ).fetchall()
        self._count(run, 0, -sum(row[0] + ROW_BYTES for row in sizes))
        return len(sizes)

    def _count(self, run: Any, events: int, snippets: int, last_number: int = 0) -> None:
        """Note how much there is, and the highest number."""
        if events or snippets or last_number:
            run(
                "UPDATE journal SET event_bytes = event_bytes + %s,"
                " snippet_bytes = snippet_bytes + %s, last_number = greatest(last_number, %s)",
                (events, snippets, last_number),
            )

    def _copy(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            with (
                self._connection.cursor() as cursor,
                cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy,
            ):
                for row in rows:
                    copy.write_row(row)

    def _many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(statement.encode(), rows)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        def run(statement: str, values: tuple[object, ...] = ()) -> Any:
            return self._connection.execute(statement.encode(), values)

        with self._server.explained(), self._connection.transaction():
            own = "SELECT 1 FROM journal WHERE epoch = %s FOR UPDATE"
            if not run(own, (self._epoch,)).rowcount:
                raise StoreError(f"another `serve` has taken over the journal {self._server}")
            yield run
