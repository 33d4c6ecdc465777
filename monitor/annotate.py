"""Analyse one record at full speed and write the results into three files.

For a record ``208`` they are ``208.mon`` (WFDB annotations), ``208.alerts.jsonl`` (every transition
of every alert) and ``208.summary.json``.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.messages import (
    Alert,
    AlertState,
    Beat,
    Event,
    Gap,
    Quality,
    Samples,
    StreamInfo,
)
from monitor.pictures.alert_strips import AlertStrips
from monitor.pipeline import Pipeline
from monitor.sinks.wfdb_annotations import WfdbAnnotations
from monitor.sources import Log
from monitor.sources.named import SourceOptions, open_source
from monitor.sources.records import record_name
from monitor.summary import Summary as Summary
from monitor.wire.jsonform import to_dict

CHUNK_S = 10.0
DEFAULT_OPTIONS = SourceOptions()


class _Tally:
    """Counts for the summary."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self.beats: Counter[str] = Counter()
        self.alerts: Counter[str] = Counter()
        self._rr_s: list[float] = []
        self._unusable_from: int | None = None
        self._unusable_samples = 0
        self.missing_samples = 0

    def add(self, event: Event) -> None:
        match event:
            case Beat():
                self.beats[event.label.value] += 1
                if event.rr_s is not None:
                    self._rr_s.append(event.rr_s)
            case Alert() if event.state is AlertState.RAISED:
                self.alerts[event.kind.value] += 1
            case Gap():
                self.missing_samples += event.length
            case Quality():
                self.close(event.sample)
                self._unusable_from = None if event.usable else event.sample

    def close(self, sample: int) -> None:
        if self._unusable_from is not None:
            self._unusable_samples += sample - self._unusable_from
            self._unusable_from = None

    @property
    def unusable_s(self) -> float:
        return self._unusable_samples / self._rate_hz

    @property
    def mean_heart_rate_bpm(self) -> float | None:
        return 60.0 * len(self._rr_s) / sum(self._rr_s) if self._rr_s else None


def annotate_record(
    path: Path,
    folder: Path,
    settings: Settings,
    options: SourceOptions = DEFAULT_OPTIONS,
    progress: Callable[[int, int], None] = lambda done, total: None,
    log: Log = lambda text: None,
    plots: Path | None = None,
) -> Summary:
    """Analyse the recording at ``path`` and write the three files into ``folder``.

    The files are written at the end. If the analysis fails, none of them is written.

    Parameters
    ----------
    path
        Path of a WFDB record without extension, or of an EDF or CSV file.
    folder
        An existing folder.
    settings
        For the pipeline.
    options
        Leads to use, and facts that the recording does not state.
    progress
        Called with (samples done, samples in all) if the number of samples is known.
    log
        Takes lines for the log.
    plots
        An existing folder for a strip (SVG) of each alert; None for no strips.

    Raises
    ------
    MonitorError
        If the record cannot be read, or the folder cannot be written.
    """
    alerts: list[str] = []
    annotations: WfdbAnnotations | None = None
    end_sample = 0
    strips = AlertStrips(plots, record_name(path)) if plots is not None else None

    def take(item: StreamInfo | Samples | Event) -> None:
        nonlocal annotations, end_sample
        if isinstance(item, StreamInfo):
            annotations = WfdbAnnotations(item)
            end_sample = item.start_sample
        elif isinstance(item, Samples):
            end_sample = item.end_sample
        else:
            assert annotations is not None
            annotations.add(item)
            if isinstance(item, Alert):
                alerts.append(json.dumps(to_dict(item), allow_nan=False) + "\n")
        if strips is not None:
            strips.take(item)

    summary = run_record(path, settings, options, take, progress, log)
    assert annotations is not None
    text = json.dumps(asdict(summary), indent=2, allow_nan=False) + "\n"
    name = summary.record
    try:
        annotations.write(folder, name, end_sample)
        (folder / f"{name}.alerts.jsonl").write_text("".join(alerts), encoding="utf-8")
        (folder / f"{name}.summary.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise MonitorError(f"cannot write into {folder}: {error.strerror or error}") from error
    if strips is not None:
        strips.finish()
    return summary


def run_record(
    path: Path,
    settings: Settings,
    options: SourceOptions,
    take: Callable[[StreamInfo | Samples | Event], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
    log: Log = lambda text: None,
) -> Summary:
    """Analyse the recording at ``path``; give everything to ``take`` and the results back.

    ``take`` gets the stream, then each piece of the signal before the events that it completes.
    The other parameters are those of :func:`annotate_record`.

    Raises
    ------
    MonitorError
        If the record cannot be read.
    """
    began = time.process_time()
    source = open_source(path, options, CHUNK_S, log)
    info = source.info
    end_sample = info.start_sample
    pipeline = Pipeline(info, settings)
    tally = _Tally(info.rate_hz)
    take(info)

    def take_all(events: list[Event]) -> None:
        for event in events:
            tally.add(event)
            take(event)

    for chunk in source.chunks():
        take(chunk)
        take_all(pipeline.push(chunk))
        end_sample = chunk.end_sample
        if source.samples:
            progress(end_sample - info.start_sample, source.samples)
    take_all(pipeline.flush())
    tally.close(end_sample)
    return Summary(
        record_name(path),
        info.rate_hz,
        info.leads,
        (end_sample - info.start_sample) / info.rate_hz,
        dict(sorted(tally.beats.items())),
        tally.mean_heart_rate_bpm,
        tally.unusable_s,
        tally.missing_samples / info.rate_hz,
        dict(sorted(tally.alerts.items())),
        settings.detect.detector,
        settings.classify.model,
        time.process_time() - began,
    )
