"""Access control: the allow-list of clients and their rights, and CURVE on the service's sockets.

The allow-list is one strict TOML file::

    [[clients]]
    name = "bed-7"
    public_key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
    rights = ["send"]                # send | subscribe | control | discharge

ZeroMQ makes the handshake (RFC 26, CurveZMQ). :class:`Access` answers whether a key may connect
(RFC 27, ZAP), and later for each message whether its key still may.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import zmq
import zmq.auth

from monitor.errors import USAGE, MonitorError
from monitor.log_lines import Level, LogLine
from monitor.strict_toml import build
from monitor.text_file import FileChanges, read_text_file, write_private
from monitor.wire.keys import ALLOW_LIST, check_private, fingerprint, is_public_key, load_server

MAX_CLIENTS = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

HEADER = """\
# Clients that this server lets in. Written by `ecg-monitor keys allow` and `keys revoke`, which do
# not keep comments; may be edited. A running server takes a change over within a second.
"""


class Right(StrEnum):
    """A right of a client."""

    SEND = "send"  # announce streams and send their samples
    SUBSCRIBE = "subscribe"  # receive everything that is published, ask for states
    CONTROL = "control"  # acknowledge alerts, change limits
    DISCHARGE = "discharge"  # let a stream go that is not being sent, with its alarms


# a subscriber may ask on the control socket; only `control` may change anything
ROOMS = {
    "input": frozenset({Right.SEND}),
    "output": frozenset({Right.SUBSCRIBE}),
    "control": frozenset({Right.CONTROL, Right.DISCHARGE, Right.SUBSCRIBE}),
}


@dataclass(frozen=True, slots=True)
class Client:
    """One client of the list.

    Raises
    ------
    MonitorError
        If a field is missing or not valid.
    """

    name: str = ""
    public_key: str = ""
    rights: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            text = "every client needs a name: letters, digits, '-' and '_', at most 64"
            raise MonitorError(text, USAGE)
        if not is_public_key(self.public_key):
            text = f"client {self.name}: public_key must be the 40 characters of a public key"
            raise MonitorError(text, USAGE)
        if not self.rights or not set(self.rights) <= set(Right):
            text = f"client {self.name}: rights must be some of {', '.join(Right)}"
            raise MonitorError(text, USAGE)


@dataclass(frozen=True, slots=True)
class AllowList:
    """All clients that are let in.

    Raises
    ------
    MonitorError
        If two clients share a name or a key: revoking one would leave the other.
    """

    clients: tuple[Client, ...] = ()
    rights: Mapping[str, frozenset[Right]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.clients) > MAX_CLIENTS:
            raise MonitorError(f"{len(self.clients)} clients are over the limit of {MAX_CLIENTS}")
        for what in ("name", "public_key"):
            counts = Counter(getattr(client, what) for client in self.clients)
            for value, count in counts.most_common(1):
                if count > 1:
                    raise MonitorError(f"the {what.replace('_', ' ')} {value} comes twice", USAGE)
        rights = {c.public_key: frozenset(map(Right, c.rights)) for c in self.clients}
        object.__setattr__(self, "rights", rights)

    def name_of(self, public_key: str) -> str | None:
        """Give the name of the client with this key, if it is let in."""
        return next((c.name for c in self.clients if c.public_key == public_key), None)


@dataclass(frozen=True, slots=True)
class _File:
    clients: tuple[Client, ...] = ()


def parse(text: str) -> AllowList:
    """Read an allow-list.

    Raises
    ------
    MonitorError
        If the text is not a valid allow-list.
    """
    try:
        table = tomllib.loads(text)
        clients = build(_File, table, "").clients
    except (ValueError, RecursionError) as error:
        raise MonitorError(f"not valid TOML: {' '.join(str(error).split())}", USAGE) from error
    if "clients" not in table:  # a half-written file must not cut everybody off
        raise MonitorError("names no clients; to let nobody in write: clients = []", USAGE)
    return AllowList(clients)


def load(path: Path) -> AllowList:
    """Read the file of an allow-list.

    Raises
    ------
    MonitorError
        If it is missing, unreadable or not valid, or if others may write it.
    """
    try:
        check_private(path, 0o022, "changed")
        return parse(read_text_file(path))
    except FileNotFoundError as error:
        raise MonitorError(
            f"allow-list {path} is not there; `ecg-monitor keys make server` makes it", USAGE
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise MonitorError(f"allow-list {path} cannot be read: {error}", USAGE) from error
    except MonitorError as error:
        raise MonitorError(f"allow-list {path}: {error}", USAGE) from error


def dumps(allowed: AllowList) -> str:
    """Give an allow-list as TOML. Names and Z85 keys need no escapes."""
    text = HEADER if allowed.clients else HEADER + "clients = []\n"
    for client in allowed.clients:
        rights = ", ".join(f'"{right}"' for right in client.rights)
        text += (
            f'\n[[clients]]\nname = "{client.name}"\n'
            f'public_key = "{client.public_key}"\nrights = [{rights}]\n'
        )
    return text


def save(allowed: AllowList, path: Path) -> None:
    """Write the file: see :func:`~monitor.text_file.write_private`."""
    write_private(path, dumps(allowed))


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
    log
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
        log: Callable[[str], object],
    ) -> None:
        self._keys = load_server(folder)
        self._path = folder / ALLOW_LIST
        self._changes = FileChanges(self._path)
        self._allowed = load(self._path)
        self._refused = refused
        self._log = log
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

    def why_not(self, public: str, room: str, right: str = "") -> str:
        """Give the log line about a key without this right, or without any of ``room``."""
        rights = right or " or ".join(sorted(ROOMS[room]))
        name = self._allowed.name_of(public)
        why = f"({name}) has no right to {rights}" if name else "is not in the allow-list"
        return f"on --{room}: key {fingerprint(public)} {why}"

    def reload(self) -> bool:
        """Read the allow-list again if its file has changed; tell whether the list is new."""
        if not self._changes.since():
            return False
        try:
            allowed = load(self._path)
        except MonitorError as error:
            self._log(LogLine(f"{error}; the list read before stays in force", Level.WARNING))
            return False
        self._allowed = allowed
        self._log(f"allow-list read: {len(allowed.clients)} client(s)")
        return True

    def close(self) -> None:
        """Answer no more handshakes."""
        self._authenticator.stop()
