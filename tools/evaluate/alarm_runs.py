"""Run recordings through the whole pipeline, to measure its alarms and rhythms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import wfdb

from monitor.config import Settings
from monitor.messages import Alert, AlertKind, AlertState, Rhythm, Samples
from monitor.pipeline import Pipeline
from monitor.sources.wfdb.record import WfdbRecord
from tools.data.reference import Span
from tools.evaluate.perturbations import PERTURBATIONS, Recording, noisy

NOISE_FROM_S = 60.0
PIECE = 10_000  # samples given at a time


@dataclass(frozen=True)
class Result:
    """The alarms and rhythms of one recording by the pipeline; times in seconds."""

    name: str
    rate_hz: float
    length_s: float
    alerts: list[Alert]
    rhythms: list[Rhythm]
    since_s: float = 0.0  # what was before had been cut off

    def present(self, kind: AlertKind) -> list[Span]:
        """Give the spans in which the alarms of a kind were present, from when they were told."""
        spans: list[Span] = []
        since: float | None = None
        for alert in self.alerts:
            if alert.kind is not kind:
                continue
            now = alert.sample / self.rate_hz
            over = alert.state is AlertState.CLEARED or alert.text.endswith("(ended)")
            if over and since is not None:
                spans.append((since, now))
                since = None
            elif not over and since is None and alert.state is not AlertState.ACKNOWLEDGED:
                since = now
        return [*spans, (since, self.length_s)] if since is not None else spans


@dataclass(frozen=True)
class Case:
    """A recording, and what is done with it."""

    path: Path
    pulse: bool = False
    noise_db: float | None = None
    perturbation: str = "unchanged"
    stop_s: float | None = None  # the recording ends here; of cinc2015/ always at 5:00


def analyse(case: Case) -> Result:
    """Run one WFDB record through the pipeline; Challenge records end at 5:00."""
    torch.set_num_threads(1)
    path = case.path
    stop_s = 300.0 if path.parent.name == "cinc2015" else case.stop_s
    record = WfdbRecord(path, stop_s=stop_s, pulse="auto" if case.pulse else "off")
    values_mv = np.concatenate([chunk.values_mv for chunk in record.chunks()])
    made = PERTURBATIONS[case.perturbation](Recording(record.info, values_mv, path.parent.parent))
    if case.noise_db is not None:
        made = noisy(made, "em", case.noise_db, NOISE_FROM_S)
    pipeline = Pipeline(made.info, Settings())
    events = []
    for start in range(0, len(made.values_mv), PIECE):
        piece = made.values_mv[start : start + PIECE]
        events += pipeline.push(Samples(made.info.stream, start, piece))
    events += pipeline.flush()
    header = wfdb.rdheader(str(path))
    cut = round(made.cut_s * made.info.rate_hz)
    alerts = [
        replace(event, sample=event.sample + cut, onset_sample=event.onset_sample + cut)
        for event in events
        if isinstance(event, Alert)
    ]
    rhythms = [replace(e, sample=e.sample + cut) for e in events if isinstance(e, Rhythm)]
    length_s = header.sig_len / header.fs
    return Result(path.name, made.info.rate_hz, length_s, alerts, rhythms, made.cut_s)


class Run(Protocol):
    """Analyses recordings; each of them once, though it is asked for by several parts."""

    def __call__(
        self, paths: list[Path], pulse: bool = False, perturbation: str = "unchanged"
    ) -> list[Result]:
        """Give the results in order."""
        ...
