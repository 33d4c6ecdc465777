"""``/metrics`` and ``/health`` over HTTP, in threads beside the service.

``/health`` answers 503 while the service does not do its work ("failing"): a restart may help.
While it works, but patients are not watched ("degraded"), it answers 200 with the reasons:
somebody must look after them, and a restart would make it worse.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

from monitor.errors import MonitorError
from monitor.http_address import is_loopback, parse_address, shown
from monitor.metrics.figures import Figures
from monitor.metrics.health import Health, Verdict

PATIENCE_S = 5.0  # with a client that does not speak
MAX_AT_ONCE = 16


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE_S

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: these requests come every few seconds."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._room = threading.BoundedSemaphore(MAX_AT_ONCE)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server for the name of this machine."""
        super(WSGIServer, self).server_bind()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that went away first."""


class MetricsServer:
    """Serves metrics and health over HTTP until closed.

    Parameters
    ----------
    address
        ``PORT`` of this machine, or ``HOST:PORT``; port 0 takes a free one.
    storage
        Tells what cannot be stored and why, by store.

    Raises
    ------
    MonitorError
        If the address is none, or taken.
    """

    def __init__(self, address: str, storage: Callable[[], Mapping[str, str]]) -> None:
        host, port = parse_address(address, "--metrics")
        self._health = Health()
        self._storage = storage
        self.figures = Figures(self._health, storage)
        self._metrics = make_wsgi_app(self.figures.registry)
        try:
            self._server = _Server((host, port))
        except OSError as error:
            raise MonitorError(f"--metrics {address}: {error.strerror or error}") from error
        self._server.set_app(self._answer)
        self.local = is_loopback(host)
        self.endpoint = f"http://{shown(host, self._server.server_port)}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            return list(self._metrics(environ, start))
        if path == "/health":
            report = self._health.report(time.monotonic(), self._storage())
            failing = report.verdict is Verdict.FAILING
            status = "503 Service Unavailable" if failing else "200 OK"
            content: dict[str, object] = {
                "status": report.verdict,
                "reasons": report.reasons,
                "streams": report.streams,
                "refused": report.turned_away,
                "lag_s": report.lag_s,
                "storage": report.storage,
            }
        else:
            status, content = "404 Not Found", {"error": "there are /metrics and /health"}
        body = json.dumps(content).encode() + b"\n"
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]
