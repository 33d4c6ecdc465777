"""Who is let in: CURVE on the sockets of the service, and the rights of each client's key.

The handshake is ZeroMQ's own (RFC 26, CurveZMQ); this module answers its question whether a key
may come in (RFC 27, ZAP), and afterwards, message by message, whether it still may.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import zmq
import zmq.auth

from monitor.errors import MonitorError
from monitor.remarks import Level, Remark
from monitor.wire.allowlist import Right, load
from monitor.wire.keys import ALLOW_LIST, fingerprint, load_server

# on the control socket a subscriber may ask, and only `control` may change anything
ROOMS = {
    "input": frozenset({Right.SEND}),
    "output": frozenset({Right.SUBSCRIBE}),
    "control": frozenset({Right.CONTROL, Right.DISCHARGE, Right.SUBSCRIBE}),
}


class Access:
    """The keys of the server, its allow-list, and the answer to every handshake.

    Parameters
    ----------
    context
        Of the sockets.
    folder
        Holds ``server.key_secret`` and the allow-list.
    refused
        Told each refusal, in one line.
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
        """Let only keys with a right of ``room`` into a socket; to be called before it binds."""
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
            # a coroutine for those whose callback waits; ours does not
            with contextlib.suppress(StopIteration):
                self._authenticator.handle_zap_message(request).send(None)

    def callback(self, domain: str, key: bytes) -> bool:
        """Say whether a key may come in (called by the authenticator)."""
        public = key.decode("ascii")
        if self.admits(public, domain):
            return True
        self._refused(self.why_not(public, domain) + f", from {self._address}")
        return False

    def rights(self, public: str) -> frozenset[Right]:
        """Give what a key may do now."""
        return self._allowed.rights.get(public, frozenset())

    def admits(self, public: str, room: str) -> bool:
        """Tell whether a key may be on a socket now."""
        return not ROOMS[room].isdisjoint(self.rights(public))

    def why_not(self, public: str, room: str) -> str:
        """Give the line for the log about a key that may not be on a socket."""
        return self.lacks(public, room, " or ".join(sorted(ROOMS[room])))

    def lacks(self, public: str, room: str, rights: str) -> str:
        """Give the line for the log about a key without these rights."""
        name = self._allowed.name_of(public)
        if name is None:
            return f"on --{room}: key {fingerprint(public)} is not in the allow-list"
        return f"on --{room}: key {fingerprint(public)} ({name}) has no right to {rights}"

    def reload(self) -> bool:
        """Read the allow-list again if its file has changed; tell whether there is a new one."""
        state = self._state_of_file()
        if state == self._read:
            return False
        self._read = state
        try:
            allowed = load(self._path)
        except MonitorError as error:
            text = f"{error}; the list read before stays in force"
            self._say(Remark(text, Level.WARNING))
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
