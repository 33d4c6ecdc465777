"""CSV as a source: a file, or lines on standard input.

One line is one sample. The header or the user gives the unit; the user, the time stamps or the
first lines give the sampling rate; neither is guessed. With a column of times,
:class:`~monitor.sources.sample_clock.SampleClock` finds missing and repeated samples. Without one,
every line is the next sample.

A line that does not fit is counted and logged, and its sample is missing.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import Samples, StreamInfo
from monitor.sources import LOOK_UP_S, Log, pieces, stream_name
from monitor.sources.sample_clock import Run, SampleClock
from monitor.sources.text.columns import TextOptions
from monitor.sources.text.head import Head
from monitor.sources.text.lines import Line, TextLines
from monitor.sources.text.rows import Rows

READ_BYTES = 64 * 1024


class CsvLines:
    """The ECG leads of a CSV text.

    Parameters
    ----------
    path
        A file, or None for standard input.
    options
        What the user says about it. If the text has no header, the leads name all its columns in
        order, and ``time`` is the time.
    chunk_s
        Largest length of the pieces.
    stream
        Stream name; by default the file's, or ``stdin``.
    log
        Takes lines for the log.

    Raises
    ------
    MonitorError
        If the text cannot be read, or its columns, units or rate are unknown.
    """

    samples: int | None = None  # known only at its end

    def __init__(
        self,
        path: Path | None,
        options: TextOptions,
        chunk_s: float = 1.0,
        stream: str | None = None,
        log: Log = lambda text: None,
    ) -> None:
        self._name = "standard input" if path is None else str(path)
        self._log = log
        self._read = self._lines(path)
        head = Head(self._name, options)
        for lines in self._read:
            if head.push(lines):
                break
        else:
            head.end()
        layout, shape = head.layout, head.shape
        self._waiting = head.rest
        name = stream or ("stdin" if path is None else stream_name(path.stem))
        self.info = StreamInfo(
            name,
            layout.rate_hz,
            layout.leads,
            0,
            f"CSV {'-' if path is None else path.name}",
            layout.pulse,
        )
        for note in layout.notes:
            log(f"stream {name}: {note}")
        self._rows = Rows(self._name, shape, layout)
        self._clock = SampleClock(name, layout.rate_hz) if layout.time is not None else None
        self._chunk = max(1, round(chunk_s * layout.rate_hz))
        self._next = 0

    def chunks(self) -> Iterator[Samples]:
        """Give the samples as the lines come, and empty pieces during silence.

        Raises
        ------
        MonitorError
            If most lines do not fit the first ones.
        """
        lines, self._waiting = self._waiting, []
        yield from self._given(self._indexed(lines))
        for lines in self._read:
            runs = self._indexed(lines)
            yield from self._given(runs)
            if not runs:
                nothing = np.empty((0, len(self.info.leads)), np.float32)
                yield Samples(self.info.stream, self._next, nothing)
        self._rows.end()
        if self._clock is not None:
            yield from self._given(self._clock.flush())
        self._remark()

    def _given(self, runs: list[Run]) -> Iterator[Samples]:
        for start, values in runs:
            yield from pieces(self.info, start, values, self._chunk)
            self._next = start + len(values)

    def _indexed(self, lines: Sequence[Line]) -> list[Run]:
        """Turn lines into samples with an index; they wait until their index is certain."""
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
            self._log(f"stream {self.info.stream}: {note}")

    def _lines(self, path: Path | None) -> Iterator[list[Line]]:
        """Give the lines as they come, without blank ones; no lines after a time of silence."""
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
