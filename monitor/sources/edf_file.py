"""An EDF, EDF+ or BDF file as a source.

Parts of a discontinuous file (EDF+D) lie where the time of each data record says; what was not
recorded between them is a hole. EDF+: Kemp and Olivan, Clin Neurophysiol 2003,
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
from monitor.sources import pieces, stream_name
from monitor.sources.leads import MILLIVOLTS, OFF, choose_leads, choose_pulse

READ_S = 30.0  # signal read from the file at a time
GAP_SAMPLES = 1.5  # a record that begins later than this after the one before lies after a hole
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
        Label of the signal that is the pulse waveform, ``auto`` for what is known by its name, or
        ``off``.

    Raises
    ------
    MonitorError
        If the file is missing, truncated or damaged, has no usable lead, or the part asked for
        is empty.
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
    ) -> None:
        self._name = path.name
        file = self._open(path)
        names = [_lead_name(signal.label) for signal in file.signals]
        units = [signal.physical_dimension for signal in file.signals]
        chosen = choose_leads(self._name, names, units, [_lead_name(lead) for lead in leads])
        rate_hz = float(file.signals[chosen[0]].sampling_frequency)
        same = [i for i in chosen if file.signals[i].sampling_frequency == rate_hz]
        if leads and same != chosen:
            raise MonitorError(
                f"{self._name}: leads {', '.join(leads)} have different sampling rates; "
                "choose leads of one rate",
                USAGE,
            )
        scale = [MILLIVOLTS[units[i].strip().lower()] for i in same]
        rates = [signal.sampling_frequency for signal in file.signals]
        pulse_at = choose_pulse(self._name, names, same, pulse, rates)
        if pulse_at is not None:
            same.append(pulse_at)
            scale.append(1.0)
        for i in same:
            self._check_range(file.signals[i])
        self._signals = [file.signals[i] for i in same]
        self._scale = np.array(scale)
        self._record_s = file.data_record_duration
        self._in_record = self._signals[0].samples_per_data_record
        self._starts = _record_starts(self._name, path, file, self._in_record)
        end = int(self._starts[-1]) + self._in_record
        self._first = round(start_s * rate_hz)
        self._last = end if stop_s is None else min(end, round(stop_s * rate_hz))
        if not 0 <= self._first < self._last:
            raise MonitorError(
                f"{self._name} lasts {end / rate_hz:g} s: nothing lies from {start_s:g} s to "
                f"{'its end' if stop_s is None else f'{stop_s:g} s'}",
                USAGE,
            )
        self._chunk = max(1, round(chunk_s * rate_hz))
        self._info = StreamInfo(
            stream or stream_name(path.stem),
            rate_hz,
            tuple(names[i] for i in same),
            self._first,
            f"EDF {self._name}",
            "" if pulse_at is None else names[pulse_at],
        )

    @property
    def info(self) -> StreamInfo:
        """The stream."""
        return self._info

    @property
    def samples(self) -> int:
        """Number of samples, those lost in holes included."""
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
                    yield from pieces(self._info, start + skip, values, self._chunk)

    def _open(self, path: Path) -> edfio.Edf | edfio.Bdf:
        if not path.is_file():
            raise MonitorError(f"there is no file {path}", USAGE)
        reader = edfio.read_bdf if path.suffix.lower() == ".bdf" else edfio.read_edf
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # that is how edfio says that data is missing
                file = reader(path, header_encoding="latin-1")
                if not file.signals or not file.data_record_duration > 0:
                    raise MonitorError(f"{self._name} holds no signal")
                if not file.num_data_records:
                    raise MonitorError(f"{self._name} is empty: it holds no samples")
        except UserWarning as error:
            raise MonitorError(f"{self._name} is truncated or unfinished: {error}") from error
        except (ValueError, OSError, ArithmeticError, LookupError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise MonitorError(f"{self._name} cannot be read as EDF ({reason})") from error
        return file

    def _check_range(self, signal: edfio.EdfSignal | edfio.BdfSignal) -> None:
        low, high = signal.digital_range
        least, most = signal.physical_range
        if high <= low or least == most:
            raise MonitorError(
                f"{self._name}: the header gives {signal.label} no scale (digital {low} to {high}, "
                f"physical {least:g} to {most:g})"
            )

    def _read(self, first: int, last: int) -> FloatArray:
        """Read data records [first, last) as millivolts, shape (samples, leads)."""
        begin_s, end_s = first * self._record_s, last * self._record_s
        columns = [signal.get_data_slice(begin_s, end_s) for signal in self._signals]
        values: FloatArray = (np.stack(columns, axis=1) * self._scale).astype(np.float32)
        return values


def _lead_name(label: str) -> str:
    """Lead in an EDF+ label, which names the kind of signal first: ``ECG II`` is lead II."""
    label = label.strip()
    kind, _, lead = label.partition(" ")
    return lead.strip() if kind.upper() in ("ECG", "EKG") and lead.strip() else label


def _record_starts(
    name: str, path: Path, file: edfio.Edf | edfio.Bdf, in_record: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Index of the first sample of each data record."""
    count = file.num_data_records
    starts = np.arange(count, dtype=np.int64) * in_record
    if not file.reserved.startswith(("EDF+D", "BDF+D")):
        return starts
    onsets_s = _onsets_s(name, path, count, sample_bytes=3 if path.suffix.lower() == ".bdf" else 2)
    rate_hz = in_record / file.data_record_duration
    missing = np.round((np.diff(onsets_s) - file.data_record_duration) * rate_hz, 6)
    early = np.flatnonzero(missing < -GAP_SAMPLES)
    if len(early):
        raise MonitorError(
            f"{name}: data record {int(early[0]) + 2} begins before the one before it has ended"
        )
    missing[missing < GAP_SAMPLES] = 0
    starts[1:] += np.cumsum(np.round(missing)).astype(np.int64)
    return starts


def _onsets_s(
    name: str, path: Path, count: int, sample_bytes: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Read when each data record begins: the first annotation in each (EDF+, 2.2.4).

    ``edfio`` reads these to check a file, but does not give them out.
    """
    with path.open("rb") as file:
        fixed = file.read(256)
        signals = int(fixed[252:256])
        header = file.read(256 * signals)
        labels = [header[16 * i : 16 * (i + 1)].decode("latin-1").strip() for i in range(signals)]
        field = 216 * signals
        lengths = [int(header[field + 8 * i : field + 8 * (i + 1)]) for i in range(signals)]
        where = next((i for i, label in enumerate(labels) if label.endswith("Annotations")), None)
        if where is None:
            raise MonitorError(f"{name} is marked as discontinuous, but has no record times")
        offset, length = sum(lengths[:where]) * sample_bytes, lengths[where] * sample_bytes
        record_bytes = sum(lengths) * sample_bytes
        onsets = []
        for record in range(count):
            file.seek(int(fixed[184:192]) + record * record_bytes + offset)
            match = _TIMEKEEPING.match(file.read(length))
            if match is None:
                raise MonitorError(f"{name}: data record {record + 1} does not say when it begins")
            onsets.append(float(match[1]))
    return np.array(onsets)
