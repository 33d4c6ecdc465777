"""Default journal path."""

from __future__ import annotations

import os
from pathlib import Path

OFF = "off"


def state_folder() -> Path:
    """Give the user's folder for state of programs (XDG Base Directory, 0.8)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    # the specification ignores relative paths
    home = Path(given) if os.path.isabs(given) else Path.home() / ".local" / "state"
    return home / "ecg-monitor"


def journal_path(named: str, input_endpoint: str) -> Path | None:
    """Give the path of a service's journal: the one named, else one for its input port.

    Two services on one machine have different ports, so they never share a file. An input without
    a fixed port has no default journal: a later service would not find it.

    >>> journal_path("off", "tcp://127.0.0.1:5555"), journal_path("", "tcp://127.0.0.1:*")
    (None, None)
    >>> journal_path("", "tcp://127.0.0.1:5555").name, journal_path("ward.db", "tcp://x:1").name
    ('journal-5555.db', 'ward.db')
    """
    if named:
        return None if named == OFF else Path(named)
    transport, _, rest = input_endpoint.partition("://")
    port = rest.rpartition(":")[2]
    if transport == "tcp" and port.isdecimal() and int(port):
        return state_folder() / f"journal-{int(port)}.db"
    return None
