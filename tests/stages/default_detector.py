"""Recordings for the default detector, what it finds in them, and how right that is."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from monitor.config import DetectSettings
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.score import Annotations, Conditions, RecordScore, compare_beats, read_annotations
from monitor.score.annotations import EC57_CLASSES
from monitor.stages.detect import make_detector

Signal = NDArray[np.float64]
RATE_HZ = 360.0
MINUTE = round(60 * RATE_HZ)
OK, OFF = LeadState.OK, LeadState.LEAD_OFF


@lru_cache(maxsize=16)
def record(folder: Path, name: str, minutes: int) -> tuple[Signal, NDArray[np.int64], Annotations]:
    """First minutes of a record: signal (n, 2) in mV with MLII first, beats, annotations."""
    path = str(folder / "mitdb" / name)
    read = wfdb.rdrecord(path, sampto=minutes * MINUTE)
    signal = read.p_signal
    if "MLII" in read.sig_name[1:]:
        signal = signal[:, ::-1]
    truth, _ = read_annotations(path, "atr")
    kept = truth.samples < minutes * MINUTE
    symbols = np.array(truth.symbols)[kept]
    samples = truth.samples[kept]
    beats = samples[np.isin(symbols, list(EC57_CLASSES))]
    return signal, beats, Annotations.from_arrays(samples, tuple(symbols.tolist()))


def detect(
    signal: Signal,
    rate_hz: float = RATE_HZ,
    states: Callable[[int], tuple[LeadState, ...]] | None = None,
    skip: range = range(0),
    first: int = 0,
) -> list[RPeak]:
    """Stream a signal, shape (n,) or (n, leads), through the default detector."""
    values = np.asarray(signal, np.float32)
    values = values[:, None] if values.ndim == 1 else values
    leads = values.shape[1]
    hop = round(0.25 * rate_hz)
    info = StreamInfo("bed-1", rate_hz, tuple("AB"[:leads]), start_sample=first)
    detector = make_detector(info, DetectSettings())
    found: list[RPeak] = []
    for at in range(0, len(values) - hop + 1, hop):
        if at in skip:
            continue
        block = Samples("bed-1", first + at, values[at : at + hop])
        lead_states = (OK,) * leads if states is None else states(at)
        quality = Quality("bed-1", block.start_sample, block.end_sample, lead_states, usable=True)
        found += detector.push(block, quality)
    return found + detector.flush()


def score(
    peaks: list[RPeak], truth: Annotations, length: int, rate_hz: float = RATE_HZ
) -> RecordScore:
    """Compare by EC57, but from 10 s on."""
    kept = truth.samples < length - rate_hz
    symbols = tuple(np.array(truth.symbols)[kept].tolist())
    test = [p.sample for p in peaks if p.sample < length - rate_hz]
    return compare_beats(
        Annotations.from_arrays(truth.samples[kept], symbols),
        Annotations.from_arrays(test),
        rate_hz,
        length_samples=length,
        conditions=Conditions(start_s=10.0),
    )


def errors(result: RecordScore) -> int:
    """Missed and false beats together."""
    return len(result.false_negatives) + len(result.false_positives)


def missed(peaks: list[RPeak], beats: NDArray[np.int64], start: float, stop: float) -> list[float]:
    """Seconds of the beats in [start, stop) samples that no peak is within 100 ms of."""
    samples = np.array([p.sample for p in peaks])
    inside = beats[(beats >= start) & (beats < stop)]
    assert len(inside), "the test needs beats there"
    return [b / RATE_HZ for b in inside if np.abs(samples - b).min() > 0.1 * RATE_HZ]
