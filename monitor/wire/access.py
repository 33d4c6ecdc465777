"""Access control: CURVE on the sockets of the service, and the rights of each client's key.

ZeroMQ makes the handshake (RFC 26, CurveZMQ). This module answers whether a key may connect (RFC
27, ZAP), and later for each message whether its key still may.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import zmq
import zmq.auth

from monitor.errors import MonitorError
from monitor.log_lines import Level, LogLine
from monitor.wire.allowlist import Right, load
from monitor.wire.keys import ALLOW_LIST, fingerprint, load_server

# a subscriber may ask on the control socket; only `control` may change anything
ROOMS = {
    "input": frozenset({Right.SEND}),
    "output": frozenset({Right.SUBSCRIBE}),
    "control": frozenset({Right.CONTROL, Right.DISCHARGE, Right.SUBSCRIBE}),
}


class Access:
    """Holds the server's keys and its allow-list, and answers every handshake.

    Parameters
    ----------
    context
        Of the sockets.
    folder
        Holds ``server.key_secret`` and the allow-list.
    refused
        Takes one line for each refusal.
    say
        Takes a line when the allow-list changes.

    Raises
    ------
    MonitorError
        If the keys or the allow-list are missing or wrong.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        folder: Path,
        refused: Callable[[str], object],
        say: Callable[[str], object],
    ) -> None:
        self._keys = load_server(folder)
        self._path = folder / ALLOW_LIST
        self._read = self._state_of_file()
        self._allowed = load(self._path)
        self._refused = refused
        self._say = say
        self._address = ""
        self._authenticator = zmq.auth.Authenticator(context)
        self._authenticator.start()
        for room in ROOMS:
            self._authenticator.configure_curve_callback(room, self)
        self.socket = self._authenticator.zap_socket
        """Readable when a handshake waits for :meth:`answer`."""

    def guard(self, socket: zmq.Socket[bytes], room: str) -> None:
        """Let only keys with a right of ``room`` into a socket. Call it before the socket binds."""
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._keys.secret)
        socket.setsockopt(zmq.ZAP_DOMAIN, room.encode())

    def answer(self, limit: int = 64) -> None:
        """Answer the handshakes that wait."""
        for _ in range(limit):
            try:
                request = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._address = request[3].decode("ascii", "replace")
            # a coroutine, for callbacks that wait; ours does not
            with contextlib.suppress(StopIteration):
                self._authenticator.handle_zap_message(request).send(None)

    def callback(self, domain: str, key: bytes) -> bool:
        """Tell whether a key may connect (the authenticator calls this)."""
        public = key.decode("ascii")
        if self.admits(public, domain):
            return True
        self._refused(self.why_not(public, domain) + f", from {self._address}")
        return False

    def rights(self, public: str) -> frozenset[Right]:
        """Give the present rights of a key."""
        return self._allowed.rights.get(public, frozenset())

    def admits(self, public: str, room: str) -> bool:
        """Tell whether a key may use a socket now."""
        return not ROOMS[room].isdisjoint(self.rights(public))

    def why_not(self, public: str, room: str) -> str:
        """Give the log line about a key that may not use a socket."""
        return self.lacks(public, room, " or ".join(sorted(ROOMS[room])))

    def lacks(self, public: str, room: str, rights: str) -> str:
        """Give the log line about a key without these rights."""
        name = self._allowed.name_of(public)
        if name is None:
            return f"on --{room}: key {fingerprint(public)} is not in the allow-list"
        return f"on --{room}: key {fingerprint(public)} ({name}) has no right to {rights}"

    def reload(self) -> bool:
        """Read the allow-list again if its file has changed; tell whether the list is new."""
        state = self._state_of_file()
        if state == self._read:
            return False
        self._read = state
        try:
            allowed = load(self._path)
        except MonitorError as error:
            text = f"{error}; the list read before stays in force"
            self._say(LogLine(text, Level.WARNING))
            return False
        self._allowed = allowed
        self._say(f"allow-list read: {len(allowed.clients)} client(s)")
        return True

    def close(self) -> None:
        """Answer no more handshakes."""
        self._authenticator.stop()

    def _state_of_file(self) -> tuple[int, int, int] | None:
        try:
            state = self._path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino
