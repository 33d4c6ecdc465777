"""The published beat window: MIT-BIH records to the rows of ``mitbih_train/test.csv``.

    python -m tools.data.kachuee         find every published row at hand among the built beats

Kachuee, Fazeli and Sarrafzadeh, "ECG Heartbeat Classification: A Deep Transferable
Representation", ICHI 2018, doi:10.1109/ICHI.2018.00092, describe 10 s excerpts at 125 Hz and
beats of 1.2 times the median RR interval. The published rows follow a simpler rule, found by
searching for them in the records; it gives every row at hand bit for bit in float32:

1. The first signal of the record in units of its converter (MLII; V5 in 102, 104 and 114).
2. Every third sample, without a filter: the rows are at 120 Hz, not 125 Hz.
3. From the annotated R peak to the next annotation, of whatever kind, and a fifth of the
   interval between that one and the annotation after it, in whole samples of 360 Hz.
4. Scaled to 0..1 over this window, then cut off after 187 samples or filled up with zeros.
5. One row for every annotated beat but the last annotation of a record: 109,446.

The beat before the last annotation has no second interval; its own is taken here. None of
those 48 rows is at hand, so this one detail is not proven.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from monitor.errors import MonitorError
from monitor.score import RECORD_SETS
from tools.commands import parser_of, run
from tools.data.beats import data_folder
from tools.data.kaggle_csv import read_rows

LENGTH = 187
STEP = 3  # samples of the record, 360 Hz, for one of the row
OVERLAP = 0.2  # share of the second interval that is added to the first
CLASSES = "NSVFQ"
SYMBOLS = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}
"""WFDB beat symbols of each class of the published set."""
TEST_COUNTS = (18118, 556, 1448, 162, 1608)
"""Beats of each class in the published ``mitbih_test.csv``: 21,892 of 109,446."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Beats as published, and where they come from.

    Parameters
    ----------
    signal
        Shape (n, 187), float32, 0..1, zeros behind the beat.
    label
        Shape (n,): index into :data:`CLASSES`.
    record, sample
        Shape (n,): name of the record, and R peak in samples at 360 Hz.
    """

    signal: NDArray[np.float32]
    label: NDArray[np.int64]
    record: NDArray[np.str_]
    sample: NDArray[np.int64]


def beat_row(signal: NDArray[np.int64], begin: int, end: int) -> NDArray[np.float32]:
    """Make one row of the samples from ``begin`` up to ``end``, by rules 2 and 4 above.

    Parameters
    ----------
    signal
        Shape (samples,), units of the converter.
    begin, end
        R peak, and the first sample behind the window.

    Returns
    -------
    Shape (187,), float32.
    """
    window = signal[begin:end:STEP].astype(np.float64)
    low, high = window.min(), window.max()
    row = np.zeros(LENGTH, np.float32)
    part = window[:LENGTH]
    row[: len(part)] = (part - low) / max(high - low, 1.0)
    return row


def window_end(marks: NDArray[np.int64], at: int) -> int:
    """Give the end of the window of annotation ``at``, by rule 3 above.

    Parameters
    ----------
    marks
        Samples of all annotations of the record, beats or not.
    at
        Any but the last of them.
    """
    first = int(marks[at + 1] - marks[at])
    second = int(marks[at + 2] - marks[at + 1]) if at + 2 < len(marks) else first
    return int(marks[at]) + first + int(OVERLAP * second)


def record_rows(
    name: str, signal: NDArray[np.int64], marks: NDArray[np.int64], symbols: list[str]
) -> Rows:
    """Make the rows of one record.

    Parameters
    ----------
    name
        Of the record.
    signal
        Shape (samples,), units of the converter, 360 Hz.
    marks, symbols
        Sample and WFDB symbol of every annotation, in order.
    """
    class_of = {s: k for k, c in enumerate(CLASSES) for s in SYMBOLS[c]}
    at = [k for k, symbol in enumerate(symbols[:-1]) if symbol in class_of]
    rows = [beat_row(signal, int(marks[k]), window_end(marks, k)) for k in at]
    return Rows(
        np.stack(rows) if rows else np.empty((0, LENGTH), np.float32),
        np.array([class_of[symbols[k]] for k in at], np.int64),
        np.full(len(at), name),
        marks[at].astype(np.int64),
    )


def build(folder: Path) -> Rows:
    """Make all rows of the 48 records in ``folder/mitdb``.

    Raises
    ------
    MonitorError
        If a record is missing or not sampled at 360 Hz.
    """
    parts = []
    for name in RECORD_SETS["mitdb48"]:
        path = str(folder / "mitdb" / name)
        try:
            found = wfdb.rdrecord(path, physical=False, channels=[0])
            annotation = wfdb.rdann(path, "atr")
        except (OSError, ValueError) as error:
            raise MonitorError(f"cannot read record {path}: {error}") from error
        if found.fs != 360:
            raise MonitorError(f"record {path} is sampled at {found.fs:g} Hz; 360 Hz are needed")
        parts.append(record_rows(name, found.d_signal[:, 0], annotation.sample, annotation.symbol))
    return Rows(
        np.concatenate([p.signal for p in parts]),
        np.concatenate([p.label for p in parts]),
        np.concatenate([p.record for p in parts]),
        np.concatenate([p.sample for p in parts]),
    )


def split(label: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split beats at random into training and test parts of the published sizes.

    By beat, not by patient: beats of one person stand on both sides, as in the published set.
    Figures from such a split say little about a new patient.

    Returns
    -------
    Indices of the training part and of the test part, each in ascending order.
    """
    rng = np.random.default_rng(seed)
    test = np.zeros(len(label), bool)
    for k, count in enumerate(TEST_COUNTS):
        of_class = np.flatnonzero(label == k)
        if len(of_class) <= count:
            raise MonitorError(f"{len(of_class)} beats {CLASSES[k]}, {count} needed for the test")
        test[rng.choice(of_class, count, replace=False)] = True
    return np.flatnonzero(~test), np.flatnonzero(test)


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """The published rows found among the built ones.

    Parameters
    ----------
    found
        Published rows that are among the built ones, bit for bit in float32.
    same_label
        ... with the same class.
    missing
        Numbers, from 1, of the published rows that are not.
    records
        Records that the found rows come from.
    ambiguous
        Found rows that more than one built beat equals.
    """

    found: int
    same_label: int
    missing: list[int]
    records: set[str]
    ambiguous: int


def prove(built: Rows, signal: NDArray[np.float32], label: NDArray[np.int64]) -> Proof:
    """Look every published row up among the built ones.

    Parameters
    ----------
    built
        From :func:`build`.
    signal, label
        Published rows, (n, 187) and (n,).
    """
    places: dict[bytes, list[int]] = {}
    for k, row in enumerate(np.ascontiguousarray(built.signal)):
        places.setdefault(row.tobytes(), []).append(k)
    hits = [places.get(row.tobytes(), []) for row in np.ascontiguousarray(signal, np.float32)]
    return Proof(
        sum(bool(h) for h in hits),
        sum(any(built.label[k] == c for k in h) for h, c in zip(hits, label, strict=True)),
        [n for n, h in enumerate(hits, 1) if not h],
        {str(built.record[k]) for h in hits for k in h},
        sum(len(h) > 1 for h in hits),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("data.kachuee", __doc__)
    parser.add_argument("--data", type=Path, help="folder with mitdb/ and kaggle/")
    args = parser.parse_args(argv)
    folder = data_folder(args.data)
    built = build(folder)
    counts = np.bincount(built.label, minlength=5)
    print(f"built {len(built.label)} beats: "
          + ", ".join(f"{c} {n}" for c, n in zip(CLASSES, counts, strict=True)))  # fmt: skip
    whole = True
    for path in sorted((folder / "kaggle").glob("mitbih_*.csv")):
        published = read_rows(path)
        proof = prove(built, published.signal[:, :LENGTH], published.label)
        print(f"{path.name}: {proof.found} of {len(published.label)} rows found, "
              f"{proof.same_label} with their class, {proof.ambiguous} ambiguous, "
              f"{len(proof.records)} records")  # fmt: skip
        for number in proof.missing:
            print(f"  row {number} is not among the built beats")
        whole = whole and not proof.missing
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(run(main, "kachuee"))
