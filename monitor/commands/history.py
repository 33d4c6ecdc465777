"""``ecg-monitor history``: read the journal of a service, even while it runs."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.default_endpoints import INPUT
from monitor.errors import USAGE, MonitorError

if TYPE_CHECKING:
    from monitor.journal.entries import Entry

SUMMARY = "Show what a `serve` has journalled: alerts, streams, gaps, changed limits."
EXAMPLE = (
    "  ecg-monitor history --priority high --from 8h\n"
    "  ecg-monitor history --stream bed-7 --kind vt --kind vf --format csv > bed-7.csv"
)

CSV_FIELDS = (
    *("journal", "time", "stream", "type", "kind", "priority", "state", "id", "seq"),
    *("onset_sample", "sample", "text", "value", "limit"),
)
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MARKS = {"high": "***", "medium": "**", "low": "*", "technical": "!"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--journal", metavar="FILE|URL", help=f"(default: that of --input {INPUT})")
    parser.add_argument(
        "--stream", action="append", default=[], metavar="NAME", help="of this stream only"
    )
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        type=_kind,
        metavar="KIND",
        help="of this kind only: asystole, vt ..., or alert, info, end, gap, limits",
    )
    parser.add_argument(
        "--priority",
        action="append",
        default=[],
        choices=("high", "medium", "low", "technical"),
        help="alerts of this priority only",
    )
    time = (
        "a time (2026-03-01T14:30, local unless it says otherwise), or how long ago (90m, 8h, 7d)"
    )
    parser.add_argument(
        "--from", dest="since", type=wall_time, metavar="TIME", help=f"from {time} on"
    )
    parser.add_argument(
        "--to", dest="until", type=wall_time, metavar="TIME", help="up to such a time"
    )
    parser.add_argument(
        "--after", type=int, default=0, metavar="N", help="after this journal number"
    )
    parser.add_argument(
        "--format",
        choices=("table", "json", "csv"),
        default="table",
        help="json: one object a line (default: table)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the chosen entries, in the order of the journal."""
    from monitor.journal.entries import Query
    from monitor.journal.opening import open_reader
    from monitor.journal.place import journal_place

    if args.after < 0:
        raise MonitorError(f"--after {args.after}: must be 0 or more", USAGE)
    place = args.journal or journal_place("", INPUT)
    assert place is not None  # the default input has a fixed port
    query = Query(
        args.after, tuple(args.stream), tuple(args.kind), tuple(args.priority),
        args.since, args.until,
    )  # fmt: skip
    reader = open_reader(place)
    try:
        show = {"table": _table, "json": _json, "csv": _csv}[args.format]()
        for entry in reader.entries(query):
            show(entry)
    finally:
        reader.close()
    return 0


def _kind(text: str) -> str:
    from monitor.messages import AlertKind

    known = ["alert", "info", "end", "gap", "limits", *(kind.value for kind in AlertKind)]
    if text not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is not a kind of event: {', '.join(known)}")
    return text


def wall_time(text: str) -> int:
    """Read a time or an age; give wall time in ns."""
    number, unit = text[:-1], text[-1:]
    try:
        if unit in _UNITS_S and float(number) >= 0:
            at = datetime.now(UTC) - timedelta(seconds=float(number) * _UNITS_S[unit])
        else:
            at = datetime.fromisoformat(text).astimezone()
        return round(at.timestamp() * 1e6) * 1000
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: write 2026-03-01T14:30, or 90m, 8h, 7d for so long ago"
        ) from None


def _table() -> Callable[[Entry], None]:
    columns = "{:>8}  {:<19}  {:<12}  {:<3} {:<15} {:<12}  {}"
    print(columns.format("number", "time", "stream", "", "kind", "state", "text"))  # noqa: T201

    def show(entry: Entry) -> None:
        fields = entry.fields()
        at = _wall(entry).strftime("%Y-%m-%d %H:%M:%S")
        draft = entry.draft
        kind, state = draft.alert or draft.kind, draft.state or ""
        mark, text = _MARKS.get(draft.priority or "", ""), _text(fields)
        print(columns.format(entry.number, at, draft.stream, mark, kind, state, text))  # noqa: T201

    return show


def _text(fields: dict[str, object]) -> str:
    match fields["type"]:
        case "info":
            leads = fields["leads"]
            names = ", ".join(map(str, leads)) if isinstance(leads, list) else ""
            return f"{fields['source']}, {fields['rate_hz']:g} Hz, {names}"
        case "gap":
            return f"{fields['kind']}: {fields['length']} samples from {fields['sample']}"
        case "end":
            return f"end of stream at {fields['sample']}"
        case "limits":
            return f"alarm limits changed at {fields['sample']}"
    return str(fields["text"])


def _json() -> Callable[[Entry], None]:
    def show(entry: Entry) -> None:
        print(json.dumps(entry.fields()))  # noqa: T201

    return show


def _csv() -> Callable[[Entry], None]:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_FIELDS)

    def show(entry: Entry) -> None:
        fields = entry.fields()
        kind = fields["type"]
        if kind != "alert":
            fields["text"] = _text(fields)
        fields["time"] = _wall(entry).isoformat(timespec="milliseconds")
        writer.writerow([fields.get(name) for name in CSV_FIELDS])

    return show


def _wall(entry: Entry) -> datetime:
    return datetime.fromtimestamp(entry.wall_ns / 1e9, UTC).astimezone()
