"""QRS detectors, each as a function of a whole record, and the records that they are run on."""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from wfdb.processing import XQRS

from monitor.config import BlockSettings, DetectSettings, QualitySettings
from monitor.errors import MonitorError
from monitor.messages import FloatArray, LeadState, Quality, Samples, StreamInfo
from monitor.stages.blocks import Blocks
from monitor.stages.detect import make_detector
from monitor.stages.quality import QualityGate

CHUNK_S = 10.0


@dataclass(slots=True)
class Found:
    """The result of one detector on one record."""

    peaks: list[int]
    latencies_s: list[float] = field(default_factory=list)
    searched_back: int = 0
    shutdown: list[tuple[int, int]] = field(default_factory=list)  # subtype changes: sample, code
    cpu_s: float | None = None  # of the detector alone, where that is not all


Detect = Callable[[FloatArray, float], Found]


def stream(
    signal_mv: FloatArray,
    rate_hz: float,
    detector: str = "default",
    *,
    gated: bool = True,
    lost: Sequence[tuple[int, int]] = (),
) -> Found:
    """Run a detector that the settings know as the pipeline runs it; all that it finds counts.

    Parameters
    ----------
    signal_mv
        Shape (n, leads), mV; NaN where invalid.
    rate_hz
        Sampling rate.
    detector
        A name that the settings know.
    gated
        Whether the quality stage is before it.
    lost
        Samples [start, stop) that never arrive, in order.

    Returns
    -------
    Found
        ``cpu_s`` is of the detector alone, its hops one after the other.
    """
    leads = signal_mv.shape[1]
    info = StreamInfo("bench", rate_hz, tuple(f"lead-{i}" for i in range(leads)))
    blocks = Blocks(info, BlockSettings())
    gate = QualityGate(info, QualitySettings())
    made = make_detector(info, DetectSettings(detector=detector))
    shutdown: list[tuple[int, int]] = []
    usable = True
    chunk = round(CHUNK_S * rate_hz)
    pieces: list[Samples | None] = []
    for begin, end in pairwise([0, *(edge for hole in lost for edge in hole), len(signal_mv)]):
        if (begin, end) not in lost:
            pieces += [
                Samples("bench", at, signal_mv[at : min(at + chunk, end)])
                for at in range(begin, end, chunk)
            ]
    hops: list[tuple[Samples, Quality]] = []
    for piece in [*pieces, None]:
        for block in blocks.flush() if piece is None else blocks.push(piece):
            if not isinstance(block, Samples):
                continue
            ok = (LeadState.OK,) * leads
            quality = Quality("bench", block.start_sample, block.end_sample, ok, usable=True)
            if gated:
                quality = gate.push(block)
            if quality.usable != usable:
                usable = quality.usable
                shutdown.append((block.start_sample, 0 if usable else 0x33))
            hops.append((block, quality))
    started = time.process_time()
    found = [peak for block, quality in hops for peak in made.push(block, quality)]
    found += made.flush()
    cpu_s = time.process_time() - started
    if not usable:
        shutdown.append((len(signal_mv) - 1, 0))
    at_once = [p for p in found if not p.searched_back]
    return Found(
        [p.sample for p in found],
        [(p.decided_sample - p.sample) / rate_hz for p in at_once],
        len(found) - len(at_once),
        shutdown,
        cpu_s,
    )


def streamed(detector: str, leads: int, *, gated: bool) -> Detect:
    """Stream the first leads through a detector that the settings know."""
    return lambda signal_mv, rate_hz: stream(signal_mv[:, :leads], rate_hz, detector, gated=gated)


def _neurokit(signal_mv: FloatArray, rate_hz: float) -> Found:
    import neurokit2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rate = round(rate_hz)
        clean = neurokit2.ecg_clean(signal_mv[:, 0].astype(float), sampling_rate=rate, powerline=60)
        return Found(list(neurokit2.ecg_findpeaks(clean, sampling_rate=rate)["ECG_R_Peaks"]))


def _xqrs(signal_mv: FloatArray, rate_hz: float) -> Found:
    detector = XQRS(sig=signal_mv[:, 0].astype(float), fs=rate_hz)
    detector.detect(verbose=False)
    return Found(list(detector.qrs_inds))


def _sleepecg(signal_mv: FloatArray, rate_hz: float) -> Found:
    sleepecg: Any = importlib.import_module("sleepecg")  # an extra, with or without types
    detect = sleepecg.detect_heartbeats
    return Found(list(detect(signal_mv[:, 0].astype(float), rate_hz)))


DETECTORS: dict[str, Detect] = {
    "default": streamed("default", 2, gated=True),
    "default-1": streamed("default", 1, gated=True),
    "default-open": streamed("default", 2, gated=False),
    "neurokit-live": streamed("neurokit:neurokit", 1, gated=True),
    "neurokit": _neurokit,
    "xqrs": _xqrs,
    "sleepecg": _sleepecg,
}


def read(data: Path, record: str) -> tuple[FloatArray, float, str]:
    """Read a record: signal (n, 2) in mV with MLII first, sampling rate, path.

    Raises
    ------
    MonitorError
        If there is no such record.
    """
    folder = "nstdb" if "e" in record else "mitdb"
    path = str(data / folder / record)
    try:
        found = wfdb.rdrecord(path)
    except OSError as error:
        raise MonitorError(f"cannot read record {path}: {error}") from error
    signal_mv = found.p_signal
    if "MLII" in found.sig_name[1:]:
        signal_mv = signal_mv[:, ::-1]
    return np.ascontiguousarray(signal_mv, dtype=np.float32), float(found.fs), path
