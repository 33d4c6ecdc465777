"""Alarms on patients that nothing was learned from: VT by cross-validation, all as shipped.

First the score of fast runs (:mod:`tools.train.runs`) without the patients that it judges: VT found
and false in the stretches whose truth is known, at the shipped limit. Then the whole pipeline with
shipped weights on the CinC Challenge 2015 records: of these only VT was learned from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.config import AlarmSettings
from tools.data.reference import touches
from tools.evaluate.alarm_runs import Case, analyse
from tools.evaluate.alarms import CHALLENGE
from tools.evaluate.study import Study, interval
from tools.train.runs import TAIL_S, Bag, Weights, alarms_of, bags_of, fit, looks_of, recordings

Tally = Mapping[str, NDArray[np.float64]]
"""True positive, false negative, false positive, true negative of each patient."""

_DATABASES = ("cinc", "vfdb", "mitdb")


def section(study: Study) -> str:
    """Measure, and give the tables."""
    paths = recordings(study.folder)
    work = study.work / "runs"
    bags = {
        f"{path.parent.name}/{path.name}": bags_of(path, looks_of(path, work)) for path in paths
    }
    names = np.array(sorted(bags))
    shuffled = np.random.default_rng(study.seed).permutation(len(names))
    fold_of = dict(zip(names[shuffled].tolist(), np.arange(len(names)) % study.folds, strict=True))
    judged: dict[str, NDArray[np.float64]] = {}
    for fold in range(study.folds):
        weights = fit([b for name in bags if fold_of[name] != fold for b in bags[name]])
        judged |= {name: tally(weights, bags[name]) for name in bags if fold_of[name] == fold}
    lines = ["VT, score of fast runs | found | not false | stretches"]
    lines += [
        row(f"cross-validated, {database}", {n: t for n, t in judged.items() if is_of(n, database)})
        for database in _DATABASES
    ]
    for database in _DATABASES:
        weights = fit([b for n in bags if not is_of(n, database) for b in bags[n]])
        left_out = {n: tally(weights, bags[n]) for n in bags if is_of(n, database)}
        lines.append(row(f"trained without {database}, {database}", left_out))
    if not study.quick:
        for pulse, what in ((False, "ECG only"), (True, "with pulse")):
            lines += ["", f"as shipped, CinC, {what} | found | not false | records; score"]
            lines += challenge(study.folder, pulse)
    return "\n".join(lines)


def is_of(patient: str, database: str) -> bool:
    """Whether a patient is of a database; both Challenge folders are ``cinc``."""
    return patient.startswith(database)


def tally(weights: Weights, bags: Sequence[Bag]) -> NDArray[np.float64]:
    """Count the stretches of a patient that are found, missed, false, and not false."""
    certainty = AlarmSettings().vt_certainty
    limit = np.log(certainty / (1.0 - certainty))
    counts = np.zeros(4)
    for bag in bags:
        counts[outcome(weights.most(bag) >= limit, bag.ventricular)] += 1
    return counts


def outcome(ours: bool, truth: bool) -> int:
    """Give the place in a tally."""
    return (0 if ours else 1) if truth else (2 if ours else 3)


def challenge(folder: Path, pulse: bool) -> list[str]:
    """Run the Challenge records through the pipeline, and give a line for each kind of alarm."""
    kinds: dict[str, dict[str, NDArray[np.float64]]] = {kind: {} for kind in CHALLENGE}
    for name in ("cinc2015", "cinc2015-more"):
        for record, (kind, truth) in alarms_of(folder / name).items():
            result = analyse(Case(folder / name / record, pulse))
            end_s = 300.0 if name == "cinc2015" else result.length_s
            span = (end_s - TAIL_S, end_s + 0.5)
            counts = np.zeros(4)
            counts[outcome(touches(span, result.present(CHALLENGE[kind])), truth)] = 1
            kinds[kind][f"{name}/{record}"] = counts
    everything = {patient: counts for found in kinds.values() for patient, counts in found.items()}
    return [row(kind, found) for kind, found in [*kinds.items(), ("all", everything)]]


def share(good: int, bad: int, total: NDArray[np.float64]) -> float | None:
    """Give a share of a tally, in percent; None of nothing."""
    whole = total[good] + total[bad]
    return float(100.0 * total[good] / whole) if whole else None


def score(total: NDArray[np.float64]) -> float | None:
    """Score of the Challenge: a missed alarm counts as five false ones."""
    good = total[0] + total[3]
    whole = good + total[2] + 5.0 * total[1]
    return float(100.0 * good / whole) if whole else None


def row(title: str, tallies: Tally) -> str:
    """Give a line: each figure with its interval over patients."""
    if not tallies:
        return f"{title} | no recordings"
    total = np.sum(list(tallies.values()), axis=0)
    found = f"{total[0]:.0f}/{total[0] + total[1]:.0f} {_figure(partial(share, 0, 1), tallies)}"
    quiet = f"{total[3]:.0f}/{total[2] + total[3]:.0f} {_figure(partial(share, 3, 2), tallies)}"
    return f"{title} | {found} | {quiet} | {total.sum():.0f}; {_figure(score, tallies)}"


def _figure(figure: Callable[[NDArray[np.float64]], float | None], tallies: Tally) -> str:
    value = figure(np.sum(list(tallies.values()), axis=0))
    ends = interval(tallies, figure)
    if value is None or ends is None:
        return "-"
    return f"{value:.1f} [{ends[0]:.1f}, {ends[1]:.1f}]"
