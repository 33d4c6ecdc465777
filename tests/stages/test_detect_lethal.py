"""The default detector in lethal rhythms: asystole, any rate, VT, fibrillation."""

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from default_detector import MINUTE, RATE_HZ, Signal, detect, missed, record
from numpy.typing import NDArray

from monitor.sources.simulator import Scenario, Segment, Simulator


def bells(bpm: float, seconds: float, rate_hz: float = RATE_HZ) -> tuple[Signal, Signal]:
    """A narrow-QRS ECG, shape (n,), and the seconds of its R peaks."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    short = min(1.0, 100.0 / bpm) ** 0.5  # P and T come nearer at high rates
    beats_s = np.arange(0.4, seconds - 0.5, 60.0 / bpm)
    signal = 0.01 * np.random.default_rng(1).standard_normal(len(t))
    for at in beats_s:
        for size, offset, width in (
            (0.1, -0.12 * short, 0.02 * short),
            (-0.1, -0.022, 0.007),
            (1.0, 0.0, 0.009),
            (-0.2, 0.024, 0.008),
            (0.2, 0.2 * short, 0.035 * short),
        ):
            signal += size * np.exp(-0.5 * ((t - at - offset) / width) ** 2)
    return signal, beats_s


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise_mv", "drift_mv"), [(0.0, 0.0), (0.003, 0.015), (0.01, 0.05), (0.05, 0.1)]
)
@pytest.mark.parametrize("name", ["100", "119", "207"])
def test_no_beats_in_asystole(data_dir: Path, name: str, noise_mv: float, drift_mv: float) -> None:
    signal, beats, _ = record(data_dir, name, 3)
    changed = signal[:, :1].copy()
    rng = np.random.default_rng(7)
    start, stop = MINUTE, MINUTE + round(40 * RATE_HZ)
    drift = scipy.signal.lfilter(
        *scipy.signal.butter(1, 0.5, fs=RATE_HZ), rng.standard_normal(stop - start)
    )
    hiss = noise_mv * rng.standard_normal(stop - start)
    changed[start:stop, 0] = changed[start, 0] + hiss + drift_mv * drift / drift.std()
    peaks = detect(changed)
    assert not [p for p in peaks if start + 0.3 * RATE_HZ < p.sample < stop - 0.3 * RATE_HZ]
    assert missed(peaks, beats, stop + 2 * RATE_HZ, len(signal) - RATE_HZ) == []


@pytest.mark.parametrize("factor", [0.5, 0.3, 3.0])
def test_goes_on_when_the_amplitude_changes_suddenly(data_dir: Path, factor: float) -> None:
    signal, beats, _ = record(data_dir, "100", 2)
    changed = signal[:, :1].copy()
    changed[MINUTE:] *= factor
    assert missed(detect(changed), beats, MINUTE + 36, len(signal) - RATE_HZ) == []


@pytest.mark.slow
@pytest.mark.parametrize("bpm", [30, 60, 150, 220, 300])
def test_follows_any_rate_of_a_narrow_qrs(bpm: int) -> None:
    signal, beats_s = bells(bpm, 40.0)
    peaks = np.array([p.sample for p in detect(signal)]) / RATE_HZ
    inside = beats_s[beats_s > 6.0]
    assert all(np.abs(peaks - b).min() < 0.05 for b in inside)
    assert len(peaks) <= len(beats_s)


def simulated_vt(
    bpm: float, form: int, leads: tuple[str, ...], seed: int = 0
) -> tuple[Signal, NDArray[np.int64], NDArray[np.int64]]:
    """Signal, all beats and those of the VT: 12 s of it after 15 s of sinus rhythm."""
    segments = (
        Segment("sinus", 15.0, 70.0),
        Segment("vt", 12.0, bpm, forms=(form,)),
        Segment("sinus", 8.0),
    )
    simulator = Simulator(
        Scenario("vt", "VT", segments), rate_hz=RATE_HZ, leads=leads, seed=seed, keep_truth=True
    )
    signal = np.concatenate([chunk.values_mv for chunk in simulator.chunks()])
    beats = np.array([beat.sample for beat in simulator.truth.beats])
    symbols = np.array([beat.symbol for beat in simulator.truth.beats])
    return signal, beats, beats[symbols == "V"]


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["upright", "inverted"])
@pytest.mark.parametrize("leads", [("II", "V1"), ("II",)], ids=["two", "one"])
@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize("bpm", [150, 170, 195, 206])
def test_finds_every_beat_of_vt_but_the_first_two(
    bpm: int, form: int, leads: tuple[str, ...], sign: float
) -> None:
    signal, beats, ventricular = simulated_vt(bpm, form, leads)
    peaks = detect(sign * signal)
    assert missed(peaks, ventricular, ventricular[2], len(signal)) == []
    false = [p.sample for p in peaks if np.abs(beats - p.sample).min() > 0.15 * RATE_HZ]
    assert false == []


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["upright", "inverted"])
@pytest.mark.parametrize(("bpm", "form"), [(150, 3), (170, 2), (170, 3), (206, 2)])
def test_vt_unlike_any_beat_before_is_found_from_its_eighth_beat_on(
    bpm: int, form: int, sign: float
) -> None:
    for seed in (0, 1):
        signal, _, ventricular = simulated_vt(bpm, form, ("II", "V1"), seed)
        assert missed(detect(sign * signal), ventricular, ventricular[7], len(signal)) == []


@pytest.mark.slow
@pytest.mark.parametrize("leads", [("II", "V5"), ("I", "II"), ("V2", "V5"), ("I", "V1")])
@pytest.mark.parametrize(("seed", "rate_hz"), [(13, 500.0), (14, 128.0)])
@pytest.mark.parametrize("name", ["vt", "vt_206"])
def test_vt_is_found_within_seconds_on_any_pair_of_leads(
    name: str, leads: tuple[str, ...], seed: int, rate_hz: float
) -> None:
    simulator = Simulator(name, rate_hz=rate_hz, leads=leads, seed=seed, keep_truth=True)
    signal = np.concatenate([chunk.values_mv for chunk in simulator.chunks()])
    peaks = np.array([p.sample for p in detect(signal, rate_hz)])
    beats = np.array([b.sample for b in simulator.truth.beats if b.symbol == "V"])
    later = beats[(beats > beats[0] + 2.5 * rate_hz) & (beats < len(signal) - rate_hz)]
    assert len(later) > 40
    assert len([b for b in later if np.abs(peaks - b).min() > 0.1 * rate_hz]) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["203", "223"])
def test_search_back_works_while_all_candidates_are_uncertain_but_not_far(
    data_dir: Path, name: str
) -> None:
    signal, _, _ = record(data_dir, name, 5)
    noise = np.random.default_rng(0).standard_normal(signal.shape)
    peaks = detect(signal + 0.7 * noise)
    age_s = max(p.decided_sample - p.sample for p in peaks) / RATE_HZ
    assert 1.0 < age_s < 4.0


def test_finds_beats_again_after_fibrillation(data_dir: Path) -> None:
    signal, beats, _ = record(data_dir, "100", 3)
    changed = signal[:, :1].copy()
    rng = np.random.default_rng(3)
    start, stop = MINUTE, MINUTE + round(30 * RATE_HZ)
    waves = scipy.signal.lfilter(
        *scipy.signal.butter(2, (3.0, 7.0), "bandpass", fs=RATE_HZ),
        rng.standard_normal(stop - start),
    )
    changed[start:stop, 0] = 0.6 * waves / waves.std()
    assert missed(detect(changed), beats, stop + 2 * RATE_HZ, len(signal) - RATE_HZ) == []
