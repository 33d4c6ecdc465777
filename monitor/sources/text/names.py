"""Read the names, units and opening lines of a CSV text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from monitor.messages import MAX_RATE_HZ, MIN_RATE_HZ
from monitor.sources.units import millivolts_in

_VOLTAGES = ("mv", "uv", "µv", "μv", "nv", "v")


SECONDS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "ms": 1e-3, "msec": 1e-3, "millis": 1e-3, "milliseconds": 1e-3,
    "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "usec": 1e-6, "micros": 1e-6, "microseconds": 1e-6,
    "ns": 1e-9, "nsec": 1e-9, "nanos": 1e-9, "nanoseconds": 1e-9,
    "min": 60.0, "minutes": 60.0, "h": 3600.0, "hours": 3600.0,
}  # fmt: skip
"""Seconds in each unit of time, by lower-case name."""

_SPELLED_OUT = {
    "millivolt": "mV", "millivolts": "mV", "microvolt": "uV", "microvolts": "uV", "muv": "uV",
    "volt": "V", "volts": "V", "nanovolt": "nV", "nanovolts": "nV",
}  # fmt: skip
_OF_A_PULSE = {"mmhg", "kpa", "nu"}
_OTHER_UNITS = {
    *_OF_A_PULSE, "%", "bpm", "1/min", "/min", "g", "mg", "m/s2", "m/s^2", "m/s²", "ms-2",
    "°/s", "deg/s", "dps", "rad/s", "hz", "c", "°c", "degc", "f", "k", "pa", "hpa", "cmh2o",
    "a", "ma", "ua", "µa", "ohm", "kohm", "us/cm", "lux", "ut", "µt", "l/min", "ml", "l", "w",
    "j", "db", "m", "cm", "mm", "n",
}  # fmt: skip
_TIME_FORMS = {"hh:mm:ss.mmm", "hh:mm:ss", "sample interval"}

_IN_BRACKETS = re.compile(r"(.*?)[\s_/,:]*[\[(]\s*([^\])]+?)\s*[\])]")
_UNIT_WORDS = "|".join(
    sorted({*_VOLTAGES, *_SPELLED_OUT, *SECONDS} - {"h", "min"}, key=len, reverse=True)
)
_AFTER = re.compile(rf"(.*?)(?:\s*[\s_/,:.-]\s*(?:in )?({_UNIT_WORDS}))", re.IGNORECASE)
_CAMEL_UNIT = re.compile(r"(.*[a-z])(Ms|Us|Ns|MV|UV|Mv|Uv)")

_LEAD = re.compile(
    r"(mod\.?)?(ml|mcl|cm|cc|cb|cs|d|v|mv)[1-9]r?|v([1-9]r?)?|(ml|d)?i{1,3}\+?|(ml)?v[xyz]|av[rlf]|-avr",
    re.IGNORECASE,
)
_ECG = re.compile(r".*(ecg|ekg|elektrokard|electrocard|exg).*", re.IGNORECASE)
_BEFORE_LEAD = re.compile(
    r"((ecg|ekg|exg|lead|leads|ableitung|derivation|channel|ch|signal|raw|filtered|clean)[\s_.:-]+)+",
    re.IGNORECASE,
)
_ANY_SIGNAL = re.compile(
    r"|(raw|filtered)?[ _]?(value|values|val|signal|amplitude|voltage|data|adc|reading|raw|chest"
    r"|lead|sample[ _]?value|analog|mv|uv|a(?=\d))([ _-]?(in|value|read)?[ _-]?\d*)?"
    r"|(ch|chan|channel)?[ _-]?\d+",
    re.IGNORECASE,
)

_TIME_WORDS = {
    "t", "time", "times", "timestamp", "timestamps", "stamp", "elapsed", "date", "datetime",
    "zeit", "zeitstempel", "uhrzeit", "datum", "temps", "heure", "tiempo", "hora", "fecha",
    "tempo", "tid", "tijd", "clock", "unix", "epoch", "uptime", "millis", "micros", "nanos",
    "ms", "us", "ns", "sec", "secs", "seconds", "milliseconds", "microseconds", "msec", "usec",
    "utc", "ts", "s", "hh",
}  # fmt: skip
_INDEX_WORDS = {
    "sample", "samples", "index", "idx", "nr", "no", "num", "number", "n", "count", "counter",
    "seq", "nseq", "sequence", "row", "frame", "packet", "pkt", "id", "line", "unnamed", "#",
    "i", "datapoint", "point",
}  # fmt: skip
_OTHER_WORDS = {
    # other signals
    "eeg", "emg", "eog", "eda", "gsr", "resp", "respiration", "breath", "imp", "impedance",
    "pleth", "ppg", "abp", "art", "ibp", "bp", "pap", "cvp", "icp", "lap", "rap", "uap", "ao",
    "pa", "co2", "etco2", "flow", "pcg", "scg", "bcg", "sound", "audio", "pressure", "red",
    "ir", "green", "temp", "temperature", "light", "lux",
    # numerics
    "hr", "bpm", "heartrate", "rate", "pulse", "pr", "spo2", "sao2", "rr", "rri", "nn", "hrv",
    "ibi", "qt", "qrs", "battery", "bat", "batt", "vbat", "steps", "rssi", "snr", "age",
    "speed", "lat", "lon",
    # labels and states
    "label", "labels", "class", "classes", "target", "category", "annotation", "annotations",
    "beat", "beats", "symbol", "type", "peak", "peaks", "rpeak", "rpeaks", "event", "events",
    "status", "state", "marker", "markers", "trigger", "flag", "flags", "quality", "sqi",
    "rhythm", "off", "leadoff", "lo", "lod", "patient", "subject", "person", "name", "id",
    "device", "error", "checksum", "crc", "button", "digital", "comment", "note", "sex",
    "other", "contact", "detected",
    # movement
    "acc", "accel", "acceleration", "accelerometer", "accx", "accy", "accz", "gyro",
    "gyroscope", "gyr", "mag", "magnetometer", "motion", "activity", "imu", "ax", "ay", "az",
    "gx", "gy", "gz", "mx", "my", "mz", "x", "y", "z", "roll", "pitch", "yaw", "axis",
}  # fmt: skip
_REMARK = re.compile(r"\s*[\[(][^\])]*[\])]")
_FRANK = re.compile(r"[xyz]", re.IGNORECASE)


class ColumnKind(Enum):
    """Kind of a column, by its name and unit."""

    LEAD = "the name of a lead"
    VOLTAGE = "a voltage"
    SIGNAL = "any signal"
    UNKNOWN = "an unknown name"
    OTHER = "the name of something else"
    TIME = "a time"
    INDEX = "a counter"


def split_unit(text: str) -> tuple[str, str]:
    """Split the text of a column into its name and its unit, which may be empty.

    >>> split_unit("sensor timestamp [ns]"), split_unit("elapsedMs"), split_unit("V5_uV")
    (('sensor timestamp', 'ns'), ('elapsed', 'ms'), ('V5', 'uV'))
    """
    if short_unit(text).lower() in _VOLTAGES and len(text) > 1:  # no name but the unit
        return text, short_unit(text)
    camel = _CAMEL_UNIT.fullmatch(text)
    match = _IN_BRACKETS.fullmatch(text) or _AFTER.fullmatch(text) or camel
    if match is None:
        return text, ""
    unit = short_unit(match[2].lower() if camel is match else match[2])
    if unit.lower() not in {*_VOLTAGES, *SECONDS, *_OTHER_UNITS, *_TIME_FORMS}:
        return text, ""  # a remark in brackets
    return match[1].strip(), unit


def short_unit(unit: str) -> str:
    """Abbreviate a spelled-out voltage unit.

    >>> short_unit("Microvolts"), short_unit("mmHg")
    ('uV', 'mmHg')
    """
    return _SPELLED_OUT.get(unit.strip().lower(), unit.strip())


def are_units(fields: Sequence[str]) -> bool:
    """Tell whether a line holds the units of the columns, as WFDB's ``rdsamp -v`` writes it."""
    bare = [short_unit(field.strip("[]() ")).lower() for field in fields]
    known = {*_VOLTAGES, *_OF_A_PULSE, *SECONDS, *_TIME_FORMS, "", "%", "bpm"}
    return all(unit in known for unit in bare) and any(unit in _VOLTAGES for unit in bare)


def words_of(name: str) -> list[str]:
    """Split a name into lower-case words.

    >>> words_of("Sample Index"), words_of("accelX_2"), words_of("Timestamp (Formatted)")
    (['sample', 'index'], ['accel', 'x', '2'], ['timestamp', 'formatted'])
    """
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return [word.lower() for word in re.findall(r"[^\W\d_]+\d*(?=$|[\W_])|[^\W\d_]+|\d+|#", apart)]


def kind_of(name: str, unit: str) -> ColumnKind:
    """Give the kind of a column from its name and unit."""
    words = words_of(name)
    voltage = unit.lower() in _VOLTAGES
    if not words and unit.lower() in SECONDS:
        return ColumnKind.TIME
    if unit and not voltage and unit.lower() not in {*SECONDS, *_TIME_FORMS}:
        timely = set(words) & _TIME_WORDS and not set(words) & _OTHER_WORDS
        return ColumnKind.TIME if timely and not _ECG.fullmatch(name) else ColumnKind.OTHER
    bare = _REMARK.sub("", name).strip()
    if _LEAD.fullmatch(_BEFORE_LEAD.sub("", bare)) and not set(words) & _TIME_WORDS:
        return ColumnKind.LEAD
    if _FRANK.fullmatch(name) and voltage:
        return ColumnKind.LEAD
    others = {word.rstrip("0123456789") or word for word in words} | set(words)
    others.add("".join(words))  # SpO2
    if not voltage and others & _TIME_WORDS and not others & (_OTHER_WORDS - {"id"}):
        return ColumnKind.TIME
    if words and not voltage and all(w in _INDEX_WORDS or w.isdigit() for w in words):
        return ColumnKind.INDEX if set(words) & _INDEX_WORDS else ColumnKind.SIGNAL
    if others & _OTHER_WORDS and not _ANY_SIGNAL.fullmatch(name.strip()):
        return ColumnKind.OTHER
    if _FRANK.fullmatch(name):
        return ColumnKind.OTHER
    if unit.lower() in SECONDS:
        return ColumnKind.TIME
    if _ECG.fullmatch(name) or (words and words[0] == "chest"):
        return ColumnKind.LEAD
    if voltage:
        return ColumnKind.VOLTAGE
    return ColumnKind.SIGNAL if _ANY_SIGNAL.fullmatch(name.strip()) else ColumnKind.UNKNOWN


_RATE_SAID = re.compile(
    r"\b(?:sampl\w*[\s_-]*(?:rate|freq\w*)|sampling|abtast\w+|fs|srate)\b[^0-9A-Za-z]{0,6}"
    r"(?:\(?hz\)?[^0-9A-Za-z]{0,4})?(\d+(?:[.,]\d+)?)\s*(k?)(?:hz|hertz)?",
    re.IGNORECASE,
)
_INTERVAL_SAID = re.compile(
    r"\b(?:sampl\w*[\s_-]*)?interval\b[^0-9A-Za-z]{0,6}(\d+(?:[.,]\d+)?)\s*(ms|s)\b", re.IGNORECASE
)
_UNIT_SAID = re.compile(r"\W*(?:units?|einheit|unité|unidad|unità)\W+(\w+)\W*", re.IGNORECASE)
_LEAD_SAID = re.compile(
    r"\W*(?:lead|ableitung)\W+(?:lead |ableitung )?([^\W_]{1,5})\W*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts in the opening lines; empty or None if missing or contradictory."""

    rate_hz: float | None = None
    unit: str = ""
    lead: str = ""


def is_fact(line: str) -> bool:
    """Tell whether a line states a fact, and so is not a header."""
    return facts_of([line]) != Facts()


def facts_of(preamble: Sequence[str]) -> Facts:
    """Read sampling rate, unit and lead from the opening lines.

    >>> facts_of(["%OpenBCI Raw EXG Data", "%Sample Rate = 250 Hz"])
    Facts(rate_hz=250.0, unit='', lead='')
    >>> facts_of(["Lead,Lead I", "Unit,µV", "Sample Rate,512 hertz"])
    Facts(rate_hz=512.0, unit='µV', lead='I')
    """
    rates, units, leads = set(), set(), set()
    for line in preamble:
        for match in _RATE_SAID.finditer(line):
            rates.add(_number(match[1]) * (1000 if match[2] else 1))
        for match in _INTERVAL_SAID.finditer(line):
            interval_s = _number(match[1]) * (1e-3 if match[2].lower() == "ms" else 1)
            if interval_s:
                rates.add(1 / interval_s)
        unit, lead = _UNIT_SAID.fullmatch(line), _LEAD_SAID.fullmatch(line)
        if unit and millivolts_in(short_unit(unit[1])) is not None:
            units.add(short_unit(unit[1]))
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
