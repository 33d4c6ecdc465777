"""The HTTP of the central station: its pages, requests, and the live connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from monitor import __version__
from monitor.errors import MonitorError
from monitor.messages import AlertKind, Priority
from monitor.web import guard
from monitor.web.access import Visitor, WebAccess
from monitor.web.live import serve_live
from monitor.web.station import Station

MAX_BODY_BYTES = 16 * 1024
MAX_BROWSERS = 64
NO_LOGIN = "log in first"
SWITCHES = [
    kind.value
    for kind in AlertKind
    if kind.priority is not Priority.TECHNICAL and kind not in (AlertKind.ASYSTOLE, AlertKind.VF)
]
"""Kinds of alarms that can be switched off for one patient."""
TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class Pages:
    """Answers requests.

    Parameters
    ----------
    station
        Knows the ward.
    access
        Knows who may do what.
    tls
        The station is reached by TLS.
    """

    def __init__(self, station: Station, access: WebAccess, tls: bool) -> None:
        self._station = station
        self._access = access
        self._tls = tls
        self._files = page_files()
        self._browsers = 0

    def application(self) -> ASGIApp:
        """Give the application, guarded."""
        routes = [
            Route("/", self.page),
            Route("/static/{name}", self.page),
            Route("/api/session", self.session),
            Route("/api/login", self.login, methods=["POST"]),
            Route("/api/logout", self.logout, methods=["POST"]),
            Route("/api/request", self.request, methods=["POST"]),
            Route("/api/trend/{name}", self.trend),
            Route("/api/strip/{name}/{alert_id:int}", self.strip),
            WebSocketRoute("/live", self.live),
        ]
        app = Starlette(routes=routes, exception_handlers={MonitorError: _refusal})
        return Guarded(app, self._access.login, self._tls)

    async def page(self, request: Request) -> Response:
        """Give a file of the page."""
        name = request.path_params.get("name", "index.html")
        content = self._files.get(name)
        if content is None:
            return _error("there is no such page", 404)
        kind = TYPES[name.rpartition(".")[2]]
        return Response(content, headers={"content-type": kind, "cache-control": "no-cache"})

    async def session(self, request: Request) -> Response:
        """Tell who the visitor is."""
        visitor = self._visitor(request)
        if visitor is None:
            return _error(NO_LOGIN, 401)
        return JSONResponse(self._described(visitor))

    async def login(self, request: Request) -> Response:
        """Log in with a token."""
        token = (await _body(request)).get("token")
        entered = self._access.enter(token) if isinstance(token, str) and token else None
        if entered is None:
            return _error("this token is not known", 403)
        cookie, visitor = entered
        answer = JSONResponse(self._described(visitor))
        answer.headers["set-cookie"] = guard.cookie_header(cookie, self._tls)
        return answer

    async def logout(self, request: Request) -> Response:
        """Log out."""
        self._acting(request)
        self._access.leave(request.cookies.get(guard.COOKIE, ""))
        answer = JSONResponse({"ok": True})
        answer.headers["set-cookie"] = guard.cookie_header("", self._tls)
        return answer

    async def request(self, request: Request) -> Response:
        """Hand a request on to the service."""
        visitor = self._acting(request)
        fields = await _body(request)
        answer = await run_in_threadpool(self._station.request, fields, visitor.rights)
        return JSONResponse({"ok": True, **answer})

    async def trend(self, request: Request) -> Response:
        """Give the trends of a bed."""
        self._reading(request)
        return JSONResponse(self._station.trend(request.path_params["name"]))

    async def strip(self, request: Request) -> Response:
        """Give the signal before an alarm."""
        self._reading(request)
        name, alert_id = request.path_params["name"], request.path_params["alert_id"]
        found = await run_in_threadpool(self._station.strip, name, alert_id)
        return _error("there is no such bed", 404) if found is None else JSONResponse(found)

    async def live(self, socket: WebSocket) -> None:
        """Hold the live connection of a browser."""
        cookie = socket.cookies.get(guard.COOKIE, "")
        if self._access.visitor(cookie) is None or self._browsers >= MAX_BROWSERS:
            await socket.close()  # before it was accepted: the browser reads 403
            return
        self._browsers += 1
        try:
            admitted = lambda: self._access.visitor(cookie) is not None  # noqa: E731
            await serve_live(socket, self._station, admitted)
        finally:
            self._browsers -= 1

    def _visitor(self, request: HTTPConnection) -> Visitor | None:
        return self._access.visitor(request.cookies.get(guard.COOKIE, ""))

    def _reading(self, request: Request) -> Visitor:
        visitor = self._visitor(request)
        if visitor is None:
            raise _RefusedError(NO_LOGIN, 401)
        return visitor

    def _acting(self, request: Request) -> Visitor:
        visitor = self._reading(request)
        if guard.csrf_refused(request.headers.get(guard.CSRF_HEADER), visitor.csrf):
            raise _RefusedError("the secret of the page is missing: load it again", 403)
        return visitor

    def _described(self, visitor: Visitor) -> dict[str, object]:
        return {
            "name": visitor.name,
            "rights": sorted(visitor.rights),
            "csrf": visitor.csrf,
            "login": self._access.login,
            "version": __version__,
            "switches": SWITCHES,
        }


class _RefusedError(MonitorError):
    """A request that is refused, with the status of its answer."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class Guarded:
    """Refuses what comes from elsewhere, and adds the headers of :mod:`monitor.web.guard`.

    Parameters
    ----------
    app
        The application inside.
    login
        Visitors log in.
    tls
        The station is reached by TLS.
    """

    def __init__(self, app: ASGIApp, login: bool, tls: bool) -> None:
        self._app = app
        self._login = login
        self._tls = tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = HTTPConnection(scope)
        host, origin = asked.headers.get("host", ""), asked.headers.get("origin")
        acts = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if guard.host_refused(host, self._login):
            await self._refuse("this name is not that of the station", scope, receive, send)
        elif acts and guard.origin_refused(origin, host, self._tls):
            await self._refuse("a page of another site may not do this", scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers()]
            await send(message)

        await self._app(scope, receive, guarded)

    async def _refuse(self, text: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": text})
            return
        answer = _error(text, 403)
        answer.headers.update(self._headers_by_name())
        await answer(scope, receive, send)

    def _headers_by_name(self) -> dict[str, str]:
        secure = {"strict-transport-security": "max-age=31536000"} if self._tls else {}
        return {"cache-control": "no-store", **guard.HEADERS, **secure}

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [(k.encode(), v.encode()) for k, v in self._headers_by_name().items()]


def page_files() -> dict[str, bytes]:
    """Read the files of the page, by name."""
    folder = resources.files("monitor.web") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if "." in file.name}


async def _body(request: Request) -> Mapping[str, Any]:
    """Read the JSON object of a request.

    Raises
    ------
    MonitorError
        If it is none, or too large.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise _RefusedError("the request must be JSON", 415)
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > MAX_BODY_BYTES:
            raise _RefusedError("the request is too large", 413)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise _RefusedError("the request is not a JSON object", 400)
    return fields


async def _refusal(_: Request, error: Exception) -> Response:
    """Answer a request that is refused."""
    return _error(str(error), error.status if isinstance(error, _RefusedError) else 409)


def _error(text: str, status: int) -> JSONResponse:
    return JSONResponse({"ok": False, "error": text}, status)
