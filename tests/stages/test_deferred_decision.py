"""Uncertain candidates: the log odds decide without noise, a second network in noise."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray

from monitor.config import DetectSettings, QualitySettings
from monitor.messages import Samples, StreamInfo
from monitor.score import Annotations, Conditions, compare_beats, read_annotations
from monitor.score.annotations import EC57_CLASSES
from monitor.stages.detect import QrsDetector, beat_decisions
from monitor.stages.detect.deferred_decision import (
    NAMES,
    DeferredDecision,
    network_inputs,
    shipped_deferred_network,
)
from monitor.stages.detect.features import Candidate, Features
from monitor.stages.detect.networks import QrsNetwork
from monitor.stages.detect.templates import Match
from monitor.stages.quality import QualityGate
from tools.data.noise import motion, muscle, with_noise

Signal = NDArray[np.float32]
Noise = Callable[[int, float, np.random.Generator], Signal]
RATE_HZ = 360.0
QUIET, NOISY = 0.0, 0.5


def candidate(
    log_odds: float, sample: int = 1000, like_previous: float = 0.0, since_s: float = 0.8
) -> Candidate:
    match = Match(0.4, 0.4, 0.0, 0, 9, like_previous, [0.4], [])
    features = Features(*[0.1] * 20)._replace(since_s=math.log(since_s))
    return Candidate(sample, log_odds, features, match, False, [1.0], [1.0], [1.0])


class Constant(QrsNetwork):
    """A network with constant log odds, which keeps its inputs."""

    def __init__(self, odds: float) -> None:
        self.odds = odds
        self.asked: list[Sequence[float]] = []

    def log_odds(self, inputs: Sequence[float]) -> float:
        self.asked.append(inputs)
        return self.odds


def test_each_input_of_the_network_has_a_name() -> None:
    alone = dict(zip(NAMES, network_inputs(candidate(0.7), NOISY, RATE_HZ, None, 0.0), strict=True))
    assert (alone["log_odds"], alone["noise_level"], alone["followed"]) == (0.7, NOISY, 0.0)
    after = candidate(1.5, 1090, like_previous=0.6)
    inputs = network_inputs(candidate(0.7, 1000, 0.2), NOISY, RATE_HZ, after, -2.0)
    both = dict(zip(NAMES, inputs, strict=True))
    assert both["followed"] == 1.0
    assert both["next_s"] == pytest.approx(0.25)
    assert (both["next_log_odds"], both["next_alone"]) == (-2.0, 1.5)
    assert (both["like_previous"], both["next_like_previous"]) == (0.2, 0.6)
    assert (both["next_height"], both["next_correlation"]) == (0.1, 0.4)


@pytest.mark.parametrize("odds", [-3.0, 3.0])
def test_without_noise_the_log_odds_decide(odds: float) -> None:
    network = Constant(-odds)
    assert DeferredDecision(RATE_HZ, network, 2.0).decide(candidate(odds), QUIET) == (
        odds > 0.0,
        odds,
    )
    assert not network.asked


def test_after_two_seconds_without_a_beat_the_log_odds_decide() -> None:
    """In the examples of the fit beats always come again; noise on an asystole has none."""
    network = Constant(3.0)
    assert DeferredDecision(RATE_HZ, network, 1.0).decide(candidate(-1.0, since_s=2.1), NOISY) == (
        False,
        -1.0,
    )
    assert not network.asked
    assert DeferredDecision(RATE_HZ, network, 1.0).decide(candidate(-1.0, since_s=1.9), NOISY) == (
        True,
        3.0,
    )


def test_a_candidate_like_its_neighbour_may_be_tachycardia() -> None:
    network = Constant(-3.0)
    decide = DeferredDecision(RATE_HZ, network, 1.0).decide
    assert decide(candidate(1.0, like_previous=0.9), NOISY) == (True, 1.0)
    assert decide(candidate(1.0), NOISY, candidate(0.5, 1090, like_previous=0.9), 0.5)[0]
    assert not network.asked
    assert decide(candidate(1.0, like_previous=0.8), NOISY) == (False, -3.0)


@pytest.mark.parametrize("false_cost", [1.0, 2.0])
def test_in_noise_the_network_decides_and_a_false_beat_may_cost_more(
    false_cost: float,
) -> None:
    for odds in (math.log(false_cost) - 0.1, math.log(false_cost) + 0.1):
        decided = odds > math.log(false_cost), pytest.approx(odds - math.log(false_cost))
        decide = DeferredDecision(RATE_HZ, Constant(odds), false_cost).decide
        assert decide(candidate(-odds), NOISY) == decided
        assert decide(candidate(0.1), NOISY, candidate(0.3, 1090), 0.2) == decided


def test_of_two_the_one_with_more_evidence_is_taken_unless_both_look_alike() -> None:
    def is_beat(odds: float, following: Candidate, after: float) -> bool:
        found, log_odds = DeferredDecision(RATE_HZ, None, 2.0).decide(
            candidate(odds), NOISY, following, after
        )
        assert log_odds == odds
        return found

    assert is_beat(1.0, candidate(0.5, 1090), after=-2.0)
    assert not is_beat(0.5, candidate(1.0, 1090), after=-2.0)
    assert is_beat(0.5, candidate(1.0, 1090), after=0.6)
    assert not is_beat(1.8, candidate(2.0, 1090), after=-0.1)
    assert is_beat(1.8, candidate(2.0, 1090, like_previous=0.95), after=-0.1)


def test_the_shipped_network_takes_its_inputs() -> None:
    odds = shipped_deferred_network().log_odds(
        network_inputs(candidate(0.5), NOISY, RATE_HZ, None, 0.0)
    )
    assert np.isfinite(odds)


def noisy_part(
    data_dir: Path, record: str, noise_of: Noise, snr_db: float
) -> tuple[Signal, NDArray[np.int64]]:
    """Give 210 s of a record with made noise in every second minute: signal and beats."""
    read = wfdb.rdrecord(str(data_dir / "mitdb" / record))
    signal = np.ascontiguousarray(read.p_signal, dtype=np.float32)
    truth, _ = read_annotations(data_dir / "mitdb" / record, "atr")
    beats = truth.samples[np.isin(np.array(truth.symbols), list(EC57_CLASSES))]
    rng = np.random.default_rng([3, int(record)])
    n = round(210 * RATE_HZ)
    start = int(rng.integers(len(signal) - n))
    inside = beats[(beats > start + RATE_HZ) & (beats < start + n - RATE_HZ)] - start
    noise = noise_of(n, RATE_HZ, rng)
    return with_noise(signal[start : start + n], inside, noise, snr_db, RATE_HZ), inside


def detected(signal: Signal, false_cost: float = DetectSettings().false_cost) -> NDArray[np.int64]:
    info = StreamInfo("part", RATE_HZ, ("I", "II"))
    detector = QrsDetector(info, DetectSettings(false_cost=false_cost))
    gate, hop = QualityGate(info, QualitySettings()), round(0.25 * RATE_HZ)
    found = []
    for at in range(0, len(signal) - hop + 1, hop):
        block = Samples("part", at, signal[at : at + hop])
        found += [peak.sample for peak in detector.push(block, gate.push(block))]
    return np.array([*found, *(peak.sample for peak in detector.flush())])


@pytest.mark.slow
def test_in_made_noise_the_network_is_more_often_right_than_the_log_odds(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missed and false beats on DS1, which it was fitted on, with other noise."""
    noises = ((motion, 6.0), (motion, 0.0), (motion, -6.0), (muscle, 0.0), (muscle, -6.0))
    parts = [noisy_part(data_dir, r, *noise) for r in ("106", "203", "230") for noise in noises]

    def wrong() -> int:
        total = 0
        for signal, beats in parts:
            score = compare_beats(
                Annotations.from_arrays(beats),
                Annotations.from_arrays(detected(signal)),
                RATE_HZ,
                length_samples=len(signal),
                conditions=Conditions(start_s=30.0),
            )
            total += len(score.false_negatives) + len(score.false_positives)
        return total

    with_network = wrong()
    monkeypatch.setattr(beat_decisions, "shipped_deferred_network", lambda: None)
    without = wrong()
    assert with_network < 0.9 * without


@pytest.mark.slow
def test_the_more_a_false_beat_costs_the_fewer_there_are(data_dir: Path) -> None:
    signal, _ = noisy_part(data_dir, "203", motion, -6.0)
    counts = [len(detected(signal, false_cost)) for false_cost in (0.5, 2.0, 8.0)]
    assert counts[0] > counts[1] > counts[2]
