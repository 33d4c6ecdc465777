"""Open a place by its name: a path or a URL."""

from __future__ import annotations

import os
from pathlib import Path

from monitor.archive.local_place import LocalPlace
from monitor.archive.place import Place
from monitor.archive.remote_place import RemotePlace

SCHEME = "://"


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
