"""An EDF, EDF+ or BDF file as a source.

In a discontinuous file (EDF+D) the time of each data record gives its place, and the time between
the parts is a gap. EDF+: Kemp and Olivan, Clin Neurophysiol 2003,
doi:10.1016/S1388-2457(03)00123-8.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import edfio
import numpy as np

from monitor.errors import USAGE, MonitorError
from monitor.messages import FloatArray, Samples, StreamInfo
from monitor.sources import Log, part_of, pieces, stream_name
from monitor.sources.calibration import Calibration, choose_voltages
from monitor.sources.edf.header import EdfHeader, read_edf_header
from monitor.sources.leads import OFF, choose_pulse, of_one_rate

READ_S = 30.0  # signal read from the file at a time
GAP_SAMPLES = 1.5  # a data record that begins this much late follows a gap
LATEST_S = 1e9  # 30 years: a later data record has a damaged time
_TIMEKEEPING = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15[\d.]*)?\x14")


class EdfFile:
    """The ECG leads of one EDF, EDF+ or BDF file.

    Parameters
    ----------
    path
        The file.
    leads
        Lead names to use, the primary first, with or without the ``ECG`` that EDF+ labels begin
        with; by default a lead like II and one more.
    start_s, stop_s
        Part to read, in seconds from the start of the file.
    chunk_s
        Length of the pieces given out.
    stream
        Stream name; by default the file's.
    pulse
        Label of the pulse waveform, ``auto`` for a signal with a known name, or ``off``.
    unit
        Unit of the signals that state none: mV, uV, V or nV.
    log
        Takes lines for the log, such as a file that was cut off or not closed.

    Raises
    ------
    MonitorError
        If the file is missing or damaged, has no usable lead, a unit is unknown, or the part
        to read is empty.
    """

    def __init__(
        self,
        path: Path,
        leads: Sequence[str] = (),
        start_s: float = 0.0,
        stop_s: float | None = None,
        chunk_s: float = READ_S,
        stream: str | None = None,
        pulse: str = OFF,
        unit: str | None = None,
        log: Log = lambda text: None,
    ) -> None:
        self._name = path.name
        header = read_edf_header(path)
        _tell_length(header, log)
        file = self._open(path, header)
        channels = [channel for channel in header.channels if not channel.annotations]
        names = [_lead_name(channel.label) for channel in channels]
        units = [channel.unit for channel in channels]
        wanted = [_lead_name(lead) for lead in leads]
        chosen, scale, _ = choose_voltages(self._name, names, units, wanted, Calibration(unit))
        samples = [channel.samples for channel in channels]
        same = of_one_rate(self._name, chosen, samples, leads)
        scale = [scale[chosen.index(i)] for i in same]
        pulse_at = choose_pulse(self._name, names, same, pulse, samples)
        if pulse_at is not None:
            same.append(pulse_at)
            scale.append(1.0)
        if not samples[same[0]]:
            raise MonitorError(
                f"{self._name}: {names[same[0]]} has no samples; choose other --leads", USAGE
            )
        gains = np.array([header.scale(channels[i]) for i in same])
        self._gain, self._offset = (gains * np.array(scale)[:, None]).T
        self._signals = [file.signals[i] for i in same]
        self._record_s = header.record_s
        self._in_record = samples[same[0]]
        rate_hz = self._in_record / header.record_s
        self._starts = _record_starts(path, header, self._in_record)
        end = int(self._starts[-1]) + self._in_record
        self._first, self._last = part_of(self._name, start_s, stop_s, end, rate_hz)
        self._chunk = max(1, round(chunk_s * rate_hz))
        self.info = StreamInfo(
            stream or stream_name(path.stem),
            rate_hz,
            tuple(names[i] for i in same),
            self._first,
            f"EDF {self._name}",
            "" if pulse_at is None else names[pulse_at],
        )

    @property
    def samples(self) -> int:
        """Number of samples, with those lost in gaps."""
        return self._last - self._first

    def chunks(self) -> Iterator[Samples]:
        """Read the file, piece by piece.

        Raises
        ------
        MonitorError
            If a part cannot be read.
        """
        at_once = max(1, round(READ_S / self._record_s))
        breaks = np.flatnonzero(np.diff(self._starts) != self._in_record) + 1
        bounds = [0, *breaks.tolist(), len(self._starts)]
        for begin, end in itertools.pairwise(bounds):
            for record in range(begin, end, at_once):
                stop = min(record + at_once, end)
                start = int(self._starts[record])
                skip = max(0, self._first - start)
                take = min((stop - record) * self._in_record, self._last - start)
                if skip < take:
                    values = self._read(record, stop)[skip:take]
                    yield from pieces(self.info, start + skip, values, self._chunk)

    def _open(self, path: Path, header: EdfHeader) -> edfio.Edf | edfio.Bdf:
        reader = edfio.read_bdf if header.sample_bytes == 3 else edfio.read_edf
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # missing data is known from the header
                file = reader(path, header_encoding="latin-1")
                known = sum(not channel.annotations for channel in header.channels)
                if len(file.signals) != known or file.num_data_records != header.records:
                    raise MonitorError(f"{self._name} cannot be read as EDF: its header is damaged")
        except MonitorError:
            raise
        except Exception as error:  # edfio has no error type of its own
            raise self._broken(error) from error
        return file

    def _read(self, first: int, last: int) -> FloatArray:
        """Read data records [first, last) as millivolts, shape (samples, leads)."""
        begin_s, end_s = first * self._record_s, last * self._record_s
        try:
            columns = [signal.get_digital_slice(begin_s, end_s) for signal in self._signals]
            digital = np.stack(columns, axis=1).astype(np.float64)
        except Exception as error:  # for instance, the file was cut off meanwhile
            raise self._broken(error) from error
        with np.errstate(over="ignore"):
            values: FloatArray = (digital * self._gain + self._offset).astype(np.float32)
        return values

    def _broken(self, error: Exception) -> MonitorError:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        return MonitorError(f"{self._name} cannot be read as EDF ({reason})")


def _tell_length(header: EdfHeader, log: Log) -> None:
    """Log if the number of data records is not the one in the header."""
    held = f"it holds {header.records} whole data records, {header.records * header.record_s:g} s"
    if header.announced <= 0:
        log(f"{header.name} was not closed, so its header does not tell its length: {held}")
    elif header.records < header.announced:
        log(f"{header.name} is truncated: {held}, of {header.announced} that it announces")
    elif header.records > header.announced:
        log(f"{header.name} announces {header.announced} data records, but {held}")
    elif header.left_over:
        log(f"{header.name} ends within a data record, which is left out: {held}")


def _lead_name(label: str) -> str:
    """Give the lead in an EDF+ label, which begins with the kind of signal: ``ECG II`` is II."""
    label = label.strip()
    kind, _, lead = label.partition(" ")
    return lead.strip() if kind.upper() in ("ECG", "EKG") and lead.strip() else label


def _record_starts(
    path: Path, header: EdfHeader, in_record: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Index of the first sample of each data record."""
    starts = np.arange(header.records, dtype=np.int64) * in_record
    if not header.discontinuous:
        return starts
    onsets_s = _onsets_s(path, header)
    rate_hz = in_record / header.record_s
    missing = np.round((np.diff(onsets_s) - header.record_s) * rate_hz, 6)
    early = np.flatnonzero(missing < -GAP_SAMPLES)
    if len(early):
        raise MonitorError(
            f"{header.name}: data record {int(early[0]) + 2} begins before the one before it has "
            "ended"
        )
    missing[missing < GAP_SAMPLES] = 0
    starts[1:] += np.cumsum(np.round(missing)).astype(np.int64)
    return starts


def _onsets_s(path: Path, header: EdfHeader) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Read when each data record begins: the first annotation in each (EDF+, 2.2.4).

    ``edfio`` reads these, but has no public access to them.
    """
    where = next((i for i, channel in enumerate(header.channels) if channel.annotations), None)
    if where is None:
        raise MonitorError(f"{header.name} is marked as discontinuous, but has no record times")
    before = sum(channel.samples for channel in header.channels[:where]) * header.sample_bytes
    length = header.channels[where].samples * header.sample_bytes
    onsets = []
    with path.open("rb") as file:
        for record in range(header.records):
            file.seek(header.header_bytes + record * header.record_bytes + before)
            match = _TIMEKEEPING.match(file.read(length))
            if match is None or not abs(float(match[1])) <= LATEST_S:
                raise MonitorError(
                    f"{header.name}: data record {record + 1} does not say when it begins"
                )
            onsets.append(float(match[1]))
    return np.array(onsets)
