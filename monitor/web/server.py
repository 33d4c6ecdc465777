"""Runs the central station: the link to the service, and HTTP around the ward."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from monitor import stopping
from monitor.errors import USAGE, MonitorError
from monitor.http_address import is_loopback, parse_address, shown
from monitor.web.access import WebAccess
from monitor.web.app import Pages
from monitor.web.link import Link, Place, Requester
from monitor.web.station import Station
from monitor.web.ward import Ward

MAX_MESSAGE_BYTES = 4096  # of a browser
MAX_CONNECTIONS = 256
PATIENCE_S = 20.0  # with a browser that does not answer


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the station listens, and whom it lets in.

    Attributes
    ----------
    address
        ``PORT`` of this machine, or ``HOST:PORT``; port 0 takes a free one.
    cert, key
        Files of TLS (PEM).
    tokens
        File of the tokens; None for no login.
    """

    address: str
    cert: Path | None = None
    key: Path | None = None
    tokens: Path | None = None

    def checked(self) -> tuple[str, int]:
        """Give host and port.

        Raises
        ------
        MonitorError
            If the station could be reached from other machines without TLS and a login.
        """
        host, port = parse_address(self.address, "--web")
        if (self.cert is None) != (self.key is None):
            raise MonitorError("--web-cert and --web-key must be given together", USAGE)
        for option, path in (("--web-cert", self.cert), ("--web-key", self.key)):
            if path is not None and not os.access(path, os.R_OK):
                raise MonitorError(f"{option} {path} cannot be read", USAGE)
        if not is_loopback(host) and (self.cert is None or self.tokens is None):
            raise MonitorError(
                f"--web {self.address} can be reached from other machines: add TLS (--web-cert, "
                "--web-key) and a login (--web-tokens, see `ecg-monitor keys token`)",
                USAGE,
            )
        return host, port


class _Server(uvicorn.Server):
    """A server whose signals are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve_web(
    place: Place,
    listening: Listening,
    log: Callable[[str], object],
    ready: Callable[[str], object],
    until_input_ends: bool = False,
) -> None:
    """Serve the station until a signal comes.

    Parameters
    ----------
    place
        The service.
    listening
        Where the station listens.
    log
        Takes a line of the log.
    ready
        Called with the address once browsers may come.
    until_input_ends
        End when standard input ends.

    Raises
    ------
    MonitorError
        If the address, the files or the service cannot be used.
    """
    host, port = listening.checked()
    access = WebAccess(listening.tokens, log)
    ward, lock = Ward(place.output), threading.Lock()
    with contextlib.ExitStack() as stack:
        requester = Requester(place)
        stack.callback(requester.close)
        listener = stack.enter_context(_listener(host, port, listening.address))
        tls = listening.cert is not None
        pages = Pages(Station(ward, lock, requester), access, tls)
        server = http_server(pages, listening)

        def end(*_: object) -> None:
            server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        if stopping.take_over():
            end()
        link = Link(ward, lock, place, requester, failed=end)
        link.start()
        stack.callback(link.stop)
        if until_input_ends:
            threading.Thread(target=_await_end, args=(end,), name="input", daemon=True).start()
        scheme, bound = "https" if tls else "http", listener.getsockname()[1]
        ready(f"{scheme}://{shown(host, bound)}/")
        server.run(sockets=[listener])
        if link.error is not None:
            raise link.error


def _listener(host: str, port: int, address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise MonitorError(f"--web {address}: {error.strerror or error}") from error
    return listener


def http_server(pages: Pages, listening: Listening) -> uvicorn.Server:
    """Make the server of HTTP, which takes no signals.

    Raises
    ------
    MonitorError
        If the files of TLS cannot be used.
    """
    config = uvicorn.Config(
        pages.application(),
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PATIENCE_S / 2,
        ws_ping_timeout=PATIENCE_S,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=1,
        ssl_certfile=listening.cert,
        ssl_keyfile=listening.key,
    )
    try:
        config.load()
    except OSError as error:  # an SSLError is one
        raise MonitorError(
            f"--web-cert {listening.cert}, --web-key {listening.key}: {error.strerror or error}",
            USAGE,
        ) from error
    return _Server(config)


def _await_end(end: Callable[[], object]) -> None:
    with contextlib.suppress(OSError, ValueError):
        while sys.stdin.buffer.read(4096):
            pass
    end()
