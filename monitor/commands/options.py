"""Options that several commands share, and their values as settings, keys and output."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.default_endpoints import CONTROL, OUTPUT
from monitor.feeds.run import UNSET, OpenSource, Output, run_source

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.wire.keys import ClientKeys


def speed(text: str) -> float | None:
    """Read ``--speed``: a number above 0, or ``max`` (None)."""
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed: a number above 0, or max")
    return value


def seconds(text: str) -> float:
    """Read a time: ``90``, ``1:30`` or ``0:01:30.5``.

    >>> seconds("1:30"), seconds("0:01:30.5")
    (90.0, 90.5)
    """
    try:
        total = 0.0
        for part in text.split(":"):
            value = float(part)
            if not 0 <= value < 1e9:
                raise ValueError
            total = total * 60 + value
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: seconds, m:ss or h:mm:ss"
        ) from None
    return total


def lead_names(text: str) -> tuple[str, ...]:
    """Read ``--lead``: names separated by commas, the primary first."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of lead names")
    return names


def add_analysis_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for settings, detector and model."""
    group = parser.add_argument_group("analysis")
    group.add_argument("--config", type=Path, metavar="FILE", help="settings (TOML)")
    group.add_argument("--model", metavar="NAME|FILE", help="beat classifier (default: aami)")
    group.add_argument("--detector", metavar="NAME", help="QRS detector (default: default)")


def settings_from(args: argparse.Namespace) -> Settings:
    """Read ``--config`` and let the options given overrule it."""
    from monitor.config import load_settings

    settings = load_settings(args.config)
    if args.model is not None:
        settings = replace(settings, classify=replace(settings.classify, model=args.model))
    if args.detector is not None:
        settings = replace(settings, detect=replace(settings.detect, detector=args.detector))
    return settings


def add_key_option(parser: argparse._ActionsContainer) -> None:
    """Add the option for a client's keys."""
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="DIR",
        help="keys for a server that asks for them (see `ecg-monitor keys`)",
    )


def add_service_options(parser: argparse.ArgumentParser, why: str) -> None:
    """Add the endpoints of a service; ``why`` says what it is asked for."""
    parser.add_argument(
        "--connect", default=OUTPUT, metavar="ENDPOINT", help=f"output of the service ({OUTPUT})"
    )
    parser.add_argument(
        "--control",
        default=CONTROL,
        metavar="ENDPOINT",
        help=f"control of the service, {why} ({CONTROL})",
    )


def add_request_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for a request to a service."""
    parser.add_argument(
        "--control", default=CONTROL, metavar="ENDPOINT", help=f"of the service ({CONTROL})"
    )
    parser.add_argument(
        "--patience", type=seconds, default=5.0, metavar="S", help="wait so long for it (5)"
    )
    add_key_option(parser)


def add_web_options(parser: argparse.ArgumentParser) -> None:
    """Add TLS and the login of the central station."""
    parser.add_argument("--web-cert", metavar="FILE", help="certificate of TLS (PEM)")
    parser.add_argument("--web-key", metavar="FILE", help="its private key (PEM)")
    parser.add_argument(
        "--web-tokens",
        metavar="FILE",
        help="let in who has a token of this list (see `ecg-monitor keys token`); this and TLS "
        "must be given to bind beyond this machine",
    )


def client_keys(args: argparse.Namespace) -> ClientKeys | None:
    """Read the keys of ``--keys``."""
    if args.keys is None:
        return None
    from monitor.wire.keys import load_client

    return load_client(args.keys)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the output of a stream and its speed."""
    parser.add_argument(
        "--speed",
        type=speed,
        default=UNSET,
        metavar="N|max",
        help="times real time (default: 1 on the dashboard and when publishing, else max)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--json", action="store_true", help="events as JSON lines on stdout")
    where.add_argument("--text", action="store_true", help="events as text lines on stdout")
    where.add_argument(
        "--publish",
        metavar="ENDPOINT",
        help="send the samples over ZeroMQ to a `serve` there instead of analysing them, "
        "for instance tcp://127.0.0.1:5555",
    )
    add_key_option(parser)


def show(
    args: argparse.Namespace,
    open_source: OpenSource,
    live: bool = False,
    keys_fd: int | None = None,
) -> int:
    """Run a source as the options say: see :func:`monitor.feeds.run.run_source`."""
    source = str(getattr(args, "source", ""))
    output = Output(args.speed, args.json, args.text, args.publish, args.keys, source)
    return run_source(open_source, settings_from(args), output, live, keys_fd)
