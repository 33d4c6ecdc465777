"""The PTB Diagnostic ECG Database (PhysioNet ``ptbdb``): records to labelled beat rows.

    python -m tools.data.ptbdb --download        fetch the database (1.7 GB) into DATA/ptbdb
    python -m tools.data.ptbdb                   count records, patients and diagnoses

Bousseljot, Kreiseler, Schnabel: "Nutzung der EKG-Signaldatenbank CARDIODAT der PTB über das
Internet", Biomedizinische Technik 40:317 (1995). One folder ``patientNNN`` a patient, 1000 Hz,
fifteen leads, no beat annotations: R peaks are those of the monitor's own detector. Rows are
cut as the published MIT-BIH ones (:mod:`tools.data.kachuee`), at 120 Hz; how the published PTB rows
were cut is not known here, for none is at hand.

This file is long because download, reading and labelling serve this one database.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy.signal import resample_poly

from monitor.config import Settings
from monitor.errors import USAGE, MonitorError
from monitor.messages import RPeak, Samples, StreamInfo
from monitor.stages.detect import make_detector
from monitor.stages.quality import QualityGate
from tools.commands import parser_of, run
from tools.data.beats import HOP_S, given_folder
from tools.data.kachuee import LENGTH, OVERLAP

RATE_HZ = 1000
UP, DOWN = 3, 25  # 1000 Hz to the 120 Hz of the published MIT-BIH rows
CLASSES = ("Healthy control", "Myocardial infarction")
LEAD = "ii"
REASON = "reason for admission"
PATIENT = re.compile(r"patient\d{3}")
TEST_SHARE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class PtbRecord:
    """One lead of one record.

    Parameters
    ----------
    name
        Of the record, as ``s0010_re``.
    signal_mv
        Shape (samples,), float64.
    rate_hz
        Sampling rate.
    lead
        As the header names it.
    diagnosis
        Reason for admission; empty if the header does not say.
    """

    name: str
    signal_mv: NDArray[np.float64]
    rate_hz: float
    lead: str
    diagnosis: str


@dataclass(frozen=True, slots=True, eq=False)
class PtbRows:
    """Beats of healthy controls (0) and infarctions (1).

    Parameters
    ----------
    signal
        Shape (n, 187), float32, 0..1, zeros behind the beat.
    label, patient, record
        Shape (n,).
    left_out
        Records of other diagnoses, counted by diagnosis.
    """

    signal: NDArray[np.float32]
    label: NDArray[np.int64]
    patient: NDArray[np.str_]
    record: NDArray[np.str_]
    left_out: dict[str, int]


def diagnosis(comments: list[str]) -> str:
    """Find the reason for admission among the comments of a header; empty if there is none."""
    for comment in comments:
        key, colon, value = comment.partition(":")
        if colon and key.strip().lower() == REASON:
            text = value.strip()
            return "" if text.lower() in ("", "n/a") else text
    return ""


def read_record(path: Path, lead: str = LEAD) -> PtbRecord:
    """Read one lead.

    Parameters
    ----------
    path
        Of the record, without an ending.
    lead
        Name of the signal, in any case: ``i`` ... ``v6``, ``vx``, ``vy``, ``vz``.

    Raises
    ------
    MonitorError
        If the record cannot be read or has no such lead.
    """
    try:
        header = wfdb.rdheader(str(path))
        names = [name.lower() for name in header.sig_name]
        if lead.lower() not in names:
            raise MonitorError(
                f"record {path} has no lead {lead!r}; it has {', '.join(header.sig_name)}"
            )
        channel = names.index(lead.lower())
        found = wfdb.rdrecord(str(path), channels=[channel])
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise MonitorError(f"cannot read record {path}: {error}") from error
    return PtbRecord(
        path.name,
        np.asarray(found.p_signal[:, 0], np.float64),
        float(found.fs),
        header.sig_name[channel],
        diagnosis(header.comments),
    )


def record_paths(folder: Path) -> list[tuple[str, Path]]:
    """List the records of a database folder: (patient, path without ending), in order.

    Raises
    ------
    MonitorError
        If there are no headers in folders called ``patientNNN``.
    """
    found = [
        (path.parent.name, path.with_suffix(""))
        for path in sorted(folder.glob("*/*.hea"))
        if PATIENT.fullmatch(path.parent.name)
    ]
    if not found:
        raise MonitorError(
            f"no records in {folder}/patientNNN/: get them with "
            "python -m tools.data.ptbdb --download, or give --data"
        )
    return found


def rows(record: PtbRecord, rpeaks: NDArray[np.int64]) -> NDArray[np.float32]:
    """Cut the beats of a record.

    Parameters
    ----------
    record
        From :func:`read_record`.
    rpeaks
        Shape (k,), samples. The last two peaks give no row: their intervals are not known.
        Nor do beats of which samples are missing, or all are zero.

    Returns
    -------
    Shape (n, 187), float32, 0..1, zeros behind the beat.
    """
    if record.rate_hz != RATE_HZ:
        raise MonitorError(
            f"record {record.name} is sampled at {record.rate_hz:g} Hz; {RATE_HZ} Hz are needed"
        )
    slow = resample_poly(record.signal_mv, UP, DOWN)
    at = rpeaks * (UP / DOWN)
    out = np.zeros((max(len(at) - 2, 0), LENGTH), np.float32)
    for row, first, second, third in zip(out, at[:-2], at[1:-1], at[2:], strict=True):
        window = slow[round(first) : round(second + OVERLAP * (third - second))]
        size = float(np.ptp(window))
        if size > 0.0:
            part = ((window - window.min()) / size)[:LENGTH]
            row[: len(part)] = part
    return np.asarray(out[out.any(axis=1)])


def detect(signal: NDArray[np.float64], rate_hz: float) -> list[RPeak]:
    """Find the R peaks of a record (samples, leads) with the monitor's own stages."""
    info = StreamInfo("record", rate_hz, tuple(f"L{k}" for k in range(signal.shape[1])))
    settings = Settings()
    gate, detector = QualityGate(info, settings.quality), make_detector(info, settings.detect)
    values, hop = signal.astype(np.float32), round(HOP_S * rate_hz)
    rpeaks: list[RPeak] = []
    for start in range(0, len(values), hop):
        block = Samples("record", start, values[start : start + hop])
        rpeaks += detector.push(block, gate.push(block))
    return rpeaks + detector.flush()


def build(folder: Path, lead: str = LEAD) -> PtbRows:
    """Make the rows of all records of healthy controls and of infarctions in ``folder``."""
    signals, labels, patients, names = [], [], [], []
    left_out: Counter[str] = Counter()
    classes = [name.lower() for name in CLASSES]
    for patient, path in record_paths(folder):
        record = read_record(path, lead)
        if record.diagnosis.lower() not in classes:
            left_out[record.diagnosis or "not said"] += 1
            continue
        rpeaks: list[RPeak] = detect(record.signal_mv[:, None], record.rate_hz)
        beats = rows(record, np.array([p.sample for p in rpeaks], np.int64))
        signals.append(beats)
        labels += [classes.index(record.diagnosis.lower())] * len(beats)
        patients += [patient] * len(beats)
        names += [record.name] * len(beats)
    if not labels:
        raise MonitorError(f"no beats of healthy controls or infarctions in {folder}")
    return PtbRows(
        np.concatenate(signals),
        np.array(labels, np.int64),
        np.array(patients),
        np.array(names),
        dict(left_out),
    )


def split(
    data: PtbRows, seed: int, by_patient: bool = True
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split into a training part and a test part of a fifth, of each class.

    Parameters
    ----------
    data
        From :func:`build`.
    seed
        Of the draw.
    by_patient
        All beats of a patient on one side; else at random by beat, which says little about
        a new patient.

    Returns
    -------
    Indices of the training part and of the test part.
    """
    rng = np.random.default_rng(seed)
    unit = data.patient if by_patient else np.arange(len(data.label)).astype(str)
    chosen: set[str] = set()
    for k in range(len(CLASSES)):
        units = np.unique(unit[data.label == k])
        if len(units) < 2:
            what = "patients" if by_patient else "beats"
            raise MonitorError(f"{len(units)} {what} of class {CLASSES[k]!r}; a split needs two")
        # a patient has one diagnosis in this database; one who had two would go with the first
        units = np.setdiff1d(units, sorted(chosen))
        count = min(max(round(TEST_SHARE * len(units)), 1), len(units) - 1)
        chosen.update(rng.choice(units, count, replace=False).tolist())
    test = np.isin(unit, sorted(chosen))
    return np.flatnonzero(~test), np.flatnonzero(test)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("data.ptbdb", __doc__)
    parser.add_argument("--data", type=Path, help="folder with ptbdb/")
    parser.add_argument("--download", action="store_true", help="fetch the database first")
    args = parser.parse_args(argv)
    folder = given_folder(args.data) / "ptbdb"
    if args.download:
        download(folder)
    paths = record_paths(folder)
    counts: Counter[str] = Counter()
    for _, path in paths:
        counts[diagnosis(wfdb.rdheader(str(path)).comments) or "not said"] += 1
    print(f"{len(paths)} records of {len({p for p, _ in paths})} patients")
    for name, count in counts.most_common():
        print(f"  {count:4d} {name}")
    return 0


def download(folder: Path) -> None:
    """Fetch the database from PhysioNet into ``folder``, if it is not there.

    It is there only when it is whole: until then ``folder.part`` holds what has come, and the
    next call goes on with it.
    """
    if folder.is_dir():
        return
    part = folder.with_name(f"{folder.name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
        wfdb.dl_database("ptbdb", str(part))
        part.rename(folder)
    except Exception as error:  # network errors of every kind
        raise MonitorError(f"cannot download ptbdb: {error}", USAGE) from error


if __name__ == "__main__":
    sys.exit(run(main, "ptbdb"))
