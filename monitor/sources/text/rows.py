"""Turn lines into samples once the columns are known, and count odd lines.

1. A line that does not fit is a missing sample: NaN in all leads, or in the one whose field is not
   a number. A second header, a comment and a last line that was cut off are not samples.
2. With a column of times, a line with an unreadable time is one sample after the line before.
3. If most lines are odd, the text was misread, and this is an error. Lines without a digit
   ("!", "leads off") do not count here: a device writes them while it has no signal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import FloatArray
from monitor.sources.text.layout import Layout
from monitor.sources.text.lines import Line
from monitor.sources.text.shape import Shape, is_remark, row_of, value_of

JUDGED_LINES = 200  # read before the share of odd lines is judged
LONGEST_MARK = 20  # characters in a line like "leads off"; a longer line is odd

_Cut: TypeAlias = tuple[int, str, list[str]]  # number of a line, its text and its fields


class Rows:
    """Turns lines into samples.

    Parameters
    ----------
    name
        Name of the text, for errors.
    shape, layout
        Its columns.
    """

    def __init__(self, name: str, shape: Shape, layout: Layout) -> None:
        self._name = name
        self._shape = shape
        self._layout = layout
        self._held: _Cut | None = None  # the newest, short one: cut off, if none follows it
        self._newest_s: float | None = None
        self._lines = 0
        self._unread = 0
        self._why = ""
        self._notes: list[str] = []
        self._scale = np.array(layout.scale)
        self._baseline = np.array(layout.baseline)
        self.odd = 0

    def push(self, lines: Sequence[Line]) -> tuple[list[float], FloatArray]:
        """Take lines; give the samples, with their times if the text has any.

        Returns
        -------
        Seconds, empty without a column of times; and millivolts, shape (n, leads).

        Raises
        ------
        MonitorError
            If most lines do not fit.
        """
        times: list[float] = []
        rows: list[list[float]] = []
        shape = self._shape
        for number, text in lines:
            if is_remark(text):
                continue
            line = number, text, row_of(text, shape.delimiter, shape.width)
            held, self._held = self._held, None
            if held is not None:
                self._take(held, times, rows)
            if len(line[2]) < shape.width:
                self._held = line
            else:
                self._take(line, times, rows)
        return times, self._millivolts(rows)

    def end(self) -> None:
        """Log the number of odd lines; a short last line was cut off.

        Raises
        ------
        MonitorError
            If most lines did not fit.
        """
        held, self._held = self._held, None
        if held is not None:
            self._count(held[0], "the text ends within it")
        if self._unread * 2 > self._lines:
            self._refuse()
        if self.odd > 1:
            self._notes.append(f"{self.odd} odd lines in all")

    def notes(self) -> list[str]:
        """Give the new remarks for the operator, one line each."""
        notes, self._notes = self._notes, []
        return notes

    def _take(self, line: _Cut, times: list[float], rows: list[list[float]]) -> None:
        number, text, fields = line
        layout = self._layout
        self._lines += 1
        if len(fields) != self._shape.width:
            if not self._again(number, fields):
                self._count(number, _width(len(fields), self._shape.width), text)
                self._missing(times, rows)
            return
        time_s = None
        if layout.time is not None and layout.time_s is not None:
            try:
                time_s = layout.time_s(fields[layout.time])
            except (ValueError, OverflowError):
                if not self._again(number, fields):
                    self._count(number, _no_number(fields[layout.time], "time"), text)
                    self._missing(times, rows)
                return
            self._newest_s = time_s
        values, bad = _values(fields[i] for i in layout.columns)
        if bad:
            if self._again(number, fields):
                return
            self._count(number, _no_number(bad, "number"), bad)
        if time_s is not None:
            times.append(time_s)
        rows.append(values)

    def _missing(self, times: list[float], rows: list[list[float]]) -> None:
        """Add a sample that is missing."""
        if self._layout.time is not None:
            if self._newest_s is None:
                return
            self._newest_s += 1.0 / self._layout.rate_hz
            times.append(self._newest_s)
        rows.append([np.nan] * len(self._layout.columns))

    def _again(self, number: int, fields: Sequence[str]) -> bool:
        """Tell whether a line repeats the header or the units, and count it."""
        bare = [field.strip("[]() ") for field in fields]
        header, units = list(self._shape.header), list(self._shape.units)
        again = bool(header) and (fields == header or (bool(units) and bare == units))
        if again:
            self._count(number, "the header again")
        return again

    def _count(self, number: int, why: str, unread: str = "") -> None:
        """Count an odd line; log the 1st, 10th, 100th ... of them."""
        self.odd += 1
        if any(c.isdigit() for c in unread) or len(unread) > LONGEST_MARK:
            self._unread += 1
            self._why = f"line {number}: {why}"
        if str(self.odd).strip("0") == "1":
            again = "" if self.odd == 1 else f"; {self.odd} odd lines so far"
            self._notes.append(f"line {number}: {why}{again}")
        if self._unread * 2 > self._lines >= JUDGED_LINES:
            self._refuse()

    def _refuse(self) -> None:
        raise MonitorError(
            f"{self._name}: {self._unread} of {self._lines} lines do not fit the first ones "
            f"({self._why}); each line must have {self._shape.width} field(s) as the header or "
            "--leads has them, and a point or, between other signs than commas, a comma for "
            "decimals"
        )

    def _millivolts(self, rows: list[list[float]]) -> FloatArray:
        if not rows:
            return np.empty((0, len(self._layout.columns)), np.float32)
        with np.errstate(over="ignore"):
            values: FloatArray = (np.array(rows) - self._baseline) * self._scale
        values[np.abs(values) > np.finfo(np.float32).max] = np.nan  # no voltage: missing
        return values.astype(np.float32)


def _values(fields: Iterable[str]) -> tuple[list[float], str]:
    """Read numbers, NaN for a bad field; give the first bad field too."""
    values = []
    bad = ""
    for field in fields:
        try:
            values.append(value_of(field))
        except ValueError:
            values.append(np.nan)
            bad = bad or field
    return values, bad


def _width(found: int, expected: int) -> str:
    return f"{found} field(s) where {expected} are expected"


def _no_number(field: str, what: str) -> str:
    return f"{field[:40]!r} is no {what}"
