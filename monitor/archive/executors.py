"""Where the records of a run are worked on: here, in worker processes, or on a cluster.

An executor runs :func:`~monitor.archive.task.annotate_one` for each task. It gives the outcomes
as they come, and a failure for a record whose worker died.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from monitor.archive.task import Outcome, Task, annotate_one

WORKER_MIB = 512
"""Memory that a worker process may need."""

Advance = Callable[[str, float], None]
"""Called with the name of a record, and the part of it that is done."""


class Executor(Protocol):
    """Runs tasks. Closing the iterator drops the work in progress."""

    def run(self, tasks: Sequence[Task], advance: Advance) -> Iterator[Outcome]:
        """Give the outcome of each task as it comes, in any order."""


class InThisProcess:
    """One record after the other, here."""

    def run(self, tasks: Sequence[Task], advance: Advance) -> Iterator[Outcome]:
        """Give the outcomes in the order of the tasks."""
        for task in tasks:
            yield annotate_one(task, partial(advance, task.name))


def usual_jobs(records: int) -> int:
    """Give the number of worker processes for so many records, if the user gives none.

    It is one for each processor that this process may use, but no more than the free memory
    holds, and none that would get a single record: a worker takes seconds to start.
    """
    processors = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    return max(1, min(processors or 1, records // 2, _free_mib() // WORKER_MIB))


def _free_mib() -> int:
    """Give the free memory, as Linux tells it; a large number elsewhere."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 1 << 20
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["MemAvailable"].split()[0]) >> 10
