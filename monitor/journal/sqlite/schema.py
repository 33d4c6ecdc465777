"""The journal's SQLite file: its tables, and the migrations of older files.

``user_version`` is the version of the schema. Each migration raises it by one, in a transaction
of its own. A file of a newer version is refused, since writing to it might damage it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from monitor.errors import MonitorError
from monitor.journal.storage import DiskFullError, StoreError

APPLICATION_ID = 0x45434A4C  # "ECJL": marks our files among SQLite files

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # AUTOINCREMENT: a number is never used again, even if the newest entry is deleted
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
        # identity: numbers of another journal in the same place mean other events
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
        # the signal before an alert: much larger than the events
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
    """Migrate a file to the present schema; an empty file gets all tables.

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
    """Give the schema version of a file, 0 if it is empty.

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


def failure(path: Path, error: sqlite3.Error) -> MonitorError:
    """Give the error of a journal that cannot be opened."""
    return (DiskFullError if is_full(error) else MonitorError)(explained(path, error))


def explained_write(path: Path, error: sqlite3.Error) -> StoreError:
    """Give the error of a write that failed, in the words of one that cannot be opened."""
    return (DiskFullError if is_full(error) else StoreError)(explained(path, error))


def is_full(error: sqlite3.Error) -> bool:
    """Tell whether the error means that the disk cannot be written now."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended code
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def inode_of(path: Path) -> int | None:
    """Give the inode of a file, None if there is no file; it shows when a file is replaced."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def explained(path: Path, error: sqlite3.Error) -> str:
    """Give one line: why a journal cannot be used, and what to do."""
    if isinstance(error, sqlite3.OperationalError):
        return f"journal {path} cannot be used now: {error}"
    return f"journal {path} is damaged or not a journal ({error}); move it away and start anew"
