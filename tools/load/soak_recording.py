"""Read back with wfdb what a soak has recorded, and compare it with the signal that was sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb

from monitor.messages import FloatArray


@dataclass(frozen=True)
class Stored:
    """The recording of one stream; ``wrong`` describes its faults, and is empty without any."""

    segments: int
    samples: int
    annotations: int
    wrong: str = ""


def read_back(folder: Path, sent_mv: FloatArray, end_sample: int) -> Stored:
    """Read all segments of a stream.

    They must follow each other without a hole, reach to the end, and hold what was sent to half a
    unit of the converter; annotations must lie in their segment.

    Parameters
    ----------
    folder
        Of the stream.
    sent_mv
        One period of the signal that was sent over and over, shape (n, leads).
    end_sample
        Number of samples sent.
    """
    names = sorted(path.stem for path in folder.glob("*.hea"))
    samples = annotations = 0
    at: int | None = None
    for name in names:
        record = wfdb.rdrecord(str(folder / name))
        marks = wfdb.rdann(str(folder / name), "mon")
        start, length = round(record.base_counter), record.sig_len
        if at is not None and start != at:
            return Stored(len(names), samples, annotations, f"{name} begins at {start}, not {at}")
        expected = sent_mv[np.arange(start, start + length) % len(sent_mv)]
        off = np.abs(record.p_signal - expected) * np.array(record.adc_gain)
        alike = np.array_equal(np.isnan(record.p_signal), np.isnan(expected))
        if not alike or np.nanmax(off, initial=0.0) > 0.6:
            return Stored(len(names), samples, annotations, f"{name} is not what was sent")
        if len(marks.sample) and not 0 <= marks.sample[0] <= marks.sample[-1] < length:
            return Stored(len(names), samples, annotations, f"{name}: annotations outside of it")
        samples, annotations, at = samples + length, annotations + len(marks.sample), start + length
    wrong = "" if at == end_sample else f"recorded up to {at}, sent were {end_sample}"
    return Stored(len(names), samples, annotations, wrong)


def size_mb(folder: Path) -> float:
    """Give the room a folder's files take."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # deleted meanwhile, as it should be
            continue
    return total / 1e6
