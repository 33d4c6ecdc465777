"""Read a small text file, and decode the text of a file header."""

from __future__ import annotations

from pathlib import Path

from monitor.errors import USAGE, MonitorError

MAX_BYTES = 4 * 1024 * 1024


def read_text_file(path: Path) -> str:
    """Read UTF-8 text, up to a limit: an endless device or pipe is an error.

    Raises
    ------
    MonitorError
        If the file holds more than :data:`MAX_BYTES`.
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


def text_of(raw: bytes) -> str:
    r"""Decode a header as UTF-8, or else as Latin-1, and drop NUL bytes.

    >>> text_of(b"\xc2\xb5V"), text_of(b"\xb5V\0\0")
    ('µV', 'µV')
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\0", "")
