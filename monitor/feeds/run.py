"""Run one source: show it on the dashboard, print its events as lines, or publish its samples.

Imports are inside the functions: commands import this file, and ``--help`` must stay fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.sources import Log, Source

OpenSource = Callable[[float, "Log"], "Source"]
"""Opens a source. Takes the length of its chunks (s) and a function that logs one line."""

LIVE_CHUNK_S = 0.04  # at speed 1: 25 chunks a second draw smoothly
FAST_CHUNK_S = 10.0  # at full speed: large batches are analysed faster
UNSET = 0.0  # no speed was asked for


@dataclass(frozen=True, slots=True)
class Output:
    """The output of a source, and its speed.

    Attributes
    ----------
    speed
        Times real time; None for full speed; :data:`UNSET` for the default of the output.
    json, text
        Print events as JSON lines or as text lines.
    publish
        Send the samples to the service at this endpoint. They are not analysed here.
    keys
        Folder of our keys, for a service that asks for them.
    source
        The source as the user named it; it tells one sending device from another.
    """

    speed: float | None = UNSET
    json: bool = False
    text: bool = False
    publish: str | None = None
    keys: Path | None = None
    source: str = ""


def run_source(
    open_source: OpenSource,
    settings: Settings,
    output: Output,
    live: bool = False,
    keys_fd: int | None = None,
) -> int:
    """Run a source until it ends; give the exit status.

    Without ``json``, ``text`` and ``publish`` the dashboard is drawn if there is a terminal, else
    text lines are printed.

    Parameters
    ----------
    open_source
        Opens the source.
    settings
        For the pipeline.
    output
        Where the result goes.
    live
        The source sets its own pace, unless a speed is asked for.
    keys_fd
        File descriptor where the user types when the source reads standard input.

    Raises
    ------
    MonitorError
        If the source, the pipeline or the service cannot be used.
    """
    terminal = has_terminal() if keys_fd is None else sys.stdout.isatty()
    publish = output.publish is not None
    dashboard = not (output.json or output.text or publish) and terminal
    watched = (dashboard or publish) and not live
    speed = output.speed if output.speed != UNSET else (1.0 if watched else None)
    if live and speed is None:
        chunk_s = LIVE_CHUNK_S if dashboard else LIVE_CHUNK_S * 10
    elif speed is None:
        chunk_s = FAST_CHUNK_S
    else:
        chunk_s = min(FAST_CHUNK_S, LIVE_CHUNK_S * max(speed, 1.0))
    if output.publish is not None:
        return _publish(output.publish, output, lambda: open_source(chunk_s, _log), speed, live)

    from monitor.feeds.local import LocalFeed

    feed = LocalFeed(
        lambda: open_source(chunk_s, feed.remark if dashboard else _log),
        settings,
        speed,
        live=live,
    )
    if dashboard:
        from monitor.dashboard.app import run_dashboard

        return run_dashboard(feed, keys_fd=keys_fd)
    write = line_writer(as_json=output.json)
    feed.run(_with_silence(write) if live else write)
    return 0


def line_writer(as_json: bool) -> Callable[..., None]:
    """Give a ``deliver`` that prints events as JSON lines or text lines on stdout."""
    if as_json:
        import json

        from monitor.feeds.feed import Status
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


def _with_silence(write: Callable[..., None]) -> Callable[..., None]:
    """Log on stderr when a live source falls silent, and when samples come again."""
    from monitor.feeds.feed import Status
    from monitor.feeds.local import NO_SAMPLES

    silent = False

    def deliver(message: object) -> None:
        nonlocal silent
        if isinstance(message, Status) and (message.text == NO_SAMPLES) != silent:
            silent = not silent
            _log(NO_SAMPLES if silent else "samples again")
        write(message)

    return deliver


def _publish(
    endpoint: str,
    output: Output,
    open_source: Callable[[], Source],
    speed: float | None,
    live: bool,
) -> int:
    import threading

    from monitor.feeds.pace import paced
    from monitor.wire.keys import load_client
    from monitor.wire.publisher import SamplePublisher

    keys = None if output.keys is None else load_client(output.keys)
    source = None if live else open_source()  # an error in a recording shows before we wait
    with SamplePublisher(endpoint, keys=keys, device=_device(output.source)) as publisher:
        publisher.wait_for_service()  # before the clock of the replay starts
        source = source or open_source()
        chunks = paced(source.chunks(), source.info, speed, threading.Event())
        sent = publisher.publish(source.info, (chunk for chunk, _ in chunks))
    _log(f"sent {sent} samples of {source.info.stream} to {endpoint}")
    return 0


def _device(source: str) -> str:
    """Name this machine and its source: the service tells a restart from another device by it.

    The name is a digest, since a source may be named after a patient. Standard input gets no
    name: its samples may come from any device.
    """
    import hashlib
    import platform

    if source == "-":
        return ""
    return hashlib.sha256(f"{platform.node()}\n{source}".encode()).hexdigest()[:16]


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _log(text: str) -> None:
    print(f"ecg-monitor: {text}", file=sys.stderr, flush=True)  # noqa: T201
