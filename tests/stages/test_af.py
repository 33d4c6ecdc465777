"""Atrial fibrillation: RR intervals and P waves, on recordings and on the simulated patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray

from monitor.config import AlarmSettings, RhythmSettings, WatchSettings
from monitor.messages import (
    AamiClass,
    Beat,
    LeadState,
    Quality,
    Rhythm,
    RPeak,
    Samples,
    StreamInfo,
)
from monitor.sources.simulator import Scenario, Segment, Simulator, simulate
from monitor.stages.af import AtrialFibrillation, changes, irregularity, repeats
from monitor.stages.band import BandSignal
from monitor.stages.hop import Hop
from monitor.stages.pwave import coherence
from monitor.stages.rhythm import RhythmStage
from monitor.stages.watch import Watch

LETTERS = dict(zip("NLRejAaJSnVE!F/fQ", "NNNNNSSSSSVVVFQQQ", strict=True))
LABEL_DELAY_S = 1.2


def rhythms(
    signal_mv: NDArray[np.float32], rate_hz: float, beats: Sequence[tuple[int, str]]
) -> list[Rhythm]:
    """Through the stage, with reference beats labelled late."""
    leads = signal_mv.shape[1]
    info = StreamInfo("s", rate_hz, ("II", "V1")[:leads])
    stage = RhythmStage(info, RhythmSettings(), WatchSettings(), AlarmSettings())
    watch = Watch(info, WatchSettings())
    size, delay = round(0.25 * rate_hz), round(LABEL_DELAY_S * rate_hz)
    samples, early = [sample for sample, _ in beats], round(0.3 * rate_hz)
    out: list[Rhythm] = []
    at = 0
    for start in range(0, len(signal_mv) - size + 1, size):
        end = start + size
        labelled = []
        while at < len(beats) and beats[at][0] + delay < end:
            sample, label = beats[at]
            certain = (1.0, 0.0, 0.0, 0.0, 0.0)
            labelled.append(
                Beat("s", sample, end - 1, AamiClass(label), certain, None, 0, "reference")
            )
            at += 1
        quality = Quality("s", start, end, (LeadState.OK,) * leads, True)
        block = Samples("s", start, signal_mv[start:end])
        peaks = tuple(RPeak("s", s, end - 1) for s in samples if start <= s + early < end)
        watch.push(block, quality)
        outside, watched = watch.take(peaks)
        found = stage.push(Hop(block, quality, watched, tuple(outside), tuple(labelled)), {})
        out += [event for event in found if isinstance(event, Rhythm)]
    return out


def fibrillating(found: Sequence[Rhythm], length: int) -> NDArray[np.bool_]:
    """Sample by sample, whether the rhythm was named AFIB."""
    mask = np.zeros(length, dtype=bool)
    ends = [event.sample for event in found[1:]] + [length]
    for event, end in zip(found, ends, strict=True):
        mask[event.sample : end] = event.name == "AFIB"
    return mask


@pytest.mark.slow
@pytest.mark.parametrize(
    ("record", "start_s", "stop_s", "share"),
    [
        ("203", 0, 600, (0.9, 1.0)),  # fibrillation, aberrant beats
        ("201", 0, 370, (0.9, 1.0)),  # fibrillation
        ("201", 1100, 1590, (0.0, 0.05)),  # atrial ectopy, blocked and aberrant; trigeminy
        ("209", 0, 600, (0.0, 0.0)),  # runs of atrial ectopic beats
        ("106", 600, 1200, (0.0, 0.0)),  # ventricular bigeminy
        ("119", 0, 600, (0.0, 0.0)),  # ventricular bigeminy and trigeminy
        ("115", 0, 600, (0.0, 0.0)),  # sinus arrhythmia
    ],
)
def test_recordings(
    data_dir: Path, record: str, start_s: int, stop_s: int, share: tuple[float, float]
) -> None:
    path = str(data_dir / "mitdb" / record)
    first, last = start_s * 360, stop_s * 360
    signal_mv = wfdb.rdrecord(path, sampfrom=first, sampto=last).p_signal.astype(np.float32)
    notes = wfdb.rdann(path, "atr", sampfrom=first, sampto=last, shift_samps=True)
    beats = [
        (int(sample), LETTERS[symbol])
        for sample, symbol in zip(notes.sample, notes.symbol, strict=True)
        if symbol in LETTERS
    ]
    found = fibrillating(rhythms(signal_mv, 360.0, beats), len(signal_mv))
    assert share[0] <= found.mean() <= share[1]


def through(*segments: Segment, seed: int = 1) -> tuple[NDArray[np.bool_], float]:
    """Simulate; give where AF was named, at which sampling rate."""
    simulator = Simulator(Scenario("made", "", segments), seed=seed)
    samples, truth = simulate(simulator)
    rate_hz = simulator.info.rate_hz
    beats = [(beat.sample, LETTERS[beat.symbol]) for beat in truth.beats]
    found = rhythms(samples, rate_hz, beats)
    return fibrillating(found, len(samples)), rate_hz


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fibrillation_is_found_where_it_is(seed: int) -> None:
    found, rate_hz = through(
        Segment("sinus", 60.0), Segment("af", 120.0), Segment("sinus", 60.0), seed=seed
    )
    seconds = found[: int(240 * rate_hz)].reshape(240, -1).mean(axis=1)
    assert seconds[:58].max() == 0
    assert seconds[71:178].min() == 1
    assert seconds[184:].max() == 0


@pytest.mark.slow
def test_its_start_and_end_are_given_where_the_intervals_change() -> None:
    """Not where it was told, some 20 beats later: within two beats in the median."""
    starts, ends = [], []
    for seed in range(8):
        found, rate_hz = through(
            Segment("sinus", 40.0 + 0.3 * seed, 75.0, 0.05),
            Segment("af", 50.0),
            Segment("sinus", 40.0),
            seed=seed,
        )
        turns = np.flatnonzero(np.diff(found.astype(int))) / rate_hz - 40.0 - 0.3 * seed
        assert len(turns) == 2
        starts.append(turns[0])
        ends.append(turns[1] - 50.0)
    assert np.median(np.abs(starts)) < 1.6
    assert np.median(np.abs(ends)) < 1.6


def test_a_restless_sinus_rhythm_is_no_fibrillation() -> None:
    found, _ = through(Segment("sinus", 180.0, 75.0, 0.12))
    assert not found.any()


def test_p_waves_outweigh_irregular_intervals() -> None:
    """The same intervals, those of fibrillation, with and without a wave before each QRS."""
    rng = np.random.default_rng(1)
    rr = rng.uniform(0.5, 1.0, 120)
    beats = [(int(sample), "N") for sample in np.cumsum(rr) * 250]
    noise = rng.normal(0, 0.02, (beats[-1][0] + 500, 1)).astype(np.float32)
    wave = 0.1 * np.hanning(25).astype(np.float32)
    with_p = noise.copy()
    for sample, _ in beats:
        with_p[sample - 55 : sample - 30, 0] += wave
    assert fibrillating(rhythms(noise, 250.0, beats), len(noise)).mean() > 0.8
    assert not fibrillating(rhythms(with_p, 250.0, beats), len(noise)).any()


def test_coherence_is_the_share_of_power_in_common() -> None:
    rng = np.random.default_rng(2)
    wave = rng.normal(0, 1.0, (1, 400, 1))
    for share in (0.0, 0.3, 0.8):
        own = rng.normal(0, 1.0, (200, 400, 1))
        windows = np.sqrt(share) * wave + np.sqrt(1 - share) * own
        assert coherence(windows) == pytest.approx(share, abs=0.05)
        silent = np.concatenate((windows, np.zeros_like(windows)), axis=2)
        assert coherence(silent) == pytest.approx(coherence(windows))


def test_irregularity_is_not_moved_by_ectopy_or_rate() -> None:
    def measure(rr_s: Sequence[float] | NDArray[np.float64]) -> float:
        samples = [round(1000 * t) for t in np.cumsum([0.0, *rr_s])]
        found = changes(samples, [False] * len(samples))
        return irregularity([change for _, change, _ in found], [rr for _, _, rr in found])

    rng = np.random.default_rng(1)
    fibrillating_rr = rng.uniform(0.4, 0.9, 48)
    assert measure(fibrillating_rr) > 0.15
    assert measure(2 * fibrillating_rr) == pytest.approx(measure(fibrillating_rr), rel=0.01)
    assert measure([0.8, 0.8, 0.8, 0.8, 0.5, 1.1] * 8) < 0.01


@pytest.mark.parametrize(
    "cycle_s",
    [
        (0.57, 1.26),  # atrial bigeminy
        (0.84, 0.55, 1.1),  # atrial trigeminy
        (0.8, 0.8, 0.55, 1.1),  # every fourth beat premature
        (0.78, 0.72, 1.3),  # second-degree block, 4:3
        (0.84, 0.77, 0.71, 0.79, 0.88),  # breathing
        (0.9, 0.82, 0.74, 0.68, 0.74, 0.82),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rhythm_that_repeats_is_no_fibrillation_without_p_waves_either(
    cycle_s: Sequence[float], seed: int
) -> None:
    """Independent intervals of the same mean are."""
    rng = np.random.default_rng(seed)
    repeating = np.resize(cycle_s, 180) * rng.normal(1.0, 0.01, 180)
    independent = np.mean(cycle_s) * rng.normal(1.0, 0.2, 180)
    for intervals, share in ((repeating, (0.0, 0.0)), (independent, (0.8, 1.0))):
        beats = [(int(sample), "N") for sample in 250 * np.cumsum(intervals)]
        noise = rng.normal(0, 0.02, (beats[-1][0] + 500, 1)).astype(np.float32)
        found = fibrillating(rhythms(noise, 250.0, beats), len(noise)).mean()
        assert share[0] <= found <= share[1]


def test_intervals_repeat_after_two_to_six_beats() -> None:
    """Cycles of intervals that all differ, up to six beats and longer."""
    rng = np.random.default_rng(4)
    for cycle in range(2, 10):
        rr = rng.permutation(np.linspace(400, 900, cycle)).astype(int).tolist() * 20
        assert repeats(dict(enumerate(rr[:32])), 0.06) is (cycle <= 6)


def test_fibrillation_goes_on_though_intervals_repeat_for_a_while() -> None:
    """It began with independent ones; by chance others resemble each other."""
    rng = np.random.default_rng(5)
    info = StreamInfo("s", 250.0, ("II",))
    af = AtrialFibrillation(RhythmSettings(), 250.0, BandSignal(info))
    certain = (1.0, 0.0, 0.0, 0.0, 0.0)
    sample, states = 0, []
    for rr_s in [*rng.normal(0.8, 0.16, 60), *[0.6, 1.0] * 40, *[0.8] * 60]:
        sample += int(rr_s * 250)
        af.push(Beat("s", sample, sample, AamiClass.N, certain, None, 0, "made"))
        states.append(af.active)
    assert all(states[20:140])
    assert not any(states[180:])


def test_changes_are_between_successive_beats_that_are_not_ventricular() -> None:
    samples = [0, 100, 200, 320, 400, 500, 600]
    ventricular = [False, False, False, True, False, False, False]
    assert changes(samples, ventricular) == [(2, 0, 100), (6, 0, 100)]


def test_with_too_few_plain_beats_the_state_stands() -> None:
    """Bigeminy leaves no two successive intervals: nothing can be said, and nothing is."""
    rng = np.random.default_rng(3)
    info = StreamInfo("s", 250.0, ("II",))
    af = AtrialFibrillation(RhythmSettings(), 250.0, BandSignal(info))
    certain = (1.0, 0.0, 0.0, 0.0, 0.0)
    sample, states = 0, []
    for i in range(400):
        sample += int(rng.uniform(0.4, 1.0) * 250)
        label = AamiClass("V" if i >= 100 and i % 2 else "N")
        af.push(Beat("s", sample, sample, label, certain, None, 0, "made"))
        states.append(af.active)
    assert not states[10]
    assert all(states[40:])
