"""Tell systemd that the service is ready, alive, and about to end (sd_notify(3))."""

from __future__ import annotations

import contextlib
import os
import socket

from monitor.wire.protocol import Body, Heartbeat


class Supervisor:
    """The supervisor that started us, if one wants to be told; without one nothing happens.

    Its watchdog is told with each heartbeat of the service: a loop that hangs has none.
    """

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")  # not for our children
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self) -> None:
        """Say that samples may come."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Say that what is left is being written."""
        self._tell("STOPPING=1")

    def deliver(self, body: Body) -> None:
        """Take one message that is being published."""
        if isinstance(body, Heartbeat):
            self._tell(f"WATCHDOG=1\nSTATUS={body.streams} stream(s)")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),  # a supervisor that has gone is no fault of ours
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out,
        ):
            out.setblocking(False)
            out.sendto(text.encode(), self._address)
