"""Choose the ECG leads to analyse, and the pulse waveform."""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitor.errors import USAGE, MonitorError
from monitor.sources.units import millivolts_in

ECG_NAME = re.compile(
    r"(mod\.?)?(ml|mcl|cm|cc|cb|cs|d|v|mv|md|m)?[1-9]r?"  # MCL1, CM5, D3, V1..V9, V4R
    r"|(ml|d)?i{1,3}|(ml)?v[xyz]?|[xyz]|av[rlf]|-avr|a[-+]?[is]|e[-+]?s|a-i|va"
    r"|(ml)?(i|ii|iii)\+?|ecg.*|ekg.*|chest|lead.*",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"(eeg|emg|eog|resp|rr|imp|pleth|ppg|spo2|sao2|abp|art|bp|pap|cvp|icp|lap|rap|uap|ao|pa|"
    r"co2|etco2|flow|temp|pcg|scg|gsr|sound|event|status|marker|trigger).*",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"((ecg|ekg|lead)[ _-]+)+(?=[a-z])")  # "ECG lead II" is II
_PREFERRED = ("mlii", "ii", "dii", "d2", "ecg", "ecg1", "mcl1", "v5", "ml5", "i", "mli", "v1", "v")
# beside a lead like II: V1 tells wide beats apart best, then V5 (Drew et al. 2004,
# doi:10.1161/01.CIR.0000145144.56673.59); limb leads show much of what II does
_SECOND = ("v1", "v", "mcl1", "v5", "ml5", "v2", "v4", "v3", "v6")
DEFAULT_LEADS = 2
_PULSE = ("abp", "art", "ibp", "ao", "uap", "bp", "pleth", "ppg")  # pressure before the finger
AUTO, OFF = "auto", "off"


def is_ecg(name: str, unit: str) -> bool:
    """Tell whether a signal is an ECG lead, from its name and physical unit.

    A signal in volts is one unless its name belongs to another kind of signal (EEG,
    respiration, blood pressure ...). A signal in another unit is never one.
    """
    if millivolts_in(unit) is None:
        return False
    name = name.strip()
    return bool(ECG_NAME.fullmatch(name)) or not _OTHER.fullmatch(name)


def choose_leads(
    record: str, names: Sequence[str], units: Sequence[str], wanted: Sequence[str] = ()
) -> list[int]:
    """Choose the signals to analyse; the first of them is the primary lead.

    By default: the lead most like a modified lead II, then one more if there is one, a chest lead
    if possible.

    Parameters
    ----------
    record
        Name, for errors.
    names, units
        All signals of the recording, in order.
    wanted
        Lead names, upper or lower case, in the order to use. If several signals share a name, it
        means the first of them, and the next one when it is given again.

    Returns
    -------
    Indices into ``names``.

    Raises
    ------
    MonitorError
        If a wanted lead does not exist or is not a voltage, or there is no ECG lead.
    """
    ecg = [i for i, (name, unit) in enumerate(zip(names, units, strict=True)) if is_ecg(name, unit)]
    listing = ", ".join(f"{n} ({u})" for n, u in zip(names, units, strict=True))
    if wanted:
        lower = [name.strip().lower() for name in names]
        chosen = []
        for lead in wanted:
            if lead.lower() not in lower:
                raise MonitorError(f"record {record} has no lead {lead!r}; it has {listing}", USAGE)
            alike = [i for i, name in enumerate(lower) if name == lead.lower()]
            index = next((i for i in alike if i not in chosen), alike[0])
            if millivolts_in(units[index]) is None:
                raise MonitorError(
                    f"record {record}: {names[index]} is in {units[index]}, not a voltage: "
                    "it cannot be analysed as ECG",
                    USAGE,
                )
            if index not in chosen:
                chosen.append(index)
        return chosen
    if not ecg:
        why = "" if any(millivolts_in(u) for u in units) else ", none in volts"
        raise MonitorError(
            f"record {record} has no ECG lead: its signals are {listing or 'none'}{why}"
        )
    primary = min(ecg, key=lambda i: _rank(names[i], _PREFERRED))
    others = sorted((i for i in ecg if i != primary), key=lambda i: _rank(names[i], _SECOND))
    return [primary, *others][:DEFAULT_LEADS]


def of_one_rate(
    record: str, chosen: Sequence[int], rates: Sequence[float], wanted: Sequence[str]
) -> list[int]:
    """Give the chosen signals that have the rate of the primary lead: they share its sample index.

    Raises
    ------
    MonitorError
        If the user wanted one that has not.
    """
    same = [i for i in chosen if rates[i] == rates[chosen[0]]]
    if wanted and same != chosen:
        raise MonitorError(
            f"{record}: leads {', '.join(wanted)} have different sampling rates; choose leads of "
            "one rate",
            USAGE,
        )
    return same


def choose_pulse(
    record: str,
    names: Sequence[str],
    chosen: Sequence[int],
    wanted: str,
    rates: Sequence[float] = (),
) -> int | None:
    """Choose the pulse waveform: arterial pressure, or else a plethysmogram.

    Its name is ABP, ART, IBP, AO, UAP, BP, PLETH or PPG, alone or followed by a number or another
    word (``ABP2``, ``PLETH R``). Its unit does not matter.

    Parameters
    ----------
    record
        Name, for errors.
    names
        All signals of the recording, in order.
    chosen
        The ECG leads among them: none of them can be the pulse.
    wanted
        A name, upper or lower case; "auto" for the first with a known name, "off" for none.
    rates
        Sampling rates of all signals, if they may differ. The pulse must have that of the ECG.

    Returns
    -------
    Index into ``names``; None if there is none.

    Raises
    ------
    MonitorError
        If the wanted one does not exist, is analysed as ECG, or has another sampling rate.
    """
    fits = [
        i not in chosen and (not rates or rates[i] == rates[chosen[0]]) for i in range(len(names))
    ]
    lower = [name.strip().lower() for name in names]
    if wanted == OFF:
        return None
    if wanted == AUTO:
        known = [(_pulse_rank(name), i) for i, name in enumerate(lower) if fits[i]]
        rank, index = min(known, default=(len(_PULSE), 0))
        return index if rank < len(_PULSE) else None
    if wanted.lower() not in lower:
        raise MonitorError(
            f"record {record} has no signal {wanted!r} for the pulse; it has {', '.join(names)}",
            USAGE,
        )
    index = lower.index(wanted.lower())
    if index in chosen:
        raise MonitorError(
            f"record {record}: {names[index]} cannot be ECG lead and pulse at once", USAGE
        )
    if not fits[index]:
        raise MonitorError(
            f"record {record}: {names[index]} has another sampling rate than the ECG: it cannot be "
            "its pulse",
            USAGE,
        )
    return index


def _pulse_rank(name: str) -> int:
    for rank, known in enumerate(_PULSE):
        if re.fullmatch(rf"{known}([^a-z].*)?", name):
            return rank
    return len(_PULSE)


def _rank(name: str, order: Sequence[str]) -> int:
    lower = _PREFIX.sub("", name.strip().lower())
    return order.index(lower) if lower in order else len(order)
