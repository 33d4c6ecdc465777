"""The section ``labels`` of ``strangers``: V and S by EC57, on patients not trained on.

Every network is trained by :func:`tools.train.labels.train`, the function that makes the shipped
one. Records of DS2 take no part: they are neither trained nor measured on. Of the beats found in
ventricular tachycardia of records without beat annotations (``vfdb``) the share labelled V is
given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import wfdb
from numpy.typing import NDArray
from torch import nn

from monitor.score import Annotations, compare_beats, figures, read_annotations
from tools.data.beats import cached
from tools.data.own_beats import FOUND, cached_found
from tools.data.patients import databases_of, folds, patients, stream
from tools.evaluate.study import Study, interval
from tools.train.labels import MANIFEST, logits, train

Matrices = dict[str, NDArray[np.int64]]
"""Confusion matrix of EC57 of each patient."""

Measure = Callable[[Study, str, nn.Module], NDArray[np.int64]]
"""Confusion matrix of one patient by one network."""

SHOWN = (("v_se", "v_pp"), ("s_se", "s_pp"))
HEAD = ("trained on", "measured on", "R peaks", "patients", "V", "S")
WEAK = "vfdb"


def section(study: Study) -> str:
    """Measure and give tables."""
    names = patients(study.folder)
    measures = {"reference R peaks": with_reference}
    if not study.quick:
        measures["own R peaks"] = with_own
    lines = ["## Labels: V and S, Se/+P in percent by EC57, gross", ""]
    lines += [
        "| trained on | measured on | R peaks | patients | V | S |",
        "|---|---|---|---:|---|---|",
    ]
    found: dict[str, Matrices] = {peaks: {} for peaks in measures}
    weak = np.zeros(2, np.int64)
    for k, fold in enumerate(folds(names, study.folds)):
        rest = [name for name in names if name not in fold]
        net = train(study.folder, rest, study.work, study.seed, f"fold {k + 1} of {study.folds}")
        for name in fold:
            if name.startswith(f"{WEAK}/"):
                weak += labelled_v(study, name, net)
                continue
            for peaks, measure in measures.items():
                found[peaks][name] = measure(study, name, net)
    held = [database for database in databases_of(names) if database != WEAK]
    others = f"other {study.folds - 1} of {study.folds} folds"
    for database in held:
        for peaks, matrices in found.items():
            part = {name: m for name, m in matrices.items() if name.startswith(f"{database}/")}
            lines.append(row(others, database, peaks, part))
    for database in held:
        rest = [name for name in names if not name.startswith(f"{database}/")]
        net = train(study.folder, rest, study.work, study.seed, f"without {database}")
        own = [name for name in names if name.startswith(f"{database}/")]
        for peaks, measure in measures.items():
            part = {name: measure(study, name, net) for name in own}
            lines.append(row(" + ".join(databases_of(rest)), database, peaks, part))
    if weak[1]:
        share = f"{weak[0]} of {weak[1]} = {100 * weak[0] / weak[1]:.1f} %"
        lines += ["", f"Beats found in VT of {WEAK} that are labelled V, other folds: {share}"]
    return "\n".join(lines)


def with_own(study: Study, patient: str, net: nn.Module) -> NDArray[np.int64]:
    """Label the beats that the monitor finds in a record."""
    beats = cached_found(study.folder, patient, MANIFEST, study.work)
    label = logits(net, beats.signal, beats.features).argmax(1)
    label[~beats.valid] = MANIFEST.classes.index("Q")
    return compared(study, patient, beats.sample, label)


def with_reference(study: Study, patient: str, net: nn.Module) -> NDArray[np.int64]:
    """Label the beats of the reference, as recorded."""
    beats = cached(study.folder, patient, "clean", MANIFEST, study.work)
    label = logits(net, beats.signal, beats.features).argmax(1)
    return compared(study, patient, beats.sample, label)


def compared(
    study: Study, patient: str, samples: NDArray[np.int64], label: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Compare labels with the reference of a record, by EC57."""
    path = study.folder / patient
    header = wfdb.rdheader(str(path))
    test = Annotations.from_arrays(samples, "".join(MANIFEST.classes[k] for k in label))
    truth, _ = read_annotations(path, "atr")
    return compare_beats(
        truth, test, float(header.fs), record=patient, length_samples=header.sig_len
    ).matrix


def labelled_v(study: Study, patient: str, net: nn.Module) -> NDArray[np.int64]:
    """How many of the beats found in ventricular tachycardia are labelled V, and how many are."""
    beats = stream(study.folder, patient, FOUND, MANIFEST, study.work)
    label = logits(net, beats.signal, beats.features).argmax(1)
    return np.array([(label == MANIFEST.classes.index("V")).sum(), len(label)])


def row(trained: str, measured: str, peaks: str, matrices: Matrices) -> str:
    """Give a row of the table: gross figures and their intervals over patients."""
    cells = [trained, measured, peaks, str(len(matrices))]
    cells += [" / ".join(_with_interval(name, matrices) for name in names) for names in SHOWN]
    return f"| {' | '.join(cells)} |"


def figure(name: str, total: NDArray[np.float64]) -> float | None:
    """Give one figure of EC57 of a matrix of counts."""
    value: float | None = getattr(figures(total.astype(np.int64)), name)
    return value


def _with_interval(name: str, matrices: Matrices) -> str:
    counts = {patient: m.astype(np.float64) for patient, m in matrices.items()}
    value = figure(name, np.sum(list(counts.values()), axis=0))
    if value is None:
        return "-"
    ends = interval(counts, partial(figure, name))
    return f"{value:.1f}" + (f" ({ends[0]:.0f} to {ends[1]:.0f})" if ends else "")
