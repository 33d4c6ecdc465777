"""Workers on the machines of a Ray cluster: one actor for each worker, never one for a stream.

Ray only places and ends the workers. Samples and events go over the links, which are encrypted, and
no object of Ray is made from what a sender wrote. Whoever reaches Ray itself can run anything, so a
cluster is for a trusted network.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monitor.archive.cluster import check_address, joined
from monitor.wire.link import Address
from monitor.workers.crew import Process

LOOK_S = 0.5  # between two questions whether an actor has ended


class WorkerActor:
    """A worker on any machine of the cluster."""

    def work(self, address: dict[str, str]) -> None:
        """Serve the streams that the front at this address gives."""
        from monitor.workers.worker import work

        work(Address(**address))


class ClusterProcess:
    """A worker that Ray has placed.

    Parameters
    ----------
    address
        Of its link.
    """

    def __init__(self, address: Address) -> None:
        import ray

        kind: Any = ray.remote(num_cpus=1, max_restarts=0, scheduling_strategy="SPREAD")(
            WorkerActor
        )
        self._actor = kind.remote()
        self._result: Any = self._actor.work.remote(asdict(address))
        self._looked_s = 0.0
        self._ended = False

    @property
    def alive(self) -> bool:
        """It has not ended, as far as Ray knows; its link knows sooner that a machine is gone."""
        import ray

        now_s = time.monotonic()
        if not self._ended and now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self._ended = bool(ray.wait([self._result], timeout=0)[0])
        return not self._ended

    def kill(self) -> None:
        """End it at once; does not wait."""
        import ray

        with contextlib.suppress(Exception):  # its machine is gone
            ray.kill(self._actor)

    def close(self) -> None:
        """End it."""
        self.kill()


class ClusterLauncher:
    """Starts workers on a cluster.

    Parameters
    ----------
    address
        ``HOST:PORT`` of a Ray cluster that this machine belongs to, ``auto`` or ``local``.
    stack
        Leaves the cluster at the end.

    Raises
    ------
    MonitorError
        If Ray is not installed, or the cluster cannot be joined.
    """

    def __init__(self, address: str, stack: contextlib.ExitStack) -> None:
        check_address(address)
        stack.enter_context(joined(address))
        _silence()
        import ray

        here: Any = ray.util.get_node_ip_address
        self.place: Path | str = str(here())

    def start(self, address: Address) -> Process:
        """Start one."""
        return ClusterProcess(address)

    def spares(self, workers: int) -> int:
        """Give how many spare workers are left wherever a machine dies.

        Workers and spares are spread evenly, so those of the other machines must be enough.
        """
        import ray

        nodes: Any = ray.nodes
        machines = sum(node["Alive"] and node["Resources"].get("CPU", 0) > 0 for node in nodes())
        return math.ceil(workers / (machines - 1)) if machines > 1 else 0


def _silence() -> None:
    """Keep what Ray tells of its machines away from standard output, where our lines are."""
    from ray._private import worker

    if hasattr(worker, "_worker_logs_enabled"):  # as Ray's own debugger does it
        worker._worker_logs_enabled = False
