"""Turn the numbers of a source into millivolts. A unit that nobody states is an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.errors import USAGE, MonitorError
from monitor.sources.leads import ECG_NAME, choose_leads
from monitor.sources.units import is_other_quantity, millivolts_in


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scale that the user gives for signals that state none.

    Parameters
    ----------
    unit
        ``mV``, ``uV``, ``V`` or ``nV``.
    gain
        For numbers of an AD converter, instead of ``unit``: ADC units in 1 mV.
    baseline
        ADC value of 0 mV, with ``gain``; by default 0, or the value in the header of the source.
    strict
        Refuse the calibration if a lead states its own unit.
    """

    unit: str | None = None
    gain: float | None = None
    baseline: float | None = None
    strict: bool = True


NO_CALIBRATION = Calibration()


def choose_voltages(
    source: str,
    names: Sequence[str],
    units: Sequence[str],
    wanted: Sequence[str],
    given: Calibration,
) -> tuple[list[int], list[float], list[float]]:
    """Choose the leads, and how their numbers become millivolts.

    Parameters
    ----------
    source
        Name, for errors.
    names, units
        All signals in order; an unknown unit is empty.
    wanted
        As for :func:`~monitor.sources.leads.choose_leads`.
    given
        The user's scale for all signals that state no unit, or an unknown one.

    Returns
    -------
    Indices into ``names``, the primary lead first; the millivolts in one unit of each; and the
    number that means 0 mV in each.

    Raises
    ------
    MonitorError
        If the unit of a chosen lead is missing or unknown, or the user contradicts it.
    """
    unit = given.unit
    if unit is not None and millivolts_in(unit) is None:
        raise MonitorError(f"unit {unit!r} is not a voltage: say mV, uV, V or nV", USAGE)
    fallback = unit or ("mV" if given.gain is not None else "")
    known = [
        _unit_of(name, told, fallback, wanted) for name, told in zip(names, units, strict=True)
    ]
    # without a unit, the name alone shows a lead; a missing unit is refused below
    chosen = choose_leads(source, names, [told or "mV" for told in known], wanted)
    missing = [i for i in chosen if not known[i]]
    if missing:
        raise MonitorError(f"{source}: {_missing_unit(names, units, missing)}", USAGE)
    scale, baseline = [], []
    for i in chosen:
        told = millivolts_in(units[i])
        if told is not None and given.strict and given.gain is not None:
            raise MonitorError(
                f"{source}: {names[i]} is in {units[i]}, but --gain is for ADC units", USAGE
            )
        if told is not None and given.strict and unit and told != millivolts_in(unit):
            raise MonitorError(
                f"{source}: {names[i]} is in {units[i]}, but --unit says {unit}; leave out --unit, "
                "which is for signals that do not tell theirs",
                USAGE,
            )
        counts = told is None and given.gain is not None
        scale.append(1.0 / (given.gain or 1.0) if counts else (millivolts_in(known[i]) or 0.0))
        baseline.append((given.baseline or 0.0) if counts else 0.0)
    return chosen, scale, baseline


def _unit_of(name: str, told: str, unit: str | None, wanted: Sequence[str]) -> str:
    """Give the unit of a signal: its own if known, else the user's; empty without either."""
    if told.strip() and (millivolts_in(told) is not None or is_other_quantity(told)):
        return told
    lead = ECG_NAME.fullmatch(name.strip()) or name.strip().lower() in [w.lower() for w in wanted]
    if told.strip() and not lead:
        return told  # an unknown unit, and no name of a lead
    return unit or ""


def _missing_unit(names: Sequence[str], units: Sequence[str], which: Sequence[int]) -> str:
    listed = ", ".join(names[i] for i in which)
    odd = sorted({repr(units[i][:20]) for i in which if units[i].strip()})
    what = f"{', '.join(odd)} of {listed} is not known" if odd else f"of {listed} is not said"
    return (
        f"the unit {what}: add --unit mV (or uV, V); if these are ADC units, --gain with the "
        "number of them in 1 mV, and --baseline with the one of 0 mV"
    )
