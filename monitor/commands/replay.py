"""``ecg-monitor replay``: a WFDB record, live."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.commands.options import (
    add_analysis_options,
    add_output_options,
    lead_names,
    seconds,
    show,
)

if TYPE_CHECKING:
    from monitor.sources.records import Progress
    from monitor.sources.wfdb_record import WfdbRecord

SUMMARY = "Replay a WFDB record: on the dashboard, as event lines, or to a server."
EXAMPLE = (
    "  ecg-monitor replay mitdb/208                 # from PhysioNet, or --data\n"
    "  ecg-monitor replay 208 --start 20:00 --speed 10\n"
    "  ecg-monitor replay recordings/patient7 --json > events.jsonl"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "record", help="path, name in the data folder, or DATABASE/RECORD at PhysioNet"
    )
    add_record_options(parser)
    parser.add_argument("--start", type=seconds, default=0.0, metavar="TIME", help="s or h:mm:ss")
    parser.add_argument("--stop", type=seconds, metavar="TIME", help="s or h:mm:ss")
    parser.add_argument("--loop", action="store_true", help="start again at the end, for ever")
    parser.add_argument("--stream", metavar="NAME", help="stream name (default: the record's)")
    add_output_options(parser)
    add_analysis_options(parser)


def add_record_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where records lie and which leads to use."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder (default: $ECG_MONITOR_DATA)"
    )
    parser.add_argument(
        "--lead",
        type=lead_names,
        default=(),
        metavar="NAME[,NAME]",
        help="leads to analyse, the primary first (default: one like II, and one more)",
    )


def run(args: argparse.Namespace) -> int:
    """Replay one record."""
    from monitor.sources.records import find_record

    path = find_record(args.record, args.data, download_progress())

    def open_source(chunk_s: float) -> WfdbRecord:
        from monitor.sources.wfdb_record import WfdbRecord

        return WfdbRecord(path, args.lead, args.start, args.stop, chunk_s, args.loop, args.stream)

    return show(args, open_source)


def download_progress() -> Progress:
    """Make a progress bar on stderr, drawn only if something is downloaded."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(stderr=True), transient=True)
    tasks = {}

    def progress(what: str, done: int, total: int) -> None:
        if "download" not in tasks:
            bar.start()
            tasks["download"] = bar.add_task(what, total=total)
        bar.update(tasks["download"], description=what, completed=done)
        if done == total:
            bar.stop()

    return progress
