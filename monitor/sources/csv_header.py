"""What the columns of a CSV text are: names, units, and which of them tells the time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.errors import MonitorError
from monitor.sources.leads import MILLIVOLTS, choose_pulse, choose_voltages

_MISSING = {"", "nan", "na", "n/a", "null", "none", "-"}
_IN_BRACKETS = re.compile(r"(.*?)[\s_/]*[\[(]\s*(\S+)\s*[\])]")
_AFTER = re.compile(r"(.*?)[\s_/](mv|uv|µv|μv|nv|s|sec|seconds|ms|us|ns)", re.IGNORECASE)
_TIME = re.compile(r"(t|time|elapsed time|timestamp|datetime|date)", re.IGNORECASE)
_INDEX = re.compile(r"(sample|index|sample #|sample number)", re.IGNORECASE)
_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_OF_A_PULSE = {"mmhg", "kpa", "nu"}
_RDSAMP_TIMES = {"hh:mm:ss.mmm", "sample interval"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a line the leads and the time are.

    ``time_s`` turns the text of column ``time`` into seconds; both are None if no column tells
    the time. ``scale`` gives millivolts for each of ``columns``, but the pulse waveform, which is
    the last lead where there is one, is taken as it is.
    """

    width: int
    delimiter: str
    leads: tuple[str, ...]
    columns: tuple[int, ...]
    scale: tuple[float, ...]
    time: int | None = None
    time_s: Callable[[str], float] | None = None
    pulse: str = ""


def fields_of(line: str, delimiter: str) -> list[str]:
    """Cut a line into its fields, without blanks and quotation marks around them."""
    return [field.strip().strip("'\"").strip() for field in line.split(delimiter)]


def delimiter_of(line: str) -> str:
    """Tab or semicolon where the first line has one, else a comma."""
    return next((sign for sign in "\t;" if sign in line), ",")


def is_value(field: str) -> bool:
    """Tell whether a field is a number, or stands for a missing one."""
    try:
        value_of(field)
    except ValueError:
        return False
    return True


def value_of(field: str) -> float:
    """Read a number; a missing one is NaN.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if "_" in field:
        raise ValueError  # Python's own spelling of large numbers, nobody else's
    return math.nan if field.lower() in _MISSING else float(field)


def are_units(fields: Sequence[str]) -> bool:
    """Tell whether a line names the units of the columns, as WFDB's ``rdsamp -v`` writes it."""
    known = {*MILLIVOLTS, *_OF_A_PULSE, *_SECONDS, *_RDSAMP_TIMES}
    return all(f.lower() in known for f in fields) and any(f.lower() in MILLIVOLTS for f in fields)


def layout_of(
    name: str,
    delimiter: str,
    header: Sequence[str],
    units: Sequence[str],
    wanted: Sequence[str],
    unit: str | None,
    rate_hz: float,
    pulse: str,
) -> Layout:
    """Make out the columns from their names.

    Parameters
    ----------
    name
        Of the stream, for errors.
    delimiter
        Between the fields.
    header
        Name of each column, possibly with its unit: ``II [mV]``, ``V5_uV``, ``time (ms)``.
    units
        Units of the columns from a line of their own; empty if there is none.
    wanted
        Leads to use, the primary first; by default as of a WFDB record.
    unit
        Unit of all columns that name none.
    rate_hz
        Sampling rate, for a column that counts samples.
    pulse
        As for :func:`~monitor.sources.leads.choose_pulse`.

    Raises
    ------
    MonitorError
        If the unit of a lead is not said, or said twice and differently, or a lead is missing.
    """
    parted = [_part(text) for text in header]
    if units:
        parted = [(text, unit) for text, unit in zip(header, units, strict=True)]
    names = [column for column, _ in parted]
    time = next((i for i, column in enumerate(names) if _tells_time(column)), None)
    signals = [i for i in range(len(names)) if i != time]
    chosen, scale = choose_voltages(
        name,
        [names[i] for i in signals],
        [parted[i][1] for i in signals],
        [lead for lead in wanted if not _tells_time(lead) and lead.lower() != pulse.lower()],
        unit,
    )
    pulse_at = choose_pulse(name, [names[i] for i in signals], chosen, pulse)
    if pulse_at is not None:
        chosen, scale = [*chosen, pulse_at], [*scale, 1.0]
    columns = tuple(signals[k] for k in chosen)
    reader = None
    if time is not None:
        reader = _time_reader(name, header[time], parted[time], rate_hz)
    return Layout(
        len(names),
        delimiter,
        tuple(names[i] for i in columns),
        columns,
        tuple(scale),
        time,
        reader,
        "" if pulse_at is None else names[signals[pulse_at]],
    )


def _part(text: str) -> tuple[str, str]:
    """Part a column's name from its unit, which may be missing."""
    match = _IN_BRACKETS.fullmatch(text) or _AFTER.fullmatch(text)
    if match is None:
        return text, ""
    return match[1].strip(), match[2]


def _tells_time(column: str) -> bool:
    return bool(_TIME.fullmatch(column) or _INDEX.fullmatch(column))


def _time_reader(
    name: str, header: str, parted: tuple[str, str], rate_hz: float
) -> Callable[[str], float]:
    column, unit = parted
    if _INDEX.fullmatch(column):
        return lambda text: float(text) / rate_hz
    factor = _SECONDS.get(unit.lower())
    if factor is None and unit.lower() not in _RDSAMP_TIMES:
        raise MonitorError(f"{name}: {unit!r} in {header!r} is not a unit of time: s, ms, us or ns")
    return lambda text: _seconds(text, factor or 1.0)


def _seconds(text: str, factor: float) -> float:
    """Read seconds, ``[h:]mm:ss.s`` or a date and time (ISO 8601)."""
    try:
        return float(text) * factor
    except ValueError:
        pass
    text = text.strip("[]")
    if "-" in text:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return total
