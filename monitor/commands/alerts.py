"""``ecg-monitor alerts``: the alerts of a service as JSON lines, as they come."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from typing import TYPE_CHECKING

from monitor.commands.options import add_key_option, add_service_options, client_keys
from monitor.errors import FAILED, USAGE, MonitorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.messages import Alert
    from monitor.wire.follow import Follower

SUMMARY = "Print the alerts of a running `serve` as JSON lines, as they come."
EXAMPLE = (
    "  ecg-monitor alerts --priority high\n"
    "  ecg-monitor alerts --since 0   # all that the journal holds, then what comes\n"
    "  ecg-monitor alerts --stream 208 --kind vt --kind v_run --count 1 --timeout 60"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_service_options(parser, "to ask for what was missed")
    parser.add_argument(
        "--since",
        type=int,
        metavar="N",
        help="begin after this number of the journal (0: with all that is kept) instead of with "
        "what is active now",
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
        help="end after S seconds; exit code 1 if --count was not reached, or no service was heard",
    )


def _kind(text: str) -> str:
    from monitor.messages import AlertKind

    known = [kind.value for kind in AlertKind]
    if text not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is not a kind of alert: {', '.join(known)}")
    return text


def run(args: argparse.Namespace) -> int:
    """Print alerts until the command is to end."""
    if args.count is not None and args.count < 1:
        raise MonitorError(f"--count {args.count}: must be 1 or more", USAGE)
    if args.since is not None and args.since < 0:
        raise MonitorError(f"--since {args.since}: must be 0 or more", USAGE)
    if args.timeout is not None and not args.timeout > 0:
        raise MonitorError(f"--timeout {args.timeout:g}: must be more than 0", USAGE)

    from monitor.wire.follow import Follower
    from monitor.wire.jsonform import dumps, to_dict
    from monitor.wire.protocol import JOURNALLED
    from monitor.wire.subscriber import ControlClient, Subscription

    end_s = None if args.timeout is None else time.monotonic() + args.timeout
    printed = 0
    keys = client_keys(args)
    kinds = (*JOURNALLED, "state")
    with (
        Subscription(args.connect, kinds, args.stream, keys) as subscription,
        contextlib.closing(ControlClient(args.control, keys)) as control,
    ):
        follower = Follower(subscription, control, args.since, args.stream)
        _log(f"waiting for a service at {args.connect}")
        for alert, number in _alerts(follower, end_s, args.since is not None, args.connect):
            if args.kind and alert.kind not in args.kind:
                continue
            if args.priority and alert.priority not in args.priority:
                continue
            place = {} if number is None else {"journal": number}
            print(dumps({**to_dict(alert), **place}), flush=True)  # noqa: T201
            printed += 1
            if printed == args.count:
                return 0
    return 0 if args.count is None else FAILED


def _alerts(
    follower: Follower, end_s: float | None, must_answer: bool, endpoint: str
) -> Iterator[tuple[Alert, int | None]]:
    """Give every transition once, with its journal number; report when the service is silent.

    Who waits for alerts must not take a service that has gone for patients who are well.
    """
    from monitor.feeds.remote import SILENT_S
    from monitor.messages import Alert
    from monitor.wire.protocol import StreamState

    began_s = heard_s = time.monotonic()
    connected, silent, problem = False, False, ""
    while end_s is None or time.monotonic() < end_s:
        follower.wait(0.5 if end_s is None else max(0.0, min(0.5, end_s - time.monotonic())))
        packets = follower.receive()
        if packets:
            if not connected:
                _log("connected")
            connected, silent, heard_s = True, False, time.monotonic()
        elif not silent and time.monotonic() - heard_s > SILENT_S:
            connected, silent = False, True
            _log(f"no service at {endpoint}")
        for packet in packets:
            if isinstance(packet.body, Alert):
                yield packet.body, packet.mark.number if packet.mark else None
            elif isinstance(packet.body, StreamState):
                yield from ((alert, None) for alert in packet.body.alerts)
        if follower.problem != problem:
            problem = follower.problem
            _log(f"what is missed is lost: {problem}" if problem else "the journal answers")
        if must_answer and connected and follower.problem and not follower.answered:
            raise MonitorError(f"--since: {follower.problem}")
        if follower.answered:
            must_answer = False
    if heard_s == began_s:
        raise MonitorError(f"no service at {endpoint}")


def _log(text: str) -> None:
    print(f"alerts: {text}", file=sys.stderr, flush=True)  # noqa: T201
