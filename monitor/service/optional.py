"""What a service has only where it is asked for: a recording, and figures over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.config import RecordingSettings
from monitor.errors import MonitorError
from monitor.remarks import Level, Remark

if TYPE_CHECKING:
    from monitor.journal.journal import Journal
    from monitor.metrics.http import MetricsServer
    from monitor.recording.thread import RecordingThread


def open_recording(
    settings: RecordingSettings, stack: ExitStack, say: Callable[[str], object]
) -> RecordingThread | None:
    """Start what stores the streams, where that is asked for.

    Raises
    ------
    MonitorError
        If the folder cannot be written, or another service records into it.
    """
    if not settings.folder:
        return None
    from monitor.recording.thread import RecordingThread

    recording = RecordingThread(Path(settings.folder), settings, say)
    stack.callback(recording.close)
    return recording


def storage_of(
    journal: Journal | None, recording: RecordingThread | None
) -> Callable[[], dict[str, str]]:
    """Give what tells which store fails, and why."""

    def failing() -> dict[str, str]:
        stores = {}
        if journal is not None:
            stores["journal"] = journal.trouble
        if recording is not None:
            problems = recording.problems()
            reasons = "; ".join(sorted(set(problems.values())))
            stores["recording"] = f"{len(problems)} stream(s): {reasons}" if problems else ""
        return stores

    return failing


def open_metrics(
    address: str,
    storage: Callable[[], dict[str, str]],
    stack: ExitStack,
    say: Callable[[str], object],
) -> MetricsServer | None:
    """Start what answers Prometheus, where that is asked for.

    Raises
    ------
    MonitorError
        If the address is not usable, or Prometheus' library not installed.
    """
    if not address:
        return None
    try:
        from monitor.metrics.http import MetricsServer
    except ModuleNotFoundError as error:
        raise MonitorError(
            "--metrics needs the package prometheus-client: pip install 'ecg-monitor[metrics]'"
        ) from error
    server = MetricsServer(address, storage)
    if not server.local:
        text = f"{server.endpoint}: whoever reaches this address can read figures and health"
        say(Remark(text, Level.WARNING))
    stack.callback(server.close)
    return server
