"""The live connection of one browser: a WebSocket that a viewer fills."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from monitor.web.station import Station
from monitor.web.viewer import Viewer

PERIOD_S = 0.05
CHECK_S = 1.0  # a visitor who is let in no more is cut so soon
NO_ENTRY = 4401  # code of a connection that is closed for want of a login


async def serve_live(socket: WebSocket, station: Station, admitted: Callable[[], bool]) -> None:
    """Tell one browser what is new, until it goes or is let in no more.

    A browser that does not read holds up only this coroutine: nothing is queued for it.
    """
    await socket.accept()
    viewer = Viewer(station.ward)
    speaking = asyncio.ensure_future(_speak(socket, station, viewer, admitted))
    listening = asyncio.ensure_future(_listen(socket, viewer))
    both = {speaking, listening}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)


async def _speak(
    socket: WebSocket, station: Station, viewer: Viewer, admitted: Callable[[], bool]
) -> None:
    checked_s = time.monotonic()
    while True:
        now_s = time.monotonic()
        if now_s - checked_s >= CHECK_S:
            checked_s = now_s
            if not admitted():
                await socket.close(NO_ENTRY, "let in no more")
                return
        with station.lock:
            frames = viewer.frames(now_s, time.time_ns() // 1_000_000)
        for frame in frames:
            if isinstance(frame, str):
                await socket.send_text(frame)
            else:
                await socket.send_bytes(frame)
        await asyncio.sleep(PERIOD_S)


async def _listen(socket: WebSocket, viewer: Viewer) -> None:
    """Take which page is open: ``{"watch": NAME or null, "leads": [0, 1]}``; others are ignored."""
    while True:
        try:
            text = await socket.receive_text()
        except (WebSocketDisconnect, KeyError):  # gone, or bytes
            return
        try:
            wish = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if not isinstance(wish, dict):
            continue
        name, leads = wish.get("watch"), wish.get("leads", [0, 1])
        fits = isinstance(leads, list) and all(type(lead) is int for lead in leads)
        if fits and (name is None or isinstance(name, str)):
            viewer.watch(name, tuple(leads))
