"""The machines of a Ray cluster: a task for each record, anywhere there is a free processor.

A task whose machine or process dies is done again elsewhere. A record that cannot be analysed is
not: what is wrong with it is an outcome as any other. Ray runs what it is sent, so a cluster is
for a trusted network.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from monitor.archive.executors import WORKER_MIB, Advance
from monitor.archive.task import Outcome, Task, annotate_one
from monitor.errors import USAGE, MonitorError

LOCAL = "local"
AUTO = "auto"
RETRIES = 2  # for the death of a machine or a process
IN_FLIGHT = 1000  # tasks that the cluster knows of: enough for it to grow by
OBJECTS_BYTES = 100 << 20  # of a cluster started here; records do not pass through Ray
ANSWER_S = 5.0
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:/\[\]]+):(\d{1,5})")


class RayCluster:
    """Runs each task on a Ray cluster.

    Parameters
    ----------
    address
        ``HOST:PORT`` of a cluster that this machine belongs to; ``auto`` for the one that runs
        here, else one that is started; ``local`` for one that is started here for this run.

    Raises
    ------
    MonitorError
        If Ray is not installed, or the address is none.
    """

    def __init__(self, address: str) -> None:
        check_address(address)
        self._address = address

    def run(self, tasks: Sequence[Task], advance: Advance) -> Iterator[Outcome]:
        """Give the outcomes as they come.

        Raises
        ------
        MonitorError
            If the cluster cannot be joined.
        """
        import ray

        with _nothing_printed(), joined(self._address):
            remote = ray.remote(
                num_cpus=1,
                memory=WORKER_MIB << 20,
                max_retries=RETRIES,
                retry_exceptions=False,
                scheduling_strategy="SPREAD",
            )(annotate_one)
            waiting = deque(tasks)
            running: dict[Any, Task] = {}
            machines = _machines()
            while waiting or running:
                while waiting and len(running) < IN_FLIGHT:
                    task = waiting.popleft()
                    running[remote.remote(task)] = task
                ready, _ = ray.wait(list(running), num_returns=1)
                for reference in ready:
                    outcome = _outcome(running.pop(reference), reference)
                    before, machines = machines, _machines()
                    if gone := len(before - machines):
                        line = (
                            f"{gone} of {len(before)} machines of the cluster lost; the records "
                            "that they had are done again elsewhere"
                        )
                        outcome = replace(outcome, log=(line, *outcome.log))
                    yield outcome


def _machines() -> set[str]:
    """Give the machines of the cluster that are alive."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return {node["NodeID"] for node in nodes if node["Alive"]}


def check_address(address: str) -> None:
    """Check the address of a cluster, and that Ray is installed.

    Raises
    ------
    MonitorError
        If the address is none, or Ray is not installed.
    """
    if address not in (LOCAL, AUTO) and _ADDRESS.fullmatch(address) is None:
        raise MonitorError(
            f"--cluster {address}: must be HOST:PORT of a Ray cluster, {AUTO} or {LOCAL}", USAGE
        )
    try:
        import ray  # noqa: F401
    except ModuleNotFoundError as error:
        raise MonitorError(
            f"--cluster needs the package {error.name}: pip install 'ecg-monitor[cluster]'",
            USAGE,
        ) from error


def _outcome(task: Task, reference: Any) -> Outcome:
    import ray

    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayTaskError as error:  # not even begun: annotate_one raises nothing
        why = " ".join(str(error.cause).split())[:200]
        wrong = (
            f"record {task.record}: a machine of the cluster cannot run ecg-monitor: {why}; "
            "install the same version on all of them"
        )
        return Outcome(task.name, wrong=wrong)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
        why = f"its worker died {RETRIES + 1} times, perhaps for want of memory"
        return Outcome(task.name, wrong=f"record {task.record}: {why}")
    except ray.exceptions.RayError as error:
        why = f"the cluster lost it ({type(error).__name__})"
        again = "run the command again, it goes on where it was"
        return Outcome(task.name, wrong=f"record {task.record}: {why}: {again}")
    return outcome


@contextlib.contextmanager
def joined(address: str) -> Iterator[None]:
    """Join a cluster, or start one; leave it at the end, whatever happens."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to others
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
    import ray

    _check_answers(address)
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        _init(address)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        why = " ".join(str(error).split())[:300]
        raise MonitorError(
            f"cannot join the Ray cluster {address}: {why} (RAY_AUTH_MODE and the token must "
            "be those of the cluster)"
        ) from error
    if main and before is not None:
        signal.signal(signal.SIGTERM, before)  # Ray has put its own in
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _nothing_printed() -> Iterator[None]:
    """Drop the pages that Ray prints about the death of a machine; its log files have them."""
    with open(os.devnull, "w", encoding="utf-8") as dropped, contextlib.redirect_stdout(dropped):
        yield


def _init(address: str) -> None:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address != LOCAL:
        try:
            ray.init(address, **quiet)
            return
        except ConnectionError:
            if address != AUTO:
                raise
    ray.init(LOCAL, include_dashboard=False, object_store_memory=OBJECTS_BYTES, **quiet)


def _check_answers(address: str) -> None:
    """Refuse an address where nobody listens: Ray would try for minutes, then end the program."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return
    try:
        socket.create_connection((match[1].strip("[]"), int(match[2])), ANSWER_S).close()
    except (OSError, OverflowError) as error:
        why = (isinstance(error, OSError) and error.strerror) or error
        raise MonitorError(
            f"no Ray cluster answers at {address}: {why}; `ray start --head` starts one"
        ) from error
