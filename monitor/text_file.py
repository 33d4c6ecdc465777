"""A text file that a user names: read whole, but never more than it may hold."""

from __future__ import annotations

from pathlib import Path

from monitor.errors import USAGE, MonitorError

MAX_BYTES = 4 * 1024 * 1024


def read_text_file(path: Path) -> str:
    """Read UTF-8 text; a device or a pipe that gives more than the limit is read no further.

    Raises
    ------
    MonitorError
        If there are more than :data:`MAX_BYTES`.
    OSError
        If it cannot be read.
    UnicodeDecodeError
        If it is not UTF-8.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise MonitorError(f"{path} holds more than {MAX_BYTES >> 20} MiB: not such a file", USAGE)
    return data.decode("utf-8")
