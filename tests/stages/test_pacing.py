"""Pacing pulses without capture are no beats; what they capture is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from monitor.messages import Alert, AlertKind, AlertState, Beat, RPeak, Samples, StreamInfo
from monitor.pipeline import Pipeline
from monitor.stages.pacing import Pacing

LOST_S = 25.0
PACE_S = 60.0 / 70.0


def paced(rate_hz: float, low_pass_hz: float = 40.0, end_s: float = 40.0) -> np.ndarray:
    """Pulses of 0.5 ms and 20 mV that pass a low-pass; each is answered until capture is lost."""
    fine_hz = 20.0 * rate_hz
    t = np.arange(round(end_s * fine_hz)) / fine_hz
    x = np.zeros(len(t))
    for at in np.arange(0.5, end_s - 0.5, PACE_S):
        first = round(at * fine_hz)
        x[first : first + round(0.0005 * fine_hz)] += 20.0
        if at < LOST_S:
            x += 1.4 * np.exp(-0.5 * ((t - at - 0.09) / 0.03) ** 2)  # wide QRS
            x -= 0.5 * np.exp(-0.5 * ((t - at - 0.36) / 0.06) ** 2)
    sos = signal.butter(4, low_pass_hz, fs=fine_hz, output="sos")
    filtered = signal.sosfilt(sos, x)[::20]
    noise = np.random.default_rng(1).normal(0.0, 0.01, len(filtered))
    return (filtered + noise)[:, np.newaxis].astype(np.float32)


@pytest.mark.parametrize(("rate_hz", "chunk"), [(250.0, 1000), (250.0, 37), (500.0, 1000)])
def test_asystole_with_pacing_going_on_is_said_within_6_s(rate_hz: float, chunk: int) -> None:
    values = paced(rate_hz)
    pipeline = Pipeline(StreamInfo("bed1", rate_hz, ("II",)))
    events = []
    for start in range(0, len(values), chunk):
        events += pipeline.push(Samples("bed1", start, values[start : start + chunk]))
    events += pipeline.flush()
    asystole = [
        e.sample / rate_hz
        for e in events
        if isinstance(e, Alert) and e.kind is AlertKind.ASYSTOLE and e.state is AlertState.RAISED
    ]
    last_s = max(at for at in np.arange(0.5, 40.0, PACE_S) if at < LOST_S)
    assert len(asystole) == 1
    assert 4.0 < asystole[0] - last_s < 6.0
    beats = [e.sample / rate_hz for e in events if isinstance(e, Beat)]
    assert 27 <= len(beats) <= 30
    assert max(beats) < LOST_S + 0.5


def offered(values: np.ndarray, rate_hz: float, at: list[int]) -> list[RPeak]:
    pacing = Pacing(StreamInfo("bed1", rate_hz, ("II",)))
    out: list[RPeak] = []
    hop = 50
    for start in range(0, len(values), hop):
        block = Samples("bed1", start, values[start : start + hop])
        end = start + hop
        found = [RPeak("bed1", s, end - 1) for s in at if start <= s + 0.2 * rate_hz < end]
        out += pacing.push(block, found)
    return [*out, *pacing.flush([])]


def test_only_a_pulse_that_nothing_follows_is_left_out() -> None:
    values = paced(250.0)
    pulses = [round(at * 250.0) + 3 for at in np.arange(0.5, 39.0, PACE_S)]
    kept = [r.sample for r in offered(values, 250.0, pulses)]
    assert kept == [s for s in pulses if s < LOST_S * 250.0]


def test_a_step_is_no_pulse() -> None:
    values = np.zeros((2500, 1), np.float32)
    values[1000:] = 1.0
    sos = signal.butter(4, 40.0, fs=250.0, output="sos")
    values = signal.sosfilt(sos, values, axis=0).astype(np.float32)
    assert [r.sample for r in offered(values, 250.0, [1004])] == [1004]


def test_under_200_samples_a_second_nothing_is_left_out() -> None:
    values = paced(125.0)
    pulses = [round(at * 125.0) + 2 for at in np.arange(0.5, 39.0, PACE_S)]
    assert [r.sample for r in offered(values, 125.0, pulses)] == pulses
