"""The section ``labels`` of ``strangers``: V and S by EC57, on patients not trained on.

Every network is trained by :func:`tools.train.labels.train`, the function that makes the shipped
one. Records of DS2 take no part: they are neither trained nor measured on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import wfdb
from numpy.typing import NDArray
from torch import nn

from monitor.score import Annotations, compare_beats, figures, read_annotations
from tools.data.own_beats import cached_found
from tools.data.patients import databases_of, folds, patients
from tools.evaluate.study import Study, interval
from tools.train.labels import MANIFEST, logits, train

Matrices = dict[str, NDArray[np.int64]]
"""Confusion matrix of EC57 of each patient, with the monitor's own R peaks."""

SHOWN = (("V", "v_se", "v_pp"), ("S", "s_se", "s_pp"))


def section(study: Study) -> str:
    """Measure and give a table."""
    names = patients(study.folder)
    lines = [
        "## Labels: V and S, Se/+P in percent by EC57 (gross), whole monitor, own R peaks",
        "",
        "| trained on | measured on | patients | V | S |",
        "|---|---|---:|---|---|",
    ]
    found = cross_validated(study, names)
    for database in databases_of(list(found)):
        part = {name: m for name, m in found.items() if name.startswith(f"{database}/")}
        lines.append(row(f"other folds of {study.folds}", database, part))
    for database in databases_of(list(found)):
        train_on = [name for name in names if not name.startswith(f"{database}/")]
        net = train(study.folder, train_on, study.work, study.seed, f"without {database}")
        held = [name for name in found if name.startswith(f"{database}/")]
        lines.append(
            row(
                " + ".join(databases_of(train_on)),
                database,
                {name: measure(study, name, net) for name in held},
            )
        )
    return "\n".join(lines)


def cross_validated(study: Study, names: Sequence[str]) -> Matrices:
    """Measure each patient whose beats are annotated with a network trained on other folds."""
    found: Matrices = {}
    dealt = folds(names, study.folds)
    for k, fold in enumerate(dealt):
        rest = [name for name in names if name not in fold]
        net = train(study.folder, rest, study.work, study.seed, f"fold {k + 1} of {study.folds}")
        for name in fold:
            if name.split("/")[0] != "vfdb":
                found[name] = measure(study, name, net)
    return found


def measure(study: Study, patient: str, net: nn.Module) -> NDArray[np.int64]:
    """Label the beats that the monitor finds in a record; its confusion matrix."""
    path = study.folder / patient
    header = wfdb.rdheader(str(path))
    beats = cached_found(study.folder, patient, MANIFEST, study.work)
    label = logits(net, beats.signal, beats.features).argmax(1)
    label[~beats.valid] = MANIFEST.classes.index("Q")
    test = Annotations.from_arrays(beats.sample, "".join(MANIFEST.classes[k] for k in label))
    truth, _ = read_annotations(path, "atr")
    rate_hz = float(header.fs)
    return compare_beats(truth, test, rate_hz, record=patient, length_samples=header.sig_len).matrix


def row(trained: str, measured: str, matrices: Matrices) -> str:
    """Give a row of the table: gross figures and their intervals over patients."""
    total = np.sum(list(matrices.values()), axis=0)
    gross = figures(total)
    cells = [trained, measured, str(len(matrices))]
    for _, *names in SHOWN:
        cells.append(" / ".join(_with_interval(gross, name, matrices) for name in names))
    return f"| {' | '.join(cells)} |"


def _figure(name: str, total: NDArray[np.float64]) -> float | None:
    value: float | None = getattr(figures(total.astype(np.int64)), name)
    return value


def _with_interval(gross: object, name: str, matrices: Matrices) -> str:
    value = getattr(gross, name)
    if value is None:
        return "-"
    counts = {patient: m.astype(np.float64) for patient, m in matrices.items()}
    ends = interval(counts, partial(_figure, name))
    return f"{value:.1f}" + (f" ({ends[0]:.0f} to {ends[1]:.0f})" if ends else "")
