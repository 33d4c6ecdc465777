"""Physical units as recordings spell them: what is a voltage, what is something else."""

from __future__ import annotations

import re
import unicodedata

_PREFIXES = {
    "": 1e3, "m": 1.0, "milli": 1.0, "u": 1e-3, "μ": 1e-3, "mc": 1e-3, "micro": 1e-3,
    "n": 1e-6, "nano": 1e-6,
}  # fmt: skip
_VOLTAGE = re.compile(rf"({'|'.join(sorted(_PREFIXES, key=len, reverse=True))})(v|volts?)")
_OTHER = frozenset(
    [
        "mmhg", "kpa", "hpa", "pa", "bar", "mbar", "psi", "cmh2o", "mmh2o", "nu", "%", "percent",
        "bpm", "/min", "1/min", "brpm", "rpm", "l", "l/min", "l/s", "ml", "ml/s", "ml/min", "ohm",
        "ohms", "kohm", "kohms", "ω", "kω", "c", "°c", "degc", "celsius", "f", "°f", "degf", "k",
        "deg", "°", "degree", "degrees", "rad", "g", "mg", "kg", "m/s", "m/s2", "m/s^2", "m",
        "cm", "mm", "nm", "hz", "khz", "db", "s", "sec", "seconds", "ms", "us", "μs", "ns", "min",
        "h", "a", "ma", "ua", "μa", "w", "mw", "pm", "ppm", "mol/l", "mmol/l", "au", "a.u.",
        "bool", "boolean", "lux", "dps",
    ]
)  # fmt: skip


def text_of(raw: bytes) -> str:
    r"""Decode a header: UTF-8 where it is that, else Latin-1; without NUL bytes.

    >>> text_of(b"\xc2\xb5V"), text_of(b"\xb5V\0\0")
    ('µV', 'µV')
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\0", "")


def millivolts_in(unit: str) -> float | None:
    """Give the millivolts in one of a unit, however it is spelled; None for no voltage.

    >>> [millivolts_in(unit) for unit in ("mV", "UV", "µV", "Microvolts", "?V", "")]
    [1.0, 0.001, 0.001, 0.001, None, None]
    """
    match = _VOLTAGE.fullmatch(_plain(unit))
    return None if match is None else _PREFIXES[match[1]]


def is_other_quantity(unit: str) -> bool:
    """Tell whether a unit is known to be that of something that is no voltage: ``mmHg``."""
    return _plain(unit) in _OTHER


def _plain(unit: str) -> str:
    """Lower case, one of the two signs for micro, no blanks or NUL."""
    return "".join(unicodedata.normalize("NFKC", unit).replace("\0", "").casefold().split())
