"""``ecg-monitor snippet``: a piece of the signal of a running service, as a WFDB record."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.commands.options import add_key_option, client_keys
from monitor.endpoints import CONTROL
from monitor.errors import USAGE, MonitorError

if TYPE_CHECKING:
    from monitor.recording.request import Span
    from monitor.wire.subscriber import ControlClient

SUMMARY = "Fetch the signal around an alert or a sample from a running `serve`, as a WFDB record."
EXAMPLE = (
    "  ecg-monitor snippet bed-7 --alert 3 --before 30 --after 30 --out alerts\n"
    "  ecg-monitor snippet bed-7 --at 108000 --out alerts"
)
MAX_S = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("stream", help="name of the stream")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--alert", type=int, metavar="ID", help="around the onset of this alert")
    place.add_argument("--at", type=int, metavar="SAMPLE", help="around this sample")
    parser.add_argument("--before", type=float, default=10.0, metavar="S", help="seconds (10)")
    parser.add_argument("--after", type=float, default=10.0, metavar="S", help="seconds (10)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument(
        "--control", default=CONTROL, metavar="ENDPOINT", help=f"of the service ({CONTROL})"
    )
    parser.add_argument(
        "--patience", type=float, default=5.0, metavar="S", help="wait so long for it (5)"
    )
    add_key_option(parser)


def run(args: argparse.Namespace) -> int:
    """Fetch the span, piece by piece, and write it."""
    import contextlib

    from monitor.recording.export import write_record
    from monitor.wire.subscriber import ControlClient

    for name in ("before", "after"):
        if not 0 <= getattr(args, name) <= MAX_S:
            raise MonitorError(f"--{name} must lie in 0 to {MAX_S:g}", USAGE)
    with contextlib.closing(ControlClient(args.control, client_keys(args))) as control:
        rate_hz, at = _place(control, args)
        start = max(0, at - round(args.before * rate_hz))
        end = at + max(1, round(args.after * rate_hz))
        span = _fetch(control, args, start, end)
    name = f"{args.stream.replace('-', '_')}_{span.start_sample}"
    path = write_record(args.out, name, span)
    seconds = len(span.values_mv) / span.info.rate_hz
    print(f"{path}: {seconds:.1f} s from sample {span.start_sample}")  # noqa: T201
    return 0


def _place(control: ControlClient, args: argparse.Namespace) -> tuple[float, int]:
    """Give the sampling rate of the stream, and the sample in the middle."""
    reply = control.ask({"command": "state"}, args.patience)
    states = reply.get("streams")
    for state in states if isinstance(states, list) else []:
        if state["stream"] != args.stream:
            continue
        rate_hz = float(state["info"]["rate_hz"])
        if args.alert is None:
            return rate_hz, args.at
        for alert in state["alerts"]:
            if alert["id"] == args.alert:
                return rate_hz, int(alert["onset_sample"])
        raise MonitorError(
            f"stream {args.stream} has no alert {args.alert} now; give the sample of an earlier "
            "one with --at"
        )
    raise MonitorError(f"there is no stream {args.stream!r} at {args.control}")


def _fetch(control: ControlClient, args: argparse.Namespace, start: int, end: int) -> Span:
    """Ask for as much at once as may be asked for; the signal may end before."""
    from dataclasses import replace

    import numpy as np

    from monitor.recording.request import MAX_VALUES, read_answer

    spans: list[Span] = []
    at, step = start, 1
    while at < end:
        request = {
            "command": "signal",
            "stream": args.stream,
            "start_sample": at,
            "end_sample": min(at + step, end),
        }
        span = read_answer(control.ask(request, args.patience))
        spans.append(span)
        if len(span.values_mv) < min(step, end - at):
            break
        at += len(span.values_mv)
        step = MAX_VALUES // len(span.info.leads)
    values = np.concatenate([span.values_mv for span in spans])
    return replace(spans[0], values_mv=values)
