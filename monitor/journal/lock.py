"""One journal, one service: a lock that the operating system lets go when its holder dies."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from monitor.errors import MonitorError


class Lock:
    """Holds ``FILE.lock`` for as long as the process lives, or until it is closed.

    The lock is SQLite's own on an empty database, which works on every system that SQLite does.

    Parameters
    ----------
    path
        The file that is to be written by us alone.

    Raises
    ------
    MonitorError
        If another process holds it.
    """

    def __init__(self, path: Path) -> None:
        lock = Path(f"{path}.lock")
        try:
            lock.touch(mode=0o600)
            self._connection = sqlite3.connect(
                lock, 0, isolation_level=None, check_same_thread=False
            )
            # nothing is ever written: no room on the disk is needed for it
            self._connection.execute("PRAGMA journal_mode = MEMORY")
            self._connection.execute("BEGIN EXCLUSIVE")
        except (OSError, sqlite3.Error) as error:
            if "locked" in str(error):
                raise MonitorError(
                    f"journal {path} is being written by another `serve`; name another file with "
                    "--journal FILE"
                ) from error
            raise MonitorError(f"journal {path} cannot be locked: {error}") from error

    def close(self) -> None:
        """Let go."""
        self._connection.close()
