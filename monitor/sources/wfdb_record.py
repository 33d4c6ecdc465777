"""A WFDB record as a source: read in pieces, so memory does not grow with its length."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import wfdb

from monitor.errors import USAGE, MonitorError
from monitor.messages import FloatArray, Samples, StreamInfo
from monitor.sources import Say, pieces, stream_name
from monitor.sources.leads import MILLIVOLTS, OFF, choose_leads, choose_pulse

READ_S = 30.0  # signal read from the file at a time
LOOP_GAP_S = 1.0  # of invalid samples between two rounds: no beat is made of both ends

_ZERO = re.compile(r"[+-]?0*\.?0*([eE(/]|$)")

# Bytes a sample takes in each fixed-width signal file format of WFDB (signal(5)).
_BYTES = {
    "8": 1.0, "16": 2.0, "24": 3.0, "32": 4.0, "61": 2.0, "80": 1.0, "160": 2.0,
    "212": 1.5, "310": 4 / 3, "311": 4 / 3,
}  # fmt: skip


class WfdbRecord:
    """The ECG leads of one WFDB record, single- or multi-segment, any signal format.

    Signals sampled several times a frame are read at their own rate. Sample indices count
    from the start of the record, so they agree with its annotations.

    Parameters
    ----------
    path
        Record path without extension.
    leads
        Lead names to use, the primary first; by default a lead like II and one more.
    start_s, stop_s
        Part to read, in seconds from the start of the record.
    chunk_s
        Length of the pieces given out.
    loop
        Start again at the end, for ever; the sample index goes on growing and 1 s of invalid
        samples separates the rounds.
    stream
        Stream name; by default the record's.
    pulse
        Name of the signal that is the pulse waveform, ``auto`` for what is known by its name, or
        ``off``.
    say
        Takes remarks for the operator.

    Raises
    ------
    MonitorError
        If the record is missing, truncated or damaged, has no usable lead or sampling rate,
        or the part asked for is empty.
    """

    def __init__(
        self,
        path: Path,
        leads: Sequence[str] = (),
        start_s: float = 0.0,
        stop_s: float | None = None,
        chunk_s: float = READ_S,
        loop: bool = False,
        stream: str | None = None,
        pulse: str = OFF,
        say: Say = lambda text: None,
    ) -> None:
        self._path = str(path)
        self._name = path.name
        self._loop = loop
        header = self._header()
        names, pulse_at = self._choose(header, leads, pulse)
        uncalibrated = [names[i] for i in self._channels if i in _without_gain(self._path)]
        if uncalibrated:
            say(
                f"record {self._name}: its header gives no gain for {', '.join(uncalibrated)}; "
                "200 units of the converter are taken for 1 mV, as WFDB has it"
            )
        frame_rate_hz = float(header.fs or 0)
        if not math.isfinite(frame_rate_hz) or frame_rate_hz <= 0:
            raise MonitorError(f"record {self._name}: its header gives no sampling rate above 0 Hz")
        frames = self._frames(header)
        self._first = _frame_of(start_s, frame_rate_hz)
        self._last = frames if stop_s is None else min(frames, _frame_of(stop_s, frame_rate_hz))
        if not 0 <= self._first < self._last:
            raise MonitorError(
                f"record {self._name} lasts {frames / frame_rate_hz:g} s: nothing lies from "
                f"{start_s:g} s to {'its end' if stop_s is None else f'{stop_s:g} s'}",
                USAGE,
            )
        self._read_frames = max(1, round(READ_S * frame_rate_hz))
        rate_hz = frame_rate_hz * self._per_frame
        self._chunk = max(1, round(chunk_s * rate_hz))
        self._info = StreamInfo(
            stream or stream_name(self._name),
            rate_hz,
            tuple(names[i].strip() for i in self._channels),
            self._first * self._per_frame,
            f"WFDB {path.parent.name}/{self._name}",
            "" if pulse_at is None else names[pulse_at].strip(),
        )

    @property
    def info(self) -> StreamInfo:
        """The stream."""
        return self._info

    @property
    def samples(self) -> int:
        """Number of samples in one round."""
        return (self._last - self._first) * self._per_frame

    def chunks(self) -> Iterator[Samples]:
        """Read the record, piece by piece.

        Raises
        ------
        MonitorError
            If a part cannot be read.
        """
        shift = 0
        while True:
            yield from self._round(shift)
            if not self._loop:
                return
            shift += self.samples
            gap = np.full((round(LOOP_GAP_S * self._info.rate_hz), len(self._channels)), np.nan)
            start = self._info.start_sample + shift
            yield Samples(self._info.stream, start, gap.astype(np.float32))
            shift += len(gap)

    def _round(self, shift: int) -> Iterator[Samples]:
        for frame in range(self._first, self._last, self._read_frames):
            values = self._read(frame, min(frame + self._read_frames, self._last))
            start = frame * self._per_frame + shift
            yield from pieces(self._info, start, values, self._chunk)

    def _choose(
        self, header: Any, leads: Sequence[str], pulse: str
    ) -> tuple[list[str], int | None]:
        """Choose the signals to read; give the names of all, and the index of the pulse."""
        names, units, per_frame = _signals(header)
        chosen = choose_leads(self._name, names, units, leads)
        self._per_frame = per_frame[chosen[0]]
        # leads sampled at another rate than the primary cannot share its sample index
        if leads and any(per_frame[i] != self._per_frame for i in chosen):
            raise MonitorError(
                f"record {self._name}: leads {', '.join(leads)} have different sampling rates; "
                "choose leads of one rate",
                USAGE,
            )
        self._channels = [i for i in chosen if per_frame[i] == self._per_frame]
        scale = [MILLIVOLTS[units[i].strip().lower()] for i in self._channels]
        pulse_at = choose_pulse(self._name, names, self._channels, pulse, per_frame)
        if pulse_at is not None:
            self._channels.append(pulse_at)
            scale.append(1.0)
        self._scale = np.array(scale, np.float32)
        return names, pulse_at

    def _header(self) -> Any:
        if not Path(self._path + ".hea").is_file():
            raise MonitorError(f"there is no record {self._path}: no such .hea file", USAGE)
        try:
            header = wfdb.rdheader(self._path, rd_segments=True)
        except Exception as error:  # wfdb raises whatever its parser stumbles over
            raise self._broken("its header cannot be read", error) from error
        if not header.n_sig:
            raise MonitorError(f"record {self._name} has no ECG lead: its header lists no signals")
        return header

    def _frames(self, header: Any) -> int:
        """Length in frames, checked against the signal files."""
        parts = header.segments if isinstance(header, wfdb.MultiRecord) else [header]
        folder = Path(self._path).parent
        available = []
        for part in parts:
            if part is None or (not part.sig_len and part is not header):  # null or layout segment
                continue
            available.append(self._check_files(part, folder))
        if header.sig_len:
            return int(header.sig_len)
        if not min(available, default=0):
            raise MonitorError(f"record {self._name} is empty: it holds no samples")
        raise MonitorError(
            f"record {self._name}: its header does not say how long it is; write {min(available)}, "
            "the samples a signal, behind the sampling rate in its first line"
        )

    def _check_files(self, part: Any, folder: Path) -> int:
        """Frames the signal files of one segment hold; an error if fewer than announced."""
        shortest = part.sig_len or 0
        for file in dict.fromkeys(part.file_name):
            place = folder / file
            if not place.is_file():
                raise MonitorError(f"record {self._name}: signal file {file} is missing")
            in_file = [i for i, name in enumerate(part.file_name) if name == file]
            widths = [_BYTES.get(part.fmt[i]) for i in in_file]
            if any(width is None for width in widths):
                continue  # compressed: its reader notices
            offset = part.byte_offset[in_file[0]] or 0
            frame_bytes = sum(
                (width or 0) * (part.samps_per_frame[i] or 1)
                for i, width in zip(in_file, widths, strict=True)
            )
            held = int((place.stat().st_size - offset + 0.5) / frame_bytes)
            if part.sig_len and held < part.sig_len:
                raise MonitorError(
                    f"record {self._name} is truncated: {file} holds {held} of the "
                    f"{part.sig_len} samples a signal that its header announces; get it again"
                )
            shortest = min(shortest, held) if shortest else held
        return int(shortest)

    def _read(self, first: int, last: int) -> FloatArray:
        """Read frames [first, last) as millivolts, shape (samples, leads)."""
        try:
            record = wfdb.rdrecord(
                self._path,
                sampfrom=first,
                sampto=last,
                channels=self._channels,
                smooth_frames=False,
            )
            columns = [np.asarray(column, np.float32) for column in record.e_p_signal]
        except Exception as error:  # wfdb raises whatever its decoder stumbles over
            raise self._broken(f"frames {first} to {last} cannot be read", error) from error
        expected = (last - first) * self._per_frame
        if len(columns) != len(self._channels) or any(len(c) != expected for c in columns):
            raise MonitorError(
                f"record {self._name}: frames {first} to {last} gave "
                f"{[len(c) for c in columns]} samples where {expected} were announced"
            )
        return np.stack(columns, axis=1) * self._scale

    def _broken(self, what: str, error: Exception) -> MonitorError:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        return MonitorError(f"record {self._name}: {what} ({reason})")


def _signals(header: Any) -> tuple[list[str], list[str], list[int]]:
    """Names, units and samples a frame of all signals of a record."""
    if isinstance(header, wfdb.MultiRecord):
        part = next((s for s in header.segments if s is not None and s.n_sig), None)
        if part is None:
            return [], [], []
    else:
        part = header
    names = [name or f"signal {i}" for i, name in enumerate(part.sig_name)]
    units = [unit or "mV" for unit in part.units]  # signal(5): mV where none is given
    return names, units, [int(n or 1) for n in part.samps_per_frame]


def _without_gain(path: str) -> set[int]:
    """Give the signals of a header without a gain, which wfdb reads as if it were 200."""
    text = Path(f"{path}.hea").read_text(encoding="utf-8", errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    if "/" in lines[0][0]:  # the gains of a multi-segment record are in its segments
        return set()
    return {i for i, line in enumerate(lines[1:]) if len(line) < 3 or _ZERO.match(line[2])}


def _frame_of(seconds: float, rate_hz: float) -> int:
    if not math.isfinite(seconds):
        raise MonitorError(f"a time of {seconds} s is not usable", USAGE)
    return round(seconds * rate_hz)
