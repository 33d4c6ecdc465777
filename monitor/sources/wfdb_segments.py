"""The segments of a WFDB record, and where in each of them a chosen signal lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from monitor.errors import USAGE, MonitorError
from monitor.messages import FloatArray
from monitor.sources.units import is_other_quantity, millivolts_in
from monitor.sources.wfdb_header import Header, Signal, read_header
from monitor.sources.wfdb_signals import SignalFile

NO_FILE = "~"  # of a signal or a segment that is not there
Key: TypeAlias = tuple[str, int]  # name of a signal, and which of several with that name


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a record with a header of its own; a record without segments is one part.

    ``begin`` counts frames of the record, ``frames`` is None where no header tells.
    """

    name: str
    begin: int
    frames: int | None
    signals: tuple[Signal, ...]


def segments_of(path: Path, header: Header) -> list[Segment]:
    """Read the headers of all segments of the record at ``path`` (without extension).

    Those without samples are left out: parts that were not recorded, and the layout, which says
    nothing that the segments do not say better.

    Raises
    ------
    MonitorError
        If the header of a segment cannot be read or does not fit.
    """
    if not header.segments:
        return [Segment(path.name, 0, header.frames, header.signals)]
    found, begin = [], 0
    read: dict[str, Header] = {}
    for name, frames in header.segments:
        if name != NO_FILE and frames:
            if name not in read:
                try:
                    read[name] = read_header(path.parent / name)
                except MonitorError as error:
                    raise MonitorError(f"record {path.name}, segment {name}: {error}") from error
            part = read[name]
            if part.segments or part.rate_hz != header.rate_hz:
                raise MonitorError(
                    f"record {path.name}, segment {name}: it has segments of its own, or another "
                    f"rate than the {header.rate_hz:g} Hz of the record: play it alone"
                )
            found.append(Segment(name, begin, frames, part.signals))
        begin += frames
    return found


def signals_of(segments: Sequence[Segment]) -> dict[Key, Signal]:
    """Give all signals of a record, each as it is in the first segment that has it."""
    found: dict[Key, Signal] = {}
    for segment in segments:
        for key, signal in zip(keys_of(segment.signals), segment.signals, strict=True):
            if signal.file != NO_FILE:
                found.setdefault(key, signal)
    return found


def keys_of(signals: Sequence[Signal]) -> list[Key]:
    """Tell signals apart: by name, or their place where they have none, and by order if alike."""
    seen: Counter[str] = Counter()
    found = []
    for place, signal in enumerate(signals):
        name = signal.name or f"signal {place}"
        found.append((name, seen[name]))
        seen[name] += 1
    return found


class SegmentReader:
    """Reads the chosen signals of one segment, in mV.

    ``held`` has the number of frames in each file that is read.

    Parameters
    ----------
    path
        Of the record.
    segment
        The segment.
    chosen
        The signals to read, by their name and which of several with that name (from 0).
    per_frame
        Samples that each of them must have in a frame.
    unit
        What the user says: the unit of signals that tell none.
    raw
        Index into ``chosen`` of one that is taken in its own unit, whatever that is.

    Raises
    ------
    MonitorError
        If a signal is no voltage here, or has another rate than elsewhere in the record.
    """

    def __init__(
        self,
        path: Path,
        segment: Segment,
        chosen: Sequence[Key],
        per_frame: int,
        unit: str | None,
        raw: int | None,
    ) -> None:
        self._per_frame = per_frame
        self._count = len(chosen)
        at = {key: k for k, key in enumerate(keys_of(segment.signals))}
        where = [at.get(key) for key in chosen]
        self._gain = np.ones(self._count)
        self._zero = np.zeros(self._count)
        wanted: dict[str, list[int]] = {}
        for k, place in enumerate(where):
            if place is None or segment.signals[place].file == NO_FILE:
                continue
            signal = segment.signals[place]
            if signal.per_frame != per_frame:
                raise MonitorError(
                    f"record {path.name}: {chosen[k][0]} has another sampling rate in segment "
                    f"{segment.name}; play that alone, or choose other --leads",
                    USAGE,
                )
            scale = 1.0 if k == raw else _millivolts(path.name, segment, signal, chosen[k], unit)
            self._gain[k] = scale / signal.gain
            self._zero[k] = signal.baseline
            wanted.setdefault(signal.file, []).append(k)
        self._files: list[tuple[SignalFile, list[int], list[int]]] = []
        self.held: dict[str, int] = {}
        for name, columns in wanted.items():
            inside = [j for j, signal in enumerate(segment.signals) if signal.file == name]
            file = SignalFile(
                path.name, _place(path.parent, name), [segment.signals[j] for j in inside]
            )
            which = [j for j, place in enumerate(inside) for k in columns if where[k] == place]
            columns = [k for place in inside for k in columns if where[k] == place]
            self._files.append((file, columns, which))
            self.held[name] = file.frames

    @property
    def frames(self) -> int:
        """Frames for which a file holds a sample of any of the chosen signals."""
        return max(self.held.values(), default=0)

    def read(self, first: int, last: int) -> FloatArray:
        """Read frames [first, last) of the segment.

        Returns
        -------
        Array of (samples, chosen signals); NaN where a signal is not in the segment.

        Raises
        ------
        MonitorError
            If a file cannot be read.
        """
        values = np.full(((last - first) * self._per_frame, self._count), np.nan)
        for file, columns, which in self._files:
            for k, samples in zip(columns, file.read(first, last, which), strict=True):
                values[:, k] = (samples - self._zero[k]) * self._gain[k]
        with np.errstate(over="ignore"):
            return values.astype(np.float32)


def _millivolts(record: str, segment: Segment, signal: Signal, key: Key, unit: str | None) -> float:
    """Millivolts in one unit of a signal in a segment: that of each is its own."""
    told = millivolts_in(signal.unit or "")
    if told is None and signal.unit == "":
        told = millivolts_in(unit or "mV")
    elif told is None and unit is not None and not is_other_quantity(signal.unit):
        told = millivolts_in(unit)
    if told is None:
        raise MonitorError(
            f"record {record}: {key[0]} is in {signal.unit!r} in segment {segment.name}, which is "
            "no voltage that is known: add --unit mV (or uV, V)",
            USAGE,
        )
    return told


def _place(folder: Path, name: str) -> Path:
    """Find a file, also where a copy from another system changed the case of its name."""
    place = folder / name
    try:
        if place.is_file():
            return place
        alike = [p for p in place.parent.iterdir() if p.name.lower() == place.name.lower()]
    except OSError:  # no such folder, or a name that no file can have
        return place
    return alike[0] if len(alike) == 1 else place
