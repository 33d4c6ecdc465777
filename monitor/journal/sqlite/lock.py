"""A lock: one journal, one service. The operating system releases it when its holder dies."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from monitor.errors import MonitorError


class Lock:
    """Holds ``FILE.lock`` until it is closed or the process ends.

    The lock is SQLite's own on an empty database, so it works wherever SQLite does.

    Parameters
    ----------
    path
        The journal that only this process may write.

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
            # nothing is written, so a full disk does not matter
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
        """Release the lock."""
        self._connection.close()
