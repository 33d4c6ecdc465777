"""``ecg-monitor report``: a recording as a page and a PDF to read, print and correct."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from monitor.commands.annotate import make_writable
from monitor.commands.options import add_analysis_options, settings_from
from monitor.commands.replay import add_record_options, download_progress

SUMMARY = "Make the report of a recording: an HTML page and a PDF, as a Holter system does."
EXAMPLE = (
    "  ecg-monitor report 208 --out reports\n"
    "  ecg-monitor report night.edf --out reports --no-pdf\n"
    "  ecg-monitor report 208 --out reports --edits 208.edt   # what the page has saved"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "source",
        metavar="RECORD",
        help="WFDB record: path, name in the data folder, or at PhysioNet; "
        ".edf, .rec or .bdf file; text file (.csv .tsv .txt)",
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
    add_record_options(parser)
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> int:
    """Analyse, make and write."""
    from monitor.analysis import analyse
    from monitor.report.variability import load_neurokit
    from monitor.report.write import write_report
    from monitor.sources.named import SourceOptions
    from monitor.sources.records import find_record

    make_writable(args.out)
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
    began = time.perf_counter()
    analysis = analyse(path, settings, options, log=_tell)
    analysed = time.perf_counter()
    load_neurokit()
    written = write_report(
        analysis, args.out, args.edits, path, args.ref_annotator, not args.no_pdf
    )
    for file in written.files:
        print(file)  # noqa: T201
    _tell(
        f"{analysis.duration_s / 60:.1f} min of signal: analysed in {analysed - began:.1f} s, "
        f"report made in {written.making_s:.1f} s"
    )
    return 0


def _tell(text: object) -> None:
    print(f"ecg-monitor: {text}", file=sys.stderr)  # noqa: T201
