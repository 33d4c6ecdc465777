"""The thread that writes the journal, so that a slow or full disk never blocks the service."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from monitor.errors import MonitorError
from monitor.journal.entries import Entry, Memory
from monitor.journal.storage import DiskFullError, Store, StoreError

MAX_WAITING = 10_000
BATCH = 1000
RETRY_S = 1.0


class Writer:
    """Takes entries in order and writes them at once, or as soon as possible.

    At most :data:`MAX_WAITING` entries wait while the storage fails. Every ``retry_s`` the writer
    opens it anew and tries again. If the disk is full, waiting entries lose their signal,
    which needs far more room.

    Parameters
    ----------
    target
        The opened storage; None if it could not be opened.
    reopen
        Opens it if it is not open, or after a failure.
    trouble
        Why it could not be opened.
    retry_s
        Seconds between two attempts.
    slow
        What is said when a write takes too long.
    """

    def __init__(
        self,
        target: Store | None,
        reopen: Callable[[], Store],
        trouble: str = "",
        retry_s: float = RETRY_S,
        slow: str = "the disk is slow",
    ) -> None:
        self._open = reopen
        self._retry_s = retry_s
        self._slow = slow
        self._target = target
        self._changed = threading.Condition()
        self._waiting: deque[Entry] = deque()
        self._memories: dict[str, Memory] = {}
        self._positions: dict[str, tuple[int, int]] = {}
        self._trouble = trouble
        self._tidy_ns: int | None = None
        self._closing = False
        self._dropped = False  # the last failure dropped signals: try again
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why entries wait; empty while none do."""
        return self._trouble

    def waiting(self) -> list[Entry]:
        """Give the entries that are not on the disk yet."""
        with self._changed:
            return list(self._waiting)

    def room(self) -> int:
        """How many more entries can wait."""
        return MAX_WAITING - len(self._waiting)

    def note(self, positions: Mapping[str, tuple[int, int]]) -> None:
        """Take the positions of streams, to be written later."""
        with self._changed:
            self._positions.update(positions)
            self._changed.notify_all()

    def tidy(self, wall_ns: int) -> None:
        """Ask for the deletion of old events."""
        with self._changed:
            self._tidy_ns = wall_ns
            self._changed.notify_all()

    def write(
        self, entries: Sequence[Entry], memories: Mapping[str, Memory], patience_s: float
    ) -> bool:
        """Take entries; tell whether they reached the disk within ``patience_s``.

        While the disk fails this returns at once.
        """
        with self._changed:
            self._waiting.extend(entries)
            self._memories.update(memories)
            self._positions.update((n, (m.wall_ns, m.next_sample)) for n, m in memories.items())
            self._changed.notify_all()
            if not self._trouble:
                self._changed.wait_for(lambda: not self._waiting or self._trouble, patience_s)
            if self._waiting and not self._trouble:
                self._trouble = self._slow
            return not self._waiting

    def close(self, patience_s: float) -> int:
        """Write the entries that wait, if possible; give how many were not written."""
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
                    if self._closing and not self._dropped:
                        break
                    self._changed.wait_for(lambda: self._closing, self._retry_s)
            if tidy_ns is not None and self._target is not None:
                self._tidy(self._target, tidy_ns)
        if self._target is not None:
            self._target.close()

    def _tidy(self, target: Store, wall_ns: int) -> None:
        with contextlib.suppress(StoreError):  # old entries can wait
            target.tidy(wall_ns)

    def _write(
        self,
        batch: list[Entry],
        memories: Mapping[str, Memory],
        positions: Mapping[str, tuple[int, int]],
    ) -> str:
        """Write a batch; give the reason if it failed, else an empty text."""
        self._dropped = False
        try:
            if self._target is None:
                self._target = self._open()
            if batch or memories or positions:
                self._target.append(batch, memories, positions)
        except MonitorError as error:
            if self._target is not None:
                self._target.close()
                self._target = None
            if isinstance(error, DiskFullError):
                self._drop_signals()
            return " ".join(str(error).split())
        return ""

    def _drop_signals(self) -> None:
        with self._changed:
            for place, entry in enumerate(self._waiting):
                if entry.draft.signal is not None:
                    draft = replace(entry.draft, signal=None)
                    self._waiting[place] = replace(entry, draft=draft)
                    self._dropped = True
