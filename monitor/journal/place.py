"""Where a journal lies: a file, the URL of a database, or nowhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

Place: TypeAlias = Path | str
"""A path, or the URL of a PostgreSQL database."""

OFF = "off"
URL_BEGINS = ("postgresql://", "postgres://")


def is_url(place: Place) -> bool:
    """Tell whether a place is a database."""
    return str(place).startswith(URL_BEGINS)


def state_folder() -> Path:
    """Give the user's folder for state of programs (XDG Base Directory, 0.8)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    # the specification ignores relative paths
    home = Path(given) if os.path.isabs(given) else Path.home() / ".local" / "state"
    return home / "ecg-monitor"


def journal_place(named: str, input_endpoint: str) -> Place | None:
    """Give the place of a service's journal: the one named, else a file for its input port.

    Two services on one machine have different ports, so they never share a file. An input without
    a fixed port has no default journal: a later service would not find it.

    >>> journal_place("off", "tcp://127.0.0.1:5555"), journal_place("", "tcp://127.0.0.1:*")
    (None, None)
    >>> journal_place("", "tcp://127.0.0.1:5555").name, journal_place("ward.db", "tcp://x:1").name
    ('journal-5555.db', 'ward.db')
    """
    if named:
        if named == OFF:
            return None
        return named if is_url(named) else Path(named)
    transport, _, rest = input_endpoint.partition("://")
    port = rest.rpartition(":")[2]
    if transport == "tcp" and port.isdecimal() and int(port):
        return state_folder() / f"journal-{int(port)}.db"
    return None
