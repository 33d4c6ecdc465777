"""Start the workers of a service."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

from monitor.config import JournalSettings, ServiceSettings, Settings
from monitor.workers.crew import Crew, Launcher, LocalLauncher


def open_crew(
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
        "max_streams": at.max_streams,
        "recordings": "" if at.cluster else settings.recording.folder,
    }
    crew = Crew(launcher, told, at.workers + spares, log)
    stack.callback(crew.close)
    return crew
