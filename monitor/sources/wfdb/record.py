"""A WFDB record as a source, read in pieces so that memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from monitor.errors import USAGE, MonitorError
from monitor.messages import Samples, StreamInfo
from monitor.sources import Log, part_of, pieces, stream_name
from monitor.sources.calibration import NO_CALIBRATION, Calibration, choose_voltages
from monitor.sources.leads import OFF, choose_pulse, of_one_rate
from monitor.sources.units import is_other_quantity, millivolts_in
from monitor.sources.wfdb.segments import Key, Segment, SegmentReader, segments_of, signals_of
from monitor.wfdb_header import Header, Signal, read_header

READ_S = 30.0  # signal read from the file at a time
LOOP_GAP_S = 1.0  # invalid samples between two rounds, so that no beat spans both


class WfdbRecord:
    """The ECG leads of one WFDB record, single- or multi-segment, any signal format.

    Signals sampled several times a frame are read at their own rate. Sample indices count
    from the start of the record, so they agree with its annotations. Each segment has its own
    scale. Time without a segment, or without a chosen lead, is a gap.

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
        Play the record again and again. The sample index keeps growing, and 1 s of invalid
        samples separates the rounds.
    stream
        Stream name; by default the record's.
    pulse
        Name of the pulse waveform, ``auto`` for a signal with a known name, or ``off``.
    log
        Takes lines for the log, such as a default gain or a file that is too short.
    calibration
        For signals that the header does not calibrate. ``unit`` is for those without a unit:
        by default mV where the header has none, as the format asks; an unknown one is refused.
        ``gain`` and ``baseline`` are for those without a gain: by default 200 ADC units in 1 mV,
        as the format asks, and the baseline of the header.

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
        log: Log = lambda text: None,
        calibration: Calibration = NO_CALIBRATION,
    ) -> None:
        self._name = path.name
        self._loop = loop
        self._log = log
        header = read_header(path)
        segments = [_calibrated(s, calibration) for s in segments_of(path, header)]
        unit = calibration.unit
        signals = signals_of(segments)
        keys, pulse_at = self._choose(signals, leads, pulse, unit)
        self._tell_gains(segments, keys, pulse_at, calibration)
        per_frame = signals[keys[0]].per_frame
        self._per_frame = per_frame
        readers = [
            SegmentReader(path, segment, keys, per_frame, unit, pulse_at) for segment in segments
        ]
        self._parts = [self._part(s, r, header) for s, r in zip(segments, readers, strict=True)]
        frames = self._length(header)
        self._first, self._last = part_of(
            f"record {self._name}", start_s, stop_s, frames, header.rate_hz
        )
        self._read_frames = max(1, round(READ_S * header.rate_hz))
        rate_hz = header.rate_hz * per_frame
        self._chunk = max(1, round(chunk_s * rate_hz))
        self.info = StreamInfo(
            stream or stream_name(self._name),
            rate_hz,
            tuple(name for name, _ in keys),
            self._first * per_frame,
            f"WFDB {path.parent.name}/{self._name}",
            "" if pulse_at is None else keys[pulse_at][0],
        )

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
            gap = np.full((round(LOOP_GAP_S * self.info.rate_hz), len(self.info.leads)), np.nan)
            start = self.info.start_sample + shift
            yield Samples(self.info.stream, start, gap.astype(np.float32))
            shift += len(gap)

    def _round(self, shift: int) -> Iterator[Samples]:
        for part in self._parts:
            last = min(part.end, self._last)
            for frame in range(max(part.begin, self._first), last, self._read_frames):
                until = min(frame + self._read_frames, last)
                values = part.reader.read(frame - part.begin, until - part.begin)
                start = frame * self._per_frame + shift
                yield from pieces(self.info, start, values, self._chunk)

    def _choose(
        self, signals: dict[Key, Signal], wanted: Sequence[str], pulse: str, unit: str | None
    ) -> tuple[list[Key], int | None]:
        """Choose the signals to read, and which of them is the pulse."""
        if not signals:
            raise MonitorError(f"record {self._name} has no ECG lead: its header lists no signals")
        keys = list(signals)
        names = [name for name, _ in keys]
        told = list(signals.values())
        # without a unit the header means mV (header(5)), unless the user gives one
        units = [signal.unit or unit or "mV" for signal in told]
        chosen, *_ = choose_voltages(self._name, names, units, wanted, Calibration(unit))
        per_frame = [signal.per_frame for signal in told]
        same = of_one_rate(f"record {self._name}", chosen, per_frame, wanted)
        pulse_at = choose_pulse(self._name, names, same, pulse, per_frame)
        if pulse_at is None:
            return [keys[i] for i in same], None
        return [keys[i] for i in (*same, pulse_at)], len(same)

    def _tell_gains(
        self, segments: list[Segment], keys: list[Key], pulse_at: int | None, given: Calibration
    ) -> None:
        """Log which leads have no gain, so that the default of WFDB is used: 200 units are 1 mV.

        A gain from the user is for such leads; it is refused if there are none.
        """
        leads = keys[:pulse_at]
        bare: dict[str, str] = {}
        used = False
        for segment in segments:
            signals = signals_of([segment])
            for key in leads:
                if key in signals and signals[key].gain_given:
                    used = True
                elif key in signals and not signals[key].calibrated:
                    bare[key[0]] = signals[key].unit or given.unit or "mV"
        if given.gain is not None and given.strict and not used:
            raise MonitorError(
                f"record {self._name}: its header gives a gain for {', '.join(k for k, _ in leads)}"
                "; leave out --gain, which is for signals without one",
                USAGE,
            )
        if not bare:
            return
        named = ", ".join(bare)
        odd = [unit for unit in bare.values() if millivolts_in(unit) != 1.0]
        if odd:
            raise MonitorError(
                f"record {self._name}: its header gives no gain for {named}, so a unit of "
                f"{odd[0]} does not tell its scale; add --gain with the number of ADC units in "
                "1 mV",
                USAGE,
            )
        self._log(
            f"record {self._name}: its header gives no gain for {named}; "
            "200 units of the converter are taken for 1 mV, as WFDB has it"
        )

    def _part(self, segment: Segment, reader: SegmentReader, header: Header) -> _Part:
        """Place a segment; its files may end early."""
        where = f"record {self._name}" + (f", segment {segment.name}" if header.segments else "")
        announced = segment.frames
        frames = reader.frames if announced is None else min(announced, reader.frames)
        for file, held in reader.held.items():
            wanted = reader.frames if announced is None else announced
            if held < wanted:
                self._log(
                    f"{where} is truncated: {file} holds {held} of {wanted} samples a signal; "
                    "what is there is used"
                )
            elif held - wanted >= header.rate_hz:
                self._log(
                    f"{where}: {file} holds {held} samples a signal, its header announces "
                    f"{wanted}; the rest is not used"
                )
        return _Part(segment.begin, segment.begin + frames, reader)

    def _length(self, header: Header) -> int:
        """Length in frames, with gaps, but without parts that are cut off."""
        end = max((part.end for part in self._parts if part.end > part.begin), default=0)
        if not end:
            raise MonitorError(f"record {self._name} is empty: it holds no samples")
        whole = sum(frames for _, frames in header.segments)
        if header.segments and header.frames not in (None, whole):
            self._log(
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


def _calibrated(segment: Segment, given: Calibration) -> Segment:
    """Give signals without a gain, and without another quantity's unit, the gain from the user."""
    if given.gain is None:
        return segment
    signals = tuple(
        signal
        if signal.calibrated or is_other_quantity(signal.unit)
        else replace(
            signal,
            gain=given.gain,
            baseline=signal.baseline if given.baseline is None else given.baseline,
            unit="mV",
            gain_given=True,
        )
        for signal in segment.signals
    )
    return replace(segment, signals=signals)
