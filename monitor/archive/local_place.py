"""A folder of this machine as a place."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monitor.archive.place import UNFINISHED, State
from monitor.errors import MonitorError


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = str(folder)

    def state(self, name: str) -> State | None:
        """Give size and time of change."""
        try:
            found = (self.folder / name).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MonitorError(
                f"cannot look at {self.folder / name}: {error.strerror or error}"
            ) from error
        return found.st_size, str(found.st_mtime_ns)

    def read(self, name: str, limit: int) -> bytes:
        """Give a file, up to ``limit`` bytes of it."""
        path = self.folder / name
        try:
            with path.open("rb") as file:
                return file.read(limit)
        except OSError as error:
            raise MonitorError(f"cannot read {path}: {error.strerror or error}") from error

    def read_many(self, names: Sequence[str], limit: int) -> list[bytes]:
        """Give several files."""
        return [self.read(name, limit) for name in names]

    def fetch(self, name: str, target: Path) -> None:
        """Copy a file."""
        try:
            shutil.copyfile(self.folder / name, target)
        except OSError as error:
            raise MonitorError(
                f"cannot read {self.folder / name}: {error.strerror or error}"
            ) from error

    def put(self, source: Path, name: str) -> None:
        """Write a file, whole or not at all."""
        path = self.folder / name
        unfinished = path.with_name(f"{UNFINISHED}{uuid.uuid4().hex}")
        with _writing(self.text):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(source, unfinished)
                os.replace(unfinished, path)
            except OSError:
                unfinished.unlink(missing_ok=True)
                raise

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        with _writing(self.text):
            (self.folder / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Give all files that are not hidden."""
        found = []
        for folder, inside, files in os.walk(self.folder):
            inside[:] = sorted(name for name in inside if not name.startswith("."))
            here = Path(folder).relative_to(self.folder)
            found += [(here / name).as_posix() for name in sorted(files) if name[0] != "."]
        return found

    def check_writable(self) -> None:
        """Make the folder, and a file in it."""
        with _writing(self.text):
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass


@contextmanager
def _writing(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MonitorError(f"cannot write into {place}: {error.strerror or error}") from error
