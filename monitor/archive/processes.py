"""Worker processes of this machine, one record at a time each.

The death of a worker is seen at its end of the pipe. It fails its record, and a new worker takes
its place. Workers end when their parent is gone, however that ended.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait

from monitor.archive.executors import Advance
from monitor.archive.task import Outcome, Task, annotate_one
from monitor.errors import FAILED

LEAST_STEP = 0.01  # parts of a record that are told of
END_S = 10.0


class Processes:
    """Runs up to ``count`` records at a time, each in a process of its own."""

    def __init__(self, count: int) -> None:
        self._count = count

    def run(self, tasks: Sequence[Task], advance: Advance) -> Iterator[Outcome]:
        """Give the outcomes as they come."""
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # a processor for each worker is enough
        with tempfile.TemporaryDirectory(prefix="ecg-monitor-") as scratch:
            yield from self._run(deque(tasks), advance, scratch)

    def _run(self, waiting: deque[Task], advance: Advance, scratch: str) -> Iterator[Outcome]:
        workers = [Worker(scratch) for _ in range(min(self._count, len(waiting)))]
        try:
            for worker in workers:
                worker.give(waiting.popleft())
            while busy := {worker.connection: worker for worker in workers if worker.task}:
                for connection in wait(list(busy)):
                    worker = busy[connection]  # type: ignore[index]
                    outcome = worker.take(advance)
                    if outcome is None:
                        continue
                    if not worker.alive and waiting:
                        workers.remove(worker)
                        worker = Worker(scratch)
                        workers.append(worker)
                    if waiting:
                        worker.give(waiting.popleft())
                    yield outcome
        finally:
            for worker in workers:
                worker.end()


class Worker:
    """One worker process; ``task`` is the record that it has.

    Parameters
    ----------
    scratch
        Folder for its temporary files, which the parent deletes: a worker may be killed.
    """

    def __init__(self, scratch: str) -> None:
        context = multiprocessing.get_context("spawn")  # torch and threads do not survive a fork
        self.connection, there = context.Pipe()
        self.task: Task | None = None
        self.alive = True
        self._process = context.Process(
            target=work, args=(there, scratch), name="annotate", daemon=True
        )
        with no_interrupt():
            self._process.start()
        there.close()  # so that the pipe ends when the worker does

    def give(self, task: Task) -> None:
        """Hand in a record."""
        self.task = task
        with contextlib.suppress(OSError):  # it has died: that is seen when its answer is read
            self.connection.send(task)

    def take(self, advance: Advance) -> Outcome | None:
        """Read what the worker sent; give the outcome if its record has ended."""
        task = self.task
        assert task is not None
        try:
            told: Outcome | float = self.connection.recv()
        except (EOFError, OSError):
            self.alive = False
            self.end()
            told = Outcome(task.name, wrong=f"record {task.record}: {self._death()}")
        if isinstance(told, float):
            advance(task.name, told)
            return None
        self.task = None
        return told

    def end(self) -> None:
        """End the process, whatever it does."""
        self.connection.close()
        self._process.terminate()
        self._process.join(END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _death(self) -> str:
        code = self._process.exitcode or 0
        if code == -signal.SIGKILL:
            return (
                "its worker process was killed, perhaps for want of memory: run the command "
                "again with fewer --jobs, it goes on where it was"
            )
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"its worker process ended {how}: run the command again, it goes on where it was"


def work(connection: Connection, scratch: str) -> None:
    """Be a worker process: do a record, send its outcome, wait for the next."""
    tempfile.tempdir = scratch
    end_with_parent()
    with contextlib.suppress(EOFError, OSError):  # the parent has ended
        while True:
            task: Task = connection.recv()
            told = 0.0

            def advance(part: float) -> None:
                nonlocal told
                if part - told >= LEAST_STEP:
                    told = part
                    connection.send(float(part))

            connection.send(annotate_one(task, advance))


@contextlib.contextmanager
def no_interrupt() -> Iterator[None]:
    """Let worker processes ignore Ctrl-C; the parent process ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end_with_parent() -> None:
    """End a worker process when its parent is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(FAILED)

        threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
