"""Reads for a running service: a database that is away or slow never holds up its alarms."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from monitor.errors import MonitorError
from monitor.journal.entries import AlertSignal, Entry, Memory, Query
from monitor.journal.storage import PAGE, Reader

T = TypeVar("T")

ANSWER_S = 0.25  # an alarm waits at most this long for a request that is answered before it


class BoundedReader(Reader):
    """Reads in a thread of its own; what is not there in time is an error.

    What is read at the start of a service has no such limit.

    Parameters
    ----------
    connect
        Opens a reader; called in the thread.
    name
        Of the journal, for errors.
    """

    def __init__(self, connect: Callable[[], Reader], name: str) -> None:
        self._connect = connect
        self._name = name
        self._inner: Reader | None = None
        self._jobs: queue.SimpleQueue[tuple[Future[object], Callable[[Reader], object]] | None]
        self._jobs = queue.SimpleQueue()
        self._last: Future[object] | None = None
        self._thread = threading.Thread(target=self._run, name="journal reader", daemon=True)
        self._thread.start()

    @property
    def outdated(self) -> bool:
        """The thread opens another reader by itself."""
        return False

    def page(self, query: Query, limit: int = PAGE) -> list[Entry]:
        """Give the first entries wanted, in order of their numbers."""
        return self._ask(lambda reader: reader.page(query, limit), ANSWER_S)

    def alert_signal(self, stream: str, alert_id: int) -> AlertSignal | None:
        """Give the stored signal before an alert, None if it is not (or no longer) stored."""
        return self._ask(lambda reader: reader.alert_signal(stream, alert_id), ANSWER_S)

    def first(self) -> int:
        """Give the number of the oldest entry, 0 if there is none."""
        return self._ask(lambda reader: reader.first(), ANSWER_S)

    def identity(self) -> str:
        """Give the identity of this journal."""
        return self._ask(lambda reader: reader.identity())

    def memories(self) -> dict[str, Memory]:
        """Give the stored state of every stream."""
        return self._ask(lambda reader: reader.memories())

    def last_number(self) -> int:
        """Give the highest number ever written, 0 if there is none."""
        return self._ask(lambda reader: reader.last_number())

    def last_numbers(self) -> dict[str, int]:
        """Give the number of the last entry of every stream."""
        return self._ask(lambda reader: reader.last_numbers())

    def close(self) -> None:
        """Close as soon as what is being read is there; does not wait."""
        self._jobs.put(None)

    def _ask(self, job: Callable[[Reader], T], patience_s: float | None = None) -> T:
        if self._last is None or self._last.done():
            future: Future[object] = Future()
            self._last = future
            self._jobs.put((future, job))
            try:
                return future.result(patience_s)  # type: ignore[return-value]
            except TimeoutError:
                pass
        raise MonitorError(f"journal {self._name} does not answer now; ask again")

    def _run(self) -> None:
        while (asked := self._jobs.get()) is not None:
            future, job = asked
            try:
                if self._inner is None or self._inner.outdated:
                    self._inner = self._connect()
                future.set_result(job(self._inner))
            except Exception as error:
                future.set_exception(error)
        if self._inner is not None:
            self._inner.close()
