"""``ecg-monitor web``: the central station of a running service, for browsers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from monitor.commands.options import (
    add_key_option,
    add_service_options,
    add_web_options,
    client_keys,
)
from monitor.default_endpoints import WEB
from monitor.errors import MonitorError

SUMMARY = "Show the streams of a running `serve` in browsers: the central station."
EXAMPLE = "  ecg-monitor web                  # then open http://127.0.0.1:8765/"
NEEDS = "the central station needs packages: pip install 'ecg-monitor[web]'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_service_options(parser, "for what visitors ask")
    add_key_option(parser)
    parser.add_argument(
        "--web",
        default=WEB,
        metavar="[HOST:]PORT",
        help=f"browsers come here ({WEB}; a port alone is of this machine only)",
    )
    add_web_options(parser)
    parser.add_argument(
        "--until-input-ends", action="store_true", help="end when standard input ends"
    )


def run(args: argparse.Namespace) -> int:
    """Serve browsers until a signal comes."""
    try:
        from monitor.web.server import Listening, serve_web
    except ModuleNotFoundError as error:
        raise MonitorError(NEEDS) from error
    from monitor.web.link import Place

    place = Place(args.connect, args.control, client_keys(args))
    files = (args.web_cert, args.web_key, args.web_tokens)
    listening = Listening(args.web, *(Path(file) if file else None for file in files))
    serve_web(place, listening, _log, lambda url: _log(f"ready web={url}"), args.until_input_ends)
    return 0


def _log(text: str) -> None:
    print(f"web: {text}", file=sys.stderr, flush=True)  # noqa: T201
