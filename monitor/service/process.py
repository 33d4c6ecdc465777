"""The process around a service: its log, a recording, metrics, a central station, systemd."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.config import RecordingSettings, ServiceSettings
from monitor.errors import USAGE, MonitorError
from monitor.log_lines import Level, LogLine
from monitor.wire.protocol import Body, Heartbeat

if TYPE_CHECKING:
    from monitor.journal.journal import Journal
    from monitor.metrics.http import MetricsServer
    from monitor.recording.thread import RecordingThread
    from monitor.web.child import StationProcess
    from monitor.wire.sockets import ServiceSockets


class Log:
    """Writes lines; those below the level are left out.

    If the reader has gone or the disk is full, the line is lost and the program goes on.

    Parameters
    ----------
    name
        Of the command.
    form
        ``text`` or ``json``.
    level
        Name of a level, in lower case.
    """

    def __init__(self, name: str, form: str = "text", level: str = "info") -> None:
        logging.raiseExceptions = False
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_JsonLines() if form == "json" else _TextLines())
        if form == "json":  # warnings of Python go to the same reader
            logging.captureWarnings(True)
            logging.getLogger("py.warnings").addHandler(handler)
        self._logger = logging.Logger(name, Level[level.upper()])
        self._logger.addHandler(handler)

    def __call__(self, text: str) -> None:
        """Write one line."""
        line = text if isinstance(text, LogLine) else LogLine(text)
        self._logger.log(line.level, "%s", str(line), extra={"stream": line.stream})

    def failed(self, error: BaseException) -> None:
        """Write the error that ends the program; a defect with its traceback."""
        defect = None if isinstance(error, MonitorError) else error
        self._logger.error("%s", error or type(error).__name__, exc_info=defect)


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{record.name}: {' '.join(record.getMessage().splitlines())}"


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": f"ecg-monitor.{record.name}",
            "message": record.getMessage(),
        }
        if getattr(record, "stream", None):
            line["stream"] = record.stream  # type: ignore[attr-defined]
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def open_recording(
    settings: RecordingSettings, stack: ExitStack, log: Callable[[str], object]
) -> RecordingThread | None:
    """Start the thread that records the streams, if the settings name a folder.

    Raises
    ------
    MonitorError
        If the folder cannot be written, or another service records into it.
    """
    if not settings.folder:
        return None
    from monitor.recording.thread import RecordingThread

    recording = RecordingThread(Path(settings.folder), settings, log)
    stack.callback(recording.close)
    return recording


def storage_of(
    journal: Journal | None, recording: RecordingThread | None
) -> Callable[[], dict[str, str]]:
    """Give a function that tells which store fails, and why."""

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
    log: Callable[[str], object],
) -> MetricsServer | None:
    """Start the HTTP server for Prometheus, if there is an address.

    Raises
    ------
    MonitorError
        If the address is not usable, or the package of Prometheus is not installed.
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
        log(LogLine(text, Level.WARNING))
    stack.callback(server.close)
    return server


def open_station(
    at: ServiceSettings,
    sockets: ServiceSockets,
    stack: ExitStack,
    log: Callable[[str], object],
) -> StationProcess | None:
    """Start the central station beside the service, if there is an address for browsers.

    Raises
    ------
    MonitorError
        If the address is not usable, packages are not installed, or the station has no key.
    """
    if not at.web:
        return None
    from monitor.web.beside import station_arguments
    from monitor.web.child import StationProcess

    if at.keys:
        _let_in(Path(at.keys))
    options = {
        **{"--web": at.web, "--web-cert": at.web_cert, "--web-key": at.web_key},
        **{"--web-tokens": at.web_tokens, "--keys": at.keys},
    }
    words = station_arguments(sockets.output_endpoint, sockets.control_endpoint, options)
    station = StationProcess(words, log)
    stack.callback(station.close)
    return station


def _let_in(folder: Path) -> None:
    """Check that the station has a key in the folder of the server, and is let in."""
    from monitor.wire.access import load
    from monitor.wire.keys import ALLOW_LIST, load_client

    try:
        public = load_client(folder).own.public
    except MonitorError as error:
        raise MonitorError(f"--web with keys: the station needs one too: {error}", USAGE) from error
    if "subscribe" not in load(folder / ALLOW_LIST).rights.get(public, ()):
        raise MonitorError(
            f"--web with keys: let the station in: ecg-monitor keys allow station "
            f"{folder}/client.key --right subscribe --right control --keys {folder}",
            USAGE,
        )


class Supervisor:
    """Tells systemd that the service is ready, alive, and about to end (sd_notify(3)).

    Without ``NOTIFY_SOCKET`` it does nothing. Each heartbeat of the service feeds the watchdog; a
    loop that hangs sends none.
    """

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")  # not for child processes
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self) -> None:
        """Say that samples may come."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Say that the service is ending."""
        self._tell("STOPPING=1")

    def deliver(self, body: Body) -> None:
        """Take one published message."""
        if isinstance(body, Heartbeat):
            self._tell(f"WATCHDOG=1\nSTATUS={body.streams} stream(s)")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),  # the supervisor may have gone
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out,
        ):
            out.setblocking(False)
            out.sendto(text.encode(), self._address)
