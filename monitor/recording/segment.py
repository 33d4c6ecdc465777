"""One segment of one stream on disk. Not safe for threads.

Rules that hold here:

1. Nothing touches the disk but :meth:`Segment.flush` and :meth:`Segment.finish`; each may raise
   ``OSError``, and may be called again.
2. Files are opened, written and closed: any number of streams needs no more open files.
3. The signal is written before the header that tells its length, the header in one piece that
   never gets shorter, and of the annotations what has changed together with their new end: what is
   on disk is a valid record at every instant.
4. A file ``.open`` stands beside a segment that is not finished.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from monitor.messages import Beat, FloatArray, Gap, Quality, Rhythm, StreamInfo
from monitor.recording.files import FILE_MODE, make_folder, replace_end, replace_file, write_at
from monitor.recording.header import OPEN, SegmentHeader
from monitor.recording.scale import Scale, choose_scale, digitize
from monitor.sinks.wfdb_annotations import WfdbAnnotations

ANNOTATOR = "mon"
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
        self._changed = False  # what is to be annotated
        self._annotated = b""  # the annotation file as it is
        self._header_bytes = 0

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
        # what began before the segment counts from its start on
        place = max(event.sample - self.start_sample, 0)
        self._annotations.add(replace(event, sample=place))
        self._changed = True

    def drop_pending(self) -> None:
        """Give up what could not be written; the segment ends before it."""
        self._pending.clear()
        self.end_sample = self.start_sample + self._written

    def flush(self) -> None:
        """Write what waits: signal, header, annotations."""
        if self._pending:
            self._write_signal()
            self._write_open_header()
        if self._written and self._changed:
            self._write_annotations()

    def finish(self) -> int:
        """Write all that is left, for good; give the bytes the segment takes on disk."""
        self.flush()
        if not self._written:
            return 0
        replace_file(self._path("hea"), self._header().text().encode())
        replace_file(self._path(ANNOTATOR), self._annotations.encoded(self._written))
        size = 0
        for suffix in ("dat", ANNOTATOR, "hea"):
            with self._path(suffix).open("rb") as file:
                os.fsync(file.fileno())
                size += os.fstat(file.fileno()).st_size
        self._path("open").unlink(missing_ok=True)
        return size

    def _write_signal(self) -> None:
        values = np.concatenate(self._pending)
        if not self._scales:
            self._scales = tuple(choose_scale(lead) for lead in values.T)
        digital, clipped = digitize(values, self._scales)
        if not self._written:
            make_folder(self._folder)
        frame_bytes = 2 * len(self._info.leads)
        write_at(self._path("dat"), self._written * frame_bytes, digital.astype("<i2").tobytes())
        if not self._written:
            self._path("open").touch(FILE_MODE)
        self._first = self._first or tuple(int(value) for value in digital[0])
        self._written += len(digital)
        self._checksums += digital.sum(axis=0, dtype=np.int64)
        self._clipped += clipped
        self.cut_off += sum(clipped)
        self._pending.clear()
        self._changed = True  # what lasts is closed at the end

    def _write_annotations(self) -> None:
        data = self._annotations.encoded(self._written)
        replace_end(self._path(ANNOTATOR), self._annotated, data)
        self._annotated, self._changed = data, False

    def _write_open_header(self) -> None:
        """Write the header in place: to rename one each second would wear the disk down."""
        text = self._header().text()
        self._header_bytes = max(self._header_bytes, len(text.encode()) + len(OPEN) + SPARE)
        fill = " " * (self._header_bytes - len(text.encode()) - len(OPEN) - 1)
        write_at(self._path("hea"), 0, f"{text}{OPEN}{fill}\n".encode())

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
