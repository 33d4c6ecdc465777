"""``ecg-monitor discharge``: say that patients are not to be watched any more."""

from __future__ import annotations

import argparse

from monitor.commands.options import add_request_options, client_keys

SUMMARY = "Let streams of a running `serve` go that are silent: their patients are not watched."
EXAMPLE = "  ecg-monitor discharge bed-7\n  ecg-monitor discharge bed-7 bed-9 --keys ~/ecg-keys"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "streams",
        nargs="+",
        metavar="STREAM",
        help="name of a stream that is stale, ended, quarantined or refused; its alarms are "
        "cleared, acknowledged or not",
    )
    add_request_options(parser)


def run(args: argparse.Namespace) -> int:
    """Ask the service, stream by stream; the first that it refuses ends the command."""
    import contextlib

    from monitor.wire.subscriber import ControlClient

    with contextlib.closing(ControlClient(args.control, client_keys(args))) as control:
        for stream in args.streams:
            reply = control.ask({"command": "discharge", "stream": stream}, args.patience)
            print(f"{stream}: discharged, {reply.get('alerts')} alert(s) cleared")  # noqa: T201
    return 0
