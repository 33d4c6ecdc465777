"""Large waves in which no QRS is found are a fast rhythm, never a standstill."""

from __future__ import annotations

import numpy as np
import pytest
from alarm_beats import RATE_HZ, hops, raised, run, steady

from monitor.messages import AlertKind

START = steady(75, 0.5, 20)
T = np.arange(int(40 * RATE_HZ)) / RATE_HZ


def told(wave: np.ndarray) -> set[AlertKind]:
    """Alarms when the beats stop and ``wave`` goes on."""
    signal = 0.01 * np.random.default_rng(1).normal(size=len(T))
    for at, _ in START:
        signal += np.exp(-(((T - at) / 0.015) ** 2))
    signal = np.where(START[-1][0] + 0.3 < T, wave, signal).astype(np.float32)
    return set(raised(run(hops(START, 39, signal_mv=signal[:, np.newaxis]))))


@pytest.mark.parametrize("bpm", [150, 170, 200, 240])
def test_a_tachycardia_whose_qrs_nobody_finds_is_no_asystole(bpm: float) -> None:
    wave = 0.7 * np.sin(2 * np.pi * bpm / 60 * T) + 0.2 * np.sin(4 * np.pi * bpm / 60 * T)
    kinds = told(wave)
    assert AlertKind.VF in kinds
    assert AlertKind.ASYSTOLE not in kinds


@pytest.mark.parametrize("hum", [False, True])
def test_asystole_with_p_waves_hum_or_wander_is_asystole(hum: bool) -> None:
    p_waves = sum(0.15 * np.exp(-(((T - at) / 0.03) ** 2)) for at in np.arange(20, 40, 0.8))
    wander = 0.3 * np.sin(2 * np.pi * 0.3 * T)
    wave = wander + (0.04 * np.sin(2 * np.pi * 50 * T) if hum else p_waves)
    kinds = told(wave)
    assert AlertKind.ASYSTOLE in kinds
    assert AlertKind.VF not in kinds
