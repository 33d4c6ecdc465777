"""The thread that writes the journal, so that a slow or full disk holds nobody up for long."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol

from monitor.errors import MonitorError
from monitor.journal.entries import Entry, Memory
from monitor.journal.schema import DiskFullError, is_full

MAX_WAITING = 10_000
BATCH = 1000
RETRY_S = 1.0


class Target(Protocol):
    """Where the thread writes (:class:`monitor.journal.store.Store`)."""

    def append(
        self,
        entries: Sequence[Entry],
        memories: Mapping[str, Memory],
        positions: Mapping[str, tuple[int, int]],
    ) -> None:
        """Write everything or nothing; an ``sqlite3.Error`` says why nothing."""
        ...

    def tidy(self, wall_ns: int) -> object:
        """Delete a bounded part of what need not be kept any longer."""
        ...

    def close(self) -> None:
        """Close."""
        ...


class Writer:
    """Takes entries in order and writes them, at once or as soon as that is possible.

    What cannot be written waits, at most :data:`MAX_WAITING` entries, and is tried again with
    a file opened anew every ``retry_s``. Where the disk is full it waits without its evidence,
    which needs far more room.

    Parameters
    ----------
    target
        The file; None if it could not be opened.
    reopen
        Opens the file, then and after a failure.
    trouble
        Why it could not be opened.
    retry_s
        Seconds between two trials.
    """

    def __init__(
        self,
        target: Target | None,
        reopen: Callable[[], Target],
        trouble: str = "",
        retry_s: float = RETRY_S,
    ) -> None:
        self._open = reopen
        self._retry_s = retry_s
        self._target = target
        self._changed = threading.Condition()
        self._waiting: deque[Entry] = deque()
        self._memories: dict[str, Memory] = {}
        self._positions: dict[str, tuple[int, int]] = {}
        self._trouble = trouble
        self._tidy_ns: int | None = None
        self._closing = False
        self._forgone = False  # the last failure took evidence away: to be tried again
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why entries are waiting; empty while all is well."""
        return self._trouble

    def waiting(self) -> list[Entry]:
        """Give the entries that are not on the disk yet."""
        with self._changed:
            return list(self._waiting)

    def room(self) -> int:
        """How many more entries can wait."""
        return MAX_WAITING - len(self._waiting)

    def note(self, positions: Mapping[str, tuple[int, int]]) -> None:
        """Take how far streams have come; nobody waits for that."""
        with self._changed:
            self._positions.update(positions)
            self._changed.notify_all()

    def tidy(self, wall_ns: int) -> None:
        """Have old events deleted, when nothing else is to be done."""
        with self._changed:
            self._tidy_ns = wall_ns
            self._changed.notify_all()

    def write(
        self, entries: Sequence[Entry], memories: Mapping[str, Memory], patience_s: float
    ) -> bool:
        """Take entries; tell whether they came to the disk within ``patience_s``.

        While the disk is in trouble nobody waits for it.
        """
        with self._changed:
            self._waiting.extend(entries)
            self._memories.update(memories)
            self._positions.update((n, (m.wall_ns, m.next_sample)) for n, m in memories.items())
            self._changed.notify_all()
            if not self._trouble:
                self._changed.wait_for(lambda: not self._waiting or self._trouble, patience_s)
            if self._waiting and not self._trouble:
                self._trouble = "the disk is slow"
            return not self._waiting

    def close(self, patience_s: float) -> int:
        """Write what waits if that is possible; give how many entries were not written."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(patience_s)
        return len(self._waiting)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: (
                        self._waiting
                        or self._memories
                        or self._positions
                        or self._tidy_ns is not None
                        or self._closing
                    )
                )
                tidy_ns, self._tidy_ns = self._tidy_ns, None
                batch = list(islice(self._waiting, BATCH))
                memories, self._memories = self._memories, {}
                positions, self._positions = self._positions, {}
            if not (batch or memories or positions or tidy_ns is not None):
                break
            reason = self._write(batch, memories, positions)
            with self._changed:
                if reason:
                    self._trouble = reason
                    self._memories = memories | self._memories
                    self._positions = positions | self._positions
                else:
                    for _ in batch:
                        self._waiting.popleft()
                    if not self._waiting:
                        self._trouble = ""
                self._changed.notify_all()
                if reason:
                    if self._closing and not self._forgone:
                        break
                    self._changed.wait_for(lambda: self._closing, self._retry_s)
            if tidy_ns is not None and self._target is not None:
                self._tidy(self._target, tidy_ns)
        if self._target is not None:
            self._target.close()

    def _tidy(self, target: Target, wall_ns: int) -> None:
        with contextlib.suppress(sqlite3.Error):  # what is old can wait
            target.tidy(wall_ns)

    def _write(
        self,
        batch: list[Entry],
        memories: Mapping[str, Memory],
        positions: Mapping[str, tuple[int, int]],
    ) -> str:
        """Write a batch; give why that failed, empty if it did not."""
        self._forgone = False
        try:
            if self._target is None:
                self._target = self._open()
            if batch or memories or positions:
                self._target.append(batch, memories, positions)
        except (sqlite3.Error, MonitorError) as error:
            if self._target is not None:
                self._target.close()
                self._target = None
            full = isinstance(error, DiskFullError)
            if full or (isinstance(error, sqlite3.Error) and is_full(error)):
                self._forgo_evidence()
            return " ".join(str(error).split())
        return ""

    def _forgo_evidence(self) -> None:
        with self._changed:
            for place, entry in enumerate(self._waiting):
                if entry.draft.evidence is not None:
                    draft = replace(entry.draft, evidence=None)
                    self._waiting[place] = replace(entry, draft=draft)
                    self._forgone = True
