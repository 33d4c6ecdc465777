"""Extreme rates by so many beats in a row; asystole where the signal is still."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alarm_beats import HOP, RATE_HZ, hops, physiological, raised, run, steady

from monitor.config import AlarmSettings
from monitor.messages import AamiClass, AlertKind, Beat, Samples
from monitor.stages.alarms.shapes import Shapes
from monitor.stages.hop import Hop, Pulse


def test_five_slow_beats_are_extreme_brady_though_the_mean_of_twelve_is_not() -> None:
    slow = steady(100, 0.5, 12)
    at = slow[-1][0]
    # 39 bpm, but not three long intervals in a row, which the mean of four asks for
    slow += [(at + second, "N") for second in (1.1, 3.05, 4.15, 6.1, 7.2)]
    slow += steady(100, slow[-1][0] + 0.6, 40)
    alarm = raised(run(hops(slow, 42)))[AlertKind.EXTREME_BRADY]
    assert alarm.text == "EXTREME BRADY 39 <= 41"
    assert alarm.onset_sample == round(at * RATE_HZ)
    assert len(alarm.beats) == 5


@pytest.mark.parametrize(("bpm", "found"), [(41.3, True), (41.7, False)])
def test_the_margin_of_a_row(bpm: float, found: bool) -> None:
    kinds = physiological(run(hops(steady(bpm, 0.5, 40), 37)))
    assert (AlertKind.EXTREME_BRADY in kinds) is found


def test_one_pause_is_no_bradycardia() -> None:
    first = steady(60, 0.5, 20)
    beats = first + steady(60, first[-1][0] + 3.8, 45)
    assert AlertKind.EXTREME_BRADY not in physiological(run(hops(beats, 45)))


def test_seventeen_fast_beats_are_extreme_tachy() -> None:
    beats = steady(141, 0.5, 30)
    assert AlertKind.EXTREME_TACHY in physiological(run(hops(beats, 30)))
    short = steady(70, 0.5, 20)
    # 12 intervals at 138 bpm behind faster ones: the mean of 12 is under the limit
    short += [(short[-1][0] + 60 / 150 * k, "N") for k in range(1, 6)]
    short += [(short[-1][0] + 60 / 139 * k, "N") for k in range(1, 13)]
    alarm = raised(run(hops(short, short[-1][0] + 0.6)))
    assert AlertKind.EXTREME_TACHY in alarm


def pulsed(made: list[Hop], bpm: float, heights: list[float]) -> list[Hop]:
    step = round(60.0 / bpm * RATE_HZ)
    end = made[-1].block.end_sample
    pulses = [Pulse(100 + i * step, heights[i % len(heights)]) for i in range((end - 200) // step)]
    return [
        replace(
            hop, pulses=tuple(p for p in pulses if 0 <= p.sample - hop.block.start_sample < HOP)
        )
        for hop in made
    ]


def test_the_pulse_tells_bradycardia_where_waves_are_taken_for_beats() -> None:
    made = hops(steady(76, 0.5, 60), 60)
    alarm = raised(run(pulsed(made, 38.0, [10.0])))[AlertKind.EXTREME_BRADY]
    assert alarm.text == "EXTREME BRADY 38 <= 41 (pulse)"
    assert alarm.beats == ()
    assert AlertKind.EXTREME_BRADY not in physiological(run(pulsed(made, 38.0, [10.0, 4.0])))
    assert AlertKind.EXTREME_BRADY not in physiological(run(pulsed(made, 44.0, [10.0])))


def complexes(end_s: float, beats: list[float]) -> np.ndarray:
    t = np.arange(int(end_s * RATE_HZ)) / RATE_HZ
    x = sum(np.exp(-0.5 * ((t - at) / 0.012) ** 2) for at in beats)
    return (x + 0.01 * np.random.default_rng(1).normal(size=len(t)))[:, None].astype(np.float32)


@pytest.mark.parametrize(("steep", "least_s", "most_s"), [(False, 4.0, 4.26), (True, 4.5, 4.76)])
def test_asystole_is_told_sooner_where_the_signal_is_still(
    steep: bool, least_s: float, most_s: float
) -> None:
    beats = steady(75, 0.5, 20)
    last_s = beats[-1][0]
    shown = [at for at, _ in beats] + ([last_s + 3.9] if steep else [])
    made = hops(beats, 30, signal_mv=complexes(30, shown))
    alarm = raised(run(made))[AlertKind.ASYSTOLE]
    assert least_s <= alarm.sample / RATE_HZ - last_s <= most_s


def test_still_is_what_is_far_flatter_than_the_beats() -> None:
    shapes = Shapes(RATE_HZ)
    at = [0.5 + 0.8 * k for k in range(6)]
    values = complexes(8.0, at)
    assert not shapes.is_still(0, 10)  # nothing is known to compare with
    shapes.push(Samples("bed1", 0, values))
    for second in at:
        sample = round(second * RATE_HZ)
        shapes.take(
            Beat("bed1", sample, sample, AamiClass.N, (1.0, 0.0, 0.0, 0.0, 0.0), None, 0, "m")
        )
    assert shapes.is_still(1000, 1400)
    assert not shapes.is_still(880, 950)  # a beat is in it
    assert not shapes.is_still(1500, 1700)  # not all of it has come


def test_settings_of_rows_can_be_changed() -> None:
    beats = steady(41, 0.5, 40)
    strict = AlarmSettings(extreme_margin_bpm=0.0)
    assert AlertKind.EXTREME_BRADY not in physiological(run(hops(beats, 37), strict))
