"""CSV as a source: a file, or lines on standard input as they come.

One line is one sample. The sampling rate is always said by the caller, the unit by the header or
the caller; neither is guessed. With a column that tells the time, samples that are missing or
come twice are found by :class:`~monitor.sources.sample_clock.SampleClock`; without one, every
line is the next sample.
"""

from __future__ import annotations

import os
import re
import select
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from monitor.errors import USAGE, MonitorError
from monitor.messages import FloatArray, Samples, StreamInfo
from monitor.sources import LOOK_UP_S, Say, pieces, stream_name
from monitor.sources.csv_header import (
    Layout,
    are_units,
    delimiter_of,
    fields_of,
    is_value,
    layout_of,
    value_of,
)
from monitor.sources.leads import OFF
from monitor.sources.sample_clock import Run, SampleClock

READ_BYTES = 64 * 1024
MAX_LINE_BYTES = 64 * 1024

_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
_Line = tuple[int, str]  # its number from 1, and its text


class CsvLines:
    """The ECG leads of a CSV text.

    Parameters
    ----------
    path
        A file, or None for standard input.
    rate_hz
        Sampling rate.
    leads
        Leads to use, the primary first. Where the text has no header they name its columns, all
        of them and in order; ``time`` among them is the time in seconds.
    unit
        ``mV``, ``uV``, ``V`` or ``nV``: of the leads whose unit the header does not say.
    chunk_s
        Length of the pieces given out, at most.
    stream
        Stream name; by default the file's, or ``stdin``.
    say
        Takes remarks for the operator.
    pulse
        Name of the column that is the pulse waveform, ``auto`` for what is known by its name, or
        ``off``.

    Raises
    ------
    MonitorError
        If the text cannot be read, or its columns or units are not said.
    """

    def __init__(
        self,
        path: Path | None,
        rate_hz: float,
        leads: Sequence[str] = (),
        unit: str | None = None,
        chunk_s: float = 1.0,
        stream: str | None = None,
        say: Say = lambda text: None,
        pulse: str = OFF,
    ) -> None:
        self._name = "standard input" if path is None else str(path)
        self._say = say
        self._read = self._lines(path)
        self._waiting: list[_Line] = []  # read, but not yet given out
        name = stream or ("stdin" if path is None else stream_name(path.stem))
        self._layout = self._columns(leads, unit, rate_hz, pulse)
        self._info = StreamInfo(
            name,
            rate_hz,
            self._layout.leads,
            0,
            f"CSV {'-' if path is None else path.name}",
            self._layout.pulse,
        )
        self._clock = SampleClock(name, rate_hz) if self._layout.time is not None else None
        self._chunk = max(1, round(chunk_s * rate_hz))
        self._next = 0

    @property
    def info(self) -> StreamInfo:
        """The stream."""
        return self._info

    def chunks(self) -> Iterator[Samples]:
        """Give the samples as the lines come; nothing for a while gives an empty piece.

        Raises
        ------
        MonitorError
            At the first line that is not as the header has it, by its number.
        """
        lines, self._waiting = self._waiting, []
        yield from self._given(self._indexed(lines))
        for lines in self._read:
            runs = self._indexed(lines)
            yield from self._given(runs)
            if not runs:
                nothing = np.empty((0, len(self._info.leads)), np.float32)
                yield Samples(self._info.stream, self._next, nothing)
        if self._clock is not None:
            yield from self._given(self._clock.flush())
            self._remark()

    def _given(self, runs: list[Run]) -> Iterator[Samples]:
        for start, values in runs:
            yield from pieces(self._info, start, values, self._chunk)
            self._next = start + len(values)

    def _indexed(self, lines: list[_Line]) -> list[Run]:
        """Give lines as samples with their index; none while their index is not certain."""
        if not lines:
            return []
        layout = self._layout
        rows: list[list[float]] = []
        times: list[float] = []
        for number, line in lines:
            fields = fields_of(line, layout.delimiter)
            if len(fields) != layout.width:
                raise MonitorError(
                    f"{self._name}, line {number}: {len(fields)} field(s) where {layout.width} "
                    "are expected"
                )
            rows.append([self._number(number, fields[i], value_of) for i in layout.columns])
            if layout.time is not None and layout.time_s is not None:
                times.append(self._number(number, fields[layout.time], layout.time_s))
        values: FloatArray = (np.array(rows) * layout.scale).astype(np.float32)
        if self._clock is None:
            return [(self._next, values)]
        runs = self._clock.push(np.array(times), values)
        self._remark()
        return runs

    def _number(self, line: int, field: str, read: Callable[[str], float]) -> float:
        try:
            return read(field)
        except ValueError:
            comma = "; decimals need a point" if _DECIMAL_COMMA.fullmatch(field.strip()) else ""
            raise MonitorError(
                f"{self._name}, line {line}: {field[:40]!r} is not a number{comma}"
            ) from None

    def _remark(self) -> None:
        for note in self._clock.notes() if self._clock is not None else ():
            self._say(f"stream {self._info.stream}: {note}")

    def _columns(
        self, leads: Sequence[str], unit: str | None, rate_hz: float, pulse: str
    ) -> Layout:
        """Read the header, if there is one, and make out the columns."""
        first = self._next_line()
        delimiter = delimiter_of(first[1])
        header = fields_of(first[1], delimiter)
        units: list[str] = []
        if any(field and is_value(field) for field in header):  # signal already
            if len(leads) != len(header):
                raise MonitorError(
                    f"{self._name} has no header: name its {len(header)} column(s) in order, for "
                    "instance --leads II,V5 or --leads time,II",
                    USAGE,
                )
            header = list(leads)
            self._waiting.insert(0, first)
        else:
            second = self._next_line()
            units = fields_of(second[1], delimiter)
            if len(units) != len(header) or not are_units(units):
                units = []
                self._waiting.insert(0, second)
        return layout_of(self._name, delimiter, header, units, leads, unit, rate_hz, pulse)

    def _next_line(self) -> _Line:
        while not self._waiting:
            more = next(self._read, None)
            if more is None:
                raise MonitorError(f"{self._name} is empty: it holds no line of numbers")
            self._waiting = more
        return self._waiting.pop(0)

    def _lines(self, path: Path | None) -> Iterator[list[_Line]]:
        """Give the lines that came, less blank ones and comments; none after a time of silence."""
        number, rest = 0, b""
        try:
            file = path.open("rb", buffering=0) if path else os.fdopen(os.dup(0), "rb", 0)
            with file:
                while True:
                    if not select.select([file], [], [], LOOK_UP_S)[0]:
                        yield []
                        continue
                    data = file.read(READ_BYTES)
                    *whole, rest = (rest + data).split(b"\n") if data else (rest, b"")
                    self._bounded(number + len(whole) + 1, rest)
                    lines = [(i, self._text(i, line)) for i, line in enumerate(whole, number + 1)]
                    number += len(whole)
                    yield [(i, line) for i, line in lines if line and not line.startswith("#")]
                    if not data:
                        return
        except OSError as error:
            raise MonitorError(f"cannot read {self._name}: {error.strerror or error}") from error

    def _bounded(self, number: int, line: bytes) -> None:
        if len(line) > MAX_LINE_BYTES:
            raise MonitorError(f"{self._name}, line {number}: over {MAX_LINE_BYTES} bytes long")

    def _text(self, number: int, line: bytes) -> str:
        self._bounded(number, line)
        try:
            return line.decode("utf-8-sig").strip(" \r")
        except UnicodeDecodeError:
            raise MonitorError(f"{self._name}, line {number}: is no text (UTF-8)") from None
