"""Every rule that rests on beats: what must raise it, and its nearest neighbour that must not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from alarm_beats import RATE_HZ, hops, physiological, raised, run, steady
from numpy.typing import NDArray

from monitor.config import AlarmSettings
from monitor.messages import AamiClass, Alert, AlertKind, AlertState, Beat
from monitor.stages.alarms.shapes import Shapes

K = AlertKind
Beats = list[tuple[float, str]]


def after(first: Beats, labels: str, rr_s: Sequence[float]) -> Beats:
    """Beats that follow, each with the interval from the one before."""
    times = first[-1][0] + np.cumsum(rr_s)
    return [*first, *((float(t), label) for t, label in zip(times, labels, strict=True))]


def then_sinus(beats: Beats, end_s: float = 60.0, pause_s: float = 1.0) -> Beats:
    return beats + steady(75, beats[-1][0] + pause_s, end_s)


def alarms(beats: Beats, end_s: float = 60.0, settings: AlarmSettings | None = None) -> list[Alert]:
    return run(hops(beats, end_s), settings)


START = steady(75, 0.5, 20)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "rr_s", "expected"),
    [
        ("VV", 0.5, {K.COUPLET}),
        ("VVV", 0.4, {K.NSVT}),
        ("VVVV", 0.4, {K.NSVT}),
        ("VVVV", 0.7, {K.V_RUN}),
        ("VVVVV", 0.4, {K.VT}),
        ("VVVVVV", 0.7, {K.AIVR}),
        ("VVSVV", 0.4, {K.COUPLET, K.VT}),
        ("VVNVV", 0.4, {K.COUPLET}),
        ("VVNNV", 0.4, {K.COUPLET}),
        ("VVVVS", 0.4, {K.VT}),  # at the pace of the run: still the run
        ("VVVVN", 0.4, {K.NSVT}),
        ("SSSS", 0.5, set()),
    ],
)
def test_runs(labels: str, rr_s: float, expected: set[AlertKind]) -> None:
    beats = after(START, labels, [rr_s] * len(labels))
    assert physiological(alarms(then_sinus(beats))) == expected


def test_a_run_with_a_long_interval_in_it_is_no_vt() -> None:
    beats = after(START, "VVNVV", [0.4, 0.4, 0.9, 0.4, 0.4])
    assert K.VT not in physiological(alarms(then_sinus(beats)))


def test_vt_names_its_beats_and_rate() -> None:
    beats = after(START, "V" * 8, [0.4] * 8)
    alarm = raised(alarms(then_sinus(beats)))[K.VT]
    assert alarm.text == "VT 5 beats, 150 >= 100"
    assert (alarm.value, alarm.limit) == (150, 100)
    assert alarm.beats == tuple(round(t * RATE_HZ) for t, _ in beats[-8:-3])
    assert alarm.onset_sample == alarm.beats[0]


def test_v_brady_and_its_rate() -> None:
    kinds = physiological(alarms(steady(35, 0.5, 40, "V"), 38))
    assert K.V_BRADY in kinds
    assert K.AIVR not in kinds


@pytest.mark.slow
def test_trigeminy() -> None:
    assert K.TRIGEMINY in physiological(alarms(steady(75, 0.5, 60, "NNV", 0.3)))
    assert K.TRIGEMINY not in physiological(alarms(steady(75, 0.5, 60, "NNNV", 0.3)))


@pytest.mark.slow
def test_beats_on_time_are_no_bigeminy_and_no_couplet() -> None:
    """Noise makes V of normal beats, but does not move them."""
    for labels in ("NV", "NNV", "NNNNVV"):
        told = physiological(alarms(steady(75, 0.5, 60, labels)))
        assert not told & {K.BIGEMINY, K.TRIGEMINY, K.COUPLET}
    assert K.BIGEMINY in physiological(alarms(steady(75, 0.5, 60, "NV", 0.1)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "certainty", "expected"),
    [(5, 0.9, True), (5, 0.3, False), (9, 0.9, True), (9, 0.3, False)],
)
def test_beats_that_are_more_probably_not_ventricular_are_no_vt(
    count: int, certainty: float, expected: bool
) -> None:
    made = hops(then_sinus(after(START, "V" * count, [0.4] * count)), 58)
    doubtful = [
        replace(
            hop,
            beats=tuple(doubted(b, certainty) if b.label is AamiClass.V else b for b in hop.beats),
        )
        for hop in made
    ]
    assert (K.VT in physiological(run(doubtful))) is expected


@pytest.mark.slow
def test_a_couplet_that_the_classifier_doubts_is_none() -> None:
    beats = then_sinus(after(START, "VV", [0.5, 0.5]))
    for certainty, expected in ((0.9, True), (0.6, False)):
        made = hops(beats, 58)
        doubtful = [
            replace(hop, beats=tuple(doubted(beat, certainty) for beat in hop.beats))
            for hop in made
        ]
        assert (K.COUPLET in physiological(run(doubtful))) is expected


def doubted(beat: Beat, certainty: float) -> Beat:
    if beat.label is not AamiClass.V:
        return beat
    return replace(beat, probabilities=(1 - certainty, 0.0, certainty, 0.0, 0.0))


@pytest.mark.parametrize(("coupling_s", "on_t"), [(0.34, True), (0.5, False)])
def test_r_on_t(coupling_s: float, on_t: bool) -> None:
    beats = then_sinus(after(START, "V", [coupling_s]), pause_s=1.6 - coupling_s)
    assert (K.R_ON_T in physiological(alarms(beats))) is on_t


@pytest.mark.slow
@pytest.mark.parametrize(("per_min", "expected"), [(8, False), (14, True)])
def test_pvcs_per_min(per_min: int, expected: bool) -> None:
    every = round(75 / per_min)
    beats = steady(75, 0.5, 120, "N" * (every - 1) + "V")
    assert (K.PVCS_PER_MIN in physiological(alarms(beats, 118))) is expected


@pytest.mark.slow
@pytest.mark.parametrize(("per_min", "expected"), [(8, False), (14, True)])
def test_frequent_sveb(per_min: int, expected: bool) -> None:
    every = round(75 / per_min)
    beats = steady(75, 0.5, 120, "N" * (every - 1) + "S", 0.2)
    assert (K.FREQUENT_SVEB in physiological(alarms(beats, 118))) is expected


@pytest.mark.slow
def test_a_rate_that_rises_or_fibrillation_is_no_frequent_sveb() -> None:
    faster = START + steady(120, 20.0, 80, "NS")
    assert K.FREQUENT_SVEB not in physiological(alarms(faster, 78))
    mixed = [(t, "SN"[i % 2]) for i, (t, _) in enumerate(fibrillating(20.5, 110))]
    told = physiological(alarms(START + mixed, 108))
    assert K.AF in told
    assert K.FREQUENT_SVEB not in told
    over = [*mixed, *steady(75, mixed[-1][0] + 0.8, 180)]
    assert K.FREQUENT_SVEB not in physiological(alarms(START + over, 178))


@pytest.mark.slow
@pytest.mark.parametrize(("bpm", "kind"), [(170, K.SVT), (145, None)])
def test_svt(bpm: float, kind: AlertKind | None) -> None:
    fast = 60 / bpm
    beats = after(START, "S" * 9, [fast] * 9)
    assert (K.SVT in physiological(alarms(then_sinus(beats)))) is (kind is K.SVT)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rr_s", "expected"), [(1.3, None), (1.7, K.MISSED_BEAT), (2.9, K.MISSED_BEAT), (3.4, K.PAUSE)]
)
def test_missed_beat_and_pause(rr_s: float, expected: AlertKind | None) -> None:
    beats = then_sinus(after(START, "N", [rr_s]), pause_s=0.8)
    kinds = physiological(alarms(beats)) - {K.HR_LOW}
    assert kinds == ({expected} if expected else set())


def test_a_rate_that_falls_is_no_missed_beat() -> None:
    assert physiological(alarms(START + steady(40, START[-1][0] + 1.5, 60))) <= {
        K.HR_LOW,
        K.EXTREME_BRADY,
    }


def test_a_compensatory_pause_is_no_missed_beat() -> None:
    beats = then_sinus(after(START, "V", [0.5]), pause_s=1.6)
    assert physiological(alarms(beats)) == set()


@pytest.mark.slow
def test_pauses_per_min() -> None:
    beats = START
    for _ in range(3):
        beats = then_sinus(after(beats, "N", [3.6]), beats[-1][0] + 12, pause_s=0.8)
    kinds = physiological(alarms(then_sinus(beats, 90, 0.8), 90))
    assert {K.PAUSE, K.PAUSES_PER_MIN} <= kinds


def fibrillating(start_s: float, end_s: float, seed: int = 1) -> Beats:
    rng = np.random.default_rng(seed)
    times = start_s + np.cumsum(rng.uniform(0.45, 1.05, 400))
    return [(float(t), "N") for t in times if t < end_s]


@pytest.mark.slow
def test_af_begins_and_ends() -> None:
    beats = START + fibrillating(20.5, 120) + steady(75, 120.8, 300)
    told = alarms(beats, 295)
    began, ended = raised(told)[K.AF], raised(told)[K.AF_END]
    assert 20 < began.sample / RATE_HZ < 70
    assert abs(began.onset_sample / RATE_HZ - 20) < 15
    assert began.beats
    assert began.beats[0] >= began.onset_sample
    assert 120 < ended.sample / RATE_HZ < 220
    cleared = [a for a in told if a.kind is K.AF and a.state is AlertState.CLEARED]
    assert cleared[0].sample < ended.sample


def test_irregular_rhythm_is_said_before_it_is_af() -> None:
    assert K.IRREGULAR in physiological(alarms(fibrillating(0.5, 60)))
    assert K.IRREGULAR not in physiological(alarms(steady(75, 0.5, 60, "NNNNV")))


def test_shapes_of_pvcs() -> None:
    beats = steady(60, 0.5, 60, "NNNNNV")
    v = [t for t, label in beats if label == "V"]
    same = dict.fromkeys(v, 0)
    other = {t: i % 2 for i, t in enumerate(v)}
    for forms, expected in ((same, False), (other, True)):
        signal = drawn(beats, forms, 60)
        kinds = physiological(run(hops(beats, 58, signal_mv=signal)))
        assert (K.MULTIFORM_PVC in kinds) is expected


def test_shapes_are_compared_in_the_leads_that_both_beats_have() -> None:
    beats = steady(60, 0.5, 9, "V")
    one = drawn(beats, {t: i % 2 for i, (t, _) in enumerate(beats)}, 10)
    two = np.concatenate((one, 0.7 * one), axis=1)
    two[int(5 * RATE_HZ) :, 0] = np.nan  # the first lead is lost
    shapes = Shapes(RATE_HZ)
    made = []
    for hop in hops(beats, 9, signal_mv=two):
        shapes.push(hop.block)
        for beat in hop.beats:
            shapes.take(beat)
            made.append(beat)
    assert shapes.likeness(made[1], made[3]) > 0.98
    assert shapes.likeness(made[1], made[2]) < 0.5
    assert shapes.likeness(made[1], made[-1 if len(made) % 2 == 0 else -2]) > 0.98
    assert {form for _, form in shapes.recent} == {0, 1}


def drawn(beats: Beats, forms: dict[float, int], end_s: float) -> NDArray[np.float32]:
    """Narrow beats, and broad ones of two forms where ``forms`` says so."""
    t = np.arange(int(end_s * RATE_HZ)) / RATE_HZ
    signal = 0.01 * np.random.default_rng(1).normal(size=len(t))
    for at, _ in beats:
        if at not in forms:
            signal += np.exp(-(((t - at) / 0.015) ** 2))
        elif forms[at] == 0:
            signal += 1.5 * np.exp(-(((t - at) / 0.04) ** 2))
            signal -= 0.6 * np.exp(-(((t - at - 0.1) / 0.06) ** 2))
        else:
            signal -= 1.2 * np.exp(-(((t - at) / 0.05) ** 2))
            signal += 0.9 * np.exp(-(((t - at + 0.08) / 0.03) ** 2))
    return signal[:, np.newaxis].astype(np.float32)


def test_vf_in_the_waveform_is_vf_and_not_asystole() -> None:
    t = np.arange(int(60 * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * (4.5 * t + 0.6 * np.sin(2 * np.pi * 0.4 * t))
    wave = 0.4 * (1 + 0.3 * np.sin(2 * np.pi * 0.7 * t)) * np.sin(phase)
    signal = drawn(START, {}, 60)[:, 0]
    signal = np.where(t > START[-1][0] + 0.4, wave, signal).astype(np.float32)[:, np.newaxis]
    told = raised(run(hops(START, 40, signal_mv=signal)))
    assert K.VF in told
    assert K.ASYSTOLE not in told
    assert told[K.VF].sample / RATE_HZ - START[-1][0] < 6.5


@pytest.mark.slow
def test_every_off_switch_works() -> None:
    beats = then_sinus(after(START, "VVVV", [0.4] * 4))
    assert physiological(alarms(beats, settings=AlarmSettings(off=("nsvt",)))) == set()
