"""What ``blind`` measures of alarms, by the protocols of ``strangers``; whole monitor, as shipped.

Of a folder with ``ALARMS`` (CinC Challenge 2015): each kind and the score, without and with the
pulse waveform. Of vfdb: VF and VT episodes, false VF alarms an hour. Of the others: the duration of
atrial fibrillation and, where there are reference beats, false lethal alarms an hour.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from monitor.messages import AlertKind
from tools.data.reference import reference_beats
from tools.evaluate.alarm_tallies import (
    LETHAL,
    challenge,
    episodes,
    false_alarms,
    fibrillation_s,
    per_hour,
    ratio,
    score,
)
from tools.evaluate.alarms import CHALLENGE
from tools.evaluate.study import Counts, Figure, interval


def measure(folder: Path, records: Sequence[str]) -> dict[str, object]:
    """Run the monitor with its defaults over a set.

    Returns
    -------
    dict
        Figures and their 95 % intervals over the records.
    """
    paths = [folder / record for record in records]
    with tempfile.TemporaryDirectory() as work:
        if (folder / "ALARMS").exists():
            return _challenge(folder, Path(work))
        if folder.resolve().name == "vfdb":
            return _episodes(paths, Path(work))
        return _beats(paths, Path(work))


def _challenge(folder: Path, work: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for pulse, what in ((False, "ecg"), (True, "pulse")):
        for kind in CHALLENGE:
            counts = challenge([folder], work, [kind], pulse)
            found |= _stated(f"{kind}_{what}_se", counts, partial(ratio, [0], [1]))
            found |= _stated(f"{kind}_{what}_sp", counts, partial(ratio, [3], [2]))
        found |= _stated(f"score_{what}", challenge([folder], work, list(CHALLENGE), pulse), score)
    return found


def _episodes(paths: Sequence[Path], work: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for kind in (AlertKind.VF, AlertKind.VT):
        counts = episodes(paths, work, kind)
        found |= _stated(f"{kind}_episodes", counts, partial(ratio, [0], [1]))
    return found | _stated("false_vf_per_hour", counts, partial(per_hour, 2, 3))


def _beats(paths: Sequence[Path], work: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    has_beats = any(len(reference_beats(path)[0]) for path in paths)
    for kind in LETHAL if has_beats else ():
        counts = false_alarms(paths, work, kind)
        found |= _stated(f"false_{kind}_per_hour", counts, partial(per_hour, 0, 1))
    seconds = fibrillation_s(paths, work)
    found |= _stated("af_duration_se", seconds, partial(ratio, [0], [1]))
    return found | _stated("af_duration_pp", seconds, partial(ratio, [0], [2]))


def _stated(name: str, counts: Counts, figure: Figure) -> dict[str, object]:
    """Give a figure and its interval; nothing if it is not defined."""
    value = figure(sum(counts.values())) if counts else None  # type: ignore[arg-type]
    if value is None:
        return {}
    ends = interval(counts, figure)
    return {name: round(value, 2), f"{name}_interval": ends and [round(end, 2) for end in ends]}
