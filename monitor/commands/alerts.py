"""``ecg-monitor alerts``: the alerts of a service as JSON lines, as they come."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from monitor.commands.options import add_key_option, client_keys
from monitor.commands.serve import OUTPUT
from monitor.errors import FAILED, USAGE, MonitorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.messages import Alert
    from monitor.wire.subscriber import Subscription

SUMMARY = "Print the alerts of a running `serve` as JSON lines, as they come."
EXAMPLE = (
    "  ecg-monitor alerts --priority high\n"
    "  ecg-monitor alerts --stream 208 --kind vt --kind v_run --count 1 --timeout 60"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--connect", default=OUTPUT, metavar="ENDPOINT", help=f"output of the service ({OUTPUT})"
    )
    add_key_option(parser)
    parser.add_argument("--stream", metavar="NAME", help="of this stream only")
    parser.add_argument(
        "--kind",
        action="append",
        type=_kind,
        metavar="KIND",
        help="of this kind only (asystole, vt, hr_high ...); may be given several times",
    )
    parser.add_argument(
        "--priority",
        action="append",
        choices=("high", "medium", "low", "technical"),
        help="of this priority only; may be given several times",
    )
    parser.add_argument("--count", type=int, metavar="N", help="end after N alerts")
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="S",
        help="end after S seconds; exit code 1 if --count was not reached",
    )


def _kind(text: str) -> str:
    from monitor.messages import AlertKind

    known = [kind.value for kind in AlertKind]
    if text not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is not a kind of alert: {', '.join(known)}")
    return text


def run(args: argparse.Namespace) -> int:
    """Print alerts until the end that was asked for."""
    if args.count is not None and args.count < 1:
        raise MonitorError(f"--count {args.count}: must be 1 or more", USAGE)
    if args.timeout is not None and not args.timeout > 0:
        raise MonitorError(f"--timeout {args.timeout:g}: must be more than 0", USAGE)

    from monitor.wire.jsonform import dumps, to_dict
    from monitor.wire.subscriber import Subscription

    end_s = None if args.timeout is None else time.monotonic() + args.timeout
    printed = 0
    keys = client_keys(args)
    with Subscription(args.connect, ("alert", "state"), args.stream, keys) as subscription:
        for alert in _alerts(subscription, end_s):
            if args.kind and alert.kind not in args.kind:
                continue
            if args.priority and alert.priority not in args.priority:
                continue
            print(dumps(to_dict(alert)), flush=True)  # noqa: T201
            printed += 1
            if printed == args.count:
                return 0
    return 0 if args.count is None else FAILED


def _alerts(subscription: Subscription, end_s: float | None) -> Iterator[Alert]:
    """Give every transition once, beginning with what is active now."""
    from monitor.messages import Alert
    from monitor.wire.protocol import StreamState
    from monitor.wire.subscriber import AlertMemory

    publisher, memory = "", AlertMemory()
    while end_s is None or time.monotonic() < end_s:
        subscription.wait(0.5 if end_s is None else min(0.5, end_s - time.monotonic()))
        for packet in subscription.receive():
            if packet.publisher != publisher:
                if not publisher:
                    _say("connected")
                publisher, memory = packet.publisher, AlertMemory()
            body = packet.body
            alerts = body.alerts if isinstance(body, StreamState) else (body,)
            for alert in alerts:
                if isinstance(alert, Alert) and memory.is_new(alert):
                    yield alert


def _say(text: str) -> None:
    print(f"alerts: {text}", file=sys.stderr, flush=True)  # noqa: T201
