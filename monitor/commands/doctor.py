"""``ecg-monitor doctor``: check that everything the monitor needs works."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.commands.options import add_analysis_options, settings_from
from monitor.commands.serve import with_options
from monitor.default_endpoints import CONTROL, INPUT, OUTPUT
from monitor.errors import FAILED
from monitor.feeds.run import has_terminal

if TYPE_CHECKING:
    from monitor.config import ServiceSettings, Settings
    from monitor.doctor.finding import Finding

SUMMARY = "Check the installation, the models, the machine and its ports; say what to do."
EXAMPLE = (
    "  ecg-monitor doctor\n"
    "  ecg-monitor doctor --config ward.toml --record /srv/ecg --json   # fails if anything does"
)
COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    for name, default in (("input", INPUT), ("output", OUTPUT), ("control", CONTROL)):
        parser.add_argument(f"--{name}", metavar="ENDPOINT", help=f"as of `serve` ({default})")
    parser.add_argument("--keys", type=Path, metavar="DIR", help="as of `serve`")
    parser.add_argument("--record", type=Path, metavar="DIR", help="as of `serve`")
    parser.add_argument("--journal", metavar="FILE|URL|off", help="as of `serve`")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of recordings")
    parser.add_argument("--max-streams", type=int, metavar="N", help="as of `serve`")
    parser.add_argument("--json", action="store_true", help="one finding a line on stdout")
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run all checks, then print the results; fails if any check fails."""
    import dataclasses
    import json
    import sys

    settings = with_options(settings_from(args), args)
    findings = []
    for finding in _checkup(args, settings):
        findings.append(finding)
        if args.json:
            sys.stdout.write(json.dumps(dataclasses.asdict(finding)) + "\n")
            sys.stdout.flush()
    if not args.json:
        _print_table(findings)
    return FAILED if any(finding.verdict == "fail" for finding in findings) else 0


def _checkup(args: argparse.Namespace, settings: Settings) -> Iterator[Finding]:
    from monitor.doctor.finding import fail
    from monitor.doctor.machine import (
        check_clock,
        check_data,
        check_database,
        check_folder,
        check_open_files,
        guarded,
    )
    from monitor.journal.place import journal_place

    data = os.environ.get("ECG_MONITOR_DATA")
    journal = journal_place(settings.journal.file, settings.service.input)
    try:
        from monitor.doctor.installation import check_packages, check_python

        yield from guarded("python", check_python())
        yield from guarded("packages", check_packages())
        from monitor.doctor.analysis import check_known_beats, check_models, check_speed
    except ImportError as error:  # without the import no further check is possible
        yield fail("packages", str(error), "install the program again: pip install ecg-monitor")
    else:
        yield from guarded("models", check_models(settings))
        yield from guarded("labels", check_known_beats(settings))
        yield from guarded("speed", check_speed(settings))
    yield from guarded("data folder", check_data(args.data or (Path(data) if data else None)))
    if isinstance(journal, str):
        yield from guarded("journal", check_database(journal))
    elif journal is not None:
        yield from guarded("journal", check_folder("journal", journal.parent))
    if settings.recording.folder:
        record = Path(settings.recording.folder)
        yield from guarded("recording", check_folder("recording", record, recording=True))
    if settings.service.keys:
        yield from guarded("keys", _check_keys(Path(settings.service.keys)))
    yield from guarded("ports", _check_ports(settings.service))
    yield from guarded("open files", check_open_files(settings.service.max_streams))
    yield from guarded("clock", check_clock())
    yield from guarded("terminal", _check_terminal())


def _check_keys(folder: Path) -> Iterator[Finding]:
    """Check the keys of a server, and list the clients that they let in."""
    from monitor.doctor.finding import ok, warn
    from monitor.wire.access import load
    from monitor.wire.keys import ALLOW_LIST, load_server

    load_server(folder)
    clients = len(load(folder / ALLOW_LIST).clients)
    remedy = "ecg-monitor keys allow NAME client.key --right send --keys DIR"
    text = f"{folder}: {clients} client(s) let in"
    yield ok("keys", text) if clients else warn("keys", text, remedy)


def _check_ports(service: ServiceSettings) -> Iterator[Finding]:
    """Bind each port as `serve` would; a busy one is most likely a running `serve`'s."""
    from monitor.doctor.finding import fail, ok, warn
    from monitor.errors import MonitorError
    from monitor.wire.endpoints import try_bind

    for name in ("input", "output", "control"):
        endpoint = getattr(service, name)
        try:
            try_bind(endpoint, f"--{name}")
        except MonitorError as error:
            if "is busy" in str(error):
                yield warn(f"port {name}", f"{endpoint} is taken", "is `serve` running already?")
            else:
                yield fail(f"port {name}", str(error), "choose another endpoint")
        else:
            yield ok(f"port {name}", f"{endpoint} is free")


def _check_terminal() -> Iterator[Finding]:
    """Check whether the terminal can show the dashboard."""
    from monitor.doctor.finding import ok, warn

    if not has_terminal():
        text = "none here: `demo`, `replay` and `watch` print lines in place of the dashboard"
        yield warn("terminal", text, "run it in a terminal to see the dashboard")
        return
    from rich.console import Console

    console = Console()
    size = f"{console.width} x {console.height}, {console.color_system or 'no'} colours"
    if console.width < 80 or console.height < 24:
        yield warn("terminal", size, "make it 80 x 24 or larger")
    elif "utf" not in (console.encoding).lower():
        yield warn("terminal", f"{size}, {console.encoding}", "set a UTF-8 locale for the traces")
    else:
        yield ok("terminal", size)


def _print_table(findings: list[Finding]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("check", "", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        colour = COLOURS[finding.verdict]
        table.add_row(
            finding.check,
            f"[{colour}]{finding.verdict}[/]",
            escape(finding.text),
            escape(finding.remedy),
        )
    console = Console()
    if not console.is_terminal:  # a file has no edge to fold lines at
        console.width = max(console.width, 200)
    console.print(table)
