"""Measure beat labels for ``blind``: V, S, QRS by EC57, whole monitor, own R peaks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from monitor.messages import Beat
from monitor.pipeline import Pipeline
from monitor.score import Annotations, compare_beats, figures, read_annotations
from monitor.sources.wfdb.record import WfdbRecord
from tools.evaluate.study import interval

NAMES = ("q_se", "q_pp", "v_se", "v_pp", "s_se", "s_pp")


def measure(folder: Path, records: Sequence[str]) -> dict[str, object]:
    """Run the monitor with its defaults over records with reference beats.

    Returns
    -------
    dict
        Gross figures of EC57 in percent, and their 95 % intervals over the records.
    """
    matrices = {record: matrix(folder / record) for record in records}
    total = figures(np.sum(list(matrices.values()), axis=0))
    counts = {record: m.astype(np.float64) for record, m in matrices.items()}
    found: dict[str, object] = {}
    for name in NAMES:
        value = getattr(total, name)
        found[name] = None if value is None else round(value, 2)
        ends = interval(counts, partial(_figure, name))
        found[f"{name}_interval"] = ends and [round(end, 1) for end in ends]
    return found


def matrix(path: Path) -> NDArray[np.int64]:
    """Confusion matrix of EC57 of one record, from what the monitor makes of it."""
    source = WfdbRecord(path)
    pipeline = Pipeline(source.info)
    events = [event for chunk in source.chunks() for event in pipeline.push(chunk)]
    beats = [event for event in [*events, *pipeline.flush()] if isinstance(event, Beat)]
    test = Annotations.from_arrays(
        np.array([beat.sample for beat in beats], np.int64),
        "".join(beat.label for beat in beats),
    )
    truth, _ = read_annotations(path, "atr")
    length = wfdb.rdheader(str(path)).sig_len
    return compare_beats(
        truth, test, source.info.rate_hz, record=path.name, length_samples=length
    ).matrix


def _figure(name: str, total: NDArray[np.float64]) -> float | None:
    value: float | None = getattr(figures(total.astype(np.int64)), name)
    return value
