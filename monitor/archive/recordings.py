"""Find the recordings that names, folders and lists stand for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from monitor.archive.local_place import LocalPlace
from monitor.archive.place import Place
from monitor.archive.places import SCHEME, is_remote, place_of
from monitor.errors import USAGE, MonitorError
from monitor.sources import stream_name
from monitor.sources.named import FILES, TEXTS, is_text
from monitor.sources.records import (
    DATA_VARIABLE,
    WFDB_SUFFIXES,
    Progress,
    find_record,
    record_name,
)
from monitor.wfdb_header import MAX_HEADER_BYTES, parse_header

MAX_LIST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, and where its results go.

    Parameters
    ----------
    name
        What the user is told.
    place, record
        Where it is, and the name there: without extension for a WFDB record.
    written
        Name of its results.
    folder
        Folder of them within that for all results; empty for none.
    """

    name: str
    place: str
    record: str
    written: str
    folder: str = ""

    @property
    def is_text(self) -> bool:
        """Whether it is a text file with a sample a line."""
        if is_remote(self.place):
            return PurePosixPath(self.record).suffix.lower() in TEXTS
        return is_text(Path(self.place) / self.record)

    @property
    def target(self) -> str:
        """The results, within the place for all of them."""
        return f"{self.folder}/{self.written}" if self.folder else self.written


def find(
    names: Sequence[str],
    lists: Sequence[str],
    data_dir: Path | None,
    progress: Progress,
    wrong: Callable[[str, MonitorError], None],
) -> list[Recording]:
    """Give the recordings to work on, each once.

    Parameters
    ----------
    names
        Recordings as for :func:`~monitor.sources.records.find_record`, folders, and URLs of both.
    lists
        Files with such a name a line, as in ``RECORDS`` of PhysioNet. A name is looked for
        beside the list first.
    data_dir
        The data folder; by default what ``ECG_MONITOR_DATA`` names.
    progress
        Told about downloads.
    wrong
        Called with each name that stands for no recording, or for one that would be written over
        another, and why.
    """
    found: dict[str, Recording] = {}  # by what is written
    seen: set[tuple[str, str]] = set()

    def add(name: str, recordings: Iterable[Recording]) -> None:
        try:
            for new in recordings:
                if (new.place, new.record) in seen:  # named twice: r.dat and r.hea
                    continue
                same = found.get(new.target)
                if same is not None:
                    wrong(
                        new.name,
                        MonitorError(
                            f"{same.name} and {new.name} would both be written as {new.target}: "
                            "annotate them into different folders",
                            USAGE,
                        ),
                    )
                    continue
                seen.add((new.place, new.record))
                found[new.target] = new
        except MonitorError as error:
            wrong(name, error)

    for name in dict.fromkeys(names):
        add(name, _named(name, data_dir, progress))
    for file in lists:
        for entry, beside in _entries(file):
            add(entry, _listed(entry, beside, data_dir, progress))
    return list(found.values())


def _named(name: str, data_dir: Path | None, progress: Progress) -> Iterator[Recording]:
    """Give what one name stands for: a recording, or all in a folder."""
    if name.startswith("file" + SCHEME):
        name = name.partition(SCHEME)[2]
    if is_remote(name):
        yield from _remote(name)
        return
    folder = _folder(name, data_dir)
    if folder is not None:
        yield from _inside(LocalPlace(Path(os.path.abspath(folder))))
        return
    path = find_record(name, data_dir, progress)
    yield Recording(name, os.path.abspath(path.parent), path.name, record_name(path))


def _folder(name: str, data_dir: Path | None) -> Path | None:
    """Give the folder that a name stands for: a path, or a name in the data folder."""
    given = os.environ.get(DATA_VARIABLE)
    data = data_dir or (Path(given) if given else None)
    for path in (Path(name), *([data / name] if data else [])):
        try:
            if name and not Path(f"{path}.hea").is_file() and path.is_dir():
                return path
        except OSError:  # a name too long, a folder that may not be entered
            return None
    return None


def _remote(url: str) -> Iterator[Recording]:
    parent, _, last = url.rstrip("/").rpartition("/")
    suffix = PurePosixPath(last).suffix.lower()
    record = last.removesuffix(suffix) if suffix in WFDB_SUFFIXES else last
    place = place_of(parent)
    if suffix in (*FILES, *TEXTS) and place.state(last):
        yield Recording(url, parent, last, _written(last))
    elif not url.endswith("/") and place.state(record + ".hea"):
        yield Recording(url, parent, record, record)
    else:
        yield from _inside(place_of(url))


def _inside(place: Place) -> Iterator[Recording]:
    """Give the recordings in a folder: WFDB records that are no segment of another, and EDF."""
    names = place.names()
    headers = [name for name in names if name.lower().endswith(".hea")]
    segments: set[str] = set()
    for name, content in zip(headers, place.read_many(headers, MAX_HEADER_BYTES), strict=True):
        try:
            parts = parse_header(PurePosixPath(name).stem, content).segments
        except MonitorError:  # told when it is its turn
            continue
        folder = PurePosixPath(name).parent
        segments.update((folder / part).as_posix() for part, _ in parts)
    records = [name[: -len(".hea")] for name in headers]
    files = [name for name in names if PurePosixPath(name).suffix.lower() in FILES]
    found = sorted([*(name for name in records if name not in segments), *files])
    if not found:
        raise MonitorError(
            f"there is no record and no folder with WFDB or EDF recordings {place.text}", USAGE
        )
    for name in found:
        yield _within(place, name, name)


def _within(place: Place, name: str, told: str) -> Recording:
    """Give a recording in a place, whose results go into a folder of the same name."""
    path = PurePosixPath(name)
    folder = "" if path.parent == PurePosixPath(".") else path.parent.as_posix()
    where = f"{place.text.rstrip('/')}/{folder}" if folder else place.text
    return Recording(told, where, path.name, _written(path.name), folder)


def _written(name: str) -> str:
    path = PurePosixPath(name)
    return stream_name(path.stem) if path.suffix.lower() in (*FILES, *TEXTS) else name


def _entries(file: str) -> Iterator[tuple[str, str]]:
    """Give the entries of a list, each with the folder of the list."""
    if not is_remote(file):
        parent, name = str(Path(file).parent), Path(file).name
    else:
        parent, _, name = file.rpartition("/")
    content = place_of(parent).read(name, MAX_LIST_BYTES)
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise MonitorError(f"{file} is no list of recordings: it is no text", USAGE) from error
    for line in lines:
        entry = line.strip()
        if entry and not entry.startswith("#"):
            yield entry, parent


def _listed(
    entry: str, beside: str, data_dir: Path | None, progress: Progress
) -> Iterator[Recording]:
    """Give what an entry of a list stands for; results keep the folders of a relative one."""
    path = PurePosixPath(entry)
    inner = not is_remote(entry) and not path.is_absolute() and ".." not in path.parts
    if not inner:
        yield from _named(entry, data_dir, progress)
        return
    if is_remote(beside):
        recordings = _remote(f"{beside}/{entry}")
    else:
        near = Path(beside) / entry
        there = near.exists() or Path(f"{near}.hea").is_file()
        recordings = _named(str(near) if there else entry, data_dir, progress)
    folder = path if entry.endswith("/") else path.parent
    for recording in recordings:
        inside = (folder / recording.folder).as_posix()
        yield replace(
            recording, name=_told(entry, recording), folder="" if inside == "." else inside
        )


def _told(entry: str, recording: Recording) -> str:
    return f"{entry}{recording.name}" if entry.endswith("/") else entry
