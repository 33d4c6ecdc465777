"""A worker: the service for some of the streams, in a process of its own."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from monitor import __version__
from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.log_lines import LogLine
from monitor.recording.recent import RecentSignal
from monitor.service.analysis import MakeAnalysis
from monitor.service.hub import Hub
from monitor.service.loading import load_analysis
from monitor.service.loop import Service
from monitor.service.memory import StreamMemory
from monitor.strict_toml import build
from monitor.wire.fields import fields_from_dict
from monitor.wire.jsonform import loads
from monitor.wire.link import Address, Link, connect, new_context
from monitor.workers.desk import FrontSockets, LinkOutlet
from monitor.workers.messages import (
    BEGIN,
    DONE,
    FAILED,
    HERE,
    LINE,
    PREPARE,
    READY,
    STOP,
    packed,
    unpacked,
)

LINGER_MS = 5000
FIRST_WORD_S = 60.0


def work(address: Address) -> None:
    """Serve the streams that the front at this address gives, until it says stop.

    Raises
    ------
    MonitorError
        If the front is gone.
    """
    context = new_context()
    link = connect(context, address)
    try:
        prepared = _next(link, FIRST_WORD_S)
        if prepared[0] != PREPARE:
            return
        told = unpacked(prepared[1])
        try:
            make = _loaded(told)
        except MonitorError as error:
            link.send([FAILED, packed([str(error), error.exit_code])])
            return
        link.send([READY, packed({"process": os.getpid()})])
        begun = _next(link)
        if begun[0] == BEGIN:
            _serve(link, make, told, unpacked(begun[1]))
        link.close(LINGER_MS)
    finally:
        context.destroy(LINGER_MS)


def _loaded(told: Any) -> MakeAnalysis:
    """Load the analysis that the front wants.

    Raises
    ------
    MonitorError
        If it cannot be loaded here.
    """
    if told["version"] != __version__:
        raise MonitorError(
            f"{socket.gethostname()} has ecg-monitor {__version__}, not {told['version']}: install "
            "the same version on all machines"
        )
    return load_analysis(build(Settings, told["settings"], ""))


def _next(link: Link, patience_s: float | None = None) -> list[bytes]:
    """Give the next message that tells us what to do.

    Raises
    ------
    MonitorError
        If none comes.
    """
    from monitor.workers import desk

    while link.wait(patience_s or desk.FRONT_GONE_S):
        message = link.receive()
        if message is not None and message[0] in (PREPARE, BEGIN, STOP):
            return message
        link.send([HERE])
    raise MonitorError("the front of the service is gone")


def _serve(link: Link, make: MakeAnalysis, told: Any, begun: Any) -> None:
    def log(text: str) -> None:
        line = text if isinstance(text, LogLine) else LogLine(text)
        link.send([LINE, packed([str(line), line.level, line.stream])])

    publisher = told["publisher"]
    folder = told["recordings"]
    recent = RecentSignal(Path(folder) if folder else None)
    hub = Hub(make, publisher, log, told["max_streams"], None, recent)
    hub.restore((_restored(*kept) for kept in begun["memories"]), time.monotonic())
    sockets = FrontSockets(link)
    outlet = LinkOutlet(link, sockets, recent.deliver, lambda: (hub.appeared, hub.over))

    def current() -> bool:
        hub.share_places(sockets.status.elsewhere)
        return sockets.caught_up

    service = Service(
        hub,
        sockets,
        publisher,
        storage_problems=lambda: sockets.status.recording or {},
        outlet=outlet,
        current=current,
    )
    sockets.stop = service.stop
    service.run()
    outlet.note(hub.positions())
    link.send([DONE])


def _restored(text: str, next_sample: int) -> StreamMemory:
    memory = fields_from_dict(StreamMemory, loads(text.encode()))
    return replace(memory, next_sample=next_sample)
