"""The Kaggle files "ECG Heartbeat Categorization": 187 samples and a label a row, no header.

``mitbih_train.csv``, ``mitbih_test.csv`` (labels 0..4: N, S, V, F, Q), ``ptbdb_normal.csv``
(label 0) and ``ptbdb_abnormal.csv`` (label 1). Rows that cannot be used are left out and reported
by line number; none is repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MonitorError

SAMPLES = 187
LENGTH = 188  # one zero is added: even, as the networks take it
CHUNK = 4096  # rows parsed at a time
TOLERANCE = 1e-6  # rounding of values that should lie in 0..1


@dataclass(frozen=True, slots=True, eq=False)
class CsvRows:
    """The rows read from one file.

    Parameters
    ----------
    signal
        Shape (n, 188), float32.
    label
        Shape (n,).
    line
        Shape (n,): line number, from 1, of each row.
    not_a_number
        Lines left out because they hold NaN or an infinite value.
    malformed
        Lines left out for another reason: (line number, reason).
    """

    signal: NDArray[np.float32]
    label: NDArray[np.int64]
    line: NDArray[np.int64]
    not_a_number: list[int]
    malformed: list[tuple[int, str]]

    def report(self, name: str) -> list[str]:
        """Give the lines to show: what was read and what was left out."""
        left_out = f"{len(self.not_a_number)} with NaN, {len(self.malformed)} malformed"
        out = [f"{name}: {len(self.label)} rows; left out: {left_out}"]
        out += [f"{name}, line {number}: NaN or infinite" for number in self.not_a_number]
        out += [f"{name}, line {number}: {reason}" for number, reason in self.malformed]
        return out


def read_rows(path: Path, labels: Sequence[int] = range(5)) -> CsvRows:
    """Read one file.

    Parameters
    ----------
    path
        The CSV file.
    labels
        Which there may be.

    Raises
    ------
    MonitorError
        If the file cannot be read, is not text, or has no usable row.
    """
    signals: list[NDArray[np.float32]] = []
    found: list[NDArray[np.int64]] = []
    lines: list[NDArray[np.int64]] = []
    empty_values: list[int] = []
    malformed: list[tuple[int, str]] = []
    chunk: list[tuple[int, str]] = []
    possible = " or ".join(map(str, labels))

    def take() -> None:
        """Parse and sort the lines gathered so far."""
        good: list[tuple[int, list[float]]] = []
        for number, text in chunk:
            values = _values(text)
            if isinstance(values, str):
                malformed.append((number, values))
            else:
                good.append((number, values))
        chunk.clear()
        if not good:
            return
        table = np.array([values for _, values in good])
        numbers = np.array([number for number, _ in good], np.int64)
        finite = np.isfinite(table).all(axis=1)
        empty_values.extend(numbers[~finite].tolist())
        table, numbers = table[finite], numbers[finite]
        signal, label = table[:, :SAMPLES], table[:, SAMPLES]
        known = np.isin(label, labels)
        scaled = ((signal >= -TOLERANCE) & (signal <= 1.0 + TOLERANCE)).all(axis=1)
        for number, value in zip(numbers[~known].tolist(), label[~known].tolist(), strict=True):
            malformed.append((number, f"label {value:g} is not {possible}"))
        outside = numbers[known & ~scaled].tolist()
        malformed.extend((number, "values outside 0..1") for number in outside)
        keep = known & scaled
        signals.append(np.pad(signal[keep], ((0, 0), (0, LENGTH - SAMPLES))).astype(np.float32))
        found.append(label[keep].astype(np.int64))
        lines.append(numbers[keep])

    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    chunk.append((number, text))
                if len(chunk) == CHUNK:
                    take()
            take()
    except OSError as error:
        raise MonitorError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MonitorError(f"{path} is not a text file; unpack it first if it is zipped") from error
    malformed.sort()
    if not sum(len(part) for part in found):
        first = f" (line {malformed[0][0]}: {malformed[0][1]})" if malformed else ""
        raise MonitorError(f"{path} has no row of {SAMPLES} samples and a label{first}")
    return CsvRows(
        np.concatenate(signals),
        np.concatenate(found),
        np.concatenate(lines),
        sorted(empty_values),
        malformed,
    )


def _values(text: str) -> list[float] | str:
    """Parse one line: its values, or what is wrong with it."""
    cells = text.rstrip("\r\n").split(",")
    if len(cells) != SAMPLES + 1:
        return f"{len(cells)} values, {SAMPLES + 1} expected"
    try:
        # an empty cell is how NaN is written by most programs
        return [float(cell) if cell.strip() else float("nan") for cell in cells]
    except ValueError as error:
        return str(error)
