"""From the numbers of a source that may not tell its unit to millivolts; nothing is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.errors import USAGE, MonitorError
from monitor.sources.leads import ECG_NAME, choose_leads
from monitor.sources.units import is_other_quantity, millivolts_in


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the user says of signals that tell no unit.

    Parameters
    ----------
    unit
        ``mV``, ``uV``, ``V`` or ``nV``.
    gain
        Or this, where the numbers are those of an AD converter: ADC units in 1 mV.
    baseline
        ADC value of 0 mV, with ``gain``.
    strict
        Whether what is said is refused if a lead tells its unit.
    """

    unit: str | None = None
    gain: float | None = None
    baseline: float = 0.0
    strict: bool = True


NOT_SAID = Calibration()


def choose_voltages(
    source: str,
    names: Sequence[str],
    units: Sequence[str],
    wanted: Sequence[str],
    said: Calibration,
) -> tuple[list[int], list[float], list[float]]:
    """Choose the leads, and how their numbers become millivolts.

    Parameters
    ----------
    source
        Name, for errors.
    names, units
        All signals in order; a unit that is not told is empty.
    wanted
        As for :func:`~monitor.sources.leads.choose_leads`.
    said
        What the user says of all signals that tell no unit, or one that is not known.

    Returns
    -------
    Indices into ``names``, the primary lead first; for each the millivolts in one of its numbers,
    and the number that is 0 mV.

    Raises
    ------
    MonitorError
        If the unit of a chosen lead is not told, not known, or told twice and differently.
    """
    unit = said.unit
    if unit is not None and millivolts_in(unit) is None:
        raise MonitorError(f"unit {unit!r} is not a voltage: say mV, uV, V or nV", USAGE)
    fallback = unit or ("mV" if said.gain is not None else "")
    known = [_said(name, told, fallback, wanted) for name, told in zip(names, units, strict=True)]
    # where nobody says a unit the name alone shows a lead; whether it is known is asked below
    chosen = choose_leads(source, names, [told or "mV" for told in known], wanted)
    unsaid = [i for i in chosen if not known[i]]
    if unsaid:
        raise MonitorError(f"{source}: {_unsaid(names, units, unsaid)}", USAGE)
    scale, baseline = [], []
    for i in chosen:
        told = millivolts_in(units[i])
        if told is not None and said.strict and said.gain is not None:
            raise MonitorError(
                f"{source}: {names[i]} is in {units[i]}, but --gain is for ADC units", USAGE
            )
        if told is not None and said.strict and unit and told != millivolts_in(unit):
            raise MonitorError(
                f"{source}: {names[i]} is in {units[i]}, but --unit says {unit}; leave out --unit, "
                "which is for signals that do not tell theirs",
                USAGE,
            )
        counts = told is None and said.gain is not None
        scale.append(1.0 / (said.gain or 1.0) if counts else (millivolts_in(known[i]) or 0.0))
        baseline.append(said.baseline if counts else 0.0)
    return chosen, scale, baseline


def _said(name: str, told: str, unit: str | None, wanted: Sequence[str]) -> str:
    """Give the unit of a signal: its own, else what the user says; empty where neither is known."""
    if told.strip() and (millivolts_in(told) is not None or is_other_quantity(told)):
        return told
    lead = ECG_NAME.fullmatch(name.strip()) or name.strip().lower() in [w.lower() for w in wanted]
    if told.strip() and not lead:
        return told  # not known, and nothing else speaks for a lead
    return unit or ""


def _unsaid(names: Sequence[str], units: Sequence[str], which: Sequence[int]) -> str:
    listed = ", ".join(names[i] for i in which)
    odd = sorted({repr(units[i][:20]) for i in which if units[i].strip()})
    what = f"{', '.join(odd)} of {listed} is not known" if odd else f"of {listed} is not said"
    return (
        f"the unit {what}: add --unit mV (or uV, V); if these are ADC units, --gain with the "
        "number of them in 1 mV, and --baseline with the one of 0 mV"
    )
