"""Files that are changed so that they are as they were, or as they shall be.

They hold health data: only their owner may read them.
"""

from __future__ import annotations

import os
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def replace_file(path: Path, data: bytes) -> None:
    """Write a whole file anew."""
    unfinished = path.with_name(path.name + ".tmp")
    try:
        with os.fdopen(_opened(unfinished, os.O_TRUNC), "wb") as file:
            file.write(data)
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def replace_end(path: Path, before: bytes, data: bytes) -> None:
    """Write what differs from the content so far, in one piece."""
    if not before or len(data) < len(before):
        replace_file(path, data)
        return
    at = _alike(before, data)
    if at == len(data):
        return
    try:
        write_at(path, at, data[at:])
    except OSError:
        write_at(path, at, before[at:])  # takes no room
        raise


def write_at(path: Path, offset: int, data: bytes) -> None:
    """Write at a place; where that fails, the file is as long as before, or not there."""
    handle = _opened(path)
    size = os.fstat(handle).st_size
    try:
        done = 0
        while done < len(data):
            done += os.pwrite(handle, data[done:], offset + done)
    except OSError:
        if size:
            os.ftruncate(handle, size)
        else:
            path.unlink()
        raise
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, that only its owner may enter."""
    for missing in (*reversed(path.parents), path):
        if not missing.exists():
            missing.mkdir(FOLDER_MODE, exist_ok=True)


def _opened(path: Path, flags: int = 0) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | flags, FILE_MODE)


def _alike(one: bytes, other: bytes) -> int:
    """Give how many bytes are the same at the beginning of both."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
