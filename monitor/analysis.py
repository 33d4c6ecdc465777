"""The analysis of one whole recording, with its signal, for programs, notebooks and reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np

from monitor.annotate import DEFAULT_OPTIONS, Summary, run_record
from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.messages import (
    Alert,
    AlertState,
    Beat,
    Event,
    FloatArray,
    Gap,
    GapKind,
    Priority,
    Quality,
    Rhythm,
    Samples,
    Snippet,
    StreamInfo,
)
from monitor.pictures.drawing import Drawing
from monitor.pictures.strip import Lead, Mark, strip
from monitor.pictures.svg import svg
from monitor.sinks.lines import clock_text
from monitor.sources import Log
from monitor.sources.named import SourceOptions
from monitor.sources.records import find_record

MAX_VALUES = 1 << 29  # 2 GiB: six days of two leads at 500 Hz
STRIP_S = 10.0
SHOWN_STRIPS = 6


@dataclass(frozen=True, eq=False)
class Analysis:
    """A recording and what was found in it.

    Parameters
    ----------
    name
        Name of the recording.
    info
        Sampling rate and leads.
    values_mv
        All samples from ``info.start_sample`` on, shape (n, leads), float32, mV. NaN is missing.
    events
        Everything that was found, in the order in which it was decided.
    summary
        What ``annotate`` writes about the recording; None for a recording of a server.
    begun
        When the first sample was taken, if that is known.
    lacking
        What is not known about the recording, in words; then there are no beats.
    """

    name: str
    info: StreamInfo
    values_mv: FloatArray
    events: tuple[Event, ...]
    summary: Summary | None = None
    begun: datetime | None = None
    lacking: str = ""

    @property
    def end_sample(self) -> int:
        """Index just past the last sample."""
        return self.info.start_sample + len(self.values_mv)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.values_mv) / self.info.rate_hz

    @cached_property
    def beats(self) -> tuple[Beat, ...]:
        """Beats in order of time."""
        found = (event for event in self.events if isinstance(event, Beat))
        return tuple(sorted(found, key=lambda beat: beat.sample))

    @cached_property
    def rhythms(self) -> tuple[Rhythm, ...]:
        """Changes of the rhythm, in order of time."""
        found = (event for event in self.events if isinstance(event, Rhythm))
        return tuple(sorted(found, key=lambda rhythm: rhythm.sample))

    @cached_property
    def quality(self) -> tuple[Quality, ...]:
        """Changes of the signal quality."""
        return tuple(event for event in self.events if isinstance(event, Quality))

    @cached_property
    def holes(self) -> tuple[Gap, ...]:
        """Stretches without samples."""
        gaps = (event for event in self.events if isinstance(event, Gap))
        return tuple(gap for gap in gaps if gap.kind is GapKind.HOLE)

    @cached_property
    def raised(self) -> tuple[Alert, ...]:
        """Alerts at the moment they were raised."""
        alerts = (event for event in self.events if isinstance(event, Alert))
        return tuple(alert for alert in alerts if alert.state is AlertState.RAISED)

    def seconds(self, sample: int) -> float:
        """Give the time of a sample from the beginning, in seconds."""
        return (sample - self.info.start_sample) / self.info.rate_hz

    def strip(
        self,
        at_s: float,
        length_s: float = STRIP_S,
        leads: tuple[str, ...] = (),
        title: str = "",
        span_s: tuple[float, float] | None = None,
    ) -> Drawing:
        """Draw the signal about a time, with its beats, on true-scale paper.

        Parameters
        ----------
        at_s
            The middle, in seconds from the beginning.
        length_s
            Length of the strip.
        leads
            Names of the leads to draw; by default the first three ECG leads.
        title
            Above the strip.
        span_s
            A stretch to shade, in seconds from the beginning.

        Raises
        ------
        MonitorError
            If the recording has no such lead.
        """
        names = leads or self.info.ecg.leads[:3]
        unknown = [name for name in names if name not in self.info.leads]
        if unknown:
            raise MonitorError(
                f"{self.name} has no lead {unknown[0]}: it has {', '.join(self.info.leads)}"
            )
        rate_hz = self.info.rate_hz
        length = min(round(length_s * rate_hz), len(self.values_mv))
        first = min(max(round((at_s - length_s / 2) * rate_hz), 0), len(self.values_mv) - length)
        part = self.values_mv[first : first + length]
        start_s = first / rate_hz
        drawn = [Lead(name, part[:, self.info.leads.index(name)]) for name in names]
        span = (span_s[0] - start_s, span_s[1] - start_s) if span_s else None
        note = f"{self.name}   {clock_text(start_s)} to {clock_text(start_s + length / rate_hz)}"
        return strip(drawn, rate_hz, self.marks(first, first + length), title, note, span)

    def marks(self, first: int, end: int) -> list[Mark]:
        """Give the beats among rows [first, end) of the signal as marks of a strip."""
        start = self.info.start_sample + first
        where = self._beat_samples
        low, high = np.searchsorted(where, (start, self.info.start_sample + end))
        return [
            Mark((beat.sample - start) / self.info.rate_hz, beat.label.value, beat.rr_s)
            for beat in self.beats[low:high]
        ]

    @cached_property
    def _beat_samples(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([beat.sample for beat in self.beats], np.int64)

    def _repr_html_(self) -> str:
        """Show the summary and the strips of the most severe alerts in a notebook."""
        order = [*Priority]
        alerts = [alert for alert in self.raised if alert.priority is not Priority.TECHNICAL]
        alerts.sort(key=lambda alert: order.index(alert.priority))
        strips = [
            self.strip(self.seconds(alert.onset_sample) + STRIP_S / 3, title=alert.text)
            for alert in alerts[:SHOWN_STRIPS]
        ] or [self.strip(min(STRIP_S, self.duration_s) / 2)]
        table = self.summary._repr_html_() if self.summary is not None else ""
        more = len(alerts) - SHOWN_STRIPS
        left = f"<p>and {more} more alerts</p>" if more > 0 else ""
        return table + "".join(f"<div>{svg(one)}</div>" for one in strips) + left


def analyse(
    record: str | Path,
    settings: Settings | None = None,
    options: SourceOptions = DEFAULT_OPTIONS,
    progress: Callable[[int, int], None] = lambda done, total: None,
    log: Log = lambda text: None,
) -> Analysis:
    """Analyse a recording and keep its signal.

    Parameters
    ----------
    record
        As for ``ecg-monitor annotate``: a path, or a name in the data folder or at PhysioNet.
    settings
        For the pipeline; the defaults if None.
    options
        Leads to use, and facts that the recording does not state.
    progress
        Called with (samples done, samples in all) if the number of samples is known.
    log
        Takes lines for the log.

    Raises
    ------
    MonitorError
        If the recording cannot be read, or is too long to be kept in memory.
    """
    path = find_record(str(record))
    events: list[Event] = []
    kept: list[Samples] = []
    streams: list[StreamInfo] = []

    def take(item: StreamInfo | Samples | Event) -> None:
        if isinstance(item, StreamInfo):
            streams.append(item)
        elif isinstance(item, Samples):
            kept.append(item)
        elif not isinstance(item, Snippet):  # the signal is there
            events.append(item)

    summary = run_record(path, settings or Settings(), options, take, progress, log)
    (info,) = streams
    values = joined(info, kept)
    return Analysis(summary.record, info, values, tuple(events), summary)


def joined(info: StreamInfo, pieces: list[Samples]) -> FloatArray:
    """Join pieces in order into one array, shape (n, leads), NaN where samples are missing.

    A sample that comes twice counts once, as in the analysis: the first time.

    Raises
    ------
    MonitorError
        If it would take more than 2 GiB.
    """
    end = max((piece.end_sample for piece in pieces), default=info.start_sample)
    length = end - info.start_sample
    if length * len(info.leads) > MAX_VALUES:
        hours = length / info.rate_hz / 3600
        raise MonitorError(
            f"{info.stream} spans {hours:.0f} h: too long for one report; choose a part, or fewer "
            "leads"
        )
    values = np.full((length, len(info.leads)), np.nan, np.float32)
    at = 0
    for piece in pieces:
        first = piece.start_sample - info.start_sample
        known = max(at - first, 0)
        if known < len(piece.values_mv):
            values[first + known : first + len(piece.values_mv)] = piece.values_mv[known:]
            at = first + len(piece.values_mv)
    return values
