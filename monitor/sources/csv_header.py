"""What the columns of a CSV text are: leads, pulse, time; their units and the sampling rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from monitor.errors import USAGE, MonitorError
from monitor.sources.calibration import Calibration, choose_voltages
from monitor.sources.csv_columns import LOOK_S, may_be_leads
from monitor.sources.csv_names import SECONDS, Says
from monitor.sources.csv_shape import Shape
from monitor.sources.csv_table import Said, Table, table_of, tells_time
from monitor.sources.csv_time import Fit, Form, TimeReader, fit
from monitor.sources.leads import choose_pulse

TIME_LOOK_S = 1.0  # of time stamps before they are believed
CERTAIN_ROWS = 2  # where the names say it all
NAMELESS = "ECG"
_ORDER = (Form.NUMBER, Form.DATE, Form.CLOCK, Form.COUNT)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a line the leads and the time are.

    ``time_s`` turns the text of column ``time`` into seconds; both are None if no column tells
    the time. ``columns`` less ``baseline``, times ``scale``, are millivolts; but the pulse
    waveform, which is the last lead where there is one, is taken as it is. ``notes`` are for the
    operator.
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
    name: str, shape: Shape, rows: Sequence[Sequence[str]], said: Said, ended: bool
) -> Layout | None:
    """Make out the columns from their names and first values.

    Parameters
    ----------
    name
        Of the text, for errors and notes.
    shape
        Of the text.
    rows
        Its first rows of numbers, cut into fields.
    said
        What the user says.
    ended
        Whether more rows can not be had.

    Returns
    -------
    None if more rows must be seen.

    Raises
    ------
    MonitorError
        If the rate or the unit of a lead is not said, or said twice and differently, or there is
        no lead.
    """
    table = table_of(name, shape, rows, said)
    wanted = [lead for lead in said.leads if not (table.headless and tells_time(lead))]
    rate_hz = said.rate_hz or table.facts.rate_hz
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
        if time is not None and said.rate_hz is None:
            fits = {i: f if i == time else _fit(table, i, rate_hz) for i, f in fits.items()}
    if time is None:
        _refuse_conflict(table, fits, rate_hz, said)
    return _layout(table, said, wanted, rate_hz, fits, time)


def _stamps(table: Table, wanted: Sequence[str]) -> list[int]:
    """Give the columns that may tell the time."""
    lower = {lead.lower() for lead in wanted}
    kinds = {Says.TIME, Says.INDEX} | ({Says.NOTHING} if table.headless else set())
    named = [i for i, meaning in enumerate(table.says) if meaning in kinds]
    return [i for i in named if table.names[i].lower() not in lower] if len(table.names) > 1 else []


def _needed(table: Table, stamps: Sequence[int], wanted: Sequence[str], rate_hz: float) -> float:
    leads = [i for i, meaning in enumerate(table.says) if meaning is Says.LEAD]
    counts = any(name.lower() == "i" for name in table.names)  # lead I, or the loop's counter
    known = wanted or (not counts and any(table.column(i).numbers >= 0.5 for i in leads))
    if not (known and (not table.headless or leads)) and len(table.names) > 1:
        return LOOK_S * rate_hz
    return max(CERTAIN_ROWS, TIME_LOOK_S * rate_hz if stamps else 0)


def _fit(table: Table, i: int, rate_hz: float | None) -> Fit:
    unit = table.units[i].lower() or table.names[i].strip().lower()
    counts = table.says[i] is Says.INDEX
    found = fit(table.fields[i], SECONDS.get(unit), counts, rate_hz)
    if table.headless and table.says[i] is Says.NOTHING and found.conflict:
        return Fit(unused="does not rise at the rate of the samples")
    return found


def _chosen_time(fits: dict[int, Fit]) -> int | None:
    good = [i for i, found in fits.items() if not (found.unused or found.conflict)]
    return min(good, key=lambda i: (_ORDER.index(fits[i].form), i), default=None)


def _refuse_conflict(table: Table, fits: dict[int, Fit], rate_hz: float, said: Said) -> None:
    for i, found in fits.items():
        if found.conflict:
            who = "announced" if said.rate_hz else "said by its first lines to be"
            raise MonitorError(
                f"{table.name}: {who} at {rate_hz:g} Hz, but its time stamps say "
                f"{found.rate_hz:.4g} Hz ({table.titles[i]}); put the rate (or the unit of time) "
                "right"
            )


def _layout(
    table: Table,
    said: Said,
    wanted: Sequence[str],
    rate_hz: float,
    fits: dict[int, Fit],
    time: int | None,
) -> Layout:
    signals = [i for i in range(len(table.names)) if i != time]
    open_to = signals
    left_out: dict[int, str] = {}
    voltages = [lead for lead in wanted if lead.lower() != said.pulse.lower()]
    if table.headless and said.leads and len(said.leads) != len(table.names):
        table, open_to = _named_in_order(table, signals, said)
    elif not voltages:
        judged = [i for i in signals if not _is_pulse(table, i, said)]
        found, why = may_be_leads([table.column(i) for i in judged], rate_hz)
        left_out = {judged[k]: reason for k, reason in why.items()}
        open_to = [judged[k] for k in found]
        if table.headless:
            table = _only_one(table, open_to)
        if not open_to:
            raise _no_lead_error(table, left_out)
    calibration = said.calibration
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
        said.pulse,
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
        tuple(_notes(table, said, rate_hz, columns, left_out, fits, time)),
    )


def _is_pulse(table: Table, i: int, said: Said) -> bool:
    return table.names[i].strip().lower() == said.pulse.lower()


def _named_in_order(table: Table, signals: list[int], said: Said) -> tuple[Table, list[int]]:
    """Give the columns beside the time the names that were said, in order."""
    if len(said.leads) != len(signals):
        raise _unnamed(table)
    names = list(table.names)
    for i, lead in zip(signals, said.leads, strict=True):
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
    said: Said,
    rate_hz: float,
    columns: Sequence[int],
    left_out: dict[int, str],
    fits: dict[int, Fit],
    time: int | None,
) -> list[str]:
    """Say what was taken for what, where that is not the plain wish of the user."""
    notes = []
    if said.rate_hz is None:
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
