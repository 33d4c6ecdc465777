"""The hourly table. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.report.beat_table import BeatTable
from monitor.report.ectopy import Run
from monitor.report.rates import Pause, Rates, rates
from monitor.report.spans import Span, total_s

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the recording, or what there is of it; a run counts where it begins."""

    start_s: float
    end_s: float
    analysed_s: float
    beats: int
    rates: Rates
    v_beats: int
    v_runs: int
    s_beats: int
    s_runs: int
    pauses: int
    af_s: float


def hours(
    table: BeatTable,
    duration_s: float,
    unusable: Sequence[Span],
    af: Sequence[Span],
    v_runs: Sequence[Run],
    s_runs: Sequence[Run],
    pauses: Sequence[Pause],
) -> tuple[Hour, ...]:
    """Give the table, one row for each hour from the beginning."""
    rows = []
    for number in range(math.ceil(duration_s / HOUR_S)):
        start, end = number * HOUR_S, min((number + 1) * HOUR_S, duration_s)
        part = table.between(start, end)

        def here(found: Sequence[Run | Pause], start: float = start, end: float = end) -> int:
            return sum(start <= one.at_s < end for one in found)

        rows.append(
            Hour(
                start,
                end,
                end - start - total_s(unusable, (start, end)),
                len(part),
                rates(part),
                int(part.is_label("V").sum()),
                here(v_runs),
                int(part.is_label("S").sum()),
                here(s_runs),
                here(pauses),
                total_s(af, (start, end)),
            )
        )
    return tuple(rows)
