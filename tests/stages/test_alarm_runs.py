"""The score of fast runs, and the rates of so many beats in a row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitor.messages import AamiClass, AlertKind, Beat, Hop, Pulse
from monitor.stages.alarms.runs import FEATURES, REACH_S, Runs, at_work_rate
from tests.stages.alarm_beats import RATE_HZ, hops, physiological, raised, run, steady


def complex_mv(rate_hz: float, width_s: float) -> np.ndarray:
    t = np.arange(-round(REACH_S * rate_hz), round(REACH_S * rate_hz) + 1) / rate_hz
    return (np.exp(-0.5 * (t / width_s) ** 2))[:, np.newaxis]


def judged(rate_hz: float, run_width_s: float, v: float) -> tuple[np.ndarray, float]:
    """Sixteen narrow beats, then five of a width, all at one distance of 0.45 s."""
    runs = Runs(rate_hz)
    beats = []
    for i in range(21):
        inside = i >= 16
        p = (1 - v, 0.0, v, 0.0, 0.0) if inside else (1.0, 0.0, 0.0, 0.0, 0.0)
        label = AamiClass.V if inside and v > 0.5 else AamiClass.N
        sample = round((1.0 + 0.8 * min(i, 16) + 0.45 * max(0, i - 16)) * rate_hz)
        beats.append(Beat("bed1", sample, sample, label, p, None, 0, "made"))
        runs.take(sample, complex_mv(rate_hz, run_width_s if inside else 0.015))
    wave = np.sin(2 * np.pi * np.arange(round(4 * rate_hz)) / rate_hz / 0.45)[:, np.newaxis]
    given = beats[16:], beats[:16], wave
    return runs.features(*given), runs.log_odds(*given)


def test_width_and_rate_are_measured_whatever_the_sampling_rate() -> None:
    reference, _ = judged(125.0, 0.045, 0.9)
    for rate_hz in (200.0, 250.0, 360.0, 500.0, 1000.0):
        features, _ = judged(rate_hz, 0.045, 0.9)
        assert np.abs(features - reference).max() < 0.1, rate_hz
    at = FEATURES.index
    assert reference[at("rate")] == pytest.approx(np.log(60 / 0.45 / 100), abs=0.01)
    assert reference[at("width_change")] > 0.5


def test_the_score_rises_with_the_labels() -> None:
    odds = [judged(250.0, 0.045, v)[1] for v in (0.02, 0.3, 0.7, 0.98)]
    assert odds == sorted(odds)
    assert odds[0] < -1.0 < 1.0 < odds[-1]


def test_what_is_not_known_of_a_run_decides_nothing() -> None:
    beats = [
        Beat("bed1", 90 * i, 90 * i, AamiClass.V, (0.0, 0.0, 1.0, 0.0, 0.0), None, 0, "made")
        for i in range(5)
    ]
    odds = Runs(RATE_HZ).log_odds(beats, [], np.empty((0, 1)))
    assert np.isfinite(odds)
    assert odds > 0.0


def test_signal_at_its_own_rate_is_left_as_it_is() -> None:
    x = np.random.default_rng(1).normal(size=(50, 2))
    assert at_work_rate(x, 125.0) is x
    assert at_work_rate(np.ones((100, 1)), 360.0) == pytest.approx(np.ones((34, 1)))


@pytest.mark.parametrize(("bpm", "expected"), [(36, True), (41, True), (43, False)])
def test_five_beats_of_extreme_bradycardia(bpm: float, expected: bool) -> None:
    first = steady(75, 0.5, 20)
    step_s = first[-1][0]
    slow = steady(bpm, step_s + 60 / bpm, step_s + 5.5 * 60 / bpm)[:4]
    beats = first + slow + steady(75, slow[-1][0] + 0.8, 45)
    alerts = run(hops(beats, 45))
    assert (AlertKind.EXTREME_BRADY in physiological(alerts)) is expected
    if expected:
        assert raised(alerts)[AlertKind.EXTREME_BRADY].sample / RATE_HZ < slow[-1][0] + 1.5


def test_one_pause_is_no_bradycardia() -> None:
    first = steady(60, 0.5, 20)
    beats = first + steady(60, first[-1][0] + 3.8, 45)
    assert AlertKind.EXTREME_BRADY not in physiological(run(hops(beats, 45)))


def test_still_is_what_is_far_flatter_than_the_complexes() -> None:
    runs = Runs(250.0)
    line = np.zeros((125, 1))
    assert not runs.still(line)  # nothing is known to compare with
    for i in range(6):
        runs.take(200 * i, complex_mv(250.0, 0.015))
    assert runs.still(line)
    assert runs.still(line + 0.05 * np.random.default_rng(1).random((125, 1)))
    assert not runs.still(np.concatenate((line, complex_mv(250.0, 0.02))))
    assert not runs.still(np.empty((0, 1)))


def with_pulses(made: list[Hop], times_s: list[float], heights: list[float]) -> list[Hop]:
    """Hops with pulses, each told of 0.25 s after it."""
    pulses = [Pulse(round(t * RATE_HZ), h) for t, h in zip(times_s, heights, strict=True)]
    return [
        replace(
            hop,
            pulses=tuple(
                p
                for p in pulses
                if hop.block.start_sample <= p.sample + RATE_HZ / 4 < hop.block.end_sample
            ),
        )
        for hop in made
    ]


@pytest.mark.parametrize(("spread", "expected"), [(0.05, True), (0.5, False)])
def test_a_slow_pulse_is_bradycardia_whatever_is_taken_for_beats(
    spread: float, expected: bool
) -> None:
    made = hops(steady(75, 0.5, 60), 60)  # pacing pulses, say
    times = [0.7 + 0.8 * i for i in range(30)]
    times += [times[-1] + 1.8 * i for i in range(1, 10)]
    heights = [float(np.exp(spread * (-1) ** i)) for i in range(len(times))]
    alerts = run(with_pulses(made, times, heights))
    assert (AlertKind.EXTREME_BRADY in physiological(alerts)) is expected
    if expected:
        alarm = raised(alerts)[AlertKind.EXTREME_BRADY]
        assert alarm.text.endswith("(pulse)")
        assert times[32] < alarm.sample / RATE_HZ < times[32] + 1.0


def test_a_pulse_that_stops_is_no_bradycardia() -> None:
    made = hops(steady(75, 0.5, 60), 60)
    times = [0.7 + 0.8 * i for i in range(30)]
    alerts = run(with_pulses(made, times, [1.0] * 30))
    assert physiological(alerts) == set()
