"""Find leads, pulse, time, units and sampling rate in the columns of a CSV text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from monitor.errors import USAGE, MonitorError
from monitor.sources.calibration import Calibration, choose_voltages
from monitor.sources.leads import choose_pulse
from monitor.sources.text.columns import (
    LOOK_S,
    Table,
    TextOptions,
    may_be_leads,
    table_of,
    tells_time,
)
from monitor.sources.text.names import SECONDS, ColumnKind
from monitor.sources.text.shape import Shape
from monitor.sources.text.times import Fit, Form, TimeReader, fit

TIME_LOOK_S = 1.0  # of time stamps before they are trusted
CERTAIN_ROWS = 2  # enough if the names identify all columns
NAMELESS = "ECG"
_ORDER = (Form.NUMBER, Form.DATE, Form.CLOCK, Form.COUNT)


@dataclass(frozen=True, slots=True)
class Layout:
    """The place of the leads and the time in a line.

    ``time_s`` turns the text of column ``time`` into seconds; both are None without a column of
    times. (value - ``baseline``) * ``scale`` is in millivolts. The pulse waveform, if any, is the
    last lead and keeps its own unit. ``notes`` are for the operator.
    """

    rate_hz: float
    leads: tuple[str, ...]
    columns: tuple[int, ...]
    scale: tuple[float, ...]
    baseline: tuple[float, ...]
    time: int | None = None
    time_s: Callable[[str], float] | None = None
    pulse: str = ""
    notes: tuple[str, ...] = ()


def layout_of(
    name: str, shape: Shape, rows: Sequence[Sequence[str]], options: TextOptions, ended: bool
) -> Layout | None:
    """Find the layout from the names and first values of the columns.

    Parameters
    ----------
    name
        Name of the text, for errors and notes.
    shape
        Shape of the text.
    rows
        Its first rows of numbers, cut into fields.
    options
        What the user says about the text.
    ended
        Whether no more rows will come.

    Returns
    -------
    None if more rows are needed.

    Raises
    ------
    MonitorError
        If the rate or the unit of a lead is missing or contradictory, or there is no lead.
    """
    table = table_of(name, shape, rows, options)
    wanted = [lead for lead in options.leads if not (table.headless and tells_time(lead))]
    rate_hz = options.rate_hz or table.facts.rate_hz
    stamps = _stamps(table, wanted)
    if not ended and rate_hz and len(rows) < _needed(table, stamps, wanted, rate_hz):
        return None
    fits = {i: _fit(table, i, rate_hz) for i in stamps}
    time = _chosen_time(fits)
    if rate_hz is None:
        rate_hz = fits[time].rate_hz if time is not None else None
        if not ended and (rate_hz is None or len(rows) < LOOK_S * rate_hz):
            return None
        if rate_hz is None:
            raise MonitorError(
                f"{name}: say the sampling rate of the lines, for instance --rate 250", USAGE
            )
        if time is not None and options.rate_hz is None:
            fits = {i: f if i == time else _fit(table, i, rate_hz) for i, f in fits.items()}
    if time is None:
        _refuse_conflict(table, fits, rate_hz, options)
    return _layout(table, options, wanted, rate_hz, fits, time)


def _stamps(table: Table, wanted: Sequence[str]) -> list[int]:
    """Give the columns that may hold the times."""
    lower = {lead.lower() for lead in wanted}
    kinds = {ColumnKind.TIME, ColumnKind.INDEX} | (
        {ColumnKind.UNKNOWN} if table.headless else set()
    )
    named = [i for i, meaning in enumerate(table.kinds) if meaning in kinds]
    return [i for i in named if table.names[i].lower() not in lower] if len(table.names) > 1 else []


def _needed(table: Table, stamps: Sequence[int], wanted: Sequence[str], rate_hz: float) -> float:
    leads = [i for i, meaning in enumerate(table.kinds) if meaning is ColumnKind.LEAD]
    counts = any(name.lower() == "i" for name in table.names)  # lead I, or the loop's counter
    known = wanted or (not counts and any(table.column(i).numbers >= 0.5 for i in leads))
    if not (known and (not table.headless or leads)) and len(table.names) > 1:
        return LOOK_S * rate_hz
    return max(CERTAIN_ROWS, TIME_LOOK_S * rate_hz if stamps else 0)


def _fit(table: Table, i: int, rate_hz: float | None) -> Fit:
    unit = table.units[i].lower() or table.names[i].strip().lower()
    counts = table.kinds[i] is ColumnKind.INDEX
    found = fit(table.fields[i], SECONDS.get(unit), counts, rate_hz)
    if table.headless and table.kinds[i] is ColumnKind.UNKNOWN and found.conflict:
        return Fit(unused="does not rise at the rate of the samples")
    return found


def _chosen_time(fits: dict[int, Fit]) -> int | None:
    good = [i for i, found in fits.items() if not (found.unused or found.conflict)]
    return min(good, key=lambda i: (_ORDER.index(fits[i].form), i), default=None)


def _refuse_conflict(
    table: Table, fits: dict[int, Fit], rate_hz: float, options: TextOptions
) -> None:
    for i, found in fits.items():
        if found.conflict:
            who = "announced" if options.rate_hz else "said by its first lines to be"
            raise MonitorError(
                f"{table.name}: {who} at {rate_hz:g} Hz, but its time stamps say "
                f"{found.rate_hz:.4g} Hz ({table.titles[i]}); put the rate (or the unit of time) "
                "right"
            )


def _layout(
    table: Table,
    options: TextOptions,
    wanted: Sequence[str],
    rate_hz: float,
    fits: dict[int, Fit],
    time: int | None,
) -> Layout:
    signals = [i for i in range(len(table.names)) if i != time]
    open_to = signals
    left_out: dict[int, str] = {}
    voltages = [lead for lead in wanted if lead.lower() != options.pulse.lower()]
    if table.headless and options.leads and len(options.leads) != len(table.names):
        table, open_to = _named_in_order(table, signals, options)
    elif not voltages:
        judged = [i for i in signals if not _is_pulse(table, i, options)]
        found, why = may_be_leads([table.column(i) for i in judged], rate_hz)
        left_out = {judged[k]: reason for k, reason in why.items()}
        open_to = [judged[k] for k in found]
        if table.headless:
            table = _only_one(table, open_to)
        if not open_to:
            raise _no_lead_error(table, left_out)
    calibration = options.calibration
    if calibration.unit is None and calibration.gain is None and table.facts.unit:
        calibration = Calibration(table.facts.unit, strict=False)
    chosen, scale, baseline = choose_voltages(
        table.name,
        [table.names[i] or NAMELESS for i in open_to],
        [table.units[i] for i in open_to],
        voltages,
        calibration,
    )
    columns = [open_to[k] for k in chosen]
    pulse_at = choose_pulse(
        table.name,
        [table.names[i] for i in signals],
        [signals.index(i) for i in columns],
        options.pulse,
    )
    if pulse_at is not None:
        columns, scale, baseline = [*columns, signals[pulse_at]], [*scale, 1.0], [*baseline, 0.0]
        left_out.pop(signals[pulse_at], None)
    reader = None if time is None else TimeReader(fits[time].form, fits[time].factor)
    return Layout(
        rate_hz,
        tuple(table.names[i] or NAMELESS for i in columns),
        tuple(columns),
        tuple(scale),
        tuple(baseline),
        time,
        None if reader is None else reader.read,
        "" if pulse_at is None else table.names[signals[pulse_at]],
        tuple(_notes(table, options, rate_hz, columns, left_out, fits, time)),
    )


def _is_pulse(table: Table, i: int, options: TextOptions) -> bool:
    return table.names[i].strip().lower() == options.pulse.lower()


def _named_in_order(
    table: Table, signals: list[int], options: TextOptions
) -> tuple[Table, list[int]]:
    """Give the columns beside the time the names from the user, in order."""
    if len(options.leads) != len(signals):
        raise _unnamed(table)
    names = list(table.names)
    for i, lead in zip(signals, options.leads, strict=True):
        names[i] = lead
    return replace(table, names=names), signals


def _only_one(table: Table, leads: Sequence[int]) -> Table:
    """Name the one column that can be a lead."""
    if len(leads) != 1:
        raise _unnamed(table)
    names = list(table.names)
    if len(names) > 1:
        names[leads[0]] = table.facts.lead or "ECG"
    return replace(table, names=names)


def _unnamed(table: Table) -> MonitorError:
    return MonitorError(
        f"{table.name} has no header: name its {len(table.names)} column(s) in order, for "
        "instance --leads II,V5 or --leads time,II",
        USAGE,
    )


def _no_lead_error(table: Table, left_out: dict[int, str]) -> MonitorError:
    why = "; ".join(f"{table.titles[i]} ({r})" for i, r in left_out.items())
    return MonitorError(
        f"{table.name} has no ECG lead that can be told: {why or 'it has no signal'}; "
        "name one with --leads"
    )


def _notes(
    table: Table,
    options: TextOptions,
    rate_hz: float,
    columns: Sequence[int],
    left_out: dict[int, str],
    fits: dict[int, Fit],
    time: int | None,
) -> list[str]:
    """Describe the choices that the user did not make."""
    notes = []
    if options.rate_hz is None:
        of = "its first lines" if table.facts.rate_hz else f"column {table.titles[time or 0]!r}"
        notes.append(f"{rate_hz:g} Hz by {of}")
    unused = {i: f.unused for i, f in fits.items() if i != time and f.unused and i not in columns}
    if any(unused[i] for i in unused) and time is None and not table.headless:
        notes.append("no column tells the time, so lost samples are not seen")
    reasons = {**left_out, **{i: why for i, why in unused.items() if not table.headless}}
    if table.headless and time is not None:
        notes.append(f"time is column {time + 1}")
    if reasons:
        parts = (f"{table.titles[i]} ({reasons[i]})" for i in sorted(reasons))
        taken = ", ".join(table.titles[i] for i in columns)
        notes.append(f"signals used: {taken}; left out: {'; '.join(parts)}")
    return notes
