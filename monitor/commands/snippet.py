"""``ecg-monitor snippet``: save signal of a running service as a WFDB record."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.commands.options import add_request_options, client_keys
from monitor.errors import USAGE, MonitorError

if TYPE_CHECKING:
    from monitor.recording.span_query import Span
    from monitor.wire.subscriber import ControlClient

SUMMARY = "Fetch the signal around an alert or a sample from a running `serve`, as a WFDB record."
EXAMPLE = (
    "  ecg-monitor snippet bed-7 --alert 3 --before 30 --after 30 --out alerts\n"
    "  ecg-monitor snippet bed-7 --at 108000 --out alerts"
)
AROUND = "around the onset of this alert; where that is forgotten, the 10 s in the journal"
MAX_S = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("stream", help="name of the stream")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--alert", type=int, metavar="ID", help=AROUND)
    place.add_argument("--at", type=int, metavar="SAMPLE", help="around this sample")
    parser.add_argument("--before", type=float, default=10.0, metavar="S", help="seconds (10)")
    parser.add_argument("--after", type=float, default=10.0, metavar="S", help="seconds (10)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    add_request_options(parser)


def run(args: argparse.Namespace) -> int:
    """Fetch the span, piece by piece, and write it."""
    import contextlib

    from monitor.recording.export import write_record
    from monitor.wire.subscriber import ControlClient

    for name in ("before", "after"):
        if not 0 <= getattr(args, name) <= MAX_S:
            raise MonitorError(f"--{name} must lie in 0 to {MAX_S:g}", USAGE)
    with contextlib.closing(ControlClient(args.control, client_keys(args))) as control:
        try:
            at = args.at if args.alert is None else _onset(control, args)
            span = _fetch(control, args, at)
        except MonitorError as error:
            span = _journalled(control, args, error)
    name = f"{args.stream.replace('-', '_')}_{span.start_sample}"
    path = write_record(args.out, name, span)
    seconds = len(span.values_mv) / span.info.rate_hz
    print(f"{path}: {seconds:.1f} s from sample {span.start_sample}")  # noqa: T201
    return 0


def _onset(control: ControlClient, args: argparse.Namespace) -> int:
    """Find the onset of an alert, among the present alerts or in the journal."""
    request: dict[str, object] = {"command": "state", "streams": [args.stream]}
    states = control.ask(request, args.patience).get("streams")
    for state in states if isinstance(states, list) else []:
        for alert in state["alerts"] if state["stream"] == args.stream else []:
            if alert["id"] == args.alert:
                return int(alert["onset_sample"])
    after, last = 0, 1
    while after < last:
        request = {"command": "history", "streams": [args.stream], "kinds": ["alert"]}
        try:
            page: dict[str, Any] = control.ask({**request, "after": after}, args.patience)
        except MonitorError as error:
            raise MonitorError(
                f"stream {args.stream} has no alert {args.alert} now ({error}); give the sample "
                "with --at"
            ) from error
        for event in page["events"]:
            if event["id"] == args.alert:
                return int(event["onset_sample"])
        after, last = page["through"], page["last"]
    raise MonitorError(f"stream {args.stream} has had no alert {args.alert}")


def _journalled(control: ControlClient, args: argparse.Namespace, error: MonitorError) -> Span:
    """Fetch the signal of an alert from the journal, if memory no longer has it."""
    from monitor.recording.span_query import read_answer

    if args.alert is None:
        raise error
    request = {"command": "snippet", "stream": args.stream, "alert_id": args.alert}
    try:
        return read_answer(control.ask(request, args.patience))
    except MonitorError:
        raise error from None


def _fetch(control: ControlClient, args: argparse.Namespace, at: int) -> Span:
    """Fetch the available signal around a sample, piece by piece."""
    from dataclasses import replace

    import numpy as np

    from monitor.recording.span_query import MAX_VALUES, read_answer

    def ask(start: int, end: int) -> Span:
        request = {"command": "signal", "stream": args.stream}
        places = {"start_sample": start, "end_sample": end}
        return read_answer(control.ask({**request, **places}, args.patience))

    middle = ask(at, at + 1)
    rate_hz, step = middle.info.rate_hz, MAX_VALUES // len(middle.info.leads)
    start, end = max(0, at - round(args.before * rate_hz)), at + 1 + round(args.after * rate_hz)
    spans: list[Span] = []
    for first in range(start, end, step):
        last = min(first + step, end)
        try:
            span = ask(first, last)
        except MonitorError:  # before what is known, or behind it: the middle is known
            if last <= at:
                spans.clear()
                continue
            break
        spans.append(span)
        if len(span.values_mv) < last - first:
            break
    values = np.concatenate([span.values_mv for span in spans])
    known = ~np.isnan(values).all(axis=1)
    lead_in = int(known.argmax())  # what is forgotten before the first known sample
    first_span = spans[0]
    return replace(
        first_span,
        start_sample=first_span.start_sample + lead_in,
        values_mv=values[lead_in:],
        wall_ns=first_span.wall_ns + round(lead_in / rate_hz * 1e9),
    )
