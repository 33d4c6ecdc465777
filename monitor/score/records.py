"""Read WFDB annotation files and headers, and choose the records to score.

``wfdb`` is imported when the first annotation file is read. An unreadable file is a
:class:`~monitor.errors.MonitorError` of one line.
"""

from __future__ import annotations

import contextlib
import glob
import io
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from monitor import wfdb_header
from monitor.errors import USAGE, MonitorError
from monitor.score.annotations import Annotations
from monitor.wfdb_header import Header

DS1 = (
    *("101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122"),
    *("124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230"),
)
DS2 = (
    *("100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210"),
    *("212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234"),
)
PACED = ("102", "104", "107", "217")

RECORD_SETS = {
    "mitdb44": tuple(sorted(DS1 + DS2)),
    "mitdb48": tuple(sorted(DS1 + DS2 + PACED)),
    "ds1": DS1,
    "ds2": DS2,
}
"""Named sets: MIT-BIH without and with the paced records; de Chazal's halves of 2004."""

_SKIP, _AUX = 59, 63  # codes of the MIT format, annot(5), that words of another meaning follow


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide the warnings and prints of the ``wfdb`` package; errors are raised instead."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def read_header(path: str | Path) -> Header | None:
    """Read the header of the record at ``path`` (without extension); ``None`` if there is none.

    Fields that a score does not need, such as the date of the recording, may be wrong.
    """
    place = Path(path)
    if wfdb_header.find_header(place) is None:
        return None
    try:
        return wfdb_header.read_header(place)
    except MonitorError as error:
        raise MonitorError(f"cannot read {path}.hea: {error}") from error


def read_annotations(path: str | Path, annotator: str) -> tuple[Annotations, float | None]:
    """Read ``path.annotator``; give the annotations and the sampling rate the file states.

    Raises
    ------
    MonitorError
        If the file is missing, empty, cut off, not a WFDB annotation file, or out of order.
    """
    file = Path(f"{path}.{annotator}")
    if not file.is_file():
        raise MonitorError(f"no annotation file {file}; check the record and annotator names")
    import wfdb

    try:
        ended = _ends(file.read_bytes())
        with _quiet():
            read = wfdb.rdann(str(path), annotator)
    except Exception as error:  # the parser has no error type of its own
        raise MonitorError(f"cannot read {file} as WFDB annotations: {error}") from error
    if not len(read.sample):
        raise MonitorError(f"{file} holds no annotations: nothing to score")
    if not ended:
        raise MonitorError(f"{file} is cut off, or no WFDB annotation file: it has no end mark")
    aux = [text.rstrip("\0") for text in read.aux_note]
    try:
        table = Annotations.from_arrays(read.sample, read.symbol, read.subtype, aux)
    except MonitorError as error:
        raise MonitorError(f"{file}: {error}") from error
    return table, None if read.fs is None else float(read.fs)


def _ends(data: bytes) -> bool:
    """Tell whether the annotations end with a word of zeros, as the MIT format asks.

    The ``wfdb`` package does not check this. It reads annotations from any bytes, or half a file.
    """
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2").tolist()
    at = 0
    while at < len(words) and words[at]:
        code, value = words[at] >> 10, words[at] & 0x3FF
        at += 1
        if code == _SKIP:
            at += 2
        elif code == _AUX:
            at += (value + 1) // 2
    return at < len(words)


def choose_records(
    ref: Path, test: Path, test_annotator: str, wanted: str | None
) -> list[tuple[str, Path, Path]]:
    """Pair up records: (name, reference path, test path), both without extension.

    ``ref`` and ``test`` are directories or record paths. ``wanted`` is a named set, or record
    names separated by commas, each of which counts once; ``None`` means every record that has a
    test annotation file.
    """
    ref, test = (path.with_suffix("") if path.suffix == ".hea" else path for path in (ref, test))
    for path in (ref, test):
        if path.is_dir() or any(path.parent.glob(f"{glob.escape(path.name)}.*")):
            continue
        if path.is_file():
            raise MonitorError(
                f"{path} is a file: give its record, {path.with_suffix('')}; the annotator is "
                "named by --ref-annotator or --test-annotator",
                USAGE,
            )
        raise MonitorError(f"there is no folder or record {path}", USAGE)
    if test.is_dir():
        found = sorted(
            p.name.removesuffix(f".{test_annotator}") for p in test.glob(f"*.{test_annotator}")
        )
    else:
        found = [test.name]
    names = found
    if wanted is not None:
        listed = (name.strip() for name in wanted.split(","))
        names = list(RECORD_SETS.get(wanted) or dict.fromkeys(listed))
        if not all(names):
            raise MonitorError(
                f"records {wanted!r}: give names separated by commas, "
                f"or one of {', '.join(RECORD_SETS)}",
                USAGE,
            )
    if not names:
        raise MonitorError(f"no .{test_annotator} files in {test}; set --test-annotator")
    if not test.is_dir() and names != found:
        raise MonitorError(f"{test} is one record: give a directory to choose records", USAGE)
    if not ref.is_dir() and test.is_dir() and names != [ref.name]:
        raise MonitorError(
            f"{ref} is one record, but the test side has {', '.join(names[:4])}; "
            "give a directory, or the same record on both sides",
            USAGE,
        )
    return [
        (name, ref / name if ref.is_dir() else ref, test / name if test.is_dir() else test)
        for name in names
    ]


def without_test(ref: Path, ref_annotator: str, chosen: Collection[str]) -> list[str]:
    """Give the records in the folder ``ref`` that have reference annotations but are not chosen."""
    files = ref.glob(f"*.{glob.escape(ref_annotator)}") if ref.is_dir() else ()
    names = {file.name.removesuffix(f".{ref_annotator}") for file in files}
    return sorted(names - set(chosen))
