"""Who may do what: the clients that a service lets in, from one strict TOML file.

::

    [[clients]]
    name = "bed-7"
    public_key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
    rights = ["send"]                # send | subscribe | control | discharge
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from monitor.errors import USAGE, MonitorError
from monitor.strict_toml import build
from monitor.text_file import read_text_file
from monitor.wire.keys import check_private, is_public_key

MAX_CLIENTS = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

HEADER = """\
# Clients that this server lets in. Written by `ecg-monitor keys allow` and `keys revoke`, which do
# not keep comments; may be edited. A running server takes a change over within a second.
"""


class Right(StrEnum):
    """What a client may do."""

    SEND = "send"  # announce streams and send their samples
    SUBSCRIBE = "subscribe"  # receive everything that is published, ask for states
    CONTROL = "control"  # acknowledge alerts, change limits
    DISCHARGE = "discharge"  # let a stream go that is not being sent, with its alarms


@dataclass(frozen=True, slots=True)
class Client:
    """One client of the list.

    Raises
    ------
    MonitorError
        If a field is missing or cannot be.
    """

    name: str = ""
    public_key: str = ""
    rights: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise MonitorError(
                "every client needs a name: letters, digits, '-' and '_', at most 64", USAGE
            )
        if not is_public_key(self.public_key):
            raise MonitorError(
                f"client {self.name}: public_key must be the 40 characters of a public key", USAGE
            )
        known = [right.value for right in Right]
        if not self.rights or not set(self.rights) <= set(known):
            raise MonitorError(
                f"client {self.name}: rights must be some of {', '.join(known)}", USAGE
            )


@dataclass(frozen=True, slots=True)
class AllowList:
    """All clients that are let in.

    Raises
    ------
    MonitorError
        If two have one name or one key: revoking one would leave the other.
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
        Whatever is wrong with it.
    """
    try:
        table = tomllib.loads(text)
        clients = build(_File, table, "").clients
    except (ValueError, RecursionError) as error:
        raise MonitorError(f"not valid TOML: {' '.join(str(error).split())}", USAGE) from error
    if "clients" not in table:  # a file that is just being written must not cut everybody off
        raise MonitorError("names no clients; to let nobody in write: clients = []", USAGE)
    return AllowList(clients)


def load(path: Path) -> AllowList:
    """Read the file of an allow-list.

    Raises
    ------
    MonitorError
        If it is not there, cannot be read, is wrong, or others may write it.
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
    """Write an allow-list as TOML; neither names nor Z85 hold a character to be escaped."""
    text = HEADER if allowed.clients else HEADER + "clients = []\n"
    for client in allowed.clients:
        rights = ", ".join(f'"{right}"' for right in client.rights)
        text += (
            f'\n[[clients]]\nname = "{client.name}"\n'
            f'public_key = "{client.public_key}"\nrights = [{rights}]\n'
        )
    return text


def save(allowed: AllowList, path: Path) -> None:
    """Put the file in place at once: whoever reads sees the old list or the new one.

    Raises
    ------
    MonitorError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".clients-")  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(dumps(allowed))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise MonitorError(f"cannot write {path}: {error.strerror}") from error
