"""A journal in a file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from monitor.errors import MonitorError
from monitor.journal.sqlite.lock import Lock
from monitor.journal.sqlite.reader import SqliteReader
from monitor.journal.sqlite.store import SqliteStore
from monitor.journal.storage import Reader, Retention, Store

NEW_FILE_MODE = 0o600  # it holds health data
NEW_FOLDER_MODE = 0o700


class SqliteFile:
    """Stores a journal in one file.

    ``FILE.complete`` lies beside the file while every number given out so far is in the file.

    Parameters
    ----------
    path
        The file; made if it does not exist.
    """

    slow = "the disk is slow"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._complete = Path(f"{path}.complete")
        self._lock: Lock | None = None

    def __str__(self) -> str:
        return str(self._path)

    def take(self) -> bool:
        """Take the right to write; tell whether the file is empty."""
        fresh = self._prepare()
        self._lock = Lock(self._path)
        return fresh

    def release(self) -> None:
        """Give the right back."""
        if self._lock is not None:
            self._lock.close()

    def store(self, retention: Retention | None = None, identity: str | None = None) -> Store:
        """Open for writing, or make anew."""
        self._prepare()
        return SqliteStore(self._path, retention, identity)

    def reader(self, alone: bool = False) -> Reader:
        """Open for reading."""
        return SqliteReader(self._path, 0.0, alone)

    @property
    def complete(self) -> bool:
        """Every number that was given out is in the file."""
        return self._complete.exists()

    def note_complete(self, complete: bool) -> None:
        """Note whether every number that was given out is in the file."""
        if complete == self.complete:
            return
        # on a read-only disk the mark stays, but then no service can start there either
        with contextlib.suppress(OSError):
            if complete:
                self._complete.touch(mode=NEW_FILE_MODE)
            else:
                self._complete.unlink(missing_ok=True)

    def _prepare(self) -> bool:
        """Make the file and its folder, for their owner only; tell whether the file is empty."""
        path = self._path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=NEW_FOLDER_MODE)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, NEW_FILE_MODE))
            return path.stat().st_size == 0
        except OSError as error:
            raise MonitorError(
                f"journal {path} cannot be written: {error.strerror}; name another with "
                "--journal FILE"
            ) from error
