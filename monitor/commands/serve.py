"""``ecg-monitor serve``: analyse any number of streams that come over ZeroMQ."""

from __future__ import annotations

import argparse
import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import stopping
from monitor.commands.options import add_analysis_options, add_web_options, settings_from
from monitor.default_endpoints import CONTROL, INPUT, OUTPUT
from monitor.errors import FAILED, USAGE, MonitorError
from monitor.feeds.run import line_writer
from monitor.log_lines import Level, LogLine

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.journal.journal import Journal
    from monitor.journal.place import Place
    from monitor.service.memory import StreamMemory
    from monitor.service.process import Log
    from monitor.wire.protocol import Body

SUMMARY = "Analyse any number of streams that come over ZeroMQ, and publish what is found."
EXAMPLE = (
    "  ecg-monitor serve &\n"
    "  ecg-monitor replay 208 --publish tcp://127.0.0.1:5555 &\n"
    "  ecg-monitor watch"
)

MAX_WORKERS = 64
LEVELS = [level.name.lower() for level in Level]
DEFAULT_JOURNAL = "journal-PORT.db in the user's state folder, PORT being that of --input"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--input", metavar="ENDPOINT", help=f"samples come here ({INPUT})")
    parser.add_argument(
        "--output", metavar="ENDPOINT", help=f"results are published here ({OUTPUT})"
    )
    parser.add_argument(
        "--control", metavar="ENDPOINT", help=f"acknowledgements are taken here ({CONTROL})"
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--keys",
        type=Path,
        metavar="DIR",
        help="let in the clients of the allow-list there only, encrypted (see `ecg-monitor keys`); "
        "this, or --insecure, must be given to bind beyond this machine",
    )
    who.add_argument(
        "--insecure",
        action="store_true",
        help="bind beyond this machine without keys: whoever reaches the ports can send, read and "
        "acknowledge, and so can whoever reads the network",
    )
    parser.add_argument("--json", action="store_true", help="events as JSON lines on stdout")
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="store every stream there, as WFDB records"
    )
    parser.add_argument(
        "--journal",
        metavar="FILE|URL|off",
        help="keep alerts and what else must not be lost in this file, or in the PostgreSQL "
        "database postgresql://USER@HOST/DATABASE, before it is published "
        f"(default: {DEFAULT_JOURNAL})",
    )
    parser.add_argument(
        "--metrics",
        metavar="[HOST:]PORT",
        help="figures for Prometheus at /metrics, and /health, over HTTP (default: none; a port "
        "alone is of this machine only)",
    )
    parser.add_argument(
        "--web",
        metavar="[HOST:]PORT",
        help="the central station for browsers (default: none; a port alone is of this machine "
        "only)",
    )
    add_web_options(parser)
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes that share the streams (1)"
    )
    parser.add_argument(
        "--cluster",
        metavar="HOST:PORT|auto|local",
        help="put the workers on the machines of this Ray cluster (default: on this one)",
    )
    parser.add_argument("--max-streams", type=int, metavar="N", help="refuse more streams (256)")
    ending = parser.add_mutually_exclusive_group()
    ending.add_argument(
        "--exit-when-done", action="store_true", help="end when all streams that came have ended"
    )
    ending.add_argument(
        "--until-idle", type=float, metavar="S", help="end when nothing has come for S seconds"
    )
    log = parser.add_argument_group("log (stderr)")
    log.add_argument(
        "--log-format", choices=("text", "json"), help="lines (default), or JSON objects"
    )
    log.add_argument("--log-level", choices=LEVELS, help="leave out lesser lines (info)")
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal comes, or until the end that the options set."""
    from monitor.service.process import Log

    form = args.log_format
    try:
        settings = _settings(args)
        form = settings.service.log_format
        return _serve(args, settings, Log("serve", form, settings.service.log_level))
    except Exception as error:
        if form != "json":
            raise
        Log("serve", form).failed(error)  # a reader of JSON gets the last line as JSON too
        return error.exit_code if isinstance(error, MonitorError) else FAILED


def _settings(args: argparse.Namespace) -> Settings:
    if args.max_streams is not None and args.max_streams < 1:
        raise MonitorError(f"--max-streams {args.max_streams}: must be 1 or more", USAGE)
    if args.workers is not None and not 1 <= args.workers <= MAX_WORKERS:
        raise MonitorError(f"--workers {args.workers}: must be 1 to {MAX_WORKERS}", USAGE)
    if args.until_idle is not None and not args.until_idle > 0:
        raise MonitorError(f"--until-idle {args.until_idle:g}: must be more than 0", USAGE)
    settings = with_options(settings_from(args), args)
    if args.insecure and settings.service.keys:
        raise MonitorError("--insecure contradicts the keys that the settings name", USAGE)
    return settings


def with_options(settings: Settings, args: argparse.Namespace) -> Settings:
    """Let the options override the settings of the service."""
    names = [field.name for field in fields(settings.service)]
    given = {name: value for name in names if (value := getattr(args, name, None)) is not None}
    if "keys" in given:
        given["keys"] = str(given["keys"])
    settings = replace(settings, service=replace(settings.service, **given))
    if args.record is not None:
        recording = replace(settings.recording, folder=str(args.record))
        settings = replace(settings, recording=recording)
    if args.journal is not None:
        settings = replace(settings, journal=replace(settings.journal, file=args.journal))
    return settings


def _serve(args: argparse.Namespace, settings: Settings, log: Log) -> int:
    at = settings.service

    from monitor.journal.place import journal_place
    from monitor.service.loop import EndWhen
    from monitor.service.process import (
        Supervisor,
        open_metrics,
        open_recording,
        open_station,
        storage_of,
    )
    from monitor.wire.endpoints import new_publisher_id
    from monitor.wire.sockets import ServiceSockets
    from monitor.workers.start import Parts, make_service

    publisher = new_publisher_id()
    supervisor = Supervisor()
    with contextlib.ExitStack() as stack:
        sockets = stack.enter_context(
            ServiceSockets(
                at.input,
                at.output,
                at.control,
                Path(at.keys) if at.keys else None,
                args.insecure,
                log,
            )
        )
        journal = _open_journal(journal_place(settings.journal.file, at.input), settings, log)
        if journal is not None:
            stack.callback(journal.close)
        recording = open_recording(settings.recording, stack, log)
        storage = storage_of(journal, recording)
        metrics = open_metrics(at.metrics, storage, stack, log)
        sinks = (
            recording.deliver if recording else None,
            metrics.figures.deliver if metrics else None,
            _json_lines() if args.json else None,
        )
        parts = Parts(
            settings, sockets, publisher, journal, recording, sinks, metrics, supervisor, log
        )
        log("loading the analysis")
        service = make_service(parts, _memories(journal, log), stack)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: service.stop())
        if stopping.take_over():
            service.stop()
        service.start()
        station = open_station(at, sockets, stack, log)
        log(
            f"ready input={sockets.input_endpoint} output={sockets.output_endpoint} "
            f"control={sockets.control_endpoint}"
            + (f" metrics={metrics.endpoint}/metrics" if metrics else "")
            + (f" web={station.url}" if station else "")
        )
        supervisor.ready()
        service.run(EndWhen(args.exit_when_done, args.until_idle))
        supervisor.stopping()
    return 0


def _open_journal(place: Place | None, settings: Settings, log: Log) -> Journal | None:
    if place is None:
        text = "no journal is kept: events that a subscriber misses are lost"
        log(LogLine(text, Level.WARNING))
        return None
    from monitor.journal.journal import Journal
    from monitor.journal.opening import storage_at
    from monitor.journal.storage import Retention

    log(f"journal {storage_at(place)}")  # without a password
    kept = settings.journal
    return Journal(place, retention=Retention(kept.keep_days, kept.max_mb * 1e6))


def _memories(journal: Journal | None, log: Log) -> list[StreamMemory]:
    """Recall the streams from before a restart of the service."""
    from monitor.service.memory import recalled

    if journal is None:
        return []
    memories, problems = recalled(journal.memories, time.time_ns(), journal.unsure)
    for problem in problems:
        log(LogLine(problem, Level.ERROR))
    return memories


def _json_lines() -> Callable[[Body], None]:
    """Give a sink that prints events, without messages about the service itself."""
    from monitor.wire.protocol import Heartbeat, Limits, StreamState

    write = line_writer(as_json=True)

    def deliver(body: Body) -> None:
        if not isinstance(body, Heartbeat | StreamState | Limits):
            write(body)

    return deliver
