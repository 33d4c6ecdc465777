"""What a place is: where recordings are read and results are written.

Names of files in a place are relative, with ``/`` between folders. A file is written under a
temporary name and renamed when it is whole, so a reader never sees a part of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

UNFINISHED = ".unfinished-"
"""What the temporary name of a file begins with."""

State = tuple[int, str]
"""Size of a file in bytes, and a text that changes when the file is written again."""


class Place(Protocol):
    """A folder, here or elsewhere. Every method raises :class:`MonitorError` if it fails."""

    text: str

    def state(self, name: str) -> State | None:
        """Give the state of a file; None if there is none."""

    def read(self, name: str, limit: int) -> bytes:
        """Give a file, up to ``limit`` bytes of it."""

    def read_many(self, names: Sequence[str], limit: int) -> list[bytes]:
        """Give several files."""

    def fetch(self, name: str, target: Path) -> None:
        """Copy a file to this machine."""

    def put(self, source: Path, name: str) -> None:
        """Write a file, whole or not at all."""

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""

    def names(self) -> list[str]:
        """Give all files, those in folders inside too, but none that is hidden."""

    def check_writable(self) -> None:
        """Refuse a place that cannot be written: before the work, not after."""
