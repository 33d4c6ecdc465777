"""Sections of ``strangers`` about alarms: the whole monitor, as shipped, on every database.

The limits of these rules are stated criteria. What was learned or chosen on some of the records is
said in the title of a row: its figure there is one of development.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from monitor.messages import AlertKind
from monitor.score import RECORD_SETS
from tools.evaluate.alarm_tallies import (
    challenge,
    challenge_row,
    duration_row,
    episode_row,
    episodes,
    false_alarms,
    false_row,
    fibrillation_s,
    said,
    table,
)
from tools.evaluate.alarms import CHALLENGE
from tools.evaluate.study import Study

FOLDERS = ("cinc2015", "cinc2015-more")
DEVELOPMENT = "cinc2015"  # rules and limits were chosen while looking at it


def databases(study: Study) -> dict[str, list[Path]]:
    """Give the records that have reference beats, of each database that is there."""
    found = {
        "mitdb, DS1": [study.folder / "mitdb" / name for name in RECORD_SETS["ds1"]],
        "svdb": sorted(p.with_suffix("") for p in (study.folder / "svdb").glob("*.hea")),
    }
    return {
        title: [path for path in paths if path.with_suffix(".hea").exists()]
        for title, paths in found.items()
    }


def challenge_rows(study: Study, names: list[str]) -> list[str]:
    """Give the rows of Challenge alarms of some kinds, without and with the pulse waveform."""
    rows = []
    for folder in FOLDERS:
        if not (study.folder / folder / "ALARMS").exists():
            continue
        used = " (development)" if folder == DEVELOPMENT else ""
        for pulse, what in ((False, "ECG only"), (True, "with pulse")):
            counts = challenge([study.folder / folder], study.work, names, pulse)
            if counts:
                rows.append(challenge_row(f"{folder}{used}, {what}", counts))
    return rows


def lethal(study: Study, title: str, kind: AlertKind) -> str:
    """Give the section of one kind of lethal alarm."""
    names = [name for name, own in CHALLENGE.items() if own is kind]
    parts = [table(title, "found | not false | score", challenge_rows(study, names))]
    if not study.quick:
        rows = [
            false_row(name, false_alarms(paths, study.work, kind))
            for name, paths in databases(study).items()
        ]
        parts.append(table(f"{title}: false alarms", "an hour", rows))
    return "\n".join(parts)


def waveform(study: Study, title: str, kind: AlertKind) -> str:
    """Give the section of VT or VF, with the episodes of vfdb."""
    parts = [lethal(study, title, kind)]
    paths = sorted(path.with_suffix("") for path in (study.folder / "vfdb").glob("*.hea"))
    if paths and not study.quick:
        rows = [episode_row("vfdb", episodes(paths, partial(said, work=study.work), kind))]
        parts.append(table(f"{title}: episodes", "found | false VF an hour", rows))
    return "\n".join(parts)


def atrial(study: Study, title: str) -> str:
    """Give the section of atrial fibrillation."""
    rows = [
        duration_row(name, fibrillation_s(paths, study.work))
        for name, paths in databases(study).items()
        if name.startswith("mitdb")
    ]
    return table(title, "duration found | of what was said, right", rows)
