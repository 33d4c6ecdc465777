"""Analyse one record at full speed and write the results into three files.

For a record ``208`` they are ``208.mon`` (WFDB annotations), ``208.alerts.jsonl`` (every transition
of every alert) and ``208.summary.json``.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.messages import Alert, AlertState, Beat, Event, Gap, Quality
from monitor.pipeline import Pipeline
from monitor.sinks.wfdb_annotations import WfdbAnnotations
from monitor.sources import Log
from monitor.sources.named import SourceOptions, open_source
from monitor.sources.records import record_name
from monitor.wire.jsonform import to_dict

CHUNK_S = 10.0
DEFAULT_OPTIONS = SourceOptions()


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of one record. ``cpu_s`` is the CPU time of reading and analysis."""

    record: str
    rate_hz: float
    leads: tuple[str, ...]
    duration_s: float
    beats: dict[str, int]
    mean_heart_rate_bpm: float | None
    unusable_s: float
    missing_s: float
    alerts: dict[str, int]
    detector: str
    model: str
    cpu_s: float


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

    Raises
    ------
    MonitorError
        If the record cannot be read, or the folder cannot be written.
    """
    began = time.process_time()
    source = open_source(path, options, CHUNK_S, log)
    info = source.info
    name = record_name(path)
    end_sample = info.start_sample
    pipeline = Pipeline(info, settings)
    annotations = WfdbAnnotations(info)
    tally = _Tally(info.rate_hz)
    alerts: list[str] = []

    def take(events: list[Event]) -> None:
        for event in events:
            annotations.add(event)
            tally.add(event)
            if isinstance(event, Alert):
                alerts.append(json.dumps(to_dict(event), allow_nan=False) + "\n")

    for chunk in source.chunks():
        take(pipeline.push(chunk))
        end_sample = chunk.end_sample
        if source.samples:
            progress(end_sample - info.start_sample, source.samples)
    take(pipeline.flush())
    tally.close(end_sample)
    summary = Summary(
        name,
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
    text = json.dumps(asdict(summary), indent=2, allow_nan=False) + "\n"
    try:
        annotations.write(folder, name, end_sample)
        (folder / f"{name}.alerts.jsonl").write_text("".join(alerts), encoding="utf-8")
        (folder / f"{name}.summary.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise MonitorError(f"cannot write into {folder}: {error.strerror or error}") from error
    return summary
