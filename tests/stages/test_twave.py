"""The T wave of the usual beat is where it was drawn; PVCs are judged by it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from alarm_beats import HOP, RATE_HZ, hops, physiological, run, steady
from numpy.typing import NDArray

from monitor.messages import AlertKind
from monitor.stages.alarms.twave import TWave

RNG = np.random.default_rng(1)


def complexes(
    times: list[float], end_s: float, peak_s: float, t_mv: float, rate_hz: float = RATE_HZ
) -> NDArray[np.float32]:
    """Narrow QRS complexes with a T wave; some noise, shape (n, 1)."""
    t = np.arange(int(end_s * rate_hz)) / rate_hz
    signal = RNG.normal(0.0, 0.01, len(t))
    for at in times:
        signal += np.exp(-(((t - at) / 0.015) ** 2))
        signal += t_mv * np.exp(-(((t - at - peak_s) / 0.05) ** 2))
    return signal[:, np.newaxis].astype(np.float32)


@pytest.mark.parametrize("rate_hz", [125.0, 360.0, 1000.0])
@pytest.mark.parametrize(("peak_s", "t_mv"), [(0.22, 0.3), (0.30, -0.2), (0.36, 0.15)])
def test_the_peak_is_where_it_was_drawn(peak_s: float, t_mv: float, rate_hz: float) -> None:
    wave = TWave(rate_hz)
    first, last = wave.reach
    for _ in range(8):
        signal = complexes([1.0], 2.0, peak_s, t_mv, rate_hz)
        at = round(rate_hz)
        wave.take(signal[at + first : at + last].astype(np.float64))
    assert wave.peak_s(0.8) == pytest.approx(peak_s, abs=0.02)


def test_without_a_t_wave_bazetts_rule_stands_in() -> None:
    wave = TWave(RATE_HZ)
    assert wave.peak_s(1.0) == 0.3
    for _ in range(8):
        wave.take(np.zeros((wave.reach[1] - wave.reach[0], 2)))
    assert wave.peak_s(0.64) == pytest.approx(0.3 * math.sqrt(0.64))
    assert wave.peak_s(0.2) == pytest.approx(0.3 * math.sqrt(0.2))


@pytest.mark.parametrize(
    ("peak_s", "coupling_s", "on_t"),
    [(0.36, 0.44, True), (0.36, 0.5, False), (0.22, 0.3, True), (0.22, 0.35, False)],
)
def test_r_on_t_goes_by_the_patients_t_wave(peak_s: float, coupling_s: float, on_t: bool) -> None:
    before = steady(75, 0.5, 30)
    v = before[-1][0] + coupling_s
    beats = [*before, (v, "V"), *steady(75, v + 1.2, 50)]
    signal = complexes([t for t, _ in beats], 50, peak_s, 0.25)
    made = hops(beats, 50 - HOP / RATE_HZ, signal_mv=signal)
    assert (AlertKind.R_ON_T in physiological(run(made))) is on_t
