"""Where recordings are read and results are written: a folder, or what ``fsspec`` opens.

Names of files in a place are relative, with ``/`` between folders. A file is written under a
temporary name and renamed when it is whole, so a reader never sees a part of one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from monitor.errors import USAGE, MonitorError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

SCHEME = "://"
UNFINISHED = ".unfinished-"
"""What the temporary name of a file begins with."""

_VERSIONS = (
    *("ETag", "etag", "md5Hash", "checksum", "mtime", "LastModified", "last_modified"),
    *("Last-Modified", "updated", "created"),
)

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


def is_remote(text: str) -> bool:
    """Tell whether a name is a URL.

    >>> is_remote("s3://archive/mitdb"), is_remote("recordings/100")
    (True, False)
    """
    return SCHEME in text


def is_of_one_process(text: str) -> bool:
    """Tell whether no other process sees a place."""
    return text.startswith("memory" + SCHEME)


def absolute(text: str) -> str:
    """Give a place by a name that holds in every folder."""
    return text if is_remote(text) else os.path.abspath(text)


def place_of(text: str) -> Place:
    """Open a place: a path, or a URL such as ``s3://bucket/folder``.

    Raises
    ------
    MonitorError
        If the kind of URL is not known, or needs a package that is not installed.
    """
    if text.startswith("file" + SCHEME):
        return LocalPlace(Path(text.partition(SCHEME)[2] or "/"))
    return RemotePlace(text) if is_remote(text) else LocalPlace(Path(text))


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


class RemotePlace:
    """A folder that ``fsspec`` opens, of a bucket or another machine."""

    def __init__(self, url: str) -> None:
        self.text = url.rstrip("/")
        self._files, root = _opened(self.text)
        self._root = root.rstrip("/")

    def state(self, name: str) -> State | None:
        """Give size, and entity tag or time of change."""
        try:
            with self._trouble(f"look at {name}"):
                info = self._files.info(self._path(name))
        except FileNotFoundError:
            return None
        if info.get("type") == "directory":
            return None
        version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
        return int(info.get("size") or 0), version

    def read(self, name: str, limit: int) -> bytes:
        """Give a file, up to ``limit`` bytes of it."""
        try:
            with self._trouble(f"read {name}"):
                content: bytes = self._files.cat_file(self._path(name))
        except FileNotFoundError as error:
            raise MonitorError(f"there is no file {name} in {self.text}") from error
        return content[:limit]

    def read_many(self, names: Sequence[str], limit: int) -> list[bytes]:
        """Give several files, fetched side by side where the library can."""
        with self._trouble("read the headers"):
            found = self._files.cat([self._path(name) for name in names]) if names else {}
        if isinstance(found, bytes):
            return [found[:limit]]
        return [found[self._path(name)][:limit] for name in names]

    def fetch(self, name: str, target: Path) -> None:
        """Copy a file to this machine."""
        try:
            with self._trouble(f"fetch {name}"):
                self._files.get_file(self._path(name), str(target))
        except FileNotFoundError as error:
            raise MonitorError(f"there is no file {name} in {self.text}") from error

    def put(self, source: Path, name: str) -> None:
        """Upload a file under a temporary key, and rename it."""
        folder, slash, _ = name.rpartition("/")
        unfinished = self._path(f"{folder}{slash}{UNFINISHED}{uuid.uuid4().hex}")
        with self._trouble(f"write {name}"):
            self._files.makedirs(self._path(folder) if folder else self._root, exist_ok=True)
            self._files.put_file(str(source), unfinished)
            self._files.mv(unfinished, self._path(name))

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        with self._trouble(f"remove {name}"):
            if self._files.exists(self._path(name)):
                self._files.rm_file(self._path(name))

    def names(self) -> list[str]:
        """Give all files that are not hidden."""
        try:
            with self._trouble("list it"):
                found = self._files.find(self._root)
        except FileNotFoundError:
            return []
        inside = [path[len(self._root) :].lstrip("/") for path in found]
        return sorted(n for n in inside if n and not any(p[:1] == "." for p in n.split("/")))

    def check_writable(self) -> None:
        """Write a file, and delete it."""
        with tempfile.NamedTemporaryFile() as file:
            name = f"{UNFINISHED}{uuid.uuid4().hex}"
            self.put(Path(file.name), name)
        self.remove(name)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _trouble(self, what: str) -> Iterator[None]:
        """Say in one line what failed; libraries for buckets raise errors of many types."""
        try:
            yield
        except Exception as error:
            cause: BaseException = error
            if isinstance(error, FileNotFoundError):
                if not isinstance(error.__cause__, OSError):
                    raise
                cause = error.__cause__  # fsspec says so too of a server that does not answer
            why = " ".join(str(cause).split())[:200] or "no reason given"
            raise MonitorError(
                f"{self.text}: cannot {what}: {type(cause).__name__}: {why}"
            ) from error


def _opened(url: str) -> tuple[AbstractFileSystem, str]:
    import fsspec

    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:  # its text names the package
        raise MonitorError(f"{url} needs a package more: {error}", USAGE) from error
    except ValueError as error:
        raise MonitorError(f"{url}: {error}", USAGE) from error
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise MonitorError(f"cannot open {url}: {type(error).__name__}: {why}") from error
    return found


@contextmanager
def _writing(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MonitorError(f"cannot write into {place}: {error.strerror or error}") from error
