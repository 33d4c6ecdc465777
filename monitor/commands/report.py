"""``ecg-monitor report``: a recording as a page and a PDF to read, print and correct."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.commands.history import wall_time
from monitor.commands.options import add_analysis_options, settings_from
from monitor.commands.replay import add_record_options, download_progress
from monitor.errors import USAGE, MonitorError

if TYPE_CHECKING:
    from monitor.analysis import Analysis

SUMMARY = "Make the report of a recording: an HTML page and a PDF, as a Holter system does."
EXAMPLE = (
    "  ecg-monitor report 208 --out reports\n"
    "  ecg-monitor report night.edf --out reports --no-pdf\n"
    "  ecg-monitor report 208 --out reports --edits 208.edt   # what the page has saved\n"
    "  ecg-monitor report bed-7 --record recordings --journal ward.db --from 24h --out reports"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "source",
        metavar="RECORD|STREAM",
        help="WFDB record: path, name in the data folder, or at PhysioNet; "
        ".edf, .rec or .bdf file; text file (.csv .tsv .txt); with --record or --journal a stream",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument(
        "--edits",
        type=Path,
        metavar="FILE",
        help="WFDB annotations whose beats take the place of the analysis's: what the page saves",
    )
    parser.add_argument(
        "--ref-annotator",
        default="atr",
        metavar="NAME",
        help="reference annotations to compare with, if they lie beside the record (atr)",
    )
    parser.add_argument("--no-pdf", action="store_true", help="make the page only")
    stored = parser.add_argument_group("a stream of a `serve`, which is not analysed again")
    stored.add_argument("--record", type=Path, metavar="DIR", help="where `serve` recorded it")
    stored.add_argument(
        "--journal",
        metavar="FILE|URL",
        help="its journal, for the alerts; without --record also for the signal before them",
    )
    time = "a time (2026-03-01T14:30), or how long ago (90m, 8h, 7d)"
    stored.add_argument("--from", dest="since", type=wall_time, metavar="TIME", help=f"from {time}")
    stored.add_argument("--to", dest="until", type=wall_time, metavar="TIME", help="up to it")
    add_record_options(parser)
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> int:
    """Analyse, make and write."""
    from monitor.archive.local_place import LocalPlace
    from monitor.pictures.pdf import need_reportlab
    from monitor.report.variability import load_neurokit
    from monitor.report.write import write_report

    if not args.no_pdf:
        need_reportlab()
    if args.edits is not None and not args.edits.is_file():
        raise MonitorError(f"there is no file {args.edits}", USAGE)
    LocalPlace(args.out).check_writable()
    began = time.perf_counter()
    analysis, path = _stored(args) if args.record or args.journal else _analysed(args)
    ready = time.perf_counter()
    load_neurokit()
    written = write_report(
        analysis, args.out, args.edits, path, args.ref_annotator, not args.no_pdf
    )
    for file in written.files:
        print(file)  # noqa: T201
    _tell(
        f"{analysis.duration_s / 60:.1f} min of signal: read and analysed in "
        f"{ready - began:.1f} s, report made in {written.making_s:.1f} s"
    )
    return 0


def _analysed(args: argparse.Namespace) -> tuple[Analysis, Path]:
    from monitor.analysis import analyse
    from monitor.sources.named import SourceOptions
    from monitor.sources.records import find_record

    if args.since is not None or args.until is not None:
        raise MonitorError("--from and --to are for a stream: add --record or --journal", USAGE)
    settings = settings_from(args)
    path = find_record(args.source, args.data, download_progress())
    options = SourceOptions(
        args.lead,
        rate_hz=args.rate,
        unit=args.unit,
        pulse=args.pulse,
        gain=args.gain,
        baseline=args.baseline,
    )
    return analyse(path, settings, options, log=_tell), path


def _stored(args: argparse.Namespace) -> tuple[Analysis, None]:
    from monitor.report.recorded import Period, read_journal, read_recorded

    period = Period(args.since, args.until)
    if args.record is None:
        return read_journal(args.journal, args.source, period), None
    return read_recorded(args.record, args.source, period, args.journal), None


def _tell(text: object) -> None:
    print(f"ecg-monitor: {text}", file=sys.stderr)  # noqa: T201
