"""The quality gate: every state, from made and from recorded signal."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.config import QualitySettings
from monitor.messages import LeadState, Quality, Samples, StreamInfo
from monitor.stages.quality import QualityGate

RATE_HZ = 250.0


def judge(signal_mv: NDArray[np.float64], rate_hz: float = RATE_HZ) -> list[Quality]:
    """Push a whole signal, shape (n,) or (n, leads), in hops of 0.25 s."""
    values = np.asarray(signal_mv, dtype=np.float32)
    values = values[:, None] if values.ndim == 1 else values
    info = StreamInfo("test", rate_hz, tuple(f"L{k}" for k in range(values.shape[1])))
    gate, hop = QualityGate(info, QualitySettings()), round(0.25 * rate_hz)
    return [gate.push(Samples("test", i, values[i : i + hop])) for i in range(0, len(values), hop)]


def states(verdicts: list[Quality], lead: int = 0) -> list[LeadState]:
    return [verdict.leads[lead] for verdict in verdicts]


def beats(seconds: float, rate_hz: float = RATE_HZ, seed: int = 1) -> NDArray[np.float64]:
    """P, QRS and T as Gaussians at 75/min over a restless baseline of 10 uV, in steps of 5 uV."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = t % 0.8
    wave = sum(
        height * np.exp(-0.5 * ((phase - at) / width) ** 2)
        for height, at, width in ((0.1, 0.2, 0.02), (1.2, 0.36, 0.011), (0.3, 0.6, 0.04))
    )
    noise = np.random.default_rng(seed).normal(0.0, 0.01, len(t))
    return np.round((wave + noise + 0.1 * np.sin(t)) * 200.0) / 200.0


@pytest.mark.parametrize("rate_hz", [100.0, 360.0, 1000.0])
def test_clean_beats_are_ok(rate_hz: float) -> None:
    assert set(states(judge(beats(20.0, rate_hz), rate_hz))) == {LeadState.OK}


def test_constant_is_flat_within_about_a_second_and_back_within_two() -> None:
    signal = beats(30.0)
    signal[2500:5000] = signal[2500]
    found = states(judge(signal))
    assert found[:40] == [LeadState.OK] * 40
    assert found[44:80] == [LeadState.FLAT] * 36
    assert found[88:] == [LeadState.OK] * (len(found) - 88)


def test_missing_samples_are_invalid() -> None:
    signal = beats(30.0)
    signal[2500:5000] = np.nan
    found = states(judge(signal))
    assert LeadState.INVALID in found[:44]
    assert set(found[44:80]) == {LeadState.INVALID}
    assert set(found[88:]) == {LeadState.OK}


def test_asystole_stays_usable() -> None:
    signal = beats(60.0)
    quiet = np.random.default_rng(2).normal(0.0, 0.004, 250 * 50)
    signal[2500:] = np.round((quiet + 0.05) * 200.0) / 200.0
    assert set(states(judge(signal))) == {LeadState.OK}
