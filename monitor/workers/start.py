"""Make a service from its parts: in one process, or a front with workers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import __version__
from monitor.config import JournalSettings, ServiceSettings, Settings
from monitor.journal.journal import Journal
from monitor.recording.recent import RecentSignal
from monitor.recording.thread import RecordingThread
from monitor.service.hub import Hub
from monitor.service.loading import load_analysis
from monitor.service.loop import Service
from monitor.service.memory import StreamMemory
from monitor.service.output import Output
from monitor.service.process import Log, Supervisor
from monitor.wire.protocol import Body
from monitor.wire.sockets import ServiceSockets
from monitor.workers.crew import Crew, Launcher, LocalLauncher
from monitor.workers.front import Front

if TYPE_CHECKING:
    from monitor.metrics.http import MetricsServer


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of."""

    settings: Settings
    sockets: ServiceSockets
    publisher: str
    journal: Journal | None
    recording: RecordingThread | None
    sinks: tuple[Callable[[Body], object] | None, ...]
    metrics: MetricsServer | None
    supervisor: Supervisor
    log: Log

    def turned(self, messages: int, seconds: float) -> None:
        """Count a turn of the loop."""
        if self.metrics is not None:
            self.metrics.figures.turned(messages, seconds)


def make_service(parts: Parts, memories: list[StreamMemory], stack: ExitStack) -> Service | Front:
    """Make the service that the settings ask for; ``stack`` ends its workers.

    Raises
    ------
    MonitorError
        If the analysis cannot be loaded, or the cluster cannot be joined.
    """
    at = parts.settings.service
    if at.workers > 1 or at.cluster:
        return _front(parts, memories, stack)
    return _service(parts, memories)


def _service(parts: Parts, memories: list[StreamMemory]) -> Service:
    """Make a service of one process."""
    settings, journal, recording = parts.settings, parts.journal, parts.recording
    recent = RecentSignal(Path(settings.recording.folder) if recording else None)
    make, most = load_analysis(settings), settings.service.max_streams
    hub = Hub(make, parts.publisher, parts.log, most, journal, recent)
    hub.restore(memories, time.monotonic())
    return Service(
        hub,
        parts.sockets,
        parts.publisher,
        _all_of(recent.deliver, *parts.sinks, parts.supervisor.deliver),
        journal,
        storage_problems=recording.problems if recording else None,
        turned=parts.turned,
    )


def _front(parts: Parts, memories: list[StreamMemory], stack: ExitStack) -> Front:
    """Make the front of a service of several processes."""
    deliver = _all_of(*parts.sinks, parts.supervisor.deliver)
    output = Output(parts.sockets, parts.publisher, deliver, parts.journal, time.time_ns)
    return Front(
        parts.sockets,
        parts.publisher,
        output,
        _open_crew(parts.settings, parts.publisher, stack, parts.log),
        parts.settings.service.workers,
        parts.log,
        memories,
        parts.journal,
        sinks=any(parts.sinks),
        storage_problems=parts.recording.problems if parts.recording else dict,
        turned=parts.turned,
    )


def _all_of(*sinks: Callable[[Body], object] | None) -> Callable[[Body], None]:
    """Give a sink that hands each message to all of these."""
    present = [sink for sink in sinks if sink is not None]

    def deliver(body: Body) -> None:
        for sink in present:
            sink(body)

    return deliver


def _open_crew(
    settings: Settings, publisher: str, stack: ExitStack, log: Callable[[str], object]
) -> Crew:
    """Make the crew of a service whose settings ask for several workers; ``stack`` ends it."""
    at = settings.service
    launcher: Launcher
    if at.cluster:
        from monitor.workers.cluster import ClusterLauncher

        launcher = cluster = ClusterLauncher(at.cluster, stack)
        spares = max(at.spare_workers, cluster.spares(at.workers))
    else:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ecg-monitor-"))
        launcher, spares = LocalLauncher(Path(folder), at.workers), at.spare_workers
    told = {
        # what only the front needs may hold a password
        "settings": asdict(replace(settings, service=ServiceSettings(), journal=JournalSettings())),
        "publisher": publisher,
        "version": __version__,
        "max_streams": at.max_streams,
        "recordings": "" if at.cluster else settings.recording.folder,
    }
    crew = Crew(launcher, told, at.workers + spares, log)
    stack.callback(crew.close)
    return crew
