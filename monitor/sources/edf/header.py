"""Read the headers of EDF, EDF+ and BDF files; every needed field is checked.

EDF: Kemp et al., Electroenceph Clin Neurophysiol 1992, doi:10.1016/0013-4694(92)90009-7.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from monitor.errors import USAGE, MonitorError
from monitor.text_file import text_of

_FIXED_BYTES = 256
_SIGNAL_BYTES = 256
_LARGEST = 1e12  # larger values, and smaller gains than its inverse, are damaged fields
_SHORTEST_S = 1e-6  # shorter data records would give no finite sampling rate
_WIDTHS = {
    "label": 16, "transducer": 80, "unit": 8, "physical minimum": 8, "physical maximum": 8,
    "digital minimum": 8, "digital maximum": 8, "prefiltering": 80, "samples": 8, "reserved": 32,
}  # fmt: skip
_BEGINS = dict(zip(_WIDTHS, accumulate(_WIDTHS.values(), initial=0), strict=False))
_WHOLE = re.compile(r"[-+]?\d{1,8}")
_DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Channel:
    """One signal. :meth:`EdfHeader.scale` gives its scale."""

    label: str
    unit: str
    samples: int  # in a data record
    limits: tuple[str, str, str, str]  # physical and digital minimum and maximum, as written
    annotations: bool


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """The header of a file, and the number of whole data records in the file.

    ``announced`` is the number in the header; -1 in a file that was not closed.
    """

    name: str
    sample_bytes: int
    record_s: float
    announced: int
    records: int
    left_over: bool  # the last data record is not whole
    discontinuous: bool
    channels: tuple[Channel, ...]

    @property
    def header_bytes(self) -> int:
        """Length of the header: the first data record follows it."""
        return _FIXED_BYTES + _SIGNAL_BYTES * len(self.channels)

    @property
    def record_bytes(self) -> int:
        """Length of a data record."""
        return self.sample_bytes * sum(channel.samples for channel in self.channels)

    def scale(self, channel: Channel) -> tuple[float, float]:
        """Give gain and offset of a signal: physical value = digital value * gain + offset.

        Raises
        ------
        MonitorError
            If its limits do not give them.
        """
        of = f" of {channel.label}"
        least, most = (
            _decimal(self.name, f"physical {end}{of}", text)
            for end, text in zip(("minimum", "maximum"), channel.limits[:2], strict=True)
        )
        low, high = (
            _whole(self.name, f"digital {end}{of}", text)
            for end, text in zip(("minimum", "maximum"), channel.limits[2:], strict=True)
        )
        gain = (most - least) / (high - low) if high > low else 0.0
        if not 1 / _LARGEST < abs(gain) < _LARGEST or not abs(least) < _LARGEST:
            raise MonitorError(
                f"{self.name}: the header gives {channel.label} no scale (digital {low} to {high}, "
                f"physical {least:g} to {most:g})"
            )
        return gain, least - low * gain


def read_edf_header(path: Path) -> EdfHeader:
    """Read the header of the file at ``path``.

    Raises
    ------
    MonitorError
        If the file is missing, is not EDF or BDF, or a field cannot be read.
    """
    if not path.is_file():
        raise MonitorError(f"there is no file {path}", USAGE)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            fixed = file.read(_FIXED_BYTES)
            head = _Fixed(path.name, fixed)
            rest = file.read(_SIGNAL_BYTES * head.signals)
    except OSError as error:
        raise MonitorError(f"cannot read {path}: {error.strerror or error}") from error
    if len(rest) < _SIGNAL_BYTES * head.signals:
        raise _unreadable(path.name, "its header is cut off")
    channels = tuple(_channel(path.name, rest, head.signals, k) for k in range(head.signals))
    ordinary = [channel for channel in channels if not channel.annotations]
    if not ordinary:
        what = "annotations, but no signal" if channels else "no signal"
        raise MonitorError(f"{path.name} holds {what}")
    if head.record_s < _SHORTEST_S:
        raise _unreadable(
            path.name,
            f"its header gives {head.record_s:g} s for the duration of a data record, so that the "
            "sampling rate is not known",
        )
    record_bytes = head.sample_bytes * sum(channel.samples for channel in channels)
    data = size - _FIXED_BYTES - len(rest)
    records, over = divmod(data, record_bytes) if record_bytes else (0, 0)
    if not records:
        raise MonitorError(f"{path.name} is empty: it holds no whole data record")
    return EdfHeader(
        path.name,
        head.sample_bytes,
        head.record_s,
        head.records,
        records,
        bool(over),
        head.discontinuous,
        channels,
    )


class _Fixed:
    """The first 256 bytes."""

    def __init__(self, name: str, raw: bytes) -> None:
        bdf = raw[:8] == b"\xffBIOSEMI"
        if not bdf and raw[:8].strip(b" \0") != b"0":
            raise _unreadable(name, "it does not begin as EDF or BDF does")
        if len(raw) < _FIXED_BYTES:
            raise _unreadable(name, "its header is cut off")
        self.sample_bytes = 3 if bdf else 2
        length = _whole(name, "header length", _text(raw[184:192]))
        self.discontinuous = _text(raw[192:236]).startswith(("EDF+D", "BDF+D"))
        self.records = _whole(name, "number of data records", _text(raw[236:244]))
        self.record_s = _decimal(name, "duration of a data record", _text(raw[244:252]))
        self.signals = _whole(name, "number of signals", _text(raw[252:256]))
        if self.signals < 0 or length != _FIXED_BYTES + _SIGNAL_BYTES * self.signals:
            raise _unreadable(
                name, f"its header has {self.signals} signals, but says it is {length} bytes long"
            )
        if self.records < -1:
            raise _unreadable(name, f"its header announces {self.records} data records")


def _channel(name: str, raw: bytes, signals: int, k: int) -> Channel:
    def field(which: str) -> str:
        begin, width = _BEGINS[which] * signals, _WIDTHS[which]
        return _text(raw[begin + width * k : begin + width * (k + 1)])

    label = field("label") or f"signal {k}"
    samples = _whole(name, f"number of samples of {label} in a data record", field("samples"))
    if samples < 0:
        raise _unreadable(name, f"its header gives {label} {samples} samples in a data record")
    limits = (
        field("physical minimum"),
        field("physical maximum"),
        field("digital minimum"),
        field("digital maximum"),
    )
    annotations = label in ("EDF Annotations", "BDF Annotations")
    return Channel(label, field("unit"), samples, limits, annotations)


def _text(raw: bytes) -> str:
    return "".join(c for c in text_of(raw) if c.isprintable()).strip()


def _whole(name: str, what: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise _unreadable(name, f"the {what} is {_shown(text)}, which is no whole number")
    return int(text)


def _decimal(name: str, what: str, text: str) -> float:
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(value):
        comma = "; decimals need a point" if re.fullmatch(r"[-+]?\d*,\d+", text) else ""
        raise _unreadable(name, f"the {what} is {_shown(text)}, which is no number{comma}")
    return value


def _shown(text: str) -> str:
    return repr(text) if text else "blank"


def _unreadable(name: str, why: str) -> MonitorError:
    return MonitorError(f"{name} cannot be read as EDF: {why}")
