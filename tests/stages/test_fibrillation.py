"""VF from the waveform: real recordings with their rhythm annotations, and made signals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray
from scipy import signal

from monitor.config import RhythmSettings
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.stages.band import BandSignal
from monitor.stages.fibrillation import FEATURES, Features, Fibrillation
from monitor.stages.hop import Hop, Watched


def hops(
    values_mv: NDArray[np.float32], rate_hz: float, state: LeadState = LeadState.OK, start: int = 0
) -> Iterable[Hop]:
    size = round(0.25 * rate_hz)
    leads = (state,) * values_mv.shape[1]
    for at in range(0, len(values_mv) - size + 1, size):
        block = Samples("s", start + at, values_mv[at : at + size])
        quality = Quality("s", start + at, start + at + size, leads, state is LeadState.OK)
        yield Hop(block, quality, Watched(start, None, start))


def found(
    values_mv: NDArray[np.float32], rate_hz: float, state: LeadState = LeadState.OK
) -> list[tuple[float, float]]:
    """Seconds at which VF was found, with the onset it was given."""
    info = StreamInfo("s", rate_hz, tuple(f"lead{i}" for i in range(values_mv.shape[1])))
    band = BandSignal(info)
    detector = Fibrillation(info, RhythmSettings(), band)
    out: list[tuple[float, float]] = []
    before = None
    for hop in hops(values_mv, rate_hz, state):
        band.push(hop.block)
        detector.push(hop)
        onset = detector.onset_sample
        if onset is not None and before is None:
            out.append((hop.block.end_sample / rate_hz, onset / rate_hz))
        before = onset
    return out


def part(path: Path, start_s: float, stop_s: float) -> tuple[NDArray[np.float32], float]:
    rate_hz = float(wfdb.rdheader(str(path)).fs)
    record = wfdb.rdrecord(str(path), sampfrom=int(start_s * rate_hz), sampto=int(stop_s * rate_hz))
    return record.p_signal[:, :2].astype(np.float32), rate_hz


@pytest.mark.parametrize(
    ("record", "start_s", "onset_s"),
    [
        ("vfdb/424", 1200.0, 1259.0),
        ("vfdb/426", 600.0, 646.0),
        ("vfdb/609", 960.0, 1021.0),
    ],
)
def test_annotated_fibrillation_is_found_soon(
    data_dir: Path, record: str, start_s: float, onset_s: float
) -> None:
    values, rate_hz = part(data_dir / record, start_s, onset_s + 15.0)
    (seen, onset), *_ = found(values, rate_hz)
    assert onset_s - 1.0 <= start_s + seen <= onset_s + 12.0
    assert abs(start_s + onset - onset_s) < 8.0


@pytest.mark.parametrize("other_hz", [128, 200, 300, 360])
def test_it_is_found_as_soon_at_another_sampling_rate(data_dir: Path, other_hz: int) -> None:
    values, rate_hz = part(data_dir / "vfdb" / "424", 1200.0, 1274.0)
    again = signal.resample_poly(values, other_hz, round(rate_hz)).astype(np.float32)
    (seen, onset), *_ = found(values, rate_hz)
    (seen_again, onset_again), *_ = found(again, float(other_hz))
    assert abs(seen_again - seen) < 1.5
    assert abs(onset_again - onset) < 1.5


@pytest.mark.parametrize("record", ["100", "106", "119", "203", "208"])
def test_beats_of_all_sorts_are_not_fibrillation(data_dir: Path, record: str) -> None:
    values, rate_hz = part(data_dir / "mitdb" / record, 0.0, 300.0)
    assert found(values, rate_hz) == []


@pytest.mark.parametrize("rate_hz", [125.0, 250.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("height_mv", [0.15, 0.5, 2.0])
def test_a_wandering_sine_is_fibrillation_at_any_rate_and_height(
    rate_hz: float, height_mv: float
) -> None:
    values = sine(rate_hz, height_mv)
    (seen, onset), *_ = found(values, rate_hz)
    assert seen <= 6.0
    assert onset <= 3.0


def sine(
    rate_hz: float, height_mv: float, seconds: float = 10.0, wave_hz: float = 4.5
) -> NDArray[np.float32]:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * (wave_hz * t + 0.5 * np.sin(2 * np.pi * 0.4 * t))
    wave = height_mv * (1.0 + 0.3 * np.sin(2 * np.pi * 0.7 * t)) * np.sin(phase)
    return wave[:, np.newaxis].astype(np.float32)


@pytest.mark.parametrize("first_hz", [4.5, 2.4])
def test_slow_waves_with_a_qrs_each_are_fibrillation_only_if_it_was_there_before(
    first_hz: float,
) -> None:
    values = np.concatenate([sine(250.0, 1.0, 10.0, first_hz), sine(250.0, 1.0, 10.0, 2.4)])
    info = StreamInfo("s", 250.0, ("II",))
    band = BandSignal(info)
    detector = Fibrillation(info, RhythmSettings(), band)
    for hop in hops(values, 250.0):
        at = hop.block.start_sample // 125 * 125  # a "QRS" each half second
        rpeaks = (RPeak("s", at, at),) if hop.block.start_sample <= at + 62 else ()
        band.push(hop.block)
        detector.push(replace(hop, rpeaks=rpeaks))
    assert detector.active is (first_hz > 3.0)


def test_tiny_waves_noise_and_a_flat_line_are_not() -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.3, (5000, 1)).astype(np.float32)
    assert found(noise, 250.0) == []
    assert found(sine(250.0, 0.03), 250.0) == []
    assert found(np.zeros((5000, 1), np.float32), 250.0) == []


def test_a_lead_that_is_off_has_no_say() -> None:
    values = sine(250.0, 1.0)
    assert found(values, 250.0, LeadState.LEAD_OFF) == []
    assert found(values, 250.0, LeadState.NOISY) != []


def test_holes_and_invalid_samples_do_not_spread() -> None:
    info = StreamInfo("s", 250.0, ("II",))
    band = BandSignal(info)
    detector = Fibrillation(info, RhythmSettings(), band)
    values = sine(250.0, 1.0, 20.0)
    values[1000:1003] = np.nan
    for hop in hops(values, 250.0):
        band.push(hop.block)
        detector.push(hop)
    assert detector.active
    later = next(iter(hops(values, 250.0, start=100_000)))
    band.push(later.block)
    detector.push(later)
    assert not detector.active


def test_features_of_a_pure_sine_are_those_of_theory() -> None:
    rate_hz, n = 125.0, 375
    x = np.sin(2 * np.pi * 5.0 * np.arange(n) / rate_hz + 0.3)
    peak, regularity, features = Features(n, rate_hz).of(x)
    assert features is not None
    named = dict(zip(FEATURES, features, strict=True))
    assert peak == pytest.approx(1.0, abs=0.01)
    assert regularity == pytest.approx(1.0, abs=0.03)
    assert named["leakage"] < 0.1  # a narrow-band signal leaves nothing
    assert named["crossing"] == pytest.approx(1 - 2 * np.arcsin(0.2) / np.pi, abs=0.02)
    assert np.exp(named["log_period"]) == pytest.approx(0.2, abs=0.01)
    assert np.exp(named["log_frequency"]) == pytest.approx(5.0, abs=0.34)
    assert np.exp(named["log_kurtosis"]) == pytest.approx(1.5, abs=0.02)
