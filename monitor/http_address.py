"""Addresses of HTTP servers: ``PORT``, or ``HOST:PORT``. Pure."""

from __future__ import annotations

import ipaddress

from monitor.errors import USAGE, MonitorError

LOOPBACK = "127.0.0.1"


def parse_address(text: str, option: str) -> tuple[str, int]:
    """Read ``PORT`` (on the loopback address) or ``HOST:PORT``; ``option`` names it in errors.

    Raises
    ------
    MonitorError
        If it is neither.

    Examples
    --------
    >>> parse_address("9464", "--metrics"), parse_address("[::1]:9464", "--metrics")
    (('127.0.0.1', 9464), ('::1', 9464))
    """
    host, colon, port = text.rpartition(":")
    valid_port = port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535
    if not valid_port or (colon and not host):
        raise MonitorError(
            f"{option} {text!r} is not an address: write a port, or HOST:PORT", USAGE
        )
    return host.strip("[]") or LOOPBACK, int(port)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown(host: str, port: int) -> str:
    """Write an address as it stands in a URL.

    >>> shown("::1", 80)
    '[::1]:80'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
