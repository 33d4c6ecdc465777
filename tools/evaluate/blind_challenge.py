"""Measure ICU alarms called true or false for ``blind``, as ``alarms cinc`` counts them.

``cinc2015`` tells what the experts said in ``ALARMS`` (record, kind, 1 = true), or in the comments
of each header; ``vtac``, whose alarms are all of VT, in ``event_labels.csv``. The stream ends at
5:00, when the alarm sounds, or at the end of a record that is shorter.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import wfdb

from monitor.errors import USAGE, MonitorError
from tools.evaluate.alarm_runs import Case, analyse
from tools.evaluate.alarms import CHALLENGE, challenge, cinc_counts
from tools.train.runs import ALARM_S

COMMENTS = {"True alarm": "1", "False alarm": "0"}
VT = "Ventricular_Tachycardia"


def measure(folder: Path, records: Sequence[str]) -> dict[str, object]:
    """Run the monitor with its defaults, without and with the pulse waveform.

    Returns
    -------
    dict
        Score of the Challenge, counts of each kind, and which alarms were judged wrong.

    Raises
    ------
    MonitorError
        If nothing tells which alarms are true.
    """
    known = truth(folder, records)
    table = [[record, *known[record]] for record in records if record in known]
    if not table:
        raise MonitorError(
            f"nothing in {folder} tells which alarms are true: "
            "give ALARMS, event_labels.csv or headers with comments",
            USAGE,
        )
    found: dict[str, object] = {"alarms": len(table)}
    for pulse, name in ((False, "ecg"), (True, "with_pulse")):
        cases = [Case(folder / row[0], pulse, stop_s=ALARM_S) for row in table]
        counts, wrong = cinc_counts(table, [analyse(case) for case in cases])
        found[f"{name}_score"] = round(challenge(sum(counts.values(), Counter[str]())), 1)
        found[f"{name}_counts"] = {kind: dict(c) for kind, c in counts.items() if c}
        found[f"{name}_wrong"] = wrong
    return found


def truth(folder: Path, records: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Tell the kind of the alarm of each record, and "1" if it is true; others are left out."""
    for path in sorted(folder.rglob("ALARMS")):
        rows = [line.split(",") for line in path.read_text(encoding="utf-8").split()]
        own = {Path(record).name: record for record in records}
        return {own[row[0]]: (row[1], row[2]) for row in rows if row[0] in own}
    for path in sorted(folder.rglob("event_labels.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            said = {row["event"]: row["decision"].strip().lower() for row in csv.DictReader(lines)}
        marks = {"true": "1", "false": "0"}
        named = {record: said.get(Path(record).name, "") for record in records}
        return {record: (VT, marks[word]) for record, word in named.items() if word in marks}
    found = {}
    for record in records:
        comments = wfdb.rdheader(str(folder / record)).comments
        kinds = [comment for comment in comments if comment in CHALLENGE]
        marks_of = [COMMENTS[comment] for comment in comments if comment in COMMENTS]
        if kinds and marks_of:
            found[record] = (kinds[0], marks_of[0])
    return found
