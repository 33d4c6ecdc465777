"""Find the shape of a CSV text: preamble, header, delimiter, and the first line of numbers."""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.sources.text.lines import Line
from monitor.sources.text.names import ColumnKind, are_units, is_fact, kind_of, split_unit

WHITESPACE = " "
WHITE = (WHITESPACE, "\t")
DELIMITERS = ("\t", ";", ",", "|", WHITESPACE)
SHAPE_LINES = 200  # enough to find the shape, if they hold numbers
STEADY_ROWS = 3  # the numbers begin with this many lines of numbers in a row

_MISSING = {"", "nan", "na", "n/a", "null", "none", "-", "inf", "-inf", "+inf"}
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
_CLOCK = re.compile(r"\D*(?:\d{1,4}\D\d{1,2}\D\d{1,4}\D+)?\d{1,3}:\d\d(?::\d\d)?(?:[.,:]\d+)?\D*")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:?\d\d.*|\d{8}T\d{6}.*")
_RULE = re.compile(r"[\W_]+")  # a line of dashes
_REMARK = ("#", "%", "//")


@dataclass(frozen=True, slots=True)
class Shape:
    """How to split the lines of a text, and what comes before its numbers.

    ``header`` has a name for each of ``width`` columns, or is empty. ``first`` is the number of the
    first line of numbers. ``preamble`` is the text before the header. ``misfit`` is the number of
    names in the line before the numbers, if it looks like a header of another width.
    ``only_marks`` means that so far the device only reports that its electrodes are off.
    """

    delimiter: str
    width: int
    header: tuple[str, ...]
    units: tuple[str, ...]
    preamble: tuple[str, ...]
    first: int
    misfit: int = 0
    only_marks: bool = False


def fields_of(line: str, delimiter: str) -> list[str]:
    """Split a line into fields, without surrounding blanks and quotation marks.

    >>> fields_of(" 'MLII', 1.5 ,2", ",")
    ['MLII', '1.5', '2']
    """
    if delimiter == WHITESPACE:
        fields = line.split()
    elif '"' in line:
        try:
            fields = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:
            fields = line.split(delimiter)
    else:
        fields = line.split(delimiter)
    return [field.strip().strip("'\"").strip() for field in fields]


def row_of(line: str, delimiter: str, width: int) -> list[str]:
    """Split a line of numbers; extra delimiters at its end add no columns."""
    fields = fields_of(line, delimiter)
    while len(fields) > width and not fields[-1]:
        fields.pop()
    return fields


def value_of(field: str) -> float:
    """Read a number with a decimal point or comma; a missing value is NaN.

    Raises
    ------
    ValueError
        If it is neither a number nor a missing value.
    """
    written = field.replace(",", ".") if _DECIMAL_COMMA.fullmatch(field) else field
    try:
        if "_" not in written:  # only Python spells numbers with it
            value = float(written)
            return value if math.isfinite(value) else math.nan
    except ValueError:
        pass
    if field.lower() in _MISSING:
        return math.nan
    raise ValueError


def is_value(field: str) -> bool:
    """Tell whether a field is a number or a missing value."""
    try:
        value_of(field)
    except ValueError:
        return False
    return True


def is_number(field: str) -> bool:
    """Tell whether a field is a number."""
    return is_value(field) and not math.isnan(value_of(field))


def is_remark(line: str) -> bool:
    """Tell whether a line is a comment."""
    return line.startswith(_REMARK)


def looks_like_time(field: str) -> bool:
    """Tell whether a field is a time of day or a date and time."""
    return bool(_ISO.fullmatch(field) or _CLOCK.fullmatch(field))


def shape_of(lines: Sequence[Line]) -> Shape | None:
    """Find the shape of a text from its first lines; None if they hold no numbers.

    The best delimiter gives the most lines of numbers of the same width.
    """
    plain = [line for line in lines if not is_remark(line[1])]
    if len(plain) > SHAPE_LINES and shape_of(plain[:SHAPE_LINES]) is not None:
        end = next(i for i, line in enumerate(lines) if line[0] == plain[SHAPE_LINES][0])
        return shape_of(lines[:end])
    best = max((_cut(plain, sign) for sign in DELIMITERS), key=lambda cut: cut[0], default=None)
    if best is None or best[0][0] <= 0:
        return None
    _, delimiter, width, first = best
    number = plain[first][0]
    before = [text for at, text in lines if at < number]
    wider = len(fields_of(plain[first][1], delimiter))
    if before and wider > width and _names_in(before[-1], delimiter, wider) is not None:
        width = wider  # the last columns are empty
    header, units, used = _header(before, delimiter, width)
    preamble = tuple(text for i, text in enumerate(before) if i not in used)
    misfit = 0 if header or not before else _misfit(before[-1], delimiter)
    return Shape(delimiter, width, tuple(header), tuple(units), preamble, number, misfit)


_Cut = tuple[tuple[float, float, float], str, int, int]


def _cut(lines: Sequence[Line], delimiter: str) -> _Cut:
    """Split all lines with a delimiter; give a score, the width and the first line of numbers."""
    rows = [_trimmed(fields_of(text, delimiter)) for _, text in lines]
    cells = [[_cell(field) for field in row] for row in rows]
    widths = Counter(
        len(row)
        for row, cell in zip(rows, cells, strict=True)
        if any(is_number(field) for field in row) and sum(cell) * 2 >= len(cell)
    )
    if not widths:
        return (0.0, 0.0, 0.0), delimiter, 0, 0
    width = max(widths, key=lambda w: (widths[w], w))
    usual = [
        sum(c[i] for r, c in zip(rows, cells, strict=True) if len(r) == width) * 2 >= widths[width]
        for i in range(width)
    ]
    fits = [
        len(row) == width
        and any(is_number(field) for field in row)
        and all(cell[i] for i in range(width) if usual[i])
        for row, cell in zip(rows, cells, strict=True)
    ]
    first = next(
        (i for i, fit in enumerate(fits) if fit and all(fits[i : i + STEADY_ROWS])),
        fits.index(True) if any(fits) else 0,
    )
    count = float(sum(fits))
    known = count * sum(usual) / width  # fields that are numbers or times
    named = first > 0 and len(_trimmed(fields_of(lines[first - 1][1], delimiter))) == width
    if delimiter == "," and width == 2 and _are_decimals(lines, fits):
        count = 0.0  # one column of numbers with a decimal comma
    return (min(known, count), float(named), float(width)), delimiter, width, first


def _trimmed(fields: list[str]) -> list[str]:
    while len(fields) > 1 and not fields[-1]:
        fields = fields[:-1]
    return fields


def _cell(field: str) -> bool:
    return is_value(field) or looks_like_time(field)


def _are_decimals(lines: Sequence[Line], fits: Sequence[bool]) -> bool:
    """Tell whether the comma separates decimals: no whole number begins with a zero."""
    rows = [text for (_, text), fit in zip(lines, fits, strict=True) if fit]
    return all(_DECIMAL_COMMA.fullmatch(text) for text in rows) and any(
        re.search(r",0\d", text) for text in rows
    )


def _header(
    before: Sequence[str], delimiter: str, width: int
) -> tuple[list[str], list[str], set[int]]:
    """Find the names and the units of the columns in the lines before the numbers."""
    names: list[tuple[int, list[str]]] = []
    for at in range(len(before) - 1, -1, -1):
        text = before[at]
        remark = is_remark(text)
        if remark:
            columns = _described(text, width)
            if columns:
                return columns, [], set()  # the comment stays in the preamble: it also has the rate
            text = text.lstrip("#%/ ")
        row = None if width == 1 and is_fact(text) else _names_in(text, delimiter, width)
        if row and remark and width == 1 and kind_of(*split_unit(row[0])) is not ColumnKind.LEAD:
            row = None  # a remark of one word
        if row is None:
            if names or not (remark or _RULE.fullmatch(text)):
                break
            continue
        names.append((at, row))
        if len(names) == 2:
            break
    if not names:
        return [], [], set()
    if len(names) == 2 and are_units(names[0][1]):
        return names[1][1], [_bare(unit) for unit in names[0][1]], {names[0][0], names[1][0]}
    return names[0][1], [], {names[0][0]}


def _names_in(text: str, delimiter: str, width: int) -> list[str] | None:
    """Split a line of names; between blanks, two words with one blank may be one name."""
    for row in (
        row_of(text, delimiter, width),
        re.split(r"\s{2,}|\t", text.strip()) if delimiter in WHITE else [],
    ):
        numbers = any(is_number(split_unit(field)[0]) for field in row)
        if len(row) == width and not numbers and any(c.isalpha() for c in text):
            return [field.strip() for field in row]
    return None


def _misfit(text: str, delimiter: str) -> int:
    """Count the names in a line, if it looks like a header."""
    names = fields_of(text, delimiter)
    meaning = {kind_of(*split_unit(name)) for name in names if name}
    known = meaning & {ColumnKind.LEAD, ColumnKind.TIME, ColumnKind.INDEX}
    odd = is_remark(text) or is_fact(text) or any(is_number(name) for name in names)
    return len(names) if known and not odd else 0


def _described(text: str, width: int) -> list[str]:
    """Read the columns' names from JSON in a comment (BITalino's OpenSignals)."""
    try:
        found = json.loads(text.lstrip("#%/ "))
    except (ValueError, RecursionError):
        return []
    for device in found.values() if isinstance(found, dict) else ():
        columns = device.get("column") if isinstance(device, dict) else None
        if isinstance(columns, list) and len(columns) == width:
            return [str(column) for column in columns]
    return []


def _bare(unit: str) -> str:
    return unit.strip("[]() ")
