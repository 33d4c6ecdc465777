"""One span of signal as a WFDB record of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monitor.errors import MonitorError
from monitor.recording.files import make_folder, replace_file
from monitor.recording.header import SegmentHeader
from monitor.recording.request import Span
from monitor.recording.scale import choose_scale, digitize


def write_record(folder: Path, name: str, span: Span) -> Path:
    """Write ``FOLDER/NAME.hea`` and ``.dat``; give the header's path.

    Raises
    ------
    MonitorError
        If they cannot be written.
    """
    scales = tuple(choose_scale(lead) for lead in span.values_mv.T)
    digital, clipped = digitize(span.values_mv, scales)
    header = SegmentHeader(
        name,
        span.info,
        span.start_sample,
        span.wall_ns,
        len(digital),
        scales,
        tuple(int(value) for value in digital[0]),
        tuple(int(sum_) for sum_ in digital.sum(axis=0, dtype=np.int64)),
        tuple(clipped),
    )
    path = folder / f"{name}.hea"
    try:
        make_folder(folder)
        replace_file(path.with_suffix(".dat"), digital.astype("<i2").tobytes())
        replace_file(path, header.text().encode())
    except OSError as error:
        raise MonitorError(f"cannot write {path}: {error.strerror or error}") from error
    return path
