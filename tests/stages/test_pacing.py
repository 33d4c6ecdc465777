"""Pacing pulses without capture are no beats; what they capture is."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from scipy import signal

from monitor.config import AlarmSettings, Settings
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    RPeak,
    Samples,
    StreamInfo,
)
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator
from monitor.stages.hop import PacingPulse
from monitor.stages.pacing import Pacing

LOST_S = 25.0
PACE_S = 60.0 / 70.0


def paced_signal(rate_hz: float, low_pass_hz: float = 40.0, end_s: float = 40.0) -> np.ndarray:
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
    values: np.ndarray = (filtered + noise)[:, np.newaxis].astype(np.float32)
    return values


@pytest.mark.parametrize(("rate_hz", "chunk"), [(250.0, 1000), (250.0, 37), (500.0, 1000)])
def test_asystole_with_pacing_going_on_is_said_within_6_s(rate_hz: float, chunk: int) -> None:
    values = paced_signal(rate_hz)
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
        out += pacing.push(block, found)[0]
    return [*out, *pacing.flush([])]


def test_only_a_pulse_that_nothing_follows_is_left_out() -> None:
    values = paced_signal(250.0)
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
    values = paced_signal(125.0)
    pulses = [round(at * 125.0) + 2 for at in np.arange(0.5, 39.0, PACE_S)]
    assert [r.sample for r in offered(values, 125.0, pulses)] == pulses


def found(values: np.ndarray, rate_hz: float, hop: int) -> tuple[list[PacingPulse], list[bool]]:
    pacing = Pacing(StreamInfo("bed1", rate_hz, ("II",)))
    pulses, paced = [], []
    for start in range(0, len(values), hop):
        pulses += pacing.push(Samples("bed1", start, values[start : start + hop]), [])[1]
        paced.append(pacing.paced)
    return pulses, paced


@pytest.mark.parametrize(
    ("rate_hz", "low_pass_hz"), [(250.0, 100.0), (360.0, 100.0), (500.0, 150.0), (1000.0, 250.0)]
)
def test_every_pulse_is_found_where_it_is(rate_hz: float, low_pass_hz: float) -> None:
    pulses, paced = found(paced_signal(rate_hz, low_pass_hz), rate_hz, round(0.25 * rate_hz))
    truth = np.arange(0.5, 39.5, PACE_S)
    at = np.array([pulse.sample / rate_hz for pulse in pulses])
    assert len(at) == len(truth)
    assert np.abs(at - truth).max() < 0.03  # the delay of the low-pass is in it
    assert 25 <= paced.index(True) <= 40  # hops: between the eighth pulse and 10 s
    assert all(paced[paced.index(True) :])


def test_a_pulse_is_found_once_however_the_hops_lie() -> None:
    values = paced_signal(250.0)
    assert [found(values, 250.0, hop)[0] for hop in (13, 50, 250)] == [
        found(values, 250.0, 62)[0]
    ] * 3


def test_a_train_that_has_ended_a_minute_ago_is_no_pacing() -> None:
    values = paced_signal(250.0)[: 20 * 250]
    quiet = np.random.default_rng(2).normal(0.0, 0.01, (70 * 250, 1)).astype(np.float32)
    _, paced = found(np.concatenate((values, quiet)), 250.0, 50)
    assert paced[5 * 75]  # 75 s
    assert not paced[5 * 82]


def test_spikes_of_any_height_are_no_pacing() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.0, 0.01, (60 * 250, 1)).astype(np.float32)
    values[100:-100:200, 0] += 0.3 * 2.0 ** rng.uniform(0.0, 4.0, len(values[100:-100:200]))
    pulses, paced = found(values, 250.0, 50)
    assert len(pulses) > 50
    assert not any(paced)


@pytest.mark.parametrize("name", ["vt", "sinus"])
def test_a_heart_without_a_pacemaker_has_no_pulses(name: str) -> None:
    source = Simulator(name, rate_hz=500.0, stream="bed1")
    pacing = Pacing(source.info)
    for chunk in islice(source.chunks(), 200):
        assert pacing.push(chunk, [])[1] == []


def test_missing_samples_hide_no_pulse_behind_them() -> None:
    values = paced_signal(250.0, 100.0)
    values[1000:1100] = np.nan
    pulses, _ = found(values, 250.0, 50)
    assert not [p for p in pulses if 990 <= p.sample < 1110]
    assert len([p for p in pulses if p.sample > 1110]) == 41


def test_captured_beats_of_a_paced_patient_are_q() -> None:
    pipeline = Pipeline(StreamInfo("bed1", 250.0, ("II",)))
    off = Pipeline(StreamInfo("bed1", 250.0, ("II",)), Settings(alarms=AlarmSettings(paced="no")))
    values = paced_signal(250.0, 100.0)
    labels = []
    for line in (pipeline, off):
        events = line.push(Samples("bed1", 0, values)) + line.flush()
        beats = [e for e in events if isinstance(e, Beat)]
        labels.append([b.label for b in beats if 10.0 < b.sample / 250.0 < LOST_S])
    assert set(labels[0]) == {AamiClass.Q}
    assert AamiClass.Q not in labels[1]
