"""The section ``vt`` of ``strangers``: the score of fast runs by cross-validation, and the whole.

First the score alone (:mod:`tools.train.runs`) without the patients, or the database, that it then
judges: VT found and false in the stretches whose truth is known, at the shipped limit. Then the
whole monitor as shipped, whose score has seen the Challenge, vfdb and DS1: svdb alone is strange to
it there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.config import AlarmSettings
from monitor.messages import AlertKind
from tools.evaluate.alarm_tallies import challenge_row, outcome, table
from tools.evaluate.stranger_alarms import waveform
from tools.evaluate.study import Study, deal
from tools.train.runs import Bag, Weights, bags_of, fit, looks_of, recordings

DATABASES = ("cinc", "vfdb", "mitdb")


def section(study: Study) -> str:
    """Measure, and give the tables."""
    work = study.work / "runs"
    bags = {
        f"{path.parent.name}/{path.name}": bags_of(path, looks_of(path, work))
        for path in recordings(study.folder)
    }
    judged: dict[str, NDArray[np.float64]] = {}
    for fold in filter(None, deal(sorted(bags), study.folds, study.seed)):
        weights = fit([bag for name in bags if name not in fold for bag in bags[name]])
        judged |= {name: tally(weights, bags[name]) for name in fold}
    rows = []
    for database in DATABASES:
        own = [name for name in bags if name.startswith(database)]
        rest = [bag for name in bags if not name.startswith(database) for bag in bags[name]]
        if not own or not rest:
            continue
        rows.append(challenge_row(f"{database}, other folds", {n: judged[n] for n in own}))
        weights = fit(rest)
        left_out = {name: tally(weights, bags[name]) for name in own}
        rows.append(challenge_row(f"{database}, trained without it", left_out))
    scores = table("VT: the score of fast runs alone", "found | not false | score", rows)
    return f"{scores}\n{waveform(study, 'Ventricular tachycardia', AlertKind.VT)}"


def tally(weights: Weights, bags: Sequence[Bag]) -> NDArray[np.float64]:
    """Count the stretches of a patient that are found, missed, false, and not false."""
    certainty = AlarmSettings().vt_certainty
    limit = math.log(certainty / (1.0 - certainty))
    counts = np.zeros(4)
    for bag in bags:
        counts[outcome(weights.most(bag) >= limit, bag.ventricular)] += 1
    return counts
