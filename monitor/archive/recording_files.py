"""The files that a recording consists of, and a copy of them on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable
from pathlib import Path

from monitor.archive.local_place import LocalPlace
from monitor.archive.place import Place, State
from monitor.errors import MonitorError
from monitor.sources.named import FILES, TEXTS
from monitor.sources.wfdb.segments import NO_FILE
from monitor.wfdb_header import MAX_HEADER_BYTES, Header, parse_header

HEADERS = (".hea", ".HEA")


def is_one_file(place: Place, record: str) -> bool:
    """Tell whether a recording is one file, not a WFDB record (named without extension)."""
    suffix = Path(record).suffix.lower()
    if suffix not in (*FILES, *TEXTS) and not isinstance(place, LocalPlace):
        return False
    return not any(place.state(record + ending) for ending in HEADERS)


def states_of(place: Place, record: str) -> dict[str, State]:
    """Give the files of a recording that are there, each with its state.

    What cannot be read is left out: the analysis says what is wrong with it.

    Raises
    ------
    MonitorError
        If the place does not answer.
    """
    names = [record] if is_one_file(place, record) else list(_wfdb_files(place, record))
    states = {name: place.state(name) for name in dict.fromkeys(names)}
    return {name: state for name, state in states.items() if state is not None}


def fetched(place: Place, record: str, names: Iterable[str], scratch: Path) -> Path:
    """Give the path of a recording on this machine; one from elsewhere is copied to ``scratch``.

    Raises
    ------
    MonitorError
        If a file cannot be copied.
    """
    if isinstance(place, LocalPlace):
        return place.folder / record
    for name in names:
        place.fetch(name, scratch / name)
    return scratch / record


def _wfdb_files(place: Place, record: str) -> Generator[str, None, None]:
    """Give the header, and all that it names; files in other folders only on this machine."""
    header = yield from _header(place, record)
    parts = [record, *(name for name, _ in header.segments if name != NO_FILE)] if header else []
    for name in dict.fromkeys(parts):
        part = header if name == record else None
        if name != record and (isinstance(place, LocalPlace) or "/" not in name):
            part = yield from _header(place, name)
        for signal in part.signals if part else ():
            beside = signal.file == Path(signal.file).name
            if signal.file != NO_FILE and (beside or isinstance(place, LocalPlace)):
                yield signal.file


def _header(place: Place, record: str) -> Generator[str, None, Header | None]:
    for ending in HEADERS:
        if place.state(record + ending):
            yield record + ending
            with contextlib.suppress(MonitorError):
                return parse_header(record, place.read(record + ending, MAX_HEADER_BYTES))
    return None
