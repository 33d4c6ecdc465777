"""What shape a CSV text has: preamble, header, delimiter, and where its numbers begin."""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.sources.csv_facts import is_fact
from monitor.sources.csv_names import Says, are_units, part, says
from monitor.sources.text_lines import Line

WHITESPACE = " "
WHITE = (WHITESPACE, "\t")
DELIMITERS = ("\t", ";", ",", "|", WHITESPACE)
SHAPE_LINES = 200  # tell the shape, if there are numbers in them
STEADY_ROWS = 3  # so many lines of numbers on end are where the numbers begin

_MISSING = {"", "nan", "na", "n/a", "null", "none", "-", "inf", "-inf", "+inf"}
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
_CLOCK = re.compile(r"\D*(?:\d{1,4}\D\d{1,2}\D\d{1,4}\D+)?\d{1,3}:\d\d(?::\d\d)?(?:[.,:]\d+)?\D*")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:?\d\d.*|\d{8}T\d{6}.*")
_RULE = re.compile(r"[\W_]+")  # a line of dashes
_REMARK = ("#", "%", "//")


@dataclass(frozen=True, slots=True)
class Shape:
    """How the lines of a text are cut, and what stands before its numbers.

    ``header`` has a name for each of ``width`` columns, or is empty. ``first`` is the number of the
    first line of numbers. ``preamble`` is the text before the header. ``misfit`` is the number of
    names in the line before the numbers, if that looks like a header but has another width. With
    ``only_marks`` nothing but the mark of a device without its electrodes has come yet.
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
    """Cut a line into its fields, without blanks and quotation marks around them.

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
    """Cut a line of numbers; delimiters behind the last column are no further columns."""
    fields = fields_of(line, delimiter)
    while len(fields) > width and not fields[-1]:
        fields.pop()
    return fields


def value_of(field: str) -> float:
    """Read a number, with a decimal point or comma; a missing one is NaN.

    Raises
    ------
    ValueError
        If it is neither.
    """
    try:
        if "_" not in field:  # Python's own spelling of large numbers, nobody else's
            value = float(field)
            return value if math.isfinite(value) else math.nan
    except ValueError:
        pass
    if field.lower() in _MISSING:
        return math.nan
    if _DECIMAL_COMMA.fullmatch(field):
        return float(field.replace(",", "."))
    raise ValueError


def is_value(field: str) -> bool:
    """Tell whether a field is a number, or stands for a missing one."""
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
    """Make out the shape of a text from its first lines; None if they hold no numbers.

    Of all ways to cut the lines, the one is taken under which most of them are lines of numbers of
    the same width.
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
    """Cut all lines one way: how well that does, the width, and the first line of numbers."""
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
    """Tell whether what follows the comma are decimals: no whole number begins with a zero."""
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
                return columns, [], set()  # which says more, as the rate
            text = text.lstrip("#%/ ")
        row = None if width == 1 and is_fact(text) else _names_in(text, delimiter, width)
        if row and remark and width == 1 and says(*part(row[0])) is not Says.LEAD:
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
    """Cut a line of names; in one cut by blanks, two words with one blank may be one name."""
    for row in (
        row_of(text, delimiter, width),
        re.split(r"\s{2,}|\t", text.strip()) if delimiter in WHITE else [],
    ):
        numbers = any(is_number(part(field)[0]) for field in row)
        if len(row) == width and not numbers and any(c.isalpha() for c in text):
            return [field.strip() for field in row]
    return None


def _misfit(text: str, delimiter: str) -> int:
    """Count the names in a line, if it looks like a header."""
    names = fields_of(text, delimiter)
    meaning = {says(*part(name)) for name in names if name}
    known = meaning & {Says.LEAD, Says.TIME, Says.INDEX}
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
