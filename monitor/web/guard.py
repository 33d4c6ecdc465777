"""What every request and answer of the central station must hold to. Pure.

1. A page of another site cannot act here: what changes something, and the live connection, must
   come from the page itself (``Origin``), and a request repeats a secret that only it can read.
2. A name that was made to point at this machine is not answered (DNS rebinding): without a login
   the ``Host`` must be that of loopback.
3. The page loads, and connects to, nothing but this station (Content-Security-Policy).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from monitor.http_address import is_loopback

CSRF_HEADER = "x-ecg-monitor"
COOKIE = "ecg_monitor_session"

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def host_refused(host: str, login: bool) -> bool:
    """Tell whether a request with this ``Host`` is refused.

    >>> host_refused("127.0.0.1:8000", False), host_refused("evil.example", False)
    (False, True)
    """
    if login:
        return not host
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return not is_loopback(name.strip("[]"))


def origin_refused(origin: str | None, host: str, tls: bool) -> bool:
    """Tell whether a request that acts has another origin than this station, or tells none.

    >>> origin_refused("http://localhost:8000", "localhost:8000", False)
    False
    >>> origin_refused("http://evil.example", "localhost:8000", False)
    True
    """
    return origin != f"{'https' if tls else 'http'}://{host}"


def csrf_refused(given: str | None, expected: str) -> bool:
    """Tell whether the secret of a request is wrong."""
    return given is None or not secrets.compare_digest(given.encode(), expected.encode())


def cookie_header(value: str, tls: bool) -> str:
    """Give the ``Set-Cookie`` of a session; an empty value ends it."""
    parts = [f"{COOKIE}={value}", "Path=/", "HttpOnly", "SameSite=Strict"]
    if not value:
        parts.append("Max-Age=0")
    if tls:
        parts.append("Secure")
    return "; ".join(parts)
