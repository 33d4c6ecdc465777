"""One segment of one stream on disk. Not safe for threads.

Rules that hold here:

1. Nothing touches the disk but :meth:`Segment.flush`, :meth:`Segment.finish` and
   :meth:`Segment.write_annotations`; each may raise ``OSError`` or ``MonitorError``, and may
   be called again.
2. Files are opened, written and closed: any number of streams needs no more open files.
3. The signal is written before the header that tells its length, and the header in one piece
   that never gets shorter: what is on disk is a valid record at every instant.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import Beat, FloatArray, Gap, Quality, Rhythm, StreamInfo
from monitor.recording.header import OPEN, SegmentHeader
from monitor.recording.scale import Scale, choose_scale, digitize
from monitor.sinks.wfdb_annotations import WfdbAnnotations
from monitor.wire.jsonform import dumps, to_dict

ANNOTATOR = "mon"
UNFINISHED = "montmp"  # where annotations are written before they take their place
SPARE = 16  # for numbers that grow

Annotated = Beat | Rhythm | Quality | Gap


class Segment:
    """A segment that is being recorded.

    Parameters
    ----------
    folder
        Where its files go; it is made when first needed.
    name
        Record name.
    info
        The stream.
    start_sample
        Place of the first sample in the stream.
    wall_ns
        Wall clock of the first sample.
    """

    def __init__(
        self, folder: Path, name: str, info: StreamInfo, start_sample: int, wall_ns: int
    ) -> None:
        self.name = name
        self.start_sample = start_sample
        self.end_sample = start_sample
        self.cut_off = 0
        self._folder = folder
        self._info = replace(info, start_sample=start_sample)
        self._wall_ns = wall_ns
        self._scales: tuple[Scale, ...] = ()
        self._pending: list[FloatArray] = []
        self._written = 0
        self._first: tuple[int, ...] = ()
        self._checksums = np.zeros(len(info.leads), np.int64)
        self._clipped = np.zeros(len(info.leads), np.int64)
        self._annotations = WfdbAnnotations(replace(info, start_sample=0))
        self._lines = [dumps(to_dict(self._info)) + "\n"]
        self._lines_bytes = self._header_bytes = 0

    @property
    def pending_samples(self) -> int:
        """Samples that wait to be written."""
        return sum(len(values) for values in self._pending)

    @property
    def empty(self) -> bool:
        """Nothing has been written, and nothing waits."""
        return self.end_sample == self.start_sample

    def fits(self, values_mv: FloatArray) -> bool:
        """Tell whether these values can be stored without being cut off."""
        if not self._scales:
            return True
        low, high = np.array([scale.range_mv for scale in self._scales]).T
        with np.errstate(invalid="ignore"):
            beyond = np.isfinite(values_mv) & ((values_mv < low) | (values_mv > high))
        return not beyond.any()

    def append(self, values_mv: FloatArray) -> None:
        """Take the next samples, shape (n, leads)."""
        self._pending.append(values_mv)
        self.end_sample += len(values_mv)

    def add(self, event: Annotated) -> None:
        """Take an event of this segment, or one that lasts into it."""
        self._annotations.add(placed(event, self.start_sample))
        self._lines.append(dumps(to_dict(event)) + "\n")

    def drop_pending(self) -> None:
        """Give up what could not be written; the segment ends before it."""
        self._pending.clear()
        self.end_sample = self.start_sample + self._written

    def flush(self) -> None:
        """Write what waits: signal, events, then the header."""
        if self._pending:
            values = np.concatenate(self._pending)
            if not self._scales:
                self._scales = tuple(choose_scale(lead) for lead in values.T)
            digital, clipped = digitize(values, self._scales)
            if not self._written:
                self._folder.mkdir(parents=True, exist_ok=True)
            frame_bytes = 2 * len(self._info.leads)
            _write_at(
                self._path("dat"), self._written * frame_bytes, digital.astype("<i2").tobytes()
            )
            self._first = self._first or tuple(int(value) for value in digital[0])
            self._written += len(digital)
            self._checksums += digital.sum(axis=0, dtype=np.int64)
            self._clipped += clipped
            self.cut_off += sum(clipped)
            self._pending.clear()
            self._write_lines()
            self._write_open_header()
        elif self._written:
            self._write_lines()

    def write_annotations(self) -> None:
        """Write the annotation file anew, as of now."""
        if self._written:
            write_annotations(self._annotations, self._folder, self.name, self._written)

    def finish(self) -> int:
        """Write all that is left, for good; give the bytes the segment takes on disk."""
        self.flush()
        if not self._written:
            return 0
        replace_text(self._path("hea"), self._header().text())
        self.write_annotations()
        size = 0
        for suffix in ("dat", ANNOTATOR, "hea"):
            with self._path(suffix).open("rb") as file:
                os.fsync(file.fileno())
                size += os.fstat(file.fileno()).st_size
        self._path("open").unlink(missing_ok=True)
        return size

    def _write_lines(self) -> None:
        if self._lines:
            data = "".join(self._lines).encode()
            _write_at(self._path("open"), self._lines_bytes, data)
            self._lines_bytes += len(data)
            self._lines.clear()

    def _write_open_header(self) -> None:
        """Write the header in place: to rename one each second would wear the disk down."""
        text = self._header().text()
        self._header_bytes = max(self._header_bytes, len(text.encode()) + len(OPEN) + SPARE)
        fill = " " * (self._header_bytes - len(text.encode()) - len(OPEN) - 1)
        _write_at(self._path("hea"), 0, f"{text}{OPEN}{fill}\n".encode())

    def _header(self) -> SegmentHeader:
        return SegmentHeader(
            self.name,
            self._info,
            self.start_sample,
            self._wall_ns,
            self._written,
            self._scales,
            self._first,
            tuple(int(checksum) for checksum in self._checksums),
            tuple(int(count) for count in self._clipped),
        )

    def _path(self, suffix: str) -> Path:
        return self._folder / f"{self.name}.{suffix}"


def placed(event: Annotated, start_sample: int) -> Annotated:
    """Give an event its place in a segment; what began before it counts from its start on."""
    return replace(event, sample=max(event.sample - start_sample, 0))


def write_annotations(annotations: WfdbAnnotations, folder: Path, name: str, samples: int) -> None:
    """Write the annotation file of a segment of so many samples, as a whole."""
    unfinished = folder / f"{name}.{UNFINISHED}"
    try:
        annotations.write(folder, name, samples, UNFINISHED)
        os.replace(unfinished, folder / f"{name}.{ANNOTATOR}")
    except (OSError, MonitorError):
        unfinished.unlink(missing_ok=True)
        raise


def replace_text(path: Path, text: str) -> None:
    """Write a file so that it is there as it was, or as it shall be."""
    unfinished = path.with_name(path.name + ".tmp")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def _write_at(path: Path, offset: int, data: bytes) -> None:
    """Write at a place; where that fails, the file is as long as before, or not there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    size = os.fstat(handle).st_size
    try:
        done = 0
        while done < len(data):
            done += os.pwrite(handle, data[done:], offset + done)
    except OSError:
        if size:
            os.ftruncate(handle, size)
        else:
            path.unlink()
        raise
    finally:
        os.close(handle)
