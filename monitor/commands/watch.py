"""``ecg-monitor watch``: the dashboard of a service."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from monitor.commands.options import add_key_option, add_service_options, client_keys
from monitor.feeds.run import has_terminal, line_writer

if TYPE_CHECKING:
    from monitor.feeds.feed import Deliver, Status
    from monitor.messages import Message

SUMMARY = "Watch the streams of a running `serve` on the dashboard."
EXAMPLE = "  ecg-monitor watch\n  ecg-monitor watch --stream 208 --text | grep '\\*\\*'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_service_options(parser, "for acknowledging")
    add_key_option(parser)
    parser.add_argument("--stream", metavar="NAME", help="watch this stream only")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="events as JSON lines on stdout")
    how.add_argument("--text", action="store_true", help="events as text lines on stdout")
    parser.add_argument(
        "--exit-when-done", action="store_true", help="end when all streams seen have ended"
    )


def run(args: argparse.Namespace) -> int:
    """Watch until quit."""
    from monitor.feeds.remote import SubscriberFeed

    feed = SubscriberFeed(
        args.connect, args.control, args.stream, args.exit_when_done, keys=client_keys(args)
    )
    if has_terminal() and not (args.json or args.text):
        from monitor.dashboard.app import run_dashboard

        return run_dashboard(feed)
    feed.run(_with_status(line_writer(as_json=args.json)))
    return 0


def _with_status(write: Callable[..., None]) -> Deliver:
    """Print events, and on stderr the status when it changes."""
    from monitor.feeds.feed import Status
    from monitor.messages import Alert, AlertState

    last: dict[str, str] = {}
    alerts: dict[tuple[str, int], Alert] = {}

    def deliver(message: Message | Status) -> None:
        if isinstance(message, Alert):
            # active alerts are repeated when their stream begins anew
            key = (message.stream, message.id)
            if alerts.pop(key, None) != message:
                write(message)
            if message.state is not AlertState.CLEARED:
                alerts[key] = message
        elif not isinstance(message, Status):
            write(message)
        elif last.get(message.stream) != message.text:
            last[message.stream] = message.text
            if message.text:
                name = f"stream {message.stream}: " if message.stream else ""
                print(f"watch: {name}{message.text}", file=sys.stderr, flush=True)  # noqa: T201

    return deliver
