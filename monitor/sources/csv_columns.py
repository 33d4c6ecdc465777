"""Which columns of a CSV text may be ECG leads, by their names and their first values.

1. Where some columns have the name of a lead, only those are leads. Else those in volts, else those
   with a name that any signal may have, else those with an unknown name.
2. A column that is no number, or only rises, is never a lead. One whose name does not say that it
   is a lead must also move like one: a constant, a few whole numbers and a slow number do not.
3. A named lead is one even while it is flat: an electrode may be off as the text begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.sources.csv_names import Says

JUDGED_ROWS = 100  # fewer tell nothing of how a column moves
LOOK_S = 3.0  # of values where names do not tell; three beats at 60 bpm
FEW_VALUES = 10
STANDS_STILL = 0.9  # of the steps
EVEN_STEPS = 0.9  # of the steps, in a counter that begins again now and then
SLOWEST_RANGE_S = 0.2  # an ECG crosses its range in less: QRS in 0.05 s, VF at 3 Hz in 0.11 s

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what that says, and its first values, NaN where they are no numbers."""

    name: str
    says: Says
    values: Values
    numbers: float
    """Share of its fields that are numbers or stand for a missing one."""


def may_be_leads(columns: Sequence[Column], rate_hz: float) -> tuple[list[int], dict[int, str]]:
    """Give the columns that may be leads, and why each of the others is none.

    Parameters
    ----------
    columns
        All but those that tell the time or are the pulse.
    rate_hz
        Sampling rate.
    """
    left_out: dict[int, str] = {}
    by_name: dict[Says, list[int]] = {}
    for i, column in enumerate(columns):
        nothing = column.says is not Says.LEAD and not np.isfinite(column.values).any()
        if column.numbers < 0.5 or nothing:
            left_out[i] = "no numbers"
        elif column.says in (Says.OTHER, Says.TIME, Says.INDEX):
            left_out[i] = _BY_NAME[column.says]
        elif _only_rises(column.values, rate_hz):
            left_out[i] = "only rises"
        else:
            by_name.setdefault(column.says, []).append(i)
    for level in (Says.LEAD, Says.VOLTAGE, Says.SIGNAL, Says.NOTHING):
        found = by_name.get(level, [])
        if not found:
            continue
        still = {} if level is Says.LEAD else _not_moving(columns, found, rate_hz)
        leads = [i for i in found if i not in still]
        if not leads and len(found) == 1 and not any(by_name.get(s) for s in _BELOW[level]):
            leads, still = found, {}  # nothing else can be meant
        left_out |= still
        if leads:
            for other in _BELOW[level]:
                left_out |= dict.fromkeys(by_name.get(other, []), "not named like a lead")
            return leads, left_out
    rising = [i for i, why in left_out.items() if why == "only rises"]
    named = [i for i in rising if columns[i].says is Says.LEAD]
    if named:  # a strange signal, but the only one, and called a lead
        return named, {i: why for i, why in left_out.items() if i not in named}
    return [], left_out


_BY_NAME = {
    Says.OTHER: "named like something else",
    Says.TIME: "a time that is not used",
    Says.INDEX: "a counter",
}
_BELOW: dict[Says, tuple[Says, ...]] = {
    Says.LEAD: (Says.VOLTAGE, Says.SIGNAL, Says.NOTHING),
    Says.VOLTAGE: (Says.SIGNAL, Says.NOTHING),
    Says.SIGNAL: (Says.NOTHING,),
    Says.NOTHING: (),
}


def _not_moving(columns: Sequence[Column], which: Sequence[int], rate_hz: float) -> dict[int, str]:
    """Say of columns without the name of a lead why they do not move like one."""
    found = {}
    for i in which:
        values = columns[i].values[np.isfinite(columns[i].values)]
        if len(values) < JUDGED_ROWS:
            continue
        steps = abs(np.diff(values))
        span = float(np.ptp(values))
        if span == 0:
            found[i] = "constant"
        elif len(np.unique(values)) <= FEW_VALUES and (values == np.round(values)).all():
            found[i] = "few values, like a label"
        elif np.mean(steps == 0) > STANDS_STILL or steps.max() * SLOWEST_RANGE_S * rate_hz < span:
            found[i] = "slow"
    return found


def _only_rises(values: Values, rate_hz: float) -> bool:
    """Tell whether values are those of a clock or a counter, up or down."""
    values = values[np.isfinite(values)]
    if len(values) < JUDGED_ROWS:
        return False
    steps = np.diff(values)
    if not steps.any():
        return False
    usual = float(np.median(steps))
    even = abs(steps - usual) <= 1e-3 * abs(usual)
    if usual and np.mean(even) >= EVEN_STEPS:
        return True
    if len(values) < rate_hz or np.mean(steps == 0) > STANDS_STILL:
        return False
    return bool((steps >= 0).all() or (steps <= 0).all())
