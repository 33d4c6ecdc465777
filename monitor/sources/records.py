"""Find a recording: by path, by name in the data folder, or (WFDB) at PhysioNet."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from monitor.errors import USAGE, MonitorError
from monitor.sources import stream_name
from monitor.sources.named import FILES, TEXTS, is_text
from monitor.wfdb_header import read_header

Progress = Callable[[str, int, int], None]
"""Called with (what, done, total) while files are downloaded."""

WFDB_SUFFIXES = (".hea", ".dat", ".mat")
"""Suffixes of the files of a WFDB record; each may stand for the record."""

DATA_VARIABLE = "ECG_MONITOR_DATA"
_SOME_BYTES = 4096
_EDF = re.compile(rb"0 {7}|\xffBIOSEMI")
_MITDB = re.compile(r"1(0[0-9]|1[1-9]|2[1-4])|2(0[0-35-9]|1[0234579]|2[0-3]|28|3[0-4])")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")


def find_record(
    name: str, data_dir: Path | None = None, progress: Progress = lambda *_: None
) -> Path:
    """Give the path of a recording, downloading a WFDB record if need be.

    The path of a WFDB record has no extension; that of any other file is complete.

    Parameters
    ----------
    name
        A path (``recordings/208``), a name in the data folder (``208``, ``mitdb/208``), or
        ``DATABASE/RECORD`` at PhysioNet. A bare MIT-BIH number means ``mitdb``. A path into an
        existing folder is never looked up at PhysioNet.
        Other files have their suffix: ``night.edf``, ``bed7.csv``. A file with an unknown suffix
        is a recording if it is text.
    data_dir
        The data folder; by default what ``ECG_MONITOR_DATA`` names.
    progress
        Told about downloads.

    Raises
    ------
    MonitorError
        If there is no such record, or the download fails.
    """
    given = name
    for suffix in WFDB_SUFFIXES:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    if data_dir is None and os.environ.get(DATA_VARIABLE):
        data_dir = Path(os.environ[DATA_VARIABLE])
    try:
        found = _on_disk(name, data_dir) or _other_file(given)
    except OSError as error:  # a name too long, a folder that may not be entered
        raise MonitorError(
            f"cannot look for record {name[:80]}: {error.strerror or error}", USAGE
        ) from error
    if found:
        return found
    if Path(name).suffix.lower() in (*FILES, *TEXTS):
        raise MonitorError(f"there is no file {name}", USAGE)
    if not name:
        raise MonitorError("the name of the record is empty", USAGE)
    here = "/" in name and Path(name).parent.is_dir()
    if here or name.startswith((".", "/")) or not _NAME.fullmatch(name):
        raise MonitorError(f"there is no record {name}: {name}.hea does not exist", USAGE)
    remote = f"mitdb/{name}" if _MITDB.fullmatch(name) else name
    if "/" not in remote:
        where = f"{data_dir} or " if data_dir else ""
        raise MonitorError(
            f"there is no record {name} in {where}the current folder; for one at PhysioNet "
            "say DATABASE/RECORD, for instance mitdb/208",
            USAGE,
        )
    return download(remote, progress)


def record_name(path: Path) -> str:
    """Give the name for the results of a recording; a WFDB record keeps its own name."""
    one_file = path.suffix.lower() in (*FILES, *TEXTS) or is_text(path)
    return stream_name(path.stem) if one_file else path.name


def _other_file(name: str) -> Path | None:
    """Find a text file with an unknown suffix that is not a WFDB record."""
    path = Path(name)
    if path.suffix.lower() == ".hea" or not path.is_file():
        return None
    with path.open("rb") as file:
        data = file.read(_SOME_BYTES)
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not wide and (b"\0" in data or _EDF.match(data)):
        raise MonitorError(
            f"{name} is no recording of a known kind: it is no text, its suffix is none of "
            f"{', '.join(FILES)}, and there is no WFDB header (.hea) for it",
            USAGE,
        )
    return path


def _on_disk(name: str, data_dir: Path | None) -> Path | None:
    for path in _forms(Path(name)):
        if path.is_file():
            return Path(name)
    if data_dir is None:
        return None
    if not data_dir.is_dir():
        raise MonitorError(f"data folder {data_dir} does not exist", USAGE)
    return _in_folder(name, data_dir)


def _forms(path: Path) -> list[Path]:
    """Give the files that prove that a recording exists."""
    headers = [Path(f"{path}.hea"), Path(f"{path}.HEA")]
    return [*headers, path] if path.suffix.lower() in (*FILES, *TEXTS) else headers


def _in_folder(name: str, data_dir: Path) -> Path | None:
    candidates = [data_dir / name]
    if "/" not in name:
        candidates += [d / name for d in sorted(data_dir.iterdir()) if d.is_dir()]
    found = [c for c in candidates if any(form.is_file() for form in _forms(c))]
    if len(found) > 1:
        choices = ", ".join(str(c.relative_to(data_dir)) for c in found)
        raise MonitorError(
            f"record {name} is ambiguous in {data_dir}: say which of {choices}", USAGE
        )
    return found[0] if found else None


def cache_dir() -> Path:
    """Give the folder for downloaded records."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "ecg-monitor"


def download(remote: str, progress: Progress) -> Path:
    """Fetch ``DATABASE/RECORD`` from PhysioNet into the cache, whole or not at all.

    Raises
    ------
    MonitorError
        If PhysioNet cannot be reached or has no such record, or the cache cannot be written.
    """
    import wfdb

    database, record = remote.split("/", 1)
    target = cache_dir() / database / record
    if Path(f"{target}.hea").is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MonitorError(
            f"cannot keep downloaded records in {cache_dir()}: {error.strerror or error}; "
            "name another folder by XDG_CACHE_HOME"
        ) from error
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            base = Path(scratch)
            wfdb.dl_files(database, scratch, [f"{record}.hea"])
            files = _files_of(base / record, record)
            for done, file in enumerate(files):
                progress(f"downloading {database}/{file}", done, len(files))
                wfdb.dl_files(database, scratch, [file])
            progress(f"downloaded {remote}", len(files), len(files))
            for file in [*files, f"{record}.hea"]:  # the header last: it marks completeness
                place = cache_dir() / database / file
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(base / file, place)
    except MonitorError:
        raise
    except OSError as error:  # wfdb raises requests' errors, which are OSErrors too
        raise MonitorError(f"cannot download {remote} from PhysioNet: {_reason(error)}") from error
    except Exception as error:  # wfdb gives no narrower type for a broken answer
        raise MonitorError(f"PhysioNet's answer for {remote} is no record: {error!r}") from error
    return target


def _files_of(header_path: Path, record: str) -> list[str]:
    """Give the signal and segment files that a header names, beside the record."""
    folder = record.rpartition("/")[0]
    header = read_header(header_path)
    if header.segments:
        raise MonitorError(
            f"{record} is a multi-segment record: download it with "
            "wfdb.dl_database and give its path"
        )
    names = sorted({signal.file for signal in header.signals})
    if any(name != Path(name).name for name in names):  # it would be written elsewhere
        raise MonitorError(f"PhysioNet's answer for {record} names files in other folders")
    return [f"{folder}/{n}" if folder else n for n in names]


def _reason(error: BaseException) -> str:
    """Give the root cause, such as an unknown host."""
    first = error
    while first.__context__ is not None:
        first = first.__context__
    text = (isinstance(first, OSError) and first.strerror) or str(error)
    return " ".join(text.split())[:200] or type(error).__name__
