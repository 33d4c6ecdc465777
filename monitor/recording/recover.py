"""Finish what an earlier run of the service left open: it was killed, or its disk was full.

The signal on disk is taken as far as it goes, in whole samples of all leads; the annotations are
written from the events beside it. Doing it twice gives the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import Beat, Gap, Quality, Rhythm, StreamInfo
from monitor.recording.header import parse_header
from monitor.recording.segment import placed, replace_text, write_annotations
from monitor.remarks import Level, Remark
from monitor.sinks.wfdb_annotations import WfdbAnnotations
from monitor.wire.jsonform import ProtocolError, from_dict, loads

READ_SAMPLES = 100_000


def recover(folder: Path, say: Callable[[str], object]) -> None:
    """Finish all open segments of all streams under ``folder``.

    Raises
    ------
    OSError
        If the folder cannot be read or written.
    """
    for unfinished in [*folder.glob("*/*.tmp"), *folder.glob("*/*.montmp")]:
        unfinished.unlink()
    for path in sorted(folder.glob("*/*.open")):
        try:
            samples = _finish(path)
        except (OSError, MonitorError, ValueError) as error:
            later = isinstance(error, OSError) or isinstance(error.__cause__, OSError)
            if not later:  # what is on the disk is valid where it is only full
                path.rename(path.with_suffix(".damaged"))
            reason = " ".join(str(error).split())[:200]
            name, when = path.parent.name, " now" if later else ""
            text = f"recording {name}/{path.stem} cannot be finished{when} ({reason})"
            say(Remark(text, Level.ERROR, name))
        else:
            say(f"recording {path.parent.name}/{path.stem} of an earlier run: {samples} samples")


def _finish(path: Path) -> int:
    header, signal = path.with_suffix(".hea"), path.with_suffix(".dat")
    if not header.exists():  # killed before the first samples were all written
        signal.unlink(missing_ok=True)
        path.unlink()
        return 0
    annotations = _annotations(path)
    samples = _repair(header, signal)
    write_annotations(annotations, path.parent, path.stem, samples)
    path.unlink()
    return samples


def _annotations(path: Path) -> WfdbAnnotations:
    """Read the events of a segment, up to a line that was not written to its end."""
    info = None
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            try:
                message = from_dict(loads(line))
            except ProtocolError:
                break
            if isinstance(message, StreamInfo):
                info, annotations = message, WfdbAnnotations(replace(message, start_sample=0))
            elif info is not None and isinstance(message, Beat | Rhythm | Quality | Gap):
                annotations.add(placed(message, info.start_sample))
    if info is None:
        raise MonitorError(f"{path} does not begin with the stream")
    return annotations


def _repair(header: Path, signal: Path) -> int:
    """Let header and signal agree; give the number of samples."""
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
    replace_text(header, replace(stored, samples=samples, checksums=sums).text())
    return samples
