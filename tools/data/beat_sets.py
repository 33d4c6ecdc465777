"""Beats to train and to test the models that see one beat window.

Protocols, each a function: published rows rebuilt from MIT-BIH records; the published files
themselves; the rebuilt rows in two classes, joined with the PTB beats at hand; PTB beats alone.
Each says how it was split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.data import kachuee, ptbdb
from tools.data.kaggle_csv import SAMPLES, read_rows

SPLIT_SEED = 1
BY_BEAT = (
    "at random by beat, as the published set: beats of one person stand on both sides, "
    "so the figures say little about a new patient"
)
BY_PATIENT = "by patient"
AS_PUBLISHED = "as published"
TEST_SHARE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class BeatSet:
    """Rows with labels, in two parts.

    Parameters
    ----------
    signal
        Shape (n, 187), float32, 0..1, zeros behind the beat.
    label
        Shape (n,).
    train, test
        Indices of the parts.
    data
        What it was made of.
    split
        How it was split.
    left_out
        Lines of published files that could not be used, one text each: file, line, reason.
    """

    signal: NDArray[np.float32]
    label: NDArray[np.int64]
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    data: str
    split: str
    left_out: tuple[str, ...] = ()

    def sha256(self) -> str:
        """Hash the rows and labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.signal).tobytes())
        digest.update(self.label.tobytes())
        return digest.hexdigest()


def standardise(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale beats to mean 0 and deviation 1, each by itself; padding stays zero.

    Parameters
    ----------
    signal
        Shape (n, length), zeros behind the end of each beat.
    """
    inside = np.asarray(np.cumsum(np.abs(signal[:, ::-1]), axis=1)[:, ::-1] > 0)
    count = np.maximum(inside.sum(axis=1, keepdims=True), 1)
    mean = (signal * inside).sum(axis=1, keepdims=True) / count
    centred = (signal - mean) * inside
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    return np.asarray(centred / np.maximum(deviation, 1e-6), np.float32)


def split_by_patient(split: str) -> bool:
    """Tell from the ``split`` of a manifest's metrics how its beats were split."""
    return split.startswith(BY_PATIENT)


def mitbih_rows(folder: Path, work: Path) -> kachuee.Rows:
    """Build the published rows of all records, or take them from the folder ``work``."""
    path = work / "kachuee.npz"
    if not path.exists():
        rows = kachuee.build(folder)
        work.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, signal=rows.signal, label=rows.label, record=rows.record, sample=rows.sample)
        part.rename(path)
    with np.load(path, allow_pickle=False) as held:
        return kachuee.Rows(held["signal"], held["label"], held["record"], held["sample"])


def five_classes(folder: Path, work: Path, by_patient: bool = False) -> BeatSet:
    """All 109,446 published MIT-BIH rows, rebuilt; labels N, S, V, F, Q."""
    rows = mitbih_rows(folder, work)
    train, test = kachuee.split(rows.label, SPLIT_SEED)
    return BeatSet(
        rows.signal,
        rows.label,
        train,
        test,
        f"MIT-BIH Arrhythmia Database, 48 records, {len(rows.label)} beats as published "
        "(Kachuee 2018), ODC-By 1.0",
        BY_BEAT,
    )


def published(folder: Path) -> BeatSet:
    """Read the Kaggle files themselves, ``kaggle/mitbih_train.csv`` and ``mitbih_test.csv``."""
    files = [folder / "kaggle" / f"mitbih_{part}.csv" for part in ("train", "test")]
    train, test = (read_rows(path) for path in files)
    count = len(train.label)
    reports = [read.report(path.name) for read, path in zip((train, test), files, strict=True)]
    return BeatSet(
        np.concatenate([train.signal, test.signal])[:, :SAMPLES],
        np.concatenate([train.label, test.label]),
        np.arange(count),
        np.arange(count, count + len(test.label)),
        f"ECG Heartbeat Categorization (Kaggle): {'; '.join(report[0] for report in reports)}",
        f"{AS_PUBLISHED}: {BY_BEAT}",
        tuple(line for report in reports for line in report[1:]),
    )


def normal_abnormal(folder: Path, work: Path, by_patient: bool = False) -> BeatSet:
    """MIT-BIH rows, N against the rest, joined with the PTB rows at hand.

    PTB rows are those of ``kaggle/ptbdb_normal.csv`` and ``ptbdb_abnormal.csv`` if both are
    there, else of the records in ``ptbdb/``, else none; which, and how many rows were left
    out for NaN, stands in ``data``.
    """
    base = five_classes(folder, work)
    label = np.minimum(base.label, 1)
    signals, labels = [base.signal], [label]
    files = [folder / "kaggle" / f"ptbdb_{kind}.csv" for kind in ("normal", "abnormal")]
    data, left_out = base.data, list[str]()
    if all(path.exists() for path in files):
        for k, path in enumerate(files):
            read = read_rows(path, [k])
            signals.append(read.signal[:, :SAMPLES])
            labels.append(read.label)
            summary, *lines = read.report(path.name)
            data += f"; {summary}"
            left_out += lines
    elif (folder / "ptbdb").is_dir():
        ptb = ptbdb.build(folder / "ptbdb")
        signals.append(ptb.signal)
        labels.append(ptb.label)
        data += f"; PTB Diagnostic ECG Database, {len(ptb.label)} beats"
    else:
        data += "; no PTB beats were at hand"
    signal, label = np.concatenate(signals), np.concatenate(labels)
    usable = np.asarray(np.isfinite(signal).all(axis=1))
    data += f"; rows with NaN left out after joining: {int((~usable).sum())}"
    train, test = list(base.train), list(base.test)
    rng = np.random.default_rng(SPLIT_SEED)
    first = len(base.label)
    for k in (0, 1):  # PTB rows, by class
        extra = rng.permutation(first + np.flatnonzero(label[first:] == k))
        count = round(TEST_SHARE * len(extra))
        test += extra[:count].tolist()
        train += extra[count:].tolist()
    parts = [np.array(part, np.int64) for part in (train, test)]
    keep_train, keep_test = (part[usable[part]] for part in parts)
    return BeatSet(signal, label, keep_train, keep_test, data, BY_BEAT, tuple(left_out))


def infarction(folder: Path, work: Path, by_patient: bool = True) -> BeatSet:
    """PTB rows: healthy controls against infarctions."""
    ptb = ptbdb.build(folder / "ptbdb")
    train, test = ptbdb.split(ptb, SPLIT_SEED, by_patient)
    left_out = ", ".join(f"{n} {name}" for name, n in sorted(ptb.left_out.items()))
    return BeatSet(
        ptb.signal,
        ptb.label,
        train,
        test,
        f"PTB Diagnostic ECG Database, lead {ptbdb.LEAD}, {len(ptb.label)} beats of "
        f"{len(set(ptb.patient.tolist()))} patients, ODC-By 1.0; records of other diagnoses "
        f"left out: {left_out or 'none'}",
        BY_PATIENT if by_patient else BY_BEAT,
    )


SETS: dict[str, Callable[[Path, Path, bool], BeatSet]] = {
    "kaggle5": five_classes,
    "cnn": five_classes,
    "lstm": five_classes,
    "normal-abnormal": normal_abnormal,
    "ptb-mi": infarction,
}
"""The set of each model; only that of ``ptb-mi`` can be split by patient."""
