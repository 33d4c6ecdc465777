"""CURVE key pairs in files: made once, kept secret, read back strictly.

A folder of keys holds certificates in the format of ZeroMQ (``zmq.auth``):

- on the server ``server.key_secret``, ``server.key`` and the allow-list ``clients.toml``;
- on a client ``client.key_secret``, ``client.key`` and the ``server.key`` of its server.

Both may be one folder. A ``.key`` is public; a ``.key_secret`` has mode 0600, is never printed,
and is refused when others can read it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import zmq
import zmq.auth
from zmq.utils import z85

from monitor.errors import USAGE, MonitorError

SERVER, CLIENT = "server", "client"
ALLOW_LIST = "clients.toml"
MAX_FILE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair, each key as 40 characters of Z85 (ZeroMQ RFC 32)."""

    public: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """What a client needs: its own pair, and the key by which it knows its server."""

    own: KeyPair
    server_public: str


def make_pair(folder: Path, name: str) -> str:
    """Make a key pair in ``folder`` as ``name.key`` and ``name.key_secret``; give the public key.

    Raises
    ------
    MonitorError
        If there is one already, or the files cannot be written.
    """
    _require_curve()
    public_file, secret_file = folder / f"{name}.key", folder / f"{name}.key_secret"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # made where nobody else can look, then linked: never readable, never written over
        with tempfile.TemporaryDirectory(dir=folder) as hidden:
            made = [Path(path) for path in zmq.auth.create_certificates(hidden, name)]
            made[0].chmod(0o644)
            made[1].chmod(0o600)
            os.link(made[1], secret_file)
            try:
                os.link(made[0], public_file)
            except FileExistsError:
                secret_file.unlink()
                raise
    except FileExistsError as error:
        raise MonitorError(
            f"{folder} holds a {name} key already; remove {name}.key and {name}.key_secret to make "
            "another (every place that knows the old one must then be told)",
            USAGE,
        ) from error
    except OSError as error:
        raise MonitorError(f"cannot write keys to {folder}: {error.strerror}") from error
    return read_public(public_file)


def read_public(path: Path) -> str:
    """Read the public key of a certificate.

    Raises
    ------
    MonitorError
        If there is none.
    """
    return _read(path)[0]


def load_server(folder: Path) -> KeyPair:
    """Read the server's own pair.

    Raises
    ------
    MonitorError
        If it is not there, or not kept secret.
    """
    return _pair(folder, SERVER, f"make it: ecg-monitor keys make server --keys {folder}")


def load_client(folder: Path) -> ClientKeys:
    """Read a client's own pair and the public key of its server.

    Raises
    ------
    MonitorError
        If one of them is not there, or the secret is not kept.
    """
    own = _pair(folder, CLIENT, f"make it: ecg-monitor keys make client --keys {folder}")
    server = folder / f"{SERVER}.key"
    if not server.exists():
        raise MonitorError(
            f"{server} is not there: copy it from the key folder of the server", USAGE
        )
    return ClientKeys(own, read_public(server))


def is_public_key(text: str) -> bool:
    """Tell whether a text is a public key: 40 characters of Z85.

    >>> is_public_key("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"), is_public_key("bed-7")
    (True, False)
    """
    if len(text) != 40 or not text.isascii():
        return False
    try:
        return len(z85.decode(text.encode())) == 32
    except (KeyError, struct.error):  # another character, or five that stand for too much
        return False


def fingerprint(public: str) -> str:
    """Give a public key's short name for people: the head of its SHA-256.

    >>> fingerprint("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7")
    '84112785d1092a7e'
    """
    return hashlib.sha256(public.encode()).hexdigest()[:16]


def check_private(path: Path, forbidden: int, what: str) -> None:
    """Refuse a file that others can reach; ``forbidden`` are the mode bits that must not be set.

    Raises
    ------
    MonitorError
        If one is set.
    """
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & forbidden:
        raise MonitorError(f"{path} can be {what} by others; do: chmod 600 {path}", USAGE)


def _pair(folder: Path, name: str, remedy: str) -> KeyPair:
    _require_curve()
    path = folder / f"{name}.key_secret"
    if not path.exists():
        raise MonitorError(f"{folder} holds no {name} key; {remedy}", USAGE)
    check_private(path, 0o077, "read")
    public, secret = _read(path)
    if secret is None or zmq.curve_public(secret).decode() != public:
        raise MonitorError(f"{path}: the secret key in it does not belong to the public one", USAGE)
    return KeyPair(public, secret)


def _require_curve() -> None:
    if not zmq.has("curve"):
        raise MonitorError("this libzmq was built without CURVE; install the wheel of pyzmq")


def _read(path: Path) -> tuple[str, bytes | None]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES or (path.exists() and not path.is_file()):
            raise MonitorError(f"{path} is too large to be a key, or no file", USAGE)
        public, secret = zmq.auth.load_certificate(path)
        text = public.decode("ascii")
    except (OSError, ValueError) as error:
        # never the text of the file: it may hold a secret
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no key in it"
        raise MonitorError(f"cannot read the key {path}: {reason}", USAGE) from None
    if not is_public_key(text) or (
        secret is not None and not is_public_key(secret.decode("ascii", "replace"))
    ):
        raise MonitorError(f"{path} holds no CURVE key", USAGE)
    return text, secret
