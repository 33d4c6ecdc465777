"""A journal in a database, and the right of one service to write it.

Rules:

1. A service holds a lock of the database on a connection of its own. The database frees it when
   the connection, the process or the machine is gone.
2. A service that starts takes the next *epoch*. Every write checks its epoch. So one that was cut
   off, and comes back after another took over, writes nothing more.
3. A number that a subscriber has seen is never used again. A clean end says in the database that
   all numbers given out are stored; while a service runs, a file in the state folder of its machine
   says so. After a crash, another machine cannot know, and leaves out as many numbers as may be
   missing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from pathlib import Path

from monitor.errors import MonitorError
from monitor.journal.place import state_folder
from monitor.journal.postgres.bounded import BoundedReader
from monitor.journal.postgres.connection import Connection, LockedError, Server
from monitor.journal.postgres.reader import PostgresReader
from monitor.journal.postgres.schema import migrate, version_of
from monitor.journal.postgres.store import PostgresStore
from monitor.journal.storage import Reader, Retention, Store, StoreError

LOCK = 0x45434A4C  # "ECJL"; locks are of one database


class PostgresDatabase:
    """Stores a journal in a database.

    Parameters
    ----------
    url
        See :class:`~monitor.journal.postgres.connection.Server`.

    Raises
    ------
    MonitorError
        If it is not the URL of a database.
    """

    slow = "the database is slow"

    def __init__(self, url: str) -> None:
        self._server = Server(url)
        self._lock: Connection | None = None
        self._before = self._epoch = 0
        self._identity = secrets.token_hex(8)
        self._was_complete = False
        self._noted: bool | None = None

    def __str__(self) -> str:
        """Name the database, without a password."""
        return str(self._server)

    def take(self) -> bool:
        """Take the right to write; tell whether there is no journal yet."""
        self._lock = lock = self._locked()
        with self._server.explained():
            row = lock.execute("SHOW server_encoding").fetchone()
            if row is None or row[0] != "UTF8":
                raise MonitorError(
                    f"journal {self}: the database is not in UTF8; make another: createdb "
                    "--encoding UTF8 --template template0 NAME"
                )
            if not version_of(lock, self._server):
                return True
            row = lock.execute("SELECT epoch, complete, id FROM journal").fetchone()
            assert row is not None
            self._before, self._was_complete, self._identity = int(row[0]), bool(row[1]), row[2]
        return False

    def release(self) -> None:
        """Give the right back; after a clean end say that nothing is missing."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        with contextlib.suppress(Exception):  # the database is away, or the connection broken
            if self._noted and self._epoch:
                lock.execute("UPDATE journal SET complete = true WHERE epoch = %s", (self._epoch,))
        with contextlib.suppress(Exception):
            lock.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
        with contextlib.suppress(Exception):
            lock.close()

    def store(self, retention: Retention | None = None, identity: str | None = None) -> Store:
        """Open for writing; make the tables if there are none."""
        if self._lock is None or not _alive(self._lock):
            if self._lock is not None:
                self._lock.close()
            self._lock = self._locked()
        connection = self._server.connect()
        try:
            with self._server.explained():
                migrate(
                    connection, self._server, identity or self._identity,
                    self._epoch or self._before,
                )  # fmt: skip
                if not self._epoch:
                    self._epoch = self._next_epoch(connection)
            return PostgresStore(connection, self._server, self._epoch, retention or Retention())
        except BaseException:
            connection.close()
            raise

    def reader(self, alone: bool = False) -> Reader:
        """Open for reading, with a limit of time for each answer."""
        return BoundedReader(self.patient_reader, str(self))

    def patient_reader(self) -> Reader:
        """Open for reading, with patience.

        Raises
        ------
        MonitorError
            If there is no such journal, or it cannot be read.
        """
        return PostgresReader(self._server)

    @property
    def complete(self) -> bool:
        """Every number that was given out is stored, as far as the database or we know."""
        if self._was_complete:
            return True
        with contextlib.suppress(OSError):
            return self._mark.read_text(encoding="ascii") == str(self._before)
        return False

    def note_complete(self, complete: bool) -> None:
        """Note in a file of this machine whether every number that was given out is stored."""
        if complete == self._noted:
            return
        self._noted = complete
        with contextlib.suppress(OSError):
            if complete:
                self._mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._mark.write_text(str(self._epoch), encoding="ascii")
            else:
                self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return state_folder() / f"journal-{self._identity}.complete"

    def _locked(self) -> Connection:
        """Open the connection that holds the lock."""
        connection = self._server.connect()
        try:
            with self._server.explained():
                # waits a moment: the database may not have noticed yet that its holder is gone
                connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        except LockedError as error:
            connection.close()
            raise StoreError(
                f"journal {self} is being written by another `serve`; name another database with "
                "--journal"
            ) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _next_epoch(self, connection: Connection) -> int:
        with connection.transaction():
            row = connection.execute(
                "UPDATE journal SET epoch = epoch + 1, complete = false WHERE epoch = %s"
                " RETURNING epoch, id",
                (self._before,),
            ).fetchone()
            if row is None:
                raise StoreError(f"another `serve` has taken over the journal {self}")
            connection.execute(
                "INSERT INTO writers (epoch, host, process) VALUES (%s, %s, %s)",
                (row[0], socket.gethostname(), os.getpid()),
            )
        self._identity = row[1]
        return int(row[0])


def _alive(connection: Connection) -> bool:
    """Tell whether the connection, and so its lock, is still there."""
    try:
        connection.execute("SELECT 1")
    except Exception:
        return False
    return True
