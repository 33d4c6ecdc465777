"""CSV as a source: a file, or lines on standard input as they come.

One line is one sample. The unit is said by the header or the caller, the sampling rate by the
caller, the time stamps or the first lines; neither is guessed. With a column that tells the time,
samples that are missing or come twice are found by
:class:`~monitor.sources.sample_clock.SampleClock`; without one, every line is the next sample.

A line that does not fit ends nothing: it is counted and told, and its sample is missing.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import Samples, StreamInfo
from monitor.sources import LOOK_UP_S, Say, pieces, stream_name
from monitor.sources.csv_head import Head
from monitor.sources.csv_rows import Rows
from monitor.sources.csv_table import Said
from monitor.sources.sample_clock import Run, SampleClock
from monitor.sources.text_lines import Line, TextLines

READ_BYTES = 64 * 1024


class CsvLines:
    """The ECG leads of a CSV text.

    Parameters
    ----------
    path
        A file, or None for standard input.
    said
        What the user says of it. Where the text has no header, the leads name its columns, all of
        them and in order; ``time`` among them is the time.
    chunk_s
        Length of the pieces given out, at most.
    stream
        Stream name; by default the file's, or ``stdin``.
    say
        Takes remarks for the operator.

    Raises
    ------
    MonitorError
        If the text cannot be read, or its columns, units or rate are not said.
    """

    def __init__(
        self,
        path: Path | None,
        said: Said,
        chunk_s: float = 1.0,
        stream: str | None = None,
        say: Say = lambda text: None,
    ) -> None:
        self._name = "standard input" if path is None else str(path)
        self._say = say
        self._read = self._lines(path)
        head = Head(self._name, said)
        for lines in self._read:
            if head.push(lines):
                break
        else:
            head.end()
        layout, shape = head.layout, head.shape
        self._waiting = head.rest
        name = stream or ("stdin" if path is None else stream_name(path.stem))
        self._info = StreamInfo(
            name,
            layout.rate_hz,
            layout.leads,
            0,
            f"CSV {'-' if path is None else path.name}",
            layout.pulse,
        )
        for note in layout.notes:
            say(f"stream {name}: {note}")
        self._rows = Rows(self._name, shape, layout)
        self._clock = SampleClock(name, layout.rate_hz) if layout.time is not None else None
        self._chunk = max(1, round(chunk_s * layout.rate_hz))
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
            If most lines are not as the first ones.
        """
        lines, self._waiting = self._waiting, []
        yield from self._given(self._indexed(lines))
        for lines in self._read:
            runs = self._indexed(lines)
            yield from self._given(runs)
            if not runs:
                nothing = np.empty((0, len(self._info.leads)), np.float32)
                yield Samples(self._info.stream, self._next, nothing)
        self._rows.end()
        if self._clock is not None:
            yield from self._given(self._clock.flush())
        self._remark()

    def _given(self, runs: list[Run]) -> Iterator[Samples]:
        for start, values in runs:
            yield from pieces(self._info, start, values, self._chunk)
            self._next = start + len(values)

    def _indexed(self, lines: Sequence[Line]) -> list[Run]:
        """Give lines as samples with their index; none while their index is not certain."""
        times_s, values = self._rows.push(lines)
        runs: list[Run] = []
        if len(values):
            if self._clock is None:
                runs = [(self._next, values)]
            else:
                runs = self._clock.push(np.array(times_s), values)
        self._remark()
        return runs

    def _remark(self) -> None:
        notes = self._rows.notes() + (self._clock.notes() if self._clock is not None else [])
        for note in notes:
            self._say(f"stream {self._info.stream}: {note}")

    def _lines(self, path: Path | None) -> Iterator[list[Line]]:
        """Give the lines that came, less blank ones; none after a time of silence."""
        text = TextLines()
        try:
            file = path.open("rb", buffering=0) if path else os.fdopen(os.dup(0), "rb", 0)
            with file:
                while True:
                    if not select.select([file], [], [], LOOK_UP_S)[0]:
                        yield []
                        continue
                    data = file.read(READ_BYTES)
                    yield text.push(data) if data else text.flush()
                    if not data:
                        return
        except OSError as error:
            raise MonitorError(f"cannot read {self._name}: {error.strerror or error}") from error
