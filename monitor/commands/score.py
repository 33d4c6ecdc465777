"""``ecg-monitor score``: compare annotations with a reference, by ANSI/AAMI EC57."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.commands.options import seconds
from monitor.errors import USAGE, MonitorError

if TYPE_CHECKING:
    from monitor.score import RecordScore

SUMMARY = "Score annotations against a reference: beats, runs, rhythms, heart rate (EC57)."
EXAMPLE = (
    "  ecg-monitor score mitdb out --records mitdb44\n"
    "  ecg-monitor score mitdb/100 out/100 --test-annotator gqrs --format json\n"
    "  ecg-monitor score mitdb out --format bxb-L --totals   # what bxb -L and sumstats print"
)

FORMATS = (
    "table",
    "json",
    "bxb-L",
    "bxb-l",
    "bxb-L-shutdown",
    "bxb-l-shutdown",
    "bxb-S",
    "bxb-s",
    "rxr-v",
    "rxr-s",
    "epicmp-VF",
    "epicmp-VT",
    "epicmp-AF",
    "mxm",
    "mismatches",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("ref", type=Path, metavar="REF", help="reference: folder or record path")
    parser.add_argument("test", type=Path, metavar="TEST", help="test: folder or record path")
    parser.add_argument("--ref-annotator", default="atr", metavar="NAME", help="default: atr")
    parser.add_argument("--test-annotator", default="mon", metavar="NAME", help="default: mon")
    parser.add_argument(
        "--records",
        metavar="LIST",
        help="names separated by commas, or mitdb44 (without paced), mitdb48, ds1, ds2; "
        "default: every record with a test annotation file",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="table, json, every mismatched beat, or a line format of the WFDB software package",
    )
    parser.add_argument("--totals", action="store_true", help="line formats: append the totals")
    rules = parser.add_argument_group("comparison", "anything but the defaults is non-standard")
    rules.add_argument(
        "--window-ms", type=float, default=150.0, metavar="MS", help="match window; default: 150"
    )
    rules.add_argument("--start", type=seconds, default=300.0, metavar="TIME", help="default: 5:00")
    rules.add_argument("--end", type=seconds, metavar="TIME", help="default: end of record")
    rules.add_argument(
        "--classes",
        choices=("ec57", "ml"),
        default="ec57",
        help="class of escape beats e and j: S (ec57) or N (ml, machine-learning papers)",
    )


def run(args: argparse.Namespace) -> int:
    """Score all records and print them in the chosen format."""
    from monitor.score import Conditions, choose_records, score_record

    rules = Conditions(args.window_ms / 1000.0, args.start, args.end, args.classes)
    if args.totals and args.format in {"table", "json", "bxb-S", "bxb-s"}:
        raise MonitorError(f"--totals: does not go with the format {args.format}", USAGE)
    records = choose_records(args.ref, args.test, args.test_annotator, args.records)
    scores = [
        score_record(ref, test, args.ref_annotator, args.test_annotator, rules)
        for _, ref, test in records
    ]
    if args.format == "table":
        from monitor.commands.score_table import print_tables
        from monitor.score.records import without_test

        scored = [name for name, _, _ in records]
        whole = args.records is None and args.test.is_dir()
        left = without_test(args.ref, args.ref_annotator, scored) if whole else []
        sides = (f"{args.ref} ({args.ref_annotator})", f"{args.test} ({args.test_annotator})")
        print_tables(scores, *sides, left)
    elif args.format == "json":
        from monitor.score.document import document

        files = {
            "ref": str(args.ref),
            "ref_annotator": args.ref_annotator,
            "test": str(args.test),
            "test_annotator": args.test_annotator,
        }
        print(json.dumps({**document(scores), "files": files}, indent=1))  # noqa: T201
    elif args.format in {"bxb-S", "bxb-s"}:
        from monitor.score.reports import reports

        _warn(rules.deviations)
        names = (args.ref_annotator, args.test_annotator)
        sys.stdout.write(reports(scores, *names, sve=args.format == "bxb-S"))
    else:
        _warn(rules.deviations)
        sys.stdout.write(_line_formats()[args.format](scores, totals=args.totals))
    return 0


def _line_formats() -> dict[str, Callable[..., str]]:
    from monitor.score import lines, rhythm_lines

    shown: dict[str, Callable[..., str]] = {
        "bxb-L": lines.beat_lines,
        "bxb-l": lines.beat_lines_short,
        "bxb-L-shutdown": lines.shutdown_lines,
        "bxb-l-shutdown": lines.shutdown_lines_short,
        "rxr-v": lines.run_lines,
        "rxr-s": lines.sve_run_lines,
        "mxm": rhythm_lines.heart_rate_lines,
        "mismatches": lines.mismatch_lines,
    }
    for kind in ("VF", "VT", "AF"):
        shown[f"epicmp-{kind}"] = partial(_episodes, kind=kind)
    return shown


def _episodes(scores: list[RecordScore], *, kind: str, totals: bool) -> str:
    from monitor.score.rhythm_lines import episode_lines

    return episode_lines(scores, kind, totals=totals)


def _warn(deviations: tuple[str, ...]) -> None:
    """Warn on stderr that the comparison differs from the standard."""
    if deviations:
        print(f"ecg-monitor: non-standard comparison: {'; '.join(deviations)}", file=sys.stderr)  # noqa: T201
