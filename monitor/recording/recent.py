"""Spans of recent signal: the last minutes from memory, earlier ones from the recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import End, FloatArray, Samples, StreamInfo
from monitor.recording.header import SegmentHeader, parse_header
from monitor.recording.scale import millivolts
from monitor.recording.span_query import Span
from monitor.ring import Ring
from monitor.wire.protocol import Body, StreamState, StreamStatus

REMEMBERED_S = 120.0
REMEMBERED_BYTES = 1024 * 1024  # of one stream at most
MAX_ENDED = 32  # ended streams that are still remembered
MAX_SEGMENTS = 300  # the newest segments of a stream that are searched: two days by default


@dataclass(slots=True, eq=False)
class _Remembered:
    info: StreamInfo
    ring: Ring
    wall_ns: int = 0  # of the newest sample
    over: bool = False


class RecentSignal:
    """Takes all messages that a service publishes, and gives spans of signal back.

    Parameters
    ----------
    folder
        Folder of the recordings; None if the service does not record.
    wall_ns
        Wall clock (ns since 1970).
    """

    def __init__(self, folder: Path | None, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._folder = folder
        self._wall_ns = wall_ns
        self._streams: dict[str, _Remembered] = {}

    def deliver(self, body: Body) -> None:
        """Take one message that is being published."""
        match body:
            case Samples():
                stream = self._streams.get(body.stream)
                if stream is not None:
                    known = max(stream.ring.end_sample - body.start_sample, 0)
                    if known < len(body.values_mv):  # the first samples count, as in the analysis
                        stream.ring.write(body.start_sample + known, body.values_mv[known:])
                        length_ns = round(len(body.values_mv) / stream.info.rate_hz * 1e9)
                        first_ns = body.wall_ns
                        stream.wall_ns = (
                            self._wall_ns() if first_ns is None else first_ns + length_ns
                        )
            case StreamInfo():
                self._begin(body)
            case StreamState(status=StreamStatus.LIVE) if body.stream not in self._streams:
                # announced before the service was restarted, and not since
                self._begin(body.info)
            case End() if body.stream in self._streams:
                self._streams[body.stream].over = True
                over = [name for name, stream in self._streams.items() if stream.over]
                for name in over[:-MAX_ENDED]:
                    del self._streams[name]

    def _begin(self, info: StreamInfo) -> None:
        self._streams.pop(info.stream, None)
        size = min(round(REMEMBERED_S * info.rate_hz), REMEMBERED_BYTES // (4 * len(info.leads)))
        ring = Ring(size, len(info.leads), info.start_sample)
        self._streams[info.stream] = _Remembered(info, ring)

    def span(self, stream: str, start_sample: int, end_sample: int) -> Span | None:
        """Give [start_sample, end_sample) up to the newest sample; None if no sample is known.

        Unknown samples are NaN. If a stream was restarted and has used the same indices again,
        the newest samples count.
        """
        found: Span | None = None
        missing_before = end_sample
        remembered = self._streams.get(stream)
        if remembered is not None:
            ring, info = remembered.ring, remembered.info
            end = min(end_sample, ring.end_sample)
            if max(start_sample, ring.oldest_sample) < end:
                since_ns = round((ring.end_sample - start_sample) / info.rate_hz * 1e9)
                found = Span(
                    info, start_sample, ring.span(start_sample, end), remembered.wall_ns - since_ns
                )
                missing_before = ring.oldest_sample
        if start_sample >= missing_before:
            return found
        for header, path in self._segments(stream):
            found = _joined(found, header, path, start_sample, end_sample)
            if found is not None and not np.isnan(found.values_mv).all(axis=1).any():
                break
        return found

    def _segments(self, stream: str) -> Iterator[tuple[SegmentHeader, Path]]:
        """Headers of the newest segments of a stream, the newest first."""
        if self._folder is None:
            return
        for path in sorted((self._folder / stream).glob("*.hea"), reverse=True)[:MAX_SEGMENTS]:
            try:
                yield parse_header(path.read_text(encoding="utf-8")), path.with_suffix(".dat")
            except (OSError, MonitorError):  # just deleted, or not our file
                continue


def _joined(
    found: Span | None, header: SegmentHeader, path: Path, start_sample: int, end_sample: int
) -> Span | None:
    """Fill the samples missing in ``found`` from one segment."""
    if found is not None and (found.info.rate_hz, found.info.leads) != (
        header.info.rate_hz,
        header.info.leads,
    ):
        return found  # another stream of the same name
    first = max(start_sample, header.start_sample)
    last = min(end_sample, header.start_sample + header.samples)
    if first >= last:
        return found
    stored = read_signal(header, path, first - header.start_sample, last - first)
    known = 0 if found is None else len(found.values_mv)
    length = max(last - start_sample, known)
    values = np.full((length, len(header.info.leads)), np.nan, np.float32)
    values[first - start_sample : last - start_sample] = stored
    since_ns = round((header.start_sample - start_sample) / header.info.rate_hz * 1e9)
    info, wall_ns = header.info, header.wall_ns - since_ns
    if found is not None:
        info, wall_ns = found.info, found.wall_ns
        have = ~np.isnan(found.values_mv).all(axis=1)
        values[:known][have] = found.values_mv[have]
    return Span(replace(info, start_sample=start_sample), start_sample, values, wall_ns)


def read_signal(header: SegmentHeader, path: Path, first: int, samples: int) -> FloatArray:
    """Read samples of a segment, shape (samples, leads), mV; what is not there is NaN.

    Parameters
    ----------
    header
        Of the segment.
    path
        Its ``.dat`` file.
    first, samples
        Which samples, counted from the beginning of the segment.
    """
    leads = len(header.scales)
    try:
        digital = np.fromfile(path, "<i2", samples * leads, offset=first * leads * 2)
    except OSError:
        digital = np.empty(0, "<i2")
    values = np.full((samples, leads), np.nan, np.float32)
    rows = digital[: len(digital) // leads * leads].reshape(-1, leads)
    values[: len(rows)] = millivolts(rows, header.scales)
    return values
