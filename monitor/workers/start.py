"""Start the workers of a service."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

from monitor.config import JournalSettings, ServiceSettings, Settings
from monitor.workers.crew import Crew, LocalLauncher


def open_crew(
    settings: Settings, publisher: str, stack: ExitStack, log: Callable[[str], object]
) -> Crew:
    """Make the crew of a service whose settings ask for several workers; ``stack`` ends it."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ecg-monitor-"))
    told = {
        # what only the front needs may hold a password
        "settings": asdict(replace(settings, service=ServiceSettings(), journal=JournalSettings())),
        "publisher": publisher,
        "max_streams": settings.service.max_streams,
        "recordings": settings.recording.folder,
    }
    crew = Crew(LocalLauncher(Path(folder), settings.service.workers), told, log)
    stack.callback(crew.close)
    return crew
