"""A folder of a bucket, a server or another machine as a place, by ``fsspec``."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.archive.place import UNFINISHED, State
from monitor.errors import USAGE, MonitorError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_VERSIONS = (
    *("ETag", "etag", "md5Hash", "checksum", "mtime", "LastModified", "last_modified"),
    *("Last-Modified", "updated", "created"),
)

_BUCKETS = frozenset({"s3", "gs", "gcs", "abfs", "az", "adl", "oci", "oss"})
"""Protocols without folders. To make one there would make a bucket out of a name typed wrongly."""


class RemotePlace:
    """A folder that ``fsspec`` opens, of a bucket or another machine."""

    def __init__(self, url: str) -> None:
        self.text = url.rstrip("/")
        self._files, root = _opened(self.text)
        self._root = root.rstrip("/")
        protocols = self._files.protocol
        names = {protocols} if isinstance(protocols, str) else set(protocols)
        self._is_bucket = bool(names & _BUCKETS)

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
        with self._trouble("write into it", absent=False):
            if not self._is_bucket:
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
    def _trouble(self, what: str, absent: bool = True) -> Iterator[None]:
        """Say in one line what failed; libraries for buckets raise errors of many types.

        With ``absent``, a file that is not there remains a ``FileNotFoundError``.
        """
        try:
            yield
        except Exception as error:
            cause: BaseException = error
            if isinstance(error, FileNotFoundError):
                if isinstance(error.__cause__, OSError):
                    cause = error.__cause__  # a server that does not answer is told like that too
                elif absent:
                    raise
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
