"""Measure VF and VT episodes for ``blind``, as ``alarms vfdb`` counts them.

``cudb`` marks fibrillation with ``[`` and ``]`` and has no VT: there episodes of VF alone are
counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.data.reference import fibrillation_marks, rhythm_spans
from tools.evaluate.alarm_runs import Case, analyse
from tools.evaluate.alarms import vfdb_counts


def measure(folder: Path, records: Sequence[str]) -> dict[str, object]:
    """Run the monitor with its defaults over records with reference rhythms.

    Returns
    -------
    dict
        Episodes of 4 s and more and those found, false VF alarms, hours.
    """
    paths = [folder / record for record in records]
    results = [analyse(Case(path)) for path in paths]
    counts, hours, wrong = vfdb_counts(paths, results, episodes)
    return {
        "vf_episodes": counts["VF"],
        "vf_found": counts["VF found"],
        "vt_episodes": counts["VT"],
        "vt_found": counts["VT found"],
        "vf_false": counts["false"],
        "vf_false_if_vt_is": counts["false strict"],
        "hours": round(hours, 2),
        "wrong": wrong,
    }


def episodes(path: Path) -> list[tuple[str, float, float]]:
    """Rhythms of a record by their annotations; by marks of fibrillation where there are none."""
    return rhythm_spans(path) or fibrillation_marks(path)
