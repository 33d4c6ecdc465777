"""What the monitor's alarms get right, counted for each patient: found, missed, false, not false.

Every recording goes through the whole monitor once, with its defaults; what it said is kept, under
a name made from the weights and the code that decides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.messages import AlertKind, AlertState, Priority
from tools.data.reference import FLUTTER, Span, merged, rhythm_spans, touches
from tools.evaluate.alarm_runs import Case, Result, analyse
from tools.evaluate.alarms import CHALLENGE, af_seconds, is_true
from tools.evaluate.blind import weights_sha256
from tools.evaluate.study import Counts, Figure, shown
from tools.train.runs import ALARM_S, TAIL_S, alarms_of

EPISODE_S = 4.0  # shorter ones of vfdb are not counted
LETHAL = tuple(CHALLENGE.values())


@dataclass(frozen=True)
class Said:
    """What the monitor said of one recording; times in seconds.

    ``present`` holds when the condition of each lethal alarm was present, ``false`` how many lethal
    alarms of each kind were raised that the reference does not show, ``af`` the seconds of atrial
    fibrillation found, missed and false.
    """

    length_s: float
    present: Mapping[str, list[Span]]
    false: Mapping[str, int]
    af: tuple[int, int, int]


def said(path: Path, work: Path, pulse: bool = False, beats: bool = False) -> Said:
    """Run a recording through the monitor, or give what is kept.

    Parameters
    ----------
    path
        A WFDB record.
    work
        Folder for what is kept.
    pulse
        Whether the monitor is given the pulse waveform.
    beats
        Whether there are reference beats and rhythms to judge alarms and rhythms by.
    """
    name = f"{path.parent.name}_{path.name}{'_pulse' if pulse else ''}.json"
    file = work / "alarms" / weights_sha256()[:16] / name
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        stop_s = ALARM_S if (path.parent / "ALARMS").exists() else None
        told = _told(analyse(Case(path, pulse, stop_s=stop_s)), path, beats)
        file.write_text(json.dumps(told))
    table = json.loads(file.read_text())
    present = {kind: [(a, b) for a, b in spans] for kind, spans in table["present"].items()}
    return Said(table["length_s"], present, table["false"], tuple(table["af"]))


def _told(result: Result, path: Path, beats: bool) -> dict[str, object]:
    false = dict.fromkeys(map(str, LETHAL), 0)
    for alert in result.alerts if beats else ():
        if alert.state is AlertState.RAISED and alert.priority is Priority.HIGH:
            false[alert.kind] += not is_true(alert, result.rate_hz, path)
    is_challenge = (path.parent / "ALARMS").exists()
    return {
        "length_s": min(result.length_s, ALARM_S) if is_challenge else result.length_s,
        "present": {str(kind): result.present(kind) for kind in LETHAL},
        "false": false,
        "af": af_seconds(path, result).tolist() if beats else [0, 0, 0],
    }


def challenge(folders: Sequence[Path], work: Path, kinds: Sequence[str], pulse: bool) -> Counts:
    """Tally the Challenge records with an alarm of some kinds: each is one decision."""
    counts: dict[str, NDArray[np.float64]] = {}
    for folder in folders:
        for record, (kind, truth) in alarms_of(folder).items():
            if kind not in kinds or not (folder / f"{record}.hea").exists():
                continue
            told = said(folder / record, work, pulse)
            span = (told.length_s - TAIL_S, told.length_s + 0.5)
            ours = touches(span, told.present[CHALLENGE[kind]])
            tally = np.zeros(4)
            tally[outcome(ours, truth)] = 1
            counts[f"{folder.name}/{record}"] = tally
    return counts


def outcome(ours: bool, truth: bool) -> int:
    """Give the place in a tally: found, missed, false, not false."""
    return (0 if ours else 1) if truth else (2 if ours else 3)


def episodes(paths: Sequence[Path], told_of: Callable[[Path], Said], kind: AlertKind) -> Counts:
    """Tally VF or VT of vfdb: episodes found, missed, false VF alarms, hours.

    Episodes of 4 s and more; pieces of VF and flutter 0.5 s apart are one. VT is found by a VF
    alarm too. A false VF alarm touches neither VF, flutter nor VT.
    """
    counts: dict[str, NDArray[np.float64]] = {}
    for path in paths:
        told = told_of(path)
        spans = rhythm_spans(path)
        fibrillation = merged((a, b) for name, a, b in spans if name in FLUTTER)
        tachycardia = [(a, b) for name, a, b in spans if name == "VT"]
        ours = told.present[AlertKind.VF]
        false = sum(not touches(span, fibrillation + tachycardia, before_s=4.0) for span in ours)
        wanted = fibrillation
        if kind is AlertKind.VT:
            wanted, ours = tachycardia, ours + told.present[AlertKind.VT]
        wanted = [(a, b) for a, b in wanted if b - a >= EPISODE_S]
        hits = sum(touches(episode, ours, after_s=3.0) for episode in wanted)
        tally = [hits, len(wanted) - hits, false, told.length_s / 3600.0]
        counts[f"{path.parent.name}/{path.name}"] = np.array(tally)
    return counts


def false_alarms(paths: Sequence[Path], work: Path, kind: AlertKind) -> Counts:
    """Tally false alarms of a lethal kind where there are reference beats: false, hours."""
    counts: dict[str, NDArray[np.float64]] = {}
    for path in paths:
        told = said(path, work, beats=True)
        tally = np.array([told.false[kind], told.length_s / 3600.0])
        counts[f"{path.parent.name}/{path.name}"] = tally
    return counts


def fibrillation_s(paths: Sequence[Path], work: Path) -> Counts:
    """Tally seconds of atrial fibrillation: found, missed, false."""
    return {
        f"{path.parent.name}/{path.name}": np.array(said(path, work, beats=True).af, np.float64)
        for path in paths
    }


def ratio(part: Sequence[int], rest: Sequence[int], total: NDArray[np.float64]) -> float | None:
    """Give what some counts are of them and others, in percent; None of nothing."""
    good, bad = float(total[list(part)].sum()), float(total[list(rest)].sum())
    return 100.0 * good / (good + bad) if good + bad else None


def score(total: NDArray[np.float64]) -> float | None:
    """Score of the Challenge: a missed alarm counts as five false ones."""
    good = total[0] + total[3]
    whole = good + total[2] + 5.0 * total[1]
    return float(100.0 * good / whole) if whole else None


def per_hour(count: int, hours: int, total: NDArray[np.float64]) -> float | None:
    """Give how many there are an hour; None of no time."""
    return float(total[count] / total[hours]) if total[hours] else None


def challenge_row(title: str, counts: Counts) -> str:
    """Give a row of decisions: found, not false, score of the Challenge."""
    found, silent = partial(ratio, [0], [1]), partial(ratio, [3], [2])
    return _row(title, counts, (_of(counts, 0, 1), found), (_of(counts, 3, 2), silent), ("", score))


def episode_row(title: str, counts: Counts) -> str:
    """Give a row of episodes found, and false VF alarms an hour."""
    found, false = partial(ratio, [0], [1]), partial(per_hour, 2, 3)
    return _row(title, counts, (_of(counts, 0, 1), found), (f"{_sum(counts, 2):.0f}", false))


def false_row(title: str, counts: Counts) -> str:
    """Give a row of false alarms an hour."""
    times = f"{_sum(counts, 0):.0f} in {_sum(counts, 1):.1f} h"
    return _row(title, counts, (times, partial(per_hour, 0, 1)))


def duration_row(title: str, counts: Counts) -> str:
    """Give a row of the duration of a rhythm: sensitivity and positive predictive value."""
    found, right = partial(ratio, [0], [1]), partial(ratio, [0], [2])
    return _row(title, counts, ("", found), ("", right))


def table(title: str, columns: str, rows: Sequence[str]) -> str:
    """Give a section: its title and its table."""
    ruler = "|".join(["---"] * (columns.count("|") + 3))
    return "\n".join(
        (f"## {title}", "", f"| measured on | patients | {columns} |", f"|{ruler}|", *rows, "")
    )


def _sum(counts: Counts, at: int) -> float:
    return float(sum(tally[at] for tally in counts.values()))


def _of(counts: Counts, part: int, rest: int) -> str:
    return f"{_sum(counts, part):.0f}/{_sum(counts, part) + _sum(counts, rest):.0f}"


def _row(title: str, counts: Counts, *cells: tuple[str, Figure]) -> str:
    shown_cells = [f"{counted} {shown(counts, figure)}".strip() for counted, figure in cells]
    return f"| {title} | {len(counts)} | {' | '.join(shown_cells)} |"
