"""Measure the duration of atrial fibrillation found for ``blind``, as ``alarms af`` counts it.

Flutter is left out of both sides. Records without signals, which two of ``afdb`` are, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from tools.evaluate.alarm_runs import Case, analyse
from tools.evaluate.alarms import af_seconds
from tools.evaluate.study import interval


def measure(folder: Path, records: Sequence[str]) -> dict[str, object]:
    """Run the monitor with its defaults over records with reference rhythms.

    Returns
    -------
    dict
        Duration Se and +P in percent, gross, and their 95 % intervals over the records.
    """
    seconds: dict[str, NDArray[np.float64]] = {}
    for record in records:
        path = folder / record
        if wfdb.rdheader(str(path)).n_sig:
            seconds[record] = af_seconds(path, analyse(Case(path))).astype(np.float64)
    found: dict[str, object] = {"af_records": len(seconds)}
    for name, figure in (("af_se", _se), ("af_pp", _pp)):
        value = figure(np.sum(list(seconds.values()), axis=0)) if seconds else None
        found[name] = None if value is None else round(value, 1)
        ends = interval(seconds, figure) if seconds else None
        found[f"{name}_interval"] = ends and [round(end, 1) for end in ends]
    return found


def _se(total: NDArray[np.float64]) -> float | None:
    found, missed, _ = total
    return float(100 * found / (found + missed)) if found + missed else None


def _pp(total: NDArray[np.float64]) -> float | None:
    found, _, false = total
    return float(100 * found / (found + false)) if found + false else None
