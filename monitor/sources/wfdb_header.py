"""Headers of WFDB records (``.hea``), read from their bytes.

What decides how the samples are read must be right or refused: format, gain, unit, length. Time
and date of the recording, which nobody uses, are not looked at. Syntax: header(5), Moody, WFDB
Applications Guide, https://physionet.org/physiotools/wag/header-5.htm
"""

from __future__ import annotations

import contextlib
import math
import re
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import USAGE, MonitorError
from monitor.sources.units import text_of

DEFAULT_RATE_HZ = 250.0  # of a header that gives none
DEFAULT_GAIN = 200.0  # of a signal without one, or with 0: units of the converter for 1 mV
LARGEST = 1e12  # no gain is so large, or one in so many
MAX_HEADER_BYTES = 4 * 1024 * 1024
MAX_FRAMES = 10**12

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RATE = re.compile(rf"({_NUMBER})(?:/(?:{_NUMBER})?(?:\({_NUMBER}\))?)?")
_FORMAT = re.compile(r"(\d{1,4})(?:x(\d{1,6}))?(?::(\d{1,4}))?(?:\+(\d{1,15}))?")
_GAIN = re.compile(rf"({_NUMBER})(?:\(([-+]?\d{{1,15}})\))?(?:/(.*))?")
_INTEGER = re.compile(r"[-+]?\d{1,15}")


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal line; ``unit`` is empty where it gives none, ``calibrated`` if it gives a gain.

    ``skew`` counts frames, ``offset`` bytes (samples in a compressed file).
    """

    file: str
    format: str
    per_frame: int = 1
    skew: int = 0
    offset: int = 0
    gain: float = DEFAULT_GAIN
    calibrated: bool = False
    baseline: int = 0
    unit: str = ""
    initial: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """A header file: of a single-segment record with signals, of another with segments.

    ``frames`` is None where the header does not say how long the record is. Segments are pairs
    of a name, ``~`` for none, and a number of frames.
    """

    rate_hz: float
    frames: int | None
    signals: tuple[Signal, ...] = ()
    segments: tuple[tuple[str, int], ...] = ()


def find_header(path: Path) -> Path | None:
    """Give the header file of the record at ``path`` (without extension), if there is one."""
    for suffix in (".hea", ".HEA"):
        file = Path(f"{path}{suffix}")
        with contextlib.suppress(OSError):  # a name that no file can have
            if file.is_file():
                return file
    return None


def read_header(path: Path) -> Header:
    """Read the header of the record at ``path`` (without extension).

    Raises
    ------
    MonitorError
        If there is none, or a field that matters cannot be read.
    """
    file = find_header(path)
    if file is None:
        raise MonitorError(f"there is no record {str(path)[-200:]}: no such .hea file", USAGE)
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_HEADER_BYTES + 1)
    except OSError as error:
        raise MonitorError(f"cannot read {file}: {error.strerror or error}") from error
    if len(raw) > MAX_HEADER_BYTES:
        raise MonitorError(f"record {path.name}: {file.name} is too long for a header")
    return parse_header(path.name, raw)


def parse_header(record: str, raw: bytes) -> Header:
    """Read the bytes of a header file; ``record`` is its name, also for errors.

    Raises
    ------
    MonitorError
        If a field that matters cannot be read.
    """
    lines = [_printable(line).strip() for line in re.split(r"[\r\n]+", text_of(raw))]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise MonitorError(f"record {record}: its header cannot be read: it is empty")
    fields = lines[0].split()
    lines = lines[1:]
    if len(fields) < 2 or not re.fullmatch(r"\d{1,6}", fields[1]):
        raise _unreadable(record, "does not say the number of signals", lines0=fields)
    signals = int(fields[1])
    rate_hz = _rate(record, fields[2]) if len(fields) > 2 else DEFAULT_RATE_HZ
    frames = _frames(record, fields[3]) if len(fields) > 3 else None
    _, slash, count = fields[0].rpartition("/")
    if slash and re.fullmatch(r"\d{1,6}", count) and not _is_name(record, count, lines, signals):
        return Header(rate_hz, frames, segments=_segments(record, lines, int(count)))
    if len(lines) < signals:
        raise _unreadable(record, f"lists {len(lines)} of {signals} signals")
    return Header(rate_hz, frames, tuple(_signal(record, line) for line in lines[:signals]))


def _printable(line: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in line)


def _is_name(record: str, count: str, lines: list[str], signals: int) -> bool:
    """Tell whether what looks like a number of segments is the name of a record in a folder."""
    return count == record and len(lines) == signals != int(count)


def _rate(record: str, field: str) -> float:
    match = _RATE.fullmatch(field)
    rate_hz = float(match[1]) if match else math.nan
    if not (math.isfinite(rate_hz) and rate_hz > 0):
        raise MonitorError(
            f"record {record}: its header gives no sampling rate above 0 Hz, but {field[:40]!r}"
        )
    return rate_hz


def _frames(record: str, field: str) -> int | None:
    if not re.fullmatch(r"\d+", field) or len(field) > 18:
        if ":" in field or "/" in field or "." in field:  # the time: the length was left out
            return None
        raise _unreadable(record, f"gives {field[:40]!r} for its number of samples")
    if int(field) > MAX_FRAMES:
        raise _unreadable(record, f"gives {field} for its number of samples")
    return int(field) or None


def _segments(record: str, lines: list[str], count: int) -> tuple[tuple[str, int], ...]:
    if not count or len(lines) < count:
        raise _unreadable(record, f"lists {len(lines)} of {count} segments")
    segments = []
    for line in lines[:count]:
        fields = line.split()
        if len(fields) < 2 or not re.fullmatch(r"\d{1,12}", fields[1]):
            raise _unreadable(record, f"has a segment without a length: {line[:60]!r}")
        segments.append((fields[0], int(fields[1])))
    return tuple(segments)


def _signal(record: str, line: str) -> Signal:
    fields = line.split()
    if len(fields) < 2:
        raise _unreadable(record, f"has a signal without a format: {line[:60]!r}")
    form = _FORMAT.fullmatch(fields[1])
    if form is None:
        raise _unreadable(record, f"gives {fields[1][:40]!r} for a signal's format")
    gain, baseline, unit = 0.0, None, ""
    if len(fields) > 2:
        parts = _GAIN.fullmatch(fields[2])
        if parts is None or (float(parts[1]) and not 1 / LARGEST < abs(float(parts[1])) < LARGEST):
            raise _unreadable(record, f"gives {fields[2][:40]!r} for a signal's gain")
        gain, unit = float(parts[1]), (parts[3] or "").strip()
        baseline = int(parts[2]) if parts[2] else None
    numbers: list[int] = []
    while 3 + len(numbers) < min(8, len(fields)):
        field = fields[3 + len(numbers)]
        if not re.match(r"[-+]?\d", field):  # optional numbers are left out: this is the name
            break
        numbers.append(_integer(record, line, field))
    zero = numbers[1] if len(numbers) > 1 else 0
    return Signal(
        fields[0],
        str(int(form[1])),
        int(form[2] or 1) or 1,
        int(form[3] or 0),
        int(form[4] or 0),
        gain or DEFAULT_GAIN,
        bool(gain),
        zero if baseline is None else baseline,
        unit,
        numbers[2] if len(numbers) > 2 else zero,
        " ".join(fields[3 + len(numbers) :]),
    )


def _integer(record: str, line: str, field: str) -> int:
    if not _INTEGER.fullmatch(field):
        raise _unreadable(record, f"has {field[:40]!r} for a whole number in {line[:60]!r}")
    return int(field)


def _unreadable(record: str, what: str, lines0: list[str] | None = None) -> MonitorError:
    seen = f": {' '.join(lines0)[:60]!r}" if lines0 is not None else ""
    return MonitorError(f"record {record}: its header cannot be read: it {what}{seen}")
