"""The section ``vf`` of ``strangers``: as shipped, and each record by weights fitted without it."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from monitor.messages import AlertKind
from monitor.score import RECORD_SETS
from monitor.stages import fibrillation
from tools.evaluate.alarm_runs import Case, analyse
from tools.evaluate.alarm_tallies import Said, episode_row, episodes, table
from tools.evaluate.stranger_alarms import waveform
from tools.evaluate.study import Study
from tools.train.fibrillation import Windows, fit, read

TITLE = "Ventricular fibrillation"
KIND = AlertKind.VF


def section(study: Study) -> str:
    """Measure, and give the tables."""
    shipped = waveform(study, TITLE, KIND)
    paths = sorted(path.with_suffix("") for path in (study.folder / "vfdb").glob("*.hea"))
    if study.quick or len(paths) < 2:
        return shipped
    windows = {path: read(path) for path in paths}
    ds1 = [study.folder / "mitdb" / name for name in RECORD_SETS["ds1"]]
    others = [read(path) for path in ds1 if path.with_suffix(".hea").exists()]

    def told_of(path: Path) -> Said:
        return left_out(path, [windows[p] for p in paths if p != path] + others)

    row = episode_row("vfdb, weights without the record", episodes(paths, told_of, KIND))
    fitted = table(f"{TITLE}: episodes, the whole monitor", "found | false VF an hour", [row])
    return f"{fitted}\n{shipped}"


def left_out(path: Path, others: list[Windows]) -> Said:
    """Run a record through the monitor, whose VF weights are fitted on others."""
    weights, bias = fit(others)
    with mock.patch.multiple(fibrillation, WEIGHTS=weights, BIAS=bias):
        result = analyse(Case(path))
    return Said(result.length_s, {KIND: result.present(KIND)}, {}, (0, 0, 0))
