"""Options that several commands share, and what follows from them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.default_endpoints import CONTROL

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.sources import Say, Source
    from monitor.wire.keys import ClientKeys

OpenSource = Callable[[float, "Say"], "Source"]
"""Opens a source that gives pieces of the given length (s) and tells the operator what is odd."""

LIVE_CHUNK_S = 0.04  # pieces at speed 1: 25 a second draw smoothly
FAST_CHUNK_S = 10.0
UNSET = 0.0  # no --speed was given


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
    """Add what chooses settings, detector and model."""
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
    """Add where a client's keys are."""
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="DIR",
        help="keys for a server that asks for them (see `ecg-monitor keys`)",
    )


def add_request_options(parser: argparse.ArgumentParser) -> None:
    """Add which service is asked, and how."""
    parser.add_argument(
        "--control", default=CONTROL, metavar="ENDPOINT", help=f"of the service ({CONTROL})"
    )
    parser.add_argument(
        "--patience", type=seconds, default=5.0, metavar="S", help="wait so long for it (5)"
    )
    add_key_option(parser)


def client_keys(args: argparse.Namespace) -> ClientKeys | None:
    """Read the keys of ``--keys``."""
    if args.keys is None:
        return None
    from monitor.wire.keys import load_client

    return load_client(args.keys)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add what chooses where a stream goes and how fast."""
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
    """Analyse a source as the output options say: dashboard, lines, or publish.

    A ``live`` source sets its own pace, unless a speed is asked for. ``keys_fd`` is where keys are
    typed when the source has taken standard input.
    """
    settings = settings_from(args)
    terminal = has_terminal() if keys_fd is None else sys.stdout.isatty()
    publish = args.publish is not None
    dashboard = not (args.json or args.text or publish) and terminal
    watched = (dashboard or publish) and not live
    pace = args.speed if args.speed != UNSET else (1.0 if watched else None)
    if live and pace is None:
        chunk_s = LIVE_CHUNK_S if dashboard else LIVE_CHUNK_S * 10
    else:
        chunk_s = FAST_CHUNK_S if pace is None else min(FAST_CHUNK_S, LIVE_CHUNK_S * max(pace, 1.0))
    if publish:
        keys = client_keys(args)
        device = _device(str(getattr(args, "source", "")))
        return _publish(
            args.publish, keys, lambda: open_source(chunk_s, _remark), pace, live, device
        )

    from monitor.live import LocalFeed

    feed = LocalFeed(
        lambda: open_source(chunk_s, feed.remark if dashboard else _remark),
        settings,
        pace,
        live=live,
    )
    if dashboard:
        from monitor.dashboard.app import run_dashboard

        return run_dashboard(feed, keys_fd=keys_fd)
    write = line_writer(as_json=args.json)
    feed.run(_with_silence(write) if live else write)
    return 0


def _with_silence(write: Callable[..., None]) -> Callable[..., None]:
    """Say on stderr when a live source falls silent, and when it is heard again."""
    from monitor.feed import Status
    from monitor.live import NO_SAMPLES

    silent = False

    def deliver(message: object) -> None:
        nonlocal silent
        if isinstance(message, Status) and (message.text == NO_SAMPLES) != silent:
            silent = not silent
            _remark(NO_SAMPLES if silent else "samples again")
        write(message)

    return deliver


def line_writer(as_json: bool) -> Callable[..., None]:
    """Give a ``deliver`` that prints events as JSON or text lines on stdout, as they come."""
    if as_json:
        import json

        from monitor.feed import Status
        from monitor.messages import Message, Samples
        from monitor.wire.jsonform import to_line

        def deliver(message: Message | Status) -> None:
            if not isinstance(message, Samples | Status):
                _print(json.dumps(to_line(message), allow_nan=False))

        return deliver
    from monitor.sinks.lines import TextLines

    return TextLines(_print).deliver


def has_terminal() -> bool:
    """Tell whether a dashboard can be drawn."""
    return sys.stdout.isatty() and sys.stdin.isatty() and os.environ.get("TERM", "") != "dumb"


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _remark(text: str) -> None:
    print(f"ecg-monitor: {text}", file=sys.stderr, flush=True)  # noqa: T201


def _device(source: str) -> str:
    """Name this machine and its source, so that a restart is told from another device.

    What comes over standard input may come from anywhere: that has no name. The name is a
    digest, since a source may be named after a patient.
    """
    import hashlib
    import platform

    if source == "-":
        return ""
    return hashlib.sha256(f"{platform.node()}\n{source}".encode()).hexdigest()[:16]


def _publish(
    endpoint: str,
    keys: ClientKeys | None,
    open_source: Callable[[], Source],
    pace: float | None,
    live: bool,
    device: str,
) -> int:
    import threading

    from monitor.live import paced
    from monitor.wire.publisher import SamplePublisher

    source = None if live else open_source()  # what is wrong with a recording is said at once
    with SamplePublisher(endpoint, keys=keys, device=device) as publisher:
        publisher.wait_for_service()  # before the clock of the replay starts
        source = source or open_source()
        chunks = paced(source.chunks(), source.info, pace, threading.Event())
        sent = publisher.publish(source.info, (chunk for chunk, _ in chunks))
    print(  # noqa: T201
        f"ecg-monitor: sent {sent} samples of {source.info.stream} to {endpoint}", file=sys.stderr
    )
    return 0
