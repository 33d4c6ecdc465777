"""Reads what a server stored of a stream: its recording, its journal, or both.

Rules that hold here:

1. A recording gives signal, beats, rhythms and quality. Its newest segments count, back to where
   the stream had other leads or another rate, or began anew.
2. The journal gives the alerts. Without a recording it also gives the signal before each alert;
   all other samples are missing then.
3. Samples keep their place in the stream.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from monitor.analysis import Analysis, joined
from monitor.errors import USAGE, MonitorError
from monitor.journal.entries import Query
from monitor.journal.opening import open_reader, storage_at
from monitor.journal.place import Place
from monitor.messages import Alert, AlertState, Event, Gap, GapKind, Samples, StreamInfo
from monitor.recording.header import SegmentHeader, parse_header, utc
from monitor.recording.recent import read_signal
from monitor.recording.segment import ANNOTATOR
from monitor.report.stored_events import Annotated, events_of, with_intervals
from monitor.score import read_annotations
from monitor.wire.protocol import body_from_dict

NO_BEATS = "from the journal: alerts and the signal before them, no beats"
LATE_NS = 60_000_000_000  # an alert is stored within a minute of its last sample


@dataclass(frozen=True, slots=True)
class Period:
    """Wall times (ns since 1970) between which the signal is wanted; None is open."""

    since_ns: int | None = None
    until_ns: int | None = None


def read_recorded(
    folder: Path, stream: str, period: Period, journal: Place | None = None
) -> Analysis:
    """Read a stream that ``serve --record FOLDER`` has stored.

    Parameters
    ----------
    folder
        The folder of all recordings.
    stream
        Name of the stream.
    period
        Which segments: those that overlap it.
    journal
        The server's journal, for the alerts; None for a report without alerts.

    Raises
    ------
    MonitorError
        If there is no such recording, or a file cannot be read.
    """
    segments = _newest(_segments(folder, stream), period)
    if not segments:
        raise MonitorError(f"{folder} has no recording of a stream {stream} at that time", USAGE)
    first, _ = segments[0]
    info = replace(first.info, stream=stream, start_sample=first.start_sample)
    pieces = [
        Samples(stream, header.start_sample, read_signal(header, path.with_suffix(".dat"), 0,
                                                         header.samples))
        for header, path in segments
    ]  # fmt: skip
    values = joined(info, pieces)
    events: list[Event] = list(_holes(info, values))
    stored: list[Annotated] = []
    for header, path in segments:
        if path.with_suffix(f".{ANNOTATOR}").is_file():
            table, _ = read_annotations(path.with_suffix(""), ANNOTATOR)
            stored += events_of(table, header.info.ecg, header.start_sample)
    events += with_intervals(stored, events, info)
    if journal is not None:
        last, _ = segments[-1]
        length_ns = round(last.samples / info.rate_hz * 1e9)
        wanted = Query(
            streams=(stream,),
            kinds=("alert",),
            since_ns=first.wall_ns,
            until_ns=last.wall_ns + length_ns + LATE_NS,
        )
        end_sample = info.start_sample + len(values)
        events += (
            a for a in _alerts(journal, wanted) if info.start_sample <= a.sample < end_sample
        )
    return Analysis(stream, info, values, tuple(events), None, utc(first.wall_ns))


def read_journal(journal: Place, stream: str, period: Period) -> Analysis:
    """Read the alerts of a stream from a journal, with the signal before each.

    Raises
    ------
    MonitorError
        If the journal cannot be read, or has no signal of the stream at that time.
    """
    wanted = Query(
        streams=(stream,), kinds=("alert",), since_ns=period.since_ns, until_ns=period.until_ns
    )
    alerts = list(_alerts(journal, wanted))
    reader = open_reader(journal)
    try:
        found = [
            reader.alert_signal(stream, number)
            for number in dict.fromkeys(a.id for a in alerts if a.state is AlertState.RAISED)
        ]
    finally:
        reader.close()
    spans = sorted(
        ((json.loads(one.text), one.samples) for one in found if one is not None),
        key=lambda span: int(span[0]["wall_ns"]),
    )
    if not spans:
        raise MonitorError(
            f"journal {storage_at(journal)} has no signal of alerts of a stream {stream} at that "
            "time",
            USAGE,
        )
    newest = spans[-1][0]
    kind = ("rate_hz", "leads")
    spans = [s for s in spans if all(s[0][key] == newest[key] for key in kind)]
    start = int(spans[0][0]["start_sample"])
    leads = tuple(map(str, newest["leads"]))
    source, pulse = str(newest["source"]), str(newest.get("pulse", ""))
    info = StreamInfo(stream, float(newest["rate_hz"]), leads, start, source, pulse)
    pieces = [
        Samples(
            stream,
            int(described["start_sample"]),
            np.frombuffer(samples, "<f4").reshape(described["shape"]),
        )
        for described, samples in spans
        if int(described["start_sample"]) >= start
    ]
    pieces.sort(key=lambda piece: piece.start_sample)
    values = joined(info, pieces)
    end_sample = start + len(values)
    inside = [a for a in alerts if start <= a.sample < end_sample]
    events: tuple[Event, ...] = (*_holes(info, values), *inside)
    begun = utc(int(spans[0][0]["wall_ns"]))
    return Analysis(stream, info, values, events, None, begun, NO_BEATS)


def _segments(folder: Path, stream: str) -> list[tuple[SegmentHeader, Path]]:
    """Give all segments of a stream with their header files, the oldest first."""
    found = []
    for path in sorted((folder / stream).glob("*.hea")):
        header = parse_header(path.read_text(encoding="utf-8"))
        if header.samples:
            found.append((header, path))
    return found


def _newest(
    segments: Sequence[tuple[SegmentHeader, Path]], period: Period
) -> list[tuple[SegmentHeader, Path]]:
    """Give the newest segments of the period that are of one and the same signal."""

    def wanted(header: SegmentHeader) -> bool:
        end_ns = header.wall_ns + round(header.samples / header.info.rate_hz * 1e9)
        return (period.until_ns is None or header.wall_ns < period.until_ns) and (
            period.since_ns is None or end_ns > period.since_ns
        )

    chosen: list[tuple[SegmentHeader, Path]] = []
    for header, path in reversed([s for s in segments if wanted(s[0])]):
        if chosen:
            later = chosen[0][0]
            same = (header.info.rate_hz, header.info.leads) == (
                later.info.rate_hz,
                later.info.leads,
            )
            if not same or header.start_sample + header.samples > later.start_sample:
                break
        chosen.insert(0, (header, path))
    return chosen


def _holes(
    info: StreamInfo, values: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> list[Gap]:
    """Give the stretches without a sample of any lead."""
    missing = np.isnan(values).all(axis=1).astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], missing, [0]))))
    return [
        Gap(info.stream, info.start_sample + first, last - first, GapKind.HOLE)
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]


def _alerts(journal: Place, wanted: Query) -> Iterable[Alert]:
    reader = open_reader(journal)
    try:
        for entry in reader.entries(wanted):
            body = body_from_dict(entry.fields())
            if isinstance(body, Alert):
                yield body
    finally:
        reader.close()
