"""Retention: delete recordings by age, and by the room that all of them take."""

from __future__ import annotations

import bisect
import os
from pathlib import Path

from monitor.recording.header import begun_ms

DAY_MS = 86_400_000
MB = 1_000_000
_SUFFIXES = ("dat", "mon", "hea")  # the header last: a segment with a header is complete


class Retention:
    """Knows all finished segments under a folder, oldest first.

    Parameters
    ----------
    folder
        Of all recordings.
    keep_days, max_mb
        Older segments are deleted; so are the oldest while all take more room.
    """

    def __init__(self, folder: Path, keep_days: float, max_mb: float) -> None:
        self._folder = folder
        self._keep_ms = keep_days * DAY_MS
        self._max_bytes = max_mb * MB
        self._kept: list[tuple[str, str, int]] = []  # name (it sorts by time), stream, bytes
        self._bytes = 0
        for stream in _folders(folder):
            sizes: dict[str, int] = {}
            for entry in os.scandir(stream):
                name = entry.name.partition(".")[0]
                sizes[name] = sizes.get(name, 0) + entry.stat().st_size
            for name, size in sizes.items():
                if begun_ms(name) is not None:
                    self.add(stream.name, name, size)

    def newest_ms(self) -> dict[str, int]:
        """Give the start of the newest segment of each stream, by its name (ms since 1970)."""
        return {stream: begun_ms(name) or 0 for name, stream, _ in self._kept}

    def add(self, stream: str, name: str, size: int) -> None:
        """Add a finished segment."""
        bisect.insort(self._kept, (name, stream, size))
        self._bytes += size

    def apply(self, now_ms: int) -> int:
        """Delete segments beyond the limits; tell how many.

        Raises
        ------
        OSError
            If one cannot be deleted.
        """
        deleted = 0
        while self._kept:
            name, stream, size = self._kept[0]
            old = now_ms - (begun_ms(name) or 0) > self._keep_ms
            if not old and self._bytes <= self._max_bytes:
                break
            for suffix in _SUFFIXES:
                (self._folder / stream / f"{name}.{suffix}").unlink(missing_ok=True)
            del self._kept[0]
            self._bytes -= size
            deleted += 1
        return deleted


def _folders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
