"""Finish segments that an earlier run left open, because it was killed or the disk was full.

Whole samples of all leads and whole annotations on disk are kept. Running it twice gives the same
result.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from monitor.errors import MonitorError
from monitor.log_lines import Level, LogLine
from monitor.messages import StreamInfo
from monitor.recording.files import replace_file
from monitor.recording.header import parse_header
from monitor.recording.segment import ANNOTATOR
from monitor.sinks.annotation_format import whole_part
from monitor.sinks.wfdb_annotations import WfdbAnnotations

READ_SAMPLES = 100_000


def recover(folder: Path, log: Callable[[str], object]) -> None:
    """Finish all open segments of all streams under ``folder``.

    Raises
    ------
    OSError
        If the folder cannot be read or written.
    """
    for unfinished in folder.glob("*/*.tmp"):
        unfinished.unlink()
    for path in sorted(folder.glob("*/*.open")):
        try:
            samples = _finish(path)
        except (OSError, MonitorError, ValueError) as error:
            later = isinstance(error, OSError)
            if not later:  # on a full disk the files are valid
                path.rename(path.with_suffix(".damaged"))
            reason = " ".join(str(error).split())[:200]
            name, when = path.parent.name, " now" if later else ""
            text = f"recording {name}/{path.stem} cannot be finished{when} ({reason})"
            log(LogLine(text, Level.ERROR, name))
        else:
            log(f"recording {path.parent.name}/{path.stem} of an earlier run: {samples} samples")


def _finish(path: Path) -> int:
    header, signal = path.with_suffix(".hea"), path.with_suffix(".dat")
    annotations = path.with_suffix(f".{ANNOTATOR}")
    if not header.exists():  # killed before the first samples were complete
        for file in (signal, annotations, path):
            file.unlink(missing_ok=True)
        return 0
    info, samples = _repair(header, signal)
    _repair_annotations(annotations, info)
    path.unlink()
    return samples


def _repair_annotations(path: Path, info: StreamInfo) -> None:
    """Keep the whole annotations of a file; if there are none, note that nothing is known."""
    found = path.read_bytes() if path.exists() else b""
    whole = whole_part(found) or WfdbAnnotations(replace(info, start_sample=0)).encoded(0)
    if whole != found:
        replace_file(path, whole)


def _repair(header: Path, signal: Path) -> tuple[StreamInfo, int]:
    """Make header and signal agree; give the stream and the number of samples."""
    stored = parse_header(header.read_text(encoding="utf-8"))
    leads = len(stored.info.leads)
    size = signal.stat().st_size
    samples = size // (2 * leads)
    os.truncate(signal, samples * 2 * leads)
    checksums = np.zeros(leads, np.int64)
    with signal.open("rb") as file:
        while data := file.read(2 * leads * READ_SAMPLES):
            checksums += np.frombuffer(data, "<i2").reshape(-1, leads).sum(axis=0, dtype=np.int64)
    sums = tuple(int(checksum) for checksum in checksums)
    repaired = replace(stored, samples=samples, checksums=sums)
    replace_file(header, repaired.text().encode())
    return stored.info, samples
