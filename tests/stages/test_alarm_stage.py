"""Alarms on beats and signal states made by hand: lethal, rate and technical ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from alarm_beats import RATE_HZ, heard, hops, physiological, raised, run, stages, steady

from monitor.config import AlarmSettings
from monitor.errors import MonitorError
from monitor.messages import (
    AlertKind,
    AlertState,
    Gap,
    GapKind,
    LeadState,
    Samples,
    StreamInfo,
)


def test_normal_rhythm_gives_no_alarm_but_learning() -> None:
    alerts = run(hops(steady(75, 0.5, 60), 60))
    assert physiological(alerts) == set()
    assert [a.state for a in alerts] == [AlertState.RAISED, AlertState.CLEARED]


def test_asystole_is_raised_4_to_5_s_after_the_last_qrs() -> None:
    alerts = run(hops(steady(75, 0.5, 20), 30))
    alarm = raised(alerts)[AlertKind.ASYSTOLE]
    last = max(t for t, _ in steady(75, 0.5, 20))
    assert alarm.onset_sample == round(last * RATE_HZ)
    assert 4.0 <= alarm.sample / RATE_HZ - last <= 5.0
    assert alarm.text == "ASYSTOLE no QRS for 5 >= 4 s"
    assert alarm.beats == (alarm.onset_sample,)


def test_the_pause_of_an_asystole_is_no_heart_rate() -> None:
    beats = steady(75, 0.5, 20) + steady(75, 30, 60)
    assert physiological(run(hops(beats, 60))) == {AlertKind.PAUSE, AlertKind.ASYSTOLE}


def test_lost_samples_are_told_with_the_next_and_for_a_while() -> None:
    rhythm, alarms = stages()
    told = []
    for hop in hops(steady(75, 0.5, 60), 60):
        gaps = []
        second = hop.block.start_sample / RATE_HZ
        if 20.0 <= second < 22.0 or 25.0 <= second < 26.0:
            continue
        if second in (22.0, 26.0):
            length = 400 if second == 22.0 else 200
            gaps = [Gap("bed1", hop.block.start_sample - length, length, GapKind.HOLE)]
        gaps += [Gap("bed1", hop.block.start_sample, 5, GapKind.OVERLAP)]  # nothing is lost
        hop = dataclasses.replace(hop, gaps=tuple(gaps))
        told += [a for a in heard(rhythm, alarms, hop) if a.kind is AlertKind.SAMPLES_LOST]
    assert [a.state for a in told] == [AlertState.RAISED, AlertState.UPDATED, AlertState.CLEARED]
    assert [a.text[:16] for a in told[:2]] == ["400 samples lost", "600 samples lost"]
    assert told[0].onset_sample == 20 * RATE_HZ
    assert told[0].sample == 22.25 * RATE_HZ - 1
    assert 36 <= (told[-1].sample + 1) / RATE_HZ <= 36.5


def test_asystole_latches_until_acknowledged() -> None:
    beats = steady(75, 0.5, 20) + steady(75, 30, 60)
    rhythm, alarms = stages()
    alerts = [a for hop in hops(beats, 60) for a in heard(rhythm, alarms, hop)]
    mine = [a for a in alerts if a.kind is AlertKind.ASYSTOLE]
    assert AlertState.CLEARED not in [a.state for a in mine]
    assert mine[-1].text.endswith("(ended)")
    states = [a.state for a in alarms.acknowledge(mine[0].id)]
    assert states == [AlertState.ACKNOWLEDGED, AlertState.CLEARED]


def test_lead_off_suspends_and_is_not_asystole() -> None:
    off = [(20.0, 40.0, LeadState.LEAD_OFF)]
    alerts = run(hops(steady(75, 0.5, 20) + steady(75, 40.5, 60), 60, off))
    assert physiological(alerts) == {AlertKind.LEAD_OFF}
    ends = [a.sample for a in alerts if a.state is AlertState.CLEARED][1:]
    assert [int(e / RATE_HZ) for e in ends] == [40]


def test_noise_is_said_and_nothing_else() -> None:
    noisy = [(20.0, 40.0, LeadState.NOISY)]
    alerts = run(hops(steady(75, 0.5, 20) + steady(75, 40.5, 60), 60, noisy))
    assert physiological(alerts) == {AlertKind.NOISE}


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (LeadState.NOISY, "NOISE"),
        (LeadState.INVALID, "SAMPLES MISSING"),
        (LeadState.SATURATED, "SATURATED"),
    ],
)
def test_what_makes_a_signal_unusable_is_named(state: LeadState, text: str) -> None:
    alerts = run(hops(steady(75, 0.5, 20), 40, [(20.0, 40.0, state)]))
    assert raised(alerts)[AlertKind.NOISE].text == f"{text}: arrhythmia analysis suspended"


def test_constant_line_is_no_asystole_but_no_signal() -> None:
    flat = [(20.0, 40.0, LeadState.FLAT)]
    alerts = run(hops(steady(75, 0.5, 20), 40, flat))
    assert physiological(alerts) == {AlertKind.LEAD_OFF}
    assert "NO SIGNAL" in raised(alerts)[AlertKind.LEAD_OFF].text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bpm", "kind", "text"),
    [
        (130, AlertKind.HR_HIGH, "HR 130 > 120"),
        (45, AlertKind.HR_LOW, "HR 45 < 50"),
        (160, AlertKind.EXTREME_TACHY, "EXTREME TACHY 160 > 140"),
        (35, AlertKind.EXTREME_BRADY, "EXTREME BRADY 35 < 40"),
    ],
)
def test_rate_limits(bpm: float, kind: AlertKind, text: str) -> None:
    alerts = run(hops(steady(bpm, 0.5, 40), 40))
    assert physiological(alerts) == {kind}
    assert raised(alerts)[kind].text == text


@pytest.mark.slow
@pytest.mark.parametrize(("bpm", "kind"), [(120, AlertKind.HR_HIGH), (40, AlertKind.HR_LOW)])
def test_rate_step_alarms_within_6_s(bpm: float, kind: AlertKind) -> None:
    settings = AlarmSettings(hr_high_bpm=100.0, hr_low_bpm=60.0)
    for shift in (0.0, 0.1, 0.37, 0.61):
        first = steady(80, 0.5 + shift, 30)
        step_s = first[-1][0]
        made = hops(first + steady(bpm, step_s + 60 / bpm, 60), 50)
        assert raised(run(made, settings))[kind].sample / RATE_HZ - step_s < 6.0


@pytest.mark.parametrize(("bpm", "labels", "kind"), [(150, "V" * 5, AlertKind.VT)])
def test_vt(bpm: float, labels: str, kind: AlertKind) -> None:
    before = steady(75, 0.5, 20)
    start = before[-1][0] + 0.5
    run_of_v = [(start + i * 60 / bpm, "V") for i in range(len(labels))]
    after = steady(75, run_of_v[-1][0] + 0.8, 40)
    alerts = run(hops(before + run_of_v + after, 40))
    alarm = raised(alerts)[kind]
    assert physiological(alerts) == {kind}
    assert alarm.beats == tuple(round(t * RATE_HZ) for t, _ in run_of_v)
    assert alarm.sample / RATE_HZ - start < 5.0


def test_couplet_bigeminy_and_run() -> None:
    n, gap = steady(75, 0.5, 20), 0.8
    couplet = [(20.2, "V"), (20.7, "V")]
    alerts = run(hops(n + couplet + steady(75, 20.7 + gap, 40), 40))
    assert physiological(alerts) == {AlertKind.COUPLET}
    three = [*couplet, (21.5, "V")]
    alerts = run(hops(n + three + steady(75, 21.5 + gap, 40), 40))
    assert physiological(alerts) == {AlertKind.V_RUN}
    expected = {AlertKind.BIGEMINY, AlertKind.PVCS_PER_MIN}
    assert physiological(run(hops(steady(75, 0.5, 40, "NV", 0.25), 40))) == expected


def test_pause() -> None:
    first = steady(75, 0.5, 20)
    again = first[-1][0] + 3.8
    alerts = run(hops(first + steady(75, again, 40), 40))
    assert physiological(alerts) == {AlertKind.PAUSE}


def test_asystole_cannot_be_switched_off_and_limits_are_checked() -> None:
    with pytest.raises(MonitorError, match="asystole cannot be switched off"):
        AlarmSettings(off=("asystole",))
    with pytest.raises(MonitorError, match="not the name of an alarm"):
        AlarmSettings(off=("hr_hgih",))
    with pytest.raises(MonitorError, match=r"alarms\.hr_high_bpm"):
        AlarmSettings(hr_high_bpm=1000.0)


def test_limits_change_while_running() -> None:
    made = hops(steady(75, 0.5, 40), 40)
    rhythm, alarms = stages()
    for hop in made[:80]:
        heard(rhythm, alarms, hop)
    alarms.set_limits(AlarmSettings(hr_high_bpm=70.0))
    alerts = [a for hop in made[80:] for a in heard(rhythm, alarms, hop)]
    assert raised(alerts)[AlertKind.HR_HIGH].text == "HR 75 > 70"
    cleared = alarms.set_limits(AlarmSettings(off=("hr_high",)))
    assert [a.state for a in cleared] == [AlertState.CLEARED]
    assert alarms.settings.off == ("hr_high",)


def test_one_lead_off_is_said_while_the_other_goes_on() -> None:
    info = StreamInfo("bed1", RATE_HZ, ("II", "V1"))
    rhythm, alarms = stages(info)
    told = []
    for hop in hops(steady(75, 0.5, 30), 40):
        off = LeadState.LEAD_OFF if hop.block.start_sample >= 10 * RATE_HZ else LeadState.OK
        quality = dataclasses.replace(hop.quality, leads=(off, LeadState.OK), usable=True)
        block = Samples("bed1", hop.block.start_sample, np.repeat(hop.block.values_mv, 2, axis=1))
        both = dataclasses.replace(hop, block=block, quality=quality)
        told += heard(rhythm, alarms, both)
    assert raised(told)[AlertKind.LEAD_OFF].text == "LEAD OFF II"
    assert AlertKind.ASYSTOLE in raised(told)
