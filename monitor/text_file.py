"""Small text files: read, write for the owner alone, and notice changes; text of headers."""

from __future__ import annotations

import os
import tempfile
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


def write_private(path: Path, text: str) -> None:
    """Write a file with mode 0600 atomically: a reader sees the old text or the new one.

    Raises
    ------
    MonitorError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise MonitorError(f"cannot write {path}: {error.strerror}") from error


class FileChanges:
    """Notices that a file is changed, replaced or removed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._state()

    def since(self) -> bool:
        """Tell whether it has changed since the last call, or since the start."""
        before, self._seen = self._seen, self._state()
        return before != self._seen

    def _state(self) -> tuple[int, int, int] | None:
        try:
            state = self._path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino


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
