"""The section ``labels`` of ``strangers``: V and S by EC57, on patients not trained on.

Every network is trained by :func:`tools.train.labels.train`, the function that makes the shipped
one. Records of DS2 take no part: they are neither trained nor measured on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import wfdb
from numpy.typing import NDArray
from torch import nn

from monitor.score import Annotations, compare_beats, figures, read_annotations
from tools.confusion import CARDS
from tools.data.beats import cached
from tools.data.own_beats import cached_found
from tools.data.patients import patients
from tools.evaluate.label_sections import replace_strangers, strangers_part
from tools.evaluate.study import FOLDS, Study, databases_of, deal, shown
from tools.train.labels import MANIFEST, logits, train

Matrices = dict[str, NDArray[np.int64]]
"""Confusion matrix of EC57 of each patient."""

Measure = Callable[[Study, str, nn.Module], NDArray[np.int64]]
"""Confusion matrix of one patient by one network."""

SHOWN = (("v_se", "v_pp"), ("s_se", "s_pp"))
HEAD = ("trained on", "measured on", "R peaks", "patients", "V", "S", "macro F1 of N, S, V")


def section(study: Study) -> str:
    """Measure and give a table."""
    names = patients(study.folder)
    measures = {"reference": with_reference}
    if not study.quick:
        measures["own"] = with_own
    lines = ["## Labels: V and S, Se/+P in percent by EC57, gross", ""]
    lines += [f"| {' | '.join(HEAD)} |", "|---|---|---|---:|---|---|---|"]
    found: dict[str, Matrices] = {peaks: {} for peaks in measures}
    for k, fold in enumerate(deal(names, study.folds)):
        rest = [name for name in names if name not in fold]
        net = train(study.folder, rest, study.work, study.seed, f"fold {k + 1} of {study.folds}")
        for name in fold:
            for peaks, measure in measures.items():
                found[peaks][name] = measure(study, name, net)
    held = databases_of(names)
    others = f"other {study.folds - 1} of {study.folds} folds"
    for database in held:
        for peaks, matrices in found.items():
            part = {name: m for name, m in matrices.items() if name.startswith(f"{database}/")}
            lines.append(row(others, database, peaks, part))
    for database in held if len(held) > 1 else []:
        rest = [name for name in names if not name.startswith(f"{database}/")]
        net = train(study.folder, rest, study.work, study.seed, f"without {database}")
        own = [name for name in names if name.startswith(f"{database}/")]
        for peaks, measure in measures.items():
            part = {name: measure(study, name, net) for name in own}
            lines.append(row(" + ".join(databases_of(rest)), database, peaks, part))
    return "\n".join(lines)


def write(study: Study, text: str) -> None:
    """Put what :func:`section` gave into the card, models/README.md."""
    options = ["--quick"] * study.quick + [f"--seed {study.seed}"] * (study.seed != 1)
    options += [f"--folds {study.folds}"] * (study.folds != FOLDS)
    command = " ".join(["python -m tools.evaluate strangers labels", *options])
    path = CARDS / "README.md"
    old = path.read_text(encoding="utf-8")
    part = strangers_part(text.partition("\n\n")[2], command)
    path.write_text(replace_strangers(old, part), encoding="utf-8")


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


def row(trained: str, measured: str, peaks: str, matrices: Matrices) -> str:
    """Give a row of the table: gross figures and their intervals over patients."""
    counts = {patient: m.astype(np.float64) for patient, m in matrices.items()}
    cells = [trained, measured, peaks, str(len(matrices))]
    cells += [" / ".join(shown(counts, partial(figure, name)) for name in names) for names in SHOWN]
    cells.append(shown(counts, macro_f1))
    return f"| {' | '.join(cells)} |"


def figure(name: str, total: NDArray[np.float64]) -> float | None:
    """Give one figure of EC57 of a matrix of counts."""
    value: float | None = getattr(figures(total.astype(np.int64)), name)
    return value


def macro_f1(total: NDArray[np.float64]) -> float:
    """Mean F1 of N, S and V in percent; missed and false beats count."""
    found = 0.0
    for k in range(3):  # rows and columns begin N, S, V
        both = total[k].sum() + total[:, k].sum()
        found += 2 * total[k, k] / max(both, 1.0)
    return float(100 * found / 3)
