"""Signal files of WFDB records: samples of every format, from any place in the file.

Formats: signal(5), Moody, WFDB Applications Guide,
https://physionet.org/physiotools/wag/signal-5.htm
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MonitorError
from monitor.sources.wfdb_header import Signal

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_TYPES = {"8": "i1", "16": "<i2", "32": "<i4", "61": ">i2", "80": "u1", "160": "<u2"}
_ZERO = {"80": 128, "160": 32768}  # stored with this added
# bytes and samples of one block of a format that packs samples into bytes, and the bytes after
# which each sample of the last block is complete
_BLOCKS = {"24": (3, (3,)), "212": (3, (2, 3)), "310": (4, (2, 4, 4)), "311": (4, (2, 3, 4))}
_BITS = {
    "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 10, "311": 10,
    "508": 8, "516": 16, "524": 24,
}  # fmt: skip
_COMPRESSED = {"508", "516", "524"}
_DIFFERENCES = "8"
_AT_ONCE = 1 << 20  # differences read at a time to come to a place


class SignalFile:
    """One signal file, and all signals in it.

    Parameters
    ----------
    record
        Name, for errors.
    path
        The file.
    signals
        Those of the header that name this file, in order.

    Raises
    ------
    MonitorError
        If the file is missing or cannot be read, or its format is not known.
    """

    def __init__(self, record: str, path: Path, signals: Sequence[Signal]) -> None:
        self._record = record
        self._path = path
        self._signals = tuple(signals)
        self._format = signals[0].format
        self._offset = signals[0].offset
        if {signal.format for signal in signals} != {self._format}:
            raise self._broken("its signals have different formats")
        if self._format not in _BITS and self._format != _DIFFERENCES:
            raise self._broken(f"signal format {self._format} is not known")
        self._width = sum(signal.per_frame for signal in signals)
        self._at = 0  # frame, and the values before it, of a file of differences
        self._before = [signal.initial for signal in signals]
        try:
            if not path.is_file():
                raise MonitorError(f"record {record}: signal file {path.name[:80]} is missing")
            self.frames = self._held()
        except OSError as error:
            raise self._broken(error.strerror or str(error)) from error

    def read(self, first: int, last: int, which: Sequence[int]) -> list[Floats]:
        """Read frames [first, last) of some of the signals, in units of the converter.

        Parameters
        ----------
        first, last
            Frames from the start of the file.
        which
            Indices into ``signals``.

        Returns
        -------
        For each an array of (last - first) * samples a frame; NaN where a sample is marked as
        invalid or lies behind the end of the file.

        Raises
        ------
        MonitorError
            If the file cannot be read.
        """
        skews = [self._signals[k].skew for k in which]
        begin = min(first + min(skews), self.frames)
        end = min(last + max(skews), self.frames)
        try:
            columns = self._columns(begin, end) if end > begin else {}
        except OSError as error:
            raise self._broken(error.strerror or str(error)) from error
        found = []
        for k, skew in zip(which, skews, strict=True):
            per_frame = self._signals[k].per_frame
            values = np.full((last - first) * per_frame, np.nan)
            if k in columns:
                part = columns[k][(first + skew - begin) * per_frame :][: len(values)]
                values[: len(part)] = part
            if self._format != _DIFFERENCES:
                values[values == -(1 << (_BITS[self._format] - 1))] = np.nan
            found.append(values)
        return found

    def _held(self) -> int:
        """Give the whole frames in the file."""
        if self._format in _COMPRESSED:
            return self._compressed(None, None)[0]
        size = max(0, self._path.stat().st_size - self._offset)
        if self._format in _TYPES:
            return size // np.dtype(_TYPES[self._format]).itemsize // self._width
        block, complete = _BLOCKS[self._format]
        rest = size % block
        held = size // block * len(complete) + sum(rest >= needed for needed in complete)
        return held // self._width

    def _columns(self, begin: int, end: int) -> dict[int, Integers]:
        if self._format in _COMPRESSED:
            return dict(enumerate(self._compressed(begin, end)[1]))
        if self._format == _DIFFERENCES:
            return self._summed(begin, end)
        return self._parted(self._flat(begin * self._width, end * self._width))

    def _parted(self, flat: Integers) -> dict[int, Integers]:
        """Part the samples of whole frames by signal."""
        frames = flat.reshape(-1, self._width)
        columns = {}
        at = 0
        for k, signal in enumerate(self._signals):
            columns[k] = frames[:, at : at + signal.per_frame].reshape(-1)
            at += signal.per_frame
        return columns

    def _summed(self, begin: int, end: int) -> dict[int, Integers]:
        """Add up differences, from where the last reading began or from the start."""
        if begin < self._at:
            self._at, self._before = 0, [signal.initial for signal in self._signals]
        while self._at < begin:
            until = min(begin, self._at + max(1, _AT_ONCE // self._width))
            steps = self._parted(self._flat(self._at * self._width, until * self._width))
            self._before = [v + int(steps[k].sum()) for k, v in enumerate(self._before)]
            self._at = until
        steps = self._parted(self._flat(begin * self._width, end * self._width))
        return {k: v + steps[k].cumsum() for k, v in enumerate(self._before)}

    def _flat(self, first: int, last: int) -> Integers:
        """Read samples [first, last) as they lie in the file."""
        form = self._format
        if form in _TYPES:
            kind = np.dtype(_TYPES[form])
            raw = self._bytes(first * kind.itemsize, (last - first) * kind.itemsize)
            return np.frombuffer(raw, kind).astype(np.int64) - _ZERO.get(form, 0)
        size, complete = _BLOCKS[form]
        block = first // len(complete)
        blocks = -(-last // len(complete)) - block
        raw = self._bytes(block * size, blocks * size, fill=True)
        columns = np.frombuffer(raw, np.uint8).reshape(-1, size).T.astype(np.int64)
        samples = np.stack(_unpacked(form, columns), axis=1).reshape(-1)
        samples[samples >= 1 << (_BITS[form] - 1)] -= 1 << _BITS[form]
        skip = first - block * len(complete)
        return samples[skip : skip + last - first]

    def _bytes(self, begin: int, count: int, fill: bool = False) -> bytes:
        with self._path.open("rb") as file:
            file.seek(self._offset + begin)
            raw = file.read(count)
        if fill:  # the last block may be cut: its missing bytes belong to no sample
            raw = raw.ljust(count, b"\0")
        if len(raw) < count:
            raise self._broken("it became shorter while it was read")
        return raw

    def _compressed(self, begin: int | None, end: int | None) -> tuple[int, list[Integers]]:
        """Give the frames in a FLAC file, and the samples of each signal in [begin, end)."""
        import soundfile

        per_frame = self._signals[0].per_frame
        if any(signal.per_frame != per_frame for signal in self._signals):
            raise self._broken("its signals have different numbers of samples a frame")
        try:
            with soundfile.SoundFile(self._path) as file:
                stored = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}.get(file.subtype)
                if file.format != "FLAC" or stored is None or stored > _BITS[self._format]:
                    raise self._broken(f"it is no FLAC file of format {self._format}")
                if file.channels != len(self._signals):
                    raise self._broken(f"it holds {file.channels} signals")
                frames = max(0, int(file.frames) - self._offset) // per_frame
                if begin is None or end is None:
                    return frames, []
                file.seek(self._offset + begin * per_frame)
                samples = file.read((end - begin) * per_frame, dtype="int32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise self._broken(" ".join(str(error).split())[:200]) from error
        return frames, list((samples >> (32 - stored)).astype(np.int64).T)

    def _broken(self, why: str) -> MonitorError:
        return MonitorError(
            f"record {self._record}: signal file {self._path.name[:80]} cannot be read: {why}"
        )


def _unpacked(form: str, b: Integers) -> list[Integers]:
    """Take the samples out of blocks, shape (bytes of a block, blocks); not yet signed."""
    if form == "24":
        return [b[0] | b[1] << 8 | b[2] << 16]
    if form == "212":
        return [b[0] | (b[1] & 0x0F) << 8, b[2] | (b[1] & 0xF0) << 4]
    if form == "310":
        third = b[1] >> 3 | (b[3] >> 3) << 5
        return [b[0] >> 1 | (b[1] & 0x07) << 7, b[2] >> 1 | (b[3] & 0x07) << 7, third]
    return [
        b[0] | (b[1] & 0x03) << 8,
        b[1] >> 2 | (b[2] & 0x0F) << 6,
        b[2] >> 4 | (b[3] & 0x3F) << 4,
    ]
