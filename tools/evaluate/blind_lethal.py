"""What ``blind`` measures of lethal alarms in records with reference beats: false ones an hour."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tools.evaluate.alarm_tallies import LETHAL, false_alarms, per_hour
from tools.evaluate.study import interval


def measure(folder: Path, records: Sequence[str]) -> dict[str, object]:
    """Run the monitor with its defaults over records with reference beats.

    Returns
    -------
    dict
        False alarms an hour of each lethal kind, and their 95 % intervals over the records.
    """
    paths = [folder / record for record in records]
    found: dict[str, object] = {}
    figure = partial(per_hour, 0, 1)
    with tempfile.TemporaryDirectory() as work:
        for kind in LETHAL:
            counts = false_alarms(paths, Path(work), kind)
            value = figure(sum(counts.values())) if counts else None  # type: ignore[arg-type]
            ends = interval(counts, figure) if counts else None
            found[f"false_{kind}_per_hour"] = None if value is None else round(value, 2)
            found[f"false_{kind}_per_hour_interval"] = ends and [round(end, 2) for end in ends]
    return found
