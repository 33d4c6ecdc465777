"""The first rows of a CSV text, column by column, with what their header and the user say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.sources.calibration import NOT_SAID, Calibration
from monitor.sources.csv_columns import Column
from monitor.sources.csv_facts import Facts, facts_of
from monitor.sources.csv_names import Says, part, says
from monitor.sources.csv_shape import Shape, is_value, value_of
from monitor.sources.leads import OFF


@dataclass(frozen=True, slots=True)
class Said:
    """What the user says of a text; it wins over what the text says."""

    rate_hz: float | None = None
    leads: tuple[str, ...] = ()
    calibration: Calibration = NOT_SAID
    pulse: str = OFF


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows, column by column, and what the header says of each."""

    name: str
    titles: list[str]
    names: list[str]
    units: list[str]
    says: list[Says]
    fields: list[list[str]]
    headless: bool
    facts: Facts

    def column(self, i: int) -> Column:
        """Give a column as numbers."""
        fields = self.fields[i]
        read = [value_of(f) if is_value(f) else np.nan for f in fields]
        numbers = sum(map(is_value, fields)) / len(fields) if fields else 1.0
        return Column(self.names[i], self.says[i], np.array(read), numbers)


def table_of(name: str, shape: Shape, rows: Sequence[Sequence[str]], said: Said) -> Table:
    """Put the rows and what is said of them together."""
    facts = facts_of(shape.preamble)
    headless = not shape.header
    header = list(shape.header)
    if headless:
        header = [f"column {i + 1}" for i in range(shape.width)]
        if len(said.leads) == shape.width:
            header = list(said.leads)
        elif shape.width == 1 and not said.leads:
            header = [facts.lead or "ECG"]
    parted = [part(text) for text in header]
    if shape.units:
        parted = [(part(text)[0], unit) for text, unit in zip(header, shape.units, strict=True)]
    meaning = [says(*column) for column in parted]
    if headless:
        meaning = [_headless_meaning(text, said, shape.width) for text in header]
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


def _headless_meaning(name: str, said: Said, width: int) -> Says:
    if name in said.leads:
        return says(*part(name)) if tells_time(name) else Says.LEAD
    return Says.LEAD if width == 1 else Says.NOTHING


def tells_time(name: str) -> bool:
    """Tell whether a name that was said for a column is that of its times."""
    return says(*part(name)) in (Says.TIME, Says.INDEX)
