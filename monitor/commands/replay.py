"""``ecg-monitor replay``: a recording, or a live source."""

from __future__ import annotations

import argparse
import os
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
    from monitor.sources import Say, Source
    from monitor.sources.records import Progress

SUMMARY = "Replay a recording or follow a live source: on the dashboard, as lines, to a server."
EXAMPLE = (
    "  ecg-monitor replay mitdb/208                 # from PhysioNet, or --data\n"
    "  ecg-monitor replay 208 --start 20:00 --speed 10\n"
    "  ecg-monitor replay night.edf --json > events.jsonl\n"
    "  device | ecg-monitor replay - --rate 250 --unit mV --leads II,V5"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "source",
        help="a WFDB record (path, name in the data folder, or DATABASE/RECORD at PhysioNet), "
        "an .edf or .bdf file, a text file (.csv .tsv .txt), - for such lines on standard input, "
        "lsl:NAME or brainflow:BOARD",
    )
    add_record_options(parser)
    parser.add_argument("--start", type=seconds, default=0.0, metavar="TIME", help="s or h:mm:ss")
    parser.add_argument("--stop", type=seconds, metavar="TIME", help="s or h:mm:ss")
    parser.add_argument("--loop", action="store_true", help="start again at the end, for ever")
    parser.add_argument("--stream", metavar="NAME", help="stream name (default: the source's)")
    add_output_options(parser)
    add_analysis_options(parser)


def add_record_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where recordings lie, which leads to use, and what they do not tell."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder (default: $ECG_MONITOR_DATA)"
    )
    parser.add_argument(
        "--lead",
        "--leads",
        type=lead_names,
        default=(),
        metavar="NAME[,NAME]",
        help="leads to analyse, the primary first (default: one like II, and one more); "
        "names of the columns where CSV has no header",
    )
    parser.add_argument(
        "--pulse",
        default="auto",
        metavar="NAME|off",
        help="the pulse waveform (arterial pressure, plethysmogram) by which lethal alarms are "
        "checked (default: one that is named so, ABP before PLETH)",
    )
    parser.add_argument(
        "--rate",
        type=float,
        metavar="HZ",
        help="sampling rate of text lines (default: what their time stamps or header say)",
    )
    parser.add_argument("--unit", metavar="mV|uV|V", help="unit of signals that do not tell theirs")
    parser.add_argument(
        "--gain",
        type=float,
        metavar="N",
        help="of signals in ADC units: how many of them are 1 mV (WFDB: ADC gain)",
    )
    parser.add_argument(
        "--baseline",
        type=float,
        metavar="N",
        help="with --gain: the ADC value that is 0 mV (default: 0)",
    )


def run(args: argparse.Namespace) -> int:
    """Replay one recording, or follow one live source."""
    from monitor.sources.named import STANDARD_INPUT, Wish, is_live, open_source
    from monitor.sources.records import find_record

    live = is_live(args.source)
    name = args.source if live else find_record(args.source, args.data, download_progress())
    wish = Wish(
        args.lead,
        args.start,
        args.stop,
        args.loop,
        args.stream,
        args.rate,
        args.unit,
        args.pulse,
        args.gain,
        args.baseline,
    )

    def opened(chunk_s: float, say: Say) -> Source:
        return open_source(name, wish, chunk_s, say)

    return show(args, opened, live, keys_fd=_keys_fd() if args.source == STANDARD_INPUT else None)


def _keys_fd() -> int | None:
    """Open the terminal itself: standard input carries the signal."""
    try:
        return os.open("/dev/tty", os.O_RDONLY)
    except OSError:  # there is none
        return None


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
