"""Find the columns of a CSV text that may be ECG leads, from names and first values.

1. Columns with the name of a lead come first. If there are none: columns in volts, then columns
   with the name of any signal, then columns with an unknown name.
2. A column without numbers, or one that only rises, is never a lead. Without the name of a lead, a
   column must also move like one: constants, a few whole numbers and slow numbers do not.
3. A named lead may be flat: an electrode may be off when the text begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.sources.calibration import NO_CALIBRATION, Calibration
from monitor.sources.leads import OFF
from monitor.sources.text.names import ColumnKind, Facts, facts_of, kind_of, split_unit
from monitor.sources.text.shape import Shape, is_value, value_of

JUDGED_ROWS = 100  # fewer do not show how a column moves
LOOK_S = 3.0  # of values if names do not suffice: three beats at 60 bpm
FEW_VALUES = 10  # distinct whole numbers of a label or state; an ECG takes more
STANDS_STILL = 0.9  # share of steps without change in a slow number
EVEN_STEPS = 0.9  # share of equal steps in a counter, which may restart now and then
SLOWEST_RANGE_S = 0.2  # an ECG crosses its range in less: QRS in 0.05 s, VF at 3 Hz in 0.11 s

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its kind by name, and its first values, NaN for bad fields."""

    name: str
    kind: ColumnKind
    values: Values
    numbers: float
    """Share of fields that are numbers or missing values."""


def may_be_leads(columns: Sequence[Column], rate_hz: float) -> tuple[list[int], dict[int, str]]:
    """Give the columns that may be leads, and why each other column is not one.

    Parameters
    ----------
    columns
        All columns but the time and the pulse.
    rate_hz
        Sampling rate.
    """
    left_out: dict[int, str] = {}
    by_name: dict[ColumnKind, list[int]] = {}
    for i, column in enumerate(columns):
        nothing = column.kind is not ColumnKind.LEAD and not np.isfinite(column.values).any()
        if column.numbers < 0.5 or nothing:
            left_out[i] = "no numbers"
        elif column.kind in (ColumnKind.OTHER, ColumnKind.TIME, ColumnKind.INDEX):
            left_out[i] = _BY_NAME[column.kind]
        elif _only_rises(column.values, rate_hz):
            left_out[i] = "only rises"
        else:
            by_name.setdefault(column.kind, []).append(i)
    for level in (ColumnKind.LEAD, ColumnKind.VOLTAGE, ColumnKind.SIGNAL, ColumnKind.UNKNOWN):
        found = by_name.get(level, [])
        if not found:
            continue
        still = {} if level is ColumnKind.LEAD else _not_moving(columns, found, rate_hz)
        leads = [i for i in found if i not in still]
        if not leads and len(found) == 1 and not any(by_name.get(s) for s in _BELOW[level]):
            leads, still = found, {}  # the only candidate
        left_out |= still
        if leads:
            for other in _BELOW[level]:
                left_out |= dict.fromkeys(by_name.get(other, []), "not named like a lead")
            return leads, left_out
    rising = [i for i, why in left_out.items() if why == "only rises"]
    named = [i for i in rising if columns[i].kind is ColumnKind.LEAD]
    if named:  # a strange signal, but the only one with the name of a lead
        return named, {i: why for i, why in left_out.items() if i not in named}
    return [], left_out


_BY_NAME = {
    ColumnKind.OTHER: "named like something else",
    ColumnKind.TIME: "a time that is not used",
    ColumnKind.INDEX: "a counter",
}
_BELOW: dict[ColumnKind, tuple[ColumnKind, ...]] = {
    ColumnKind.LEAD: (ColumnKind.VOLTAGE, ColumnKind.SIGNAL, ColumnKind.UNKNOWN),
    ColumnKind.VOLTAGE: (ColumnKind.SIGNAL, ColumnKind.UNKNOWN),
    ColumnKind.SIGNAL: (ColumnKind.UNKNOWN,),
    ColumnKind.UNKNOWN: (),
}


def _not_moving(columns: Sequence[Column], which: Sequence[int], rate_hz: float) -> dict[int, str]:
    """Give the columns that do not move like a lead, with the reason."""
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
    """Tell whether the values come from a clock or counter, up or down."""
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


@dataclass(frozen=True, slots=True)
class TextOptions:
    """The options of a text that a user gives; they override the text."""

    rate_hz: float | None = None
    leads: tuple[str, ...] = ()
    calibration: Calibration = NO_CALIBRATION
    pulse: str = OFF


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows by column, with name, unit and kind of each column."""

    name: str
    titles: list[str]
    names: list[str]
    units: list[str]
    kinds: list[ColumnKind]
    fields: list[list[str]]
    headless: bool
    facts: Facts

    def column(self, i: int) -> Column:
        """Give a column as numbers."""
        fields = self.fields[i]
        read = [value_of(f) if is_value(f) else np.nan for f in fields]
        numbers = sum(map(is_value, fields)) / len(fields) if fields else 1.0
        return Column(self.names[i], self.kinds[i], np.array(read), numbers)


def table_of(name: str, shape: Shape, rows: Sequence[Sequence[str]], options: TextOptions) -> Table:
    """Build the table from the rows, the header and the options."""
    facts = facts_of(shape.preamble)
    headless = not shape.header
    header = list(shape.header)
    if headless:
        header = [f"column {i + 1}" for i in range(shape.width)]
        if len(options.leads) == shape.width:
            header = list(options.leads)
        elif shape.width == 1 and not options.leads:
            header = [facts.lead or "ECG"]
    parted = [split_unit(text) for text in header]
    if shape.units:
        parted = [
            (split_unit(text)[0], unit) for text, unit in zip(header, shape.units, strict=True)
        ]
    meaning = [kind_of(*column) for column in parted]
    if headless:
        meaning = [_headless_meaning(text, options, shape.width) for text in header]
    return Table(
        name,
        [title or "without a name" for title in header],
        [column for column, _ in parted],
        [unit for _, unit in parted],
        meaning,
        [[row[i] for row in rows] for i in range(shape.width)],
        headless,
        facts,
    )


def _headless_meaning(name: str, options: TextOptions, width: int) -> ColumnKind:
    if name in options.leads:
        return kind_of(*split_unit(name)) if tells_time(name) else ColumnKind.LEAD
    return ColumnKind.LEAD if width == 1 else ColumnKind.UNKNOWN


def tells_time(name: str) -> bool:
    """Tell whether the name for a column means time or a counter."""
    return kind_of(*split_unit(name)) in (ColumnKind.TIME, ColumnKind.INDEX)
