"""What a text says before its columns begin: sampling rate, unit, lead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.messages import MAX_RATE_HZ, MIN_RATE_HZ
from monitor.sources.csv_names import short
from monitor.sources.units import millivolts_in

_RATE = re.compile(
    r"\b(?:sampl\w*[\s_-]*(?:rate|freq\w*)|sampling|abtast\w+|fs|srate)\b[^0-9A-Za-z]{0,6}"
    r"(?:\(?hz\)?[^0-9A-Za-z]{0,4})?(\d+(?:[.,]\d+)?)\s*(k?)(?:hz|hertz)?",
    re.IGNORECASE,
)
_INTERVAL = re.compile(
    r"\b(?:sampl\w*[\s_-]*)?interval\b[^0-9A-Za-z]{0,6}(\d+(?:[.,]\d+)?)\s*(ms|s)\b", re.IGNORECASE
)
_UNIT = re.compile(r"\W*(?:units?|einheit|unité|unidad|unità)\W+(\w+)\W*", re.IGNORECASE)
_LEAD = re.compile(r"\W*(?:lead|ableitung)\W+(?:lead |ableitung )?(\w{1,5})\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is said; empty or None where nothing is, or different things are."""

    rate_hz: float | None = None
    unit: str = ""
    lead: str = ""


def is_fact(line: str) -> bool:
    """Tell whether a line says one of these things, so that it is no header."""
    return facts_of([line]) != Facts()


def facts_of(preamble: Sequence[str]) -> Facts:
    """Read the facts.

    >>> facts_of(["%OpenBCI Raw EXG Data", "%Sample Rate = 250 Hz"])
    Facts(rate_hz=250.0, unit='', lead='')
    >>> facts_of(["Lead,Lead I", "Unit,µV", "Sample Rate,512 hertz"])
    Facts(rate_hz=512.0, unit='µV', lead='I')
    """
    rates, units, leads = set(), set(), set()
    for line in preamble:
        for match in _RATE.finditer(line):
            rates.add(_number(match[1]) * (1000 if match[2] else 1))
        for match in _INTERVAL.finditer(line):
            interval_s = _number(match[1]) * (1e-3 if match[2].lower() == "ms" else 1)
            if interval_s:
                rates.add(1 / interval_s)
        unit, lead = _UNIT.fullmatch(line), _LEAD.fullmatch(line)
        if unit and millivolts_in(short(unit[1])) is not None:
            units.add(short(unit[1]))
        if lead:
            leads.add(lead[1])
    rates = {rate for rate in rates if MIN_RATE_HZ <= rate <= MAX_RATE_HZ}
    return Facts(
        rates.pop() if len(rates) == 1 else None,
        units.pop() if len(units) == 1 else "",
        leads.pop() if len(leads) == 1 else "",
    )


def _number(text: str) -> float:
    return float(text.replace(",", "."))
