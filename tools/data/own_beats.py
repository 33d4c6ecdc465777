"""Network inputs of the beats that the monitor itself finds in a record.

What lies before the network does not depend on labels, so that the inputs of a record are built
once and serve any number of networks. Labels are compared with the reference by EC57, as the
beats of ``annotate`` are; a window without enough signal is labelled Q, as the monitor does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.config import Settings
from monitor.messages import Samples
from monitor.models.manifest import Manifest
from monitor.sources.wfdb.record import WfdbRecord
from monitor.stages.blocks import Blocks
from monitor.stages.context import PatientContext
from monitor.stages.detect import make_detector
from monitor.stages.quality import QualityGate
from monitor.stages.segment import BeatWindow, Segmenter
from monitor.stages.watch import Watch

FOUND = "found"


@dataclass(frozen=True, slots=True)
class FoundBeats:
    """Inputs of the beats found in a record: (n, rows, length), (n, features), (n,), (n,)."""

    signal: NDArray[np.float32]
    features: NDArray[np.float32]
    sample: NDArray[np.int64]
    valid: NDArray[np.bool_]


def find(path: Path, manifest: Manifest) -> FoundBeats:
    """Stream a record through all that comes before the network.

    Parameters
    ----------
    path
        A WFDB record, without ending.
    manifest
        What the network takes.

    Returns
    -------
    FoundBeats
        In order; the same beats that the monitor reports.
    """
    source = WfdbRecord(path)
    info, settings = source.info.ecg, Settings()
    blocks, gate = Blocks(source.info, settings.blocks), QualityGate(info, settings.quality)
    detector, segmenter = make_detector(info, settings.detect), Segmenter(info, manifest)
    watch, context = Watch(info, settings.watch), PatientContext(manifest)
    rows: list[tuple[BeatWindow, NDArray[np.float32], NDArray[np.float32]]] = []

    def take(windows: list[BeatWindow]) -> None:
        kept = watch.rr_s(windows)
        for window in windows:
            inputs = context.push(window)
            if window.rpeak.sample in kept:
                rows.append((window, *inputs))

    def look(items: list[object]) -> None:
        for item in items:
            if isinstance(item, Samples):
                values = np.ascontiguousarray(item.values_mv[:, : len(info.leads)])
                block = Samples(item.stream, item.start_sample, values)
                quality = gate.push(block)
                rpeaks = detector.push(block, quality)
                windows = segmenter.push(block, rpeaks, quality.leads)
                watch.push(block, quality)
                watch.take(rpeaks)
                take(windows)

    for chunk in source.chunks():
        look(list(blocks.push(chunk)))
    look(list(blocks.flush()))
    rpeaks = detector.flush()
    nothing = np.empty((0, len(info.leads)), np.float32)
    windows = segmenter.push(Samples(info.stream, blocks.expected_sample, nothing), rpeaks)
    windows += segmenter.flush()
    watch.at_end()
    watch.take(rpeaks)
    take(windows)
    count = len(rows)
    return FoundBeats(
        np.array([row[1] for row in rows], np.float32).reshape(
            count, manifest.signal_rows, manifest.length
        ),
        np.array([row[2] for row in rows], np.float32).reshape(count, manifest.feature_count),
        np.array([row[0].rpeak.sample for row in rows], np.int64),
        np.array([row[0].valid for row in rows], bool),
    )


def cached_found(folder: Path, patient: str, manifest: Manifest, work: Path) -> FoundBeats:
    """Like :func:`find`, kept as a file in ``work``."""
    path = work / f"{patient.replace('/', '-')}-{FOUND}.npz"
    if not path.exists():
        found = find(folder / patient, manifest)
        work.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, signal=found.signal, features=found.features, sample=found.sample,
                 valid=found.valid)  # fmt: skip
        part.rename(path)
    with np.load(path, allow_pickle=False) as held:
        return FoundBeats(held["signal"], held["features"], held["sample"], held["valid"])
