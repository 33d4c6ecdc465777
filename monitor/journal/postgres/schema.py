"""The tables of the journal in a database, all in the schema ``ecg_monitor``.

The only row of ``journal`` has the version of the schema. Each migration raises it by one.
"""

from __future__ import annotations

from monitor.errors import MonitorError
from monitor.journal.postgres.connection import Connection, Server

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE SCHEMA ecg_monitor",
        # epoch: which life of a service may write; last_number: the highest ever written, kept
        # when the newest event is deleted; the bytes are those of the events and of the snippets
        """CREATE TABLE journal (
            one boolean PRIMARY KEY DEFAULT true CHECK (one),
            version integer NOT NULL,
            id text NOT NULL,
            epoch bigint NOT NULL,
            complete boolean NOT NULL DEFAULT true,
            last_number bigint NOT NULL DEFAULT 0,
            event_bytes bigint NOT NULL DEFAULT 0,
            snippet_bytes bigint NOT NULL DEFAULT 0
        )""",
        """CREATE TABLE writers (
            epoch bigint PRIMARY KEY,
            host text NOT NULL,
            process bigint NOT NULL,
            since timestamptz NOT NULL DEFAULT now()
        )""",
        """CREATE TABLE events (
            number bigint PRIMARY KEY,
            wall_ns bigint NOT NULL,
            stream text COLLATE "C" NOT NULL,
            kind text NOT NULL,
            sample bigint NOT NULL,
            text text NOT NULL,
            alert text,
            priority text,
            state text,
            epoch bigint NOT NULL
        )""",
        "CREATE INDEX events_by_stream ON events (stream, number)",
        "CREATE INDEX events_by_time ON events (wall_ns)",
        """CREATE TABLE streams (
            stream text COLLATE "C" PRIMARY KEY,
            wall_ns bigint NOT NULL,
            text text NOT NULL
        )""",
        # written each second: small rows of their own
        """CREATE TABLE positions (
            stream text COLLATE "C" PRIMARY KEY,
            wall_ns bigint NOT NULL,
            next_sample bigint NOT NULL
        ) WITH (fillfactor = 50)""",
        """CREATE TABLE snippets (
            number bigint PRIMARY KEY,
            stream text COLLATE "C" NOT NULL,
            alert_id bigint NOT NULL,
            text text NOT NULL,
            samples bytea NOT NULL
        )""",
        "CREATE INDEX snippets_by_alert ON snippets (stream, alert_id)",
    ),
)
VERSION = len(MIGRATIONS)


def version_of(connection: Connection, server: Server) -> int:
    """Give the version of the schema, 0 if there is none.

    Raises
    ------
    MonitorError
        If it is newer than this program, or the schema is not ours.
    """
    there = connection.execute(
        "SELECT to_regnamespace('ecg_monitor') IS NOT NULL,"
        " to_regclass('ecg_monitor.journal') IS NOT NULL"
    ).fetchone()
    assert there is not None
    if not there[0]:
        return 0
    row = connection.execute("SELECT version FROM journal").fetchone() if there[1] else None
    if row is None:
        raise MonitorError(
            f"{server} has a schema ecg_monitor, but no journal in it; name another database"
        )
    version = int(row[0])
    if version > VERSION:
        raise MonitorError(
            f"journal {server} has schema {version}, but this program knows up to {VERSION}; "
            "use the newer program, or name another database"
        )
    return version


def migrate(connection: Connection, server: Server, identity: str, epoch: int) -> None:
    """Migrate to the present schema; an empty database gets all tables.

    ``identity`` and ``epoch`` are those of a journal that is made anew.

    Raises
    ------
    MonitorError
        As :func:`version_of`.
    """
    for number in range(version_of(connection, server), VERSION):
        with connection.transaction():
            for statement in MIGRATIONS[number]:
                connection.execute(statement.encode())
            if number == 0:
                connection.execute(
                    "INSERT INTO journal (version, id, epoch) VALUES (1, %s, %s)", (identity, epoch)
                )
            connection.execute("UPDATE journal SET version = %s", (number + 1,))
