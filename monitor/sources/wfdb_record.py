"""A WFDB record as a source: read in pieces, so memory does not grow with its length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monitor.errors import USAGE, MonitorError
from monitor.messages import Samples, StreamInfo
from monitor.sources import Say, pieces, stream_name
from monitor.sources.calibration import Calibration, choose_voltages
from monitor.sources.leads import OFF, choose_pulse
from monitor.sources.units import millivolts_in
from monitor.sources.wfdb_header import Header, Signal, read_header
from monitor.sources.wfdb_segments import Key, Segment, SegmentReader, segments_of, signals_of

READ_S = 30.0  # signal read from the file at a time
LOOP_GAP_S = 1.0  # of invalid samples between two rounds: no beat is made of both ends


class WfdbRecord:
    """The ECG leads of one WFDB record, single- or multi-segment, any signal format.

    Signals sampled several times a frame are read at their own rate. Sample indices count
    from the start of the record, so they agree with its annotations. Each segment has its own
    scale; what lies in none, or in none with a chosen lead, is a hole.

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
        Takes remarks for the operator: a gain that is assumed, a file that is too short.
    unit
        Unit of the signals whose unit the header does not tell: mV, uV, V or nV. Without it such a
        signal is in mV where its header says nothing, as the format has it, and refused where it
        says something that is not known.

    Raises
    ------
    MonitorError
        If the record is missing or damaged, has no usable lead or sampling rate, a unit is not
        known, or the part asked for is empty.
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
        unit: str | None = None,
    ) -> None:
        self._name = path.name
        self._loop = loop
        self._say = say
        header = read_header(path)
        segments = segments_of(path, header)
        signals = signals_of(segments)
        keys, pulse_at = self._choose(signals, leads, pulse, unit)
        self._tell_gains(segments, keys, pulse_at, unit)
        per_frame = signals[keys[0]].per_frame
        self._per_frame = per_frame
        readers = [
            SegmentReader(path, segment, keys, per_frame, unit, pulse_at) for segment in segments
        ]
        self._parts = [self._part(s, r, header) for s, r in zip(segments, readers, strict=True)]
        frames = self._length(header)
        frame_rate_hz = header.rate_hz
        self._first = _frame_of(start_s, frame_rate_hz)
        self._last = frames if stop_s is None else min(frames, _frame_of(stop_s, frame_rate_hz))
        if not 0 <= self._first < self._last:
            raise MonitorError(
                f"record {self._name} lasts {frames / frame_rate_hz:g} s: nothing lies from "
                f"{start_s:g} s to {'its end' if stop_s is None else f'{stop_s:g} s'}",
                USAGE,
            )
        self._read_frames = max(1, round(READ_S * frame_rate_hz))
        rate_hz = frame_rate_hz * per_frame
        self._chunk = max(1, round(chunk_s * rate_hz))
        self._info = StreamInfo(
            stream or stream_name(self._name),
            rate_hz,
            tuple(name for name, _ in keys),
            self._first * per_frame,
            f"WFDB {path.parent.name}/{self._name}",
            "" if pulse_at is None else keys[pulse_at][0],
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
            gap = np.full((round(LOOP_GAP_S * self._info.rate_hz), len(self._info.leads)), np.nan)
            start = self._info.start_sample + shift
            yield Samples(self._info.stream, start, gap.astype(np.float32))
            shift += len(gap)

    def _round(self, shift: int) -> Iterator[Samples]:
        for part in self._parts:
            last = min(part.end, self._last)
            for frame in range(max(part.begin, self._first), last, self._read_frames):
                until = min(frame + self._read_frames, last)
                values = part.reader.read(frame - part.begin, until - part.begin)
                start = frame * self._per_frame + shift
                yield from pieces(self._info, start, values, self._chunk)

    def _choose(
        self, signals: dict[Key, Signal], wanted: Sequence[str], pulse: str, unit: str | None
    ) -> tuple[list[Key], int | None]:
        """Choose the signals to read, and say which of them is the pulse."""
        if not signals:
            raise MonitorError(f"record {self._name} has no ECG lead: its header lists no signals")
        keys = list(signals)
        names = [name for name, _ in keys]
        told = list(signals.values())
        # a header that says no unit means mV (header(5)), unless the user knows better
        units = [signal.unit or unit or "mV" for signal in told]
        chosen, *_ = choose_voltages(self._name, names, units, wanted, Calibration(unit))
        per_frame = [signal.per_frame for signal in told]
        # leads sampled at another rate than the primary cannot share its sample index
        same = [i for i in chosen if per_frame[i] == per_frame[chosen[0]]]
        if wanted and same != chosen:
            raise MonitorError(
                f"record {self._name}: leads {', '.join(wanted)} have different sampling rates; "
                "choose leads of one rate",
                USAGE,
            )
        pulse_at = choose_pulse(self._name, names, same, pulse, per_frame)
        if pulse_at is None:
            return [keys[i] for i in same], None
        return [keys[i] for i in (*same, pulse_at)], len(same)

    def _tell_gains(
        self, segments: list[Segment], keys: list[Key], pulse_at: int | None, unit: str | None
    ) -> None:
        """Say which leads have no gain: 200 units of the converter are 1 mV then, no other unit."""
        bare: dict[str, str] = {}
        for segment in segments:
            signals = signals_of([segment])
            for key in keys[:pulse_at]:
                if key in signals and not signals[key].calibrated:
                    bare[key[0]] = signals[key].unit or unit or "mV"
        named = ", ".join(bare)
        if not bare:
            return
        odd = [said for said in bare.values() if millivolts_in(said) != 1.0]
        if odd:
            raise MonitorError(
                f"record {self._name}: its header gives no gain for {named}, so a unit of "
                f"{odd[0]} does not tell its scale; write the gain into the header",
                USAGE,
            )
        self._say(
            f"record {self._name}: its header gives no gain for {named}; "
            "200 units of the converter are taken for 1 mV, as WFDB has it"
        )

    def _part(self, segment: Segment, reader: SegmentReader, header: Header) -> _Part:
        """Lay a segment out, as long as its files hold it."""
        where = f"record {self._name}" + (f", segment {segment.name}" if header.segments else "")
        announced = segment.frames
        frames = reader.frames if announced is None else min(announced, reader.frames)
        for file, held in reader.held.items():
            wanted = reader.frames if announced is None else announced
            if held < wanted:
                self._say(
                    f"{where} is truncated: {file} holds {held} of {wanted} samples a signal; "
                    "what is there is used"
                )
            elif held - wanted >= header.rate_hz:
                self._say(
                    f"{where}: {file} holds {held} samples a signal, its header announces "
                    f"{wanted}; the rest is not used"
                )
        return _Part(segment.begin, segment.begin + frames, reader)

    def _length(self, header: Header) -> int:
        """Length in frames, parts without samples included, but not those that are cut off."""
        end = max((part.end for part in self._parts if part.end > part.begin), default=0)
        if not end:
            raise MonitorError(f"record {self._name} is empty: it holds no samples")
        whole = sum(frames for _, frames in header.segments)
        if header.segments and header.frames not in (None, whole):
            self._say(
                f"record {self._name}: its header announces {header.frames} samples a signal, its "
                f"segments have {whole}; these are used"
            )
        return end


@dataclass(frozen=True, slots=True)
class _Part:
    """Frames [begin, end) of the record, and what reads them."""

    begin: int
    end: int
    reader: SegmentReader


def _frame_of(seconds: float, rate_hz: float) -> int:
    if not math.isfinite(seconds):
        raise MonitorError(f"a time of {seconds} s is not usable", USAGE)
    return round(seconds * rate_hz)
