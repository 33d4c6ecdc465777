"""From the numbers of a source that may not tell its unit to millivolts; nothing is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.errors import USAGE, MonitorError
from monitor.sources.leads import MILLIVOLTS, choose_leads


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


def choose_calibrated(
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
        What the user says.

    Returns
    -------
    Indices into ``names``, the primary lead first; for each the millivolts in one of its numbers,
    and the number that is 0 mV.

    Raises
    ------
    MonitorError
        If the unit of a chosen lead is not told, or told twice and differently.
    """
    if said.unit is not None and said.unit.strip().lower() not in MILLIVOLTS:
        raise MonitorError(f"unit {said.unit!r} is not a voltage: say mV, uV, V or nV", USAGE)
    chosen = choose_leads(source, names, [unit or said.unit or "mV" for unit in units], wanted)
    scale, baseline = [], []
    for i in chosen:
        told = _in_mv(units[i]) if units[i] else None
        by_user = _in_mv(said.unit) if said.unit else None
        if told is None and by_user is None and said.gain is None:
            unsaid = ", ".join(names[k] for k in chosen if not units[k])
            raise MonitorError(
                f"{source}: the unit of {unsaid} is not said: add --unit mV (or uV, V); if these "
                "are ADC units, --gain with the number of them in 1 mV, and --baseline with the "
                "one of 0 mV",
                USAGE,
            )
        if told is not None and said.strict and said.gain is not None:
            raise MonitorError(
                f"{source}: {names[i]} is in {units[i]}, but --gain is for ADC units", USAGE
            )
        if told is not None and said.strict and by_user not in (None, told):
            raise MonitorError(
                f"{source}: {names[i]} is in {units[i]}, but --unit says {said.unit}", USAGE
            )
        counts = told is None and said.gain is not None
        scale.append(1.0 / (said.gain or 1.0) if counts else (told or by_user or 1.0))
        baseline.append(said.baseline if counts else 0.0)
    return chosen, scale, baseline


def _in_mv(unit: str) -> float:
    return MILLIVOLTS[unit.strip().lower()]
