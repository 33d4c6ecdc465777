"""The journal's SQLite file: its tables, and how an older file becomes a present one.

``user_version`` is the version of the schema. Each migration takes a file one version on, in a
transaction of its own; a file of a newer version is refused, since writing to it might harm it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from monitor.errors import MonitorError

APPLICATION_ID = 0x45434A4C  # "ECJL": tells our files from any other SQLite file

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # AUTOINCREMENT: a number is never used again, also when the newest entry is deleted
        """CREATE TABLE events (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            wall_ns INTEGER NOT NULL,
            stream TEXT NOT NULL,
            kind TEXT NOT NULL,
            sample INTEGER NOT NULL,
            text TEXT NOT NULL,
            alert TEXT,
            priority TEXT,
            state TEXT
        ) STRICT""",
        "CREATE INDEX events_by_stream ON events (stream, number)",
        "CREATE INDEX events_by_time ON events (wall_ns)",
    ),
    (
        # tells a journal from another one in its place, whose numbers mean something else
        "CREATE TABLE journal (id TEXT NOT NULL) STRICT",
        "INSERT INTO journal VALUES (lower(hex(randomblob(8))))",
    ),
    (
        """CREATE TABLE streams (
            stream TEXT PRIMARY KEY,
            wall_ns INTEGER NOT NULL,
            text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID""",
        # written each second: small rows of their own
        """CREATE TABLE positions (
            stream TEXT PRIMARY KEY,
            wall_ns INTEGER NOT NULL,
            next_sample INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
    ),
    (
        # the evidence of an alert: much larger than the events
        """CREATE TABLE snippets (
            number INTEGER PRIMARY KEY,
            stream TEXT NOT NULL,
            alert_id INTEGER NOT NULL,
            text TEXT NOT NULL,
            samples BLOB NOT NULL
        ) STRICT""",
        "CREATE INDEX snippets_by_alert ON snippets (stream, alert_id)",
    ),
)
VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a file to the present schema; an empty one gets all of it.

    Raises
    ------
    MonitorError
        If the file is newer than this program, or no journal.
    """
    version = check(connection, path)
    for number in range(version, VERSION):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def check(connection: sqlite3.Connection, path: Path) -> int:
    """Give the version of a file's schema: 0 if it is empty.

    Raises
    ------
    MonitorError
        If the file is newer than this program, or no journal.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if application not in (0, APPLICATION_ID) or (tables and application == 0):
        raise MonitorError(f"{path} is an SQLite file, but not a journal; name another file")
    if version > VERSION:
        raise MonitorError(
            f"journal {path} has schema {version}, but this program knows up to {VERSION}; "
            "use the newer program, or name another file"
        )
    return version


class DiskFullError(MonitorError):
    """The disk takes nothing now; what has been written before may still be read."""


def failure(path: Path, error: sqlite3.Error) -> MonitorError:
    """Say why a journal cannot be opened."""
    return (DiskFullError if is_full(error) else MonitorError)(explained(path, error))


def is_full(error: sqlite3.Error) -> bool:
    """Tell whether the disk takes nothing now."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # of the kind: I/O errors have many
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def inode_of(path: Path) -> int | None:
    """Tell a file from another one of its name; None if there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def explained(path: Path, error: sqlite3.Error) -> str:
    """Say in one line why a journal cannot be used, and what to do."""
    if isinstance(error, sqlite3.OperationalError):
        return f"journal {path} cannot be used now: {error}"
    return f"journal {path} is damaged or not a journal ({error}); move it away and start anew"
