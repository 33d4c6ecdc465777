"""The pulse waveform: its beats, and the lethal alarms of the ECG that it contradicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from monitor.config import AlarmSettings
from monitor.errors import MonitorError
from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Beat,
    Event,
    FloatArray,
    Samples,
    Snippet,
    StreamInfo,
)
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Scenario, Segment, Simulator
from monitor.stages.alarms.contradiction import Contradiction
from monitor.stages.alarms.engine import Finding
from monitor.stages.hop import Pulse
from monitor.stages.pulse import PulseDetector

K = AlertKind
RATE_HZ = 250.0
HOP = 62
INFO = StreamInfo("s", RATE_HZ, ("II", "V1", "PLETH"), 0, "", "PLETH")
SINUS = Segment("sinus", 25.0, 75.0)
LETHAL = (K.ASYSTOLE, K.VF, K.VT, K.EXTREME_TACHY, K.EXTREME_BRADY)


def played(*segments: Segment, seed: int = 3) -> tuple[FloatArray, list[int]]:
    simulator = Simulator(
        Scenario("s", "", segments), RATE_HZ, stream="s", seed=seed, pulse=True, keep_truth=True
    )
    values = np.concatenate([chunk.values_mv for chunk in simulator.chunks()])
    return values, [beat.sample for beat in simulator.truth.beats]


def hops(values: FloatArray) -> Iterator[Samples]:
    for start in range(0, len(values), HOP):
        yield Samples("s", start, values[start : start + HOP])


def pulses_of(values: FloatArray) -> list[Pulse]:
    detector = PulseDetector(INFO)
    return [pulse for hop in hops(values) for pulse in detector.push(hop)]


def events_of(info: StreamInfo, values: FloatArray, piece: int = HOP) -> list[Event]:
    pipeline = Pipeline(info)
    events: list[Event] = []
    for start in range(0, len(values), piece):
        events += pipeline.push(Samples("s", start, values[start : start + piece]))
    return events + pipeline.flush()


def raised(events: list[Event]) -> dict[AlertKind, int]:
    alerts = [event for event in events if isinstance(event, Alert)]
    first: dict[AlertKind, int] = {}
    for alert in alerts:
        if alert.state is AlertState.RAISED:
            first.setdefault(alert.kind, alert.sample)
    return first


@cache
def changed(rhythm: str, rate_bpm: float | None) -> FloatArray:
    """25 s of sinus rhythm, then 12 s of something else, with the pulse of both."""
    return played(SINUS, Segment(rhythm, 12.0, rate_bpm))[0]


@cache
def contradicted(rhythm: str, rate_bpm: float | None) -> FloatArray:
    """The same ECG over the pulse of sinus rhythm alone."""
    values = changed(rhythm, rate_bpm).copy()
    values[:, 2] = played(replace(SINUS, duration_s=37.0))[0][: len(values), 2]
    return values


def test_each_beat_has_its_pulse() -> None:
    values, beats = played(replace(SINUS, duration_s=60.0))
    found = np.array([pulse.sample for pulse in pulses_of(values)])
    expected = np.array([b for b in beats if 4.0 < b / RATE_HZ < 59.0]) + 0.25 * RATE_HZ
    near = np.abs(found[:, None] - expected).min(axis=0)
    assert near.max() < 0.12 * RATE_HZ
    assert len(found) - len(expected) in (0, 1, 2)


def test_unit_and_offset_of_the_pulse_do_not_matter() -> None:
    values, _ = played(SINUS)
    pressure = values.copy()
    pressure[:, 2] = 80.0 + 40.0 * values[:, 2]
    here, there = pulses_of(values), pulses_of(pressure)
    assert [p.sample for p in here] == [p.sample for p in there]
    assert [40.0 * p.height for p in here] == pytest.approx([p.height for p in there], rel=1e-3)


def test_without_beats_there_are_no_pulses() -> None:
    found = pulses_of(changed("asystole", None))
    late = [pulse for pulse in found if pulse.sample > 28.0 * RATE_HZ]
    usual = np.median([pulse.height for pulse in found if pulse.sample < 25.0 * RATE_HZ])
    assert all(pulse.height < 0.3 * usual for pulse in late)


def test_a_missing_sample_starts_the_pulse_anew() -> None:
    values, _ = played(replace(SINUS, duration_s=20.0))
    values[2500, 2] = np.nan
    found = [pulse.sample / RATE_HZ for pulse in pulses_of(values)]
    assert not [t for t in found if 10.0 < t < 13.0]
    assert [t for t in found if t > 14.0]


def steady(rr_s: float, end_s: float) -> list[Pulse]:
    return [Pulse(round(t * RATE_HZ), 1.0) for t in np.arange(0.5, end_s, rr_s)]


def judged(kind: AlertKind, pulses: list[Pulse], value: float | None = None) -> set[AlertKind]:
    """What remains of a finding that began at 20 s, judged at 25 s."""
    contradiction = Contradiction(RATE_HZ)
    contradiction.take(pulses)
    finding = Finding(round(20.0 * RATE_HZ), "FOUND", value)
    return set(contradiction.judge(round(25.0 * RATE_HZ), {kind: finding}, AlarmSettings()))


@pytest.mark.parametrize(
    ("kind", "value"),
    [(K.ASYSTOLE, 5.0), (K.VF, None), (K.VT, 150.0), (K.EXTREME_TACHY, 160.0),
     (K.EXTREME_BRADY, 30.0)],
)  # fmt: skip
def test_a_steady_pulse_withholds_and_tells_of_it(kind: AlertKind, value: float | None) -> None:
    assert judged(kind, steady(0.8, 24.9), value) == {K.PULSE_CONTRADICTS}


def test_what_is_not_told_is_not_withheld() -> None:
    contradiction = Contradiction(RATE_HZ)
    contradiction.take(steady(0.8, 24.9))
    found = {K.ASYSTOLE: Finding(round(20.0 * RATE_HZ), "FOUND")}
    for off in (("pulse_contradicts",), ()):
        kept = contradiction.judge(round(25.0 * RATE_HZ), found, AlarmSettings(off=off))
        assert (K.ASYSTOLE in kept) is bool(off)


def with_change(at: int, **change: float) -> list[Pulse]:
    pulses = steady(0.8, 24.9)
    pulse = pulses[at]
    sample = pulse.sample + round(change.get("late_s", 0.0) * RATE_HZ)
    pulses[at] = Pulse(sample, pulse.height * change.get("times", 1.0))
    return pulses


@pytest.mark.parametrize("kind", LETHAL)
@pytest.mark.parametrize(
    "pulses",
    [
        [],
        steady(0.8, 22.5),  # it has stopped
        steady(0.8, 24.9)[16:],  # not known for long enough before the onset
        steady(0.8, 24.9)[:26] + steady(0.8, 24.9)[27:],  # one is missing
        with_change(26, late_s=-0.3),
        with_change(26, times=0.5),
        with_change(26, times=2.0),
        steady(0.4, 24.9),  # 150 a minute is no normal rate
        steady(1.6, 24.9),  # nor is 38
    ],
)  # fmt: skip
def test_any_other_pulse_changes_nothing(kind: AlertKind, pulses: list[Pulse]) -> None:
    assert judged(kind, pulses, 170.0) == {kind}


@pytest.mark.parametrize(("kind", "value"), [(K.VT, 110.0), (K.EXTREME_TACHY, 145.0)])
def test_a_pulse_at_nearly_the_rate_of_the_alarm_changes_nothing(
    kind: AlertKind, value: float
) -> None:
    assert judged(kind, steady(60.0 / (0.9 * value), 24.9), value) == {kind}


def test_other_alarms_are_never_withheld() -> None:
    others = set(K) - set(LETHAL)
    for kind in others:
        assert judged(kind, steady(0.8, 24.9), 170.0) == {kind}


@pytest.mark.parametrize(("changes", "sounds"), [(True, True), (False, False)])
def test_vt_that_was_withheld_sounds_if_the_pulse_changes_after_it(
    changes: bool, sounds: bool
) -> None:
    contradiction = Contradiction(RATE_HZ)
    vt = {K.VT: Finding(round(20.0 * RATE_HZ), "VT 5 beats", 150.0)}
    pulses = [p for p in steady(0.8, 40.0) if not (changes and 22.6 < p.sample / RATE_HZ < 24.0)]
    heard = []
    for sample in range(0, round(30.0 * RATE_HZ), HOP):
        contradiction.take([p for p in pulses if sample - HOP < p.sample <= sample])
        present = vt if 22.0 < sample / RATE_HZ < 22.6 else {}
        heard += [sample] * (K.VT in contradiction.judge(sample, dict(present), AlarmSettings()))
    assert bool(heard) is sounds


@pytest.mark.parametrize(
    ("rhythm", "rate_bpm", "kind"),
    [("asystole", None, K.ASYSTOLE), ("vf", None, K.VF), ("vt", 180.0, K.VT)],
)
def test_true_alarms_sound_as_soon_with_the_pulse_as_without(
    rhythm: str, rate_bpm: float | None, kind: AlertKind
) -> None:
    values = changed(rhythm, rate_bpm)
    alone = raised(events_of(INFO.ecg, values[:, :2]))
    assert kind in alone
    assert raised(events_of(INFO, values)) == alone


@pytest.mark.parametrize(
    ("rhythm", "rate_bpm", "kind"),
    [("asystole", None, K.ASYSTOLE), ("vf", None, K.VF), ("vt", 180.0, K.VT)],
)
def test_false_alarms_are_withheld_and_their_chain_goes_on(
    rhythm: str, rate_bpm: float | None, kind: AlertKind
) -> None:
    found = raised(events_of(INFO, contradicted(rhythm, rate_bpm)))
    assert not set(LETHAL) & set(found)
    assert K.PULSE_CONTRADICTS in found


def test_the_pulse_moves_no_beat_and_is_in_the_evidence() -> None:
    values = contradicted("vt", 180.0)
    events = events_of(INFO, values)
    alone = events_of(INFO.ecg, values[:, :2])
    kept = (Alert, Snippet)
    assert [e for e in events if not isinstance(e, kept)] == [
        e for e in alone if not isinstance(e, kept)
    ]
    assert [e for e in events if isinstance(e, Beat)]
    snippet = next(e for e in events if isinstance(e, Snippet))
    assert np.array_equal(
        snippet.values_mv, values[snippet.start_sample : snippet.end_sample], equal_nan=True
    )


def test_chunks_do_not_matter() -> None:
    values = contradicted("asystole", None)
    assert events_of(INFO, values, 1) == events_of(INFO, values, 997)


def test_the_pulse_is_the_last_of_at_least_two_leads() -> None:
    for leads in (("PLETH",), ("PLETH", "II")):
        with pytest.raises(MonitorError, match="last of at least two leads"):
            StreamInfo("s", RATE_HZ, leads, 0, "", "PLETH")


@pytest.mark.parametrize("delay_s", [1.0, 2.0])
@pytest.mark.parametrize(
    ("rhythm", "rate_bpm", "duration_s", "kind"),
    [
        ("asystole", None, 12.0, K.ASYSTOLE),
        ("vf", None, 12.0, K.VF),
        ("vt", 180.0, 12.0, K.VT),
        ("vt", 180.0, 2.5, K.VT),  # over before its pulse is there
    ],
)
def test_a_pulse_that_comes_late_loses_no_alarm(
    rhythm: str, rate_bpm: float | None, duration_s: float, kind: AlertKind, delay_s: float
) -> None:
    ill = Segment(rhythm, duration_s, rate_bpm)
    values, _ = played(SINUS, ill, replace(SINUS, duration_s=10.0))
    alone = raised(events_of(INFO.ecg, values[:, :2]))
    values[:, 2] = np.roll(values[:, 2], round(delay_s * RATE_HZ))
    late = raised(events_of(INFO, values))
    assert alone[kind] <= late[kind] <= alone[kind] + 3.0 * RATE_HZ
