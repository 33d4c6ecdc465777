"""Heart rate, vitals and rhythm names, from beats of annotations, scenarios and by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from monitor.config import AlarmSettings, RhythmSettings, WatchSettings
from monitor.errors import MonitorError
from monitor.messages import (
    AamiClass,
    Beat,
    LeadState,
    Quality,
    Rhythm,
    RPeak,
    Samples,
    StreamInfo,
    Vitals,
)
from monitor.sources.simulator import Simulator, scenario, simulate
from monitor.stages.alarms import AlarmStage
from monitor.stages.heart_rate import HeartRate
from monitor.stages.hop import Hop
from monitor.stages.rhythm import RhythmStage
from monitor.stages.watch import Watch

RATE_HZ = 360.0


def beat(sample: int, label: str, decided: int = 0) -> Beat:
    n, s, v, f, q = (float(label == each.value) for each in AamiClass)
    return Beat("s", sample, decided, AamiClass(label), (n, s, v, f, q), None, 0, "made")


def play(
    beats: Sequence[tuple[int, str]],
    length: int,
    rate_hz: float = RATE_HZ,
    unusable: Sequence[tuple[float, float]] = (),
    hole: tuple[float, float] | None = None,
    limits: AlarmSettings | None = None,
) -> list[Rhythm | Vitals]:
    """Through the stage, R peaks 0.3 s and labels 1.2 s late, on a silent signal."""
    size = round(0.25 * rate_hz)
    info = StreamInfo("s", rate_hz, ("II",))
    limits = limits or AlarmSettings()
    stage = RhythmStage(info, RhythmSettings(), WatchSettings(), limits)
    alarms = AlarmStage(info, limits, WatchSettings())
    watch = Watch(info, WatchSettings())
    out: list[Rhythm | Vitals] = []
    for start in range(0, length - size + 1, size):
        end = start + size
        if hole is not None and hole[0] <= start / rate_hz < hole[1]:
            continue
        usable = not any(a <= start / rate_hz < b for a, b in unusable)
        state = LeadState.OK if usable else LeadState.NOISY
        peaks = tuple(
            RPeak("s", s, end - 1) for s, _ in beats if start <= s + round(0.3 * rate_hz) < end
        )
        labels = tuple(
            beat(s, label, end - 1) for s, label in beats if start <= s + round(1.2 * rate_hz) < end
        )
        quality = Quality("s", start, end, (state,), usable)
        block = Samples("s", start, np.zeros((size, 1), np.float32))
        watch.push(block, quality)
        found, watched = watch.take(peaks)
        hop = Hop(block, quality, watched, tuple(found), labels)
        out += stage.push(hop, alarms.take(hop))
    return out


def steady(
    bpm: float, seconds: float, labels: str = "N", start_s: float = 0.5
) -> list[tuple[int, str]]:
    rr_s = 60.0 / bpm
    count = int((seconds - start_s) / rr_s)
    return [(round((start_s + i * rr_s) * RATE_HZ), labels[i % len(labels)]) for i in range(count)]


def vitals(events: Sequence[Rhythm | Vitals]) -> list[Vitals]:
    return [event for event in events if isinstance(event, Vitals)]


def names(events: Sequence[Rhythm | Vitals]) -> list[str]:
    return [event.name for event in events if isinstance(event, Rhythm)]


def length(seconds: float) -> int:
    return round(seconds * RATE_HZ)


@pytest.mark.parametrize("bpm", [31, 47, 60, 88, 143, 210])
def test_heart_rate_of_a_steady_rhythm(bpm: int) -> None:
    last = vitals(play(steady(bpm, 40), length(40)))[-2]
    assert last.heart_rate_bpm == bpm
    assert last.rr_s == pytest.approx(60 / bpm, abs=1.1 / RATE_HZ)


@pytest.mark.parametrize(
    ("name", "bpm"),
    [("ec13_bigeminy", 80), ("ec13_slow", 60), ("ec13_rapid", 120), ("ec13_bidirectional", 90)],
)
def test_heart_rate_on_irregular_waveforms(name: str, bpm: int) -> None:
    simulator = Simulator(scenario(name), seed=1)
    _, truth = simulate(simulator)
    heart_rate = HeartRate(simulator.info.rate_hz, RhythmSettings())
    shown = []
    for true in truth.beats:
        heart_rate.push(true.sample)
        shown.append(heart_rate.bpm(true.sample + 100))
    assert set(shown[14:]) == {bpm}


@pytest.mark.parametrize(
    ("after_bpm", "reached"), [(120, lambda rate: rate > 100), (40, lambda rate: rate < 60)]
)
def test_heart_rate_follows_a_step_in_6_s(after_bpm: float, reached: object) -> None:
    first = steady(80, 30)
    step_s = first[-1][0] / RATE_HZ
    beats = first + steady(after_bpm, 60, start_s=step_s + 60 / after_bpm)
    times = [
        v.sample / RATE_HZ - step_s
        for v in vitals(play(beats, length(50)))
        if v.sample / RATE_HZ > step_s and v.heart_rate_bpm and reached(v.heart_rate_bpm)  # type: ignore[operator]
    ]
    assert times[0] < 6.0


def test_heart_rate_is_unknown_not_zero() -> None:
    events = vitals(play(steady(75, 30), length(60), unusable=[(10.0, 12.0)]))
    shown = {round((v.sample + 1) / RATE_HZ): v.heart_rate_bpm for v in events}
    assert shown[1] is None  # start
    assert shown[9] == 75
    assert shown[11] is None  # shutdown
    assert shown[15] == 75
    assert shown[40] is None  # asystole
    assert 0 not in shown.values()


@pytest.mark.parametrize("rate_hz", [100.0, 128.0, 250.0, 333.0, 1000.0])
def test_vitals_come_once_a_second_at_any_rate(rate_hz: float) -> None:
    events = vitals(play([], round(30 * rate_hz), rate_hz=rate_hz))
    assert 29 <= len(events) <= 31
    assert len({int(v.sample / rate_hz) for v in events}) >= 29


def test_counts_go_on_and_pvcs_are_of_the_last_minute() -> None:
    events = vitals(play(steady(60, 150, "NNNV"), length(150)))
    assert events[-1].pvcs_per_min == pytest.approx(15, abs=1)
    assert sum(events[-1].beat_counts.values()) == pytest.approx(148, abs=2)


def test_a_hole_forgets_the_rate_but_not_the_counts() -> None:
    events = vitals(play(steady(75, 60, "NNNNV"), length(60), hole=(20.0, 30.0)))
    before, after = (next(v for v in events if v.sample / RATE_HZ > t) for t in (18.5, 30.5))
    assert before.heart_rate_bpm == 75
    assert after.heart_rate_bpm is None
    assert after.beat_counts["N"] >= before.beat_counts["N"]
    assert after.pvcs_per_min >= before.pvcs_per_min >= 4  # they were in the last minute
    assert events[-1].heart_rate_bpm == 75


@pytest.mark.parametrize(
    ("labels", "bpm", "name"),
    [("N", 75, "N"), ("NV", 75, "B"), ("NNV", 75, "T"), ("V", 160, "VT"), ("V", 70, "IVR"),
     ("S", 150, "SVTA")],
)  # fmt: skip
def test_rhythms_made_of_labels(labels: str, bpm: float, name: str) -> None:
    assert names(play(steady(bpm, 30, labels), length(28)))[-1] == name


@pytest.mark.parametrize(("label", "sure"), [("S", True), ("V", False)])
def test_the_name_vt_is_the_decision_of_its_alarm(label: str, sure: bool) -> None:
    """Whatever the labels say; a run too short for the alarm goes by its labels."""
    stage = RhythmStage(
        StreamInfo("s", RATE_HZ, ("II",)), RhythmSettings(), WatchSettings(), AlarmSettings()
    )
    watch = Watch(StreamInfo("s", RATE_HZ, ("II",)), WatchSettings())
    said = []
    for k in range(12):
        start, size = 200 * k, 200
        block = Samples("s", start, np.zeros((size, 1), np.float32))
        quality = Quality("s", start, start + size, (LeadState.OK,), True)
        watch.push(block, quality)
        found, watched = watch.take((RPeak("s", start, start + size - 1),))
        hop = Hop(block, quality, watched, tuple(found), (beat(start, label),))
        vt = {start: 400} if sure and k >= 6 else {}
        said += [e for e in stage.push(hop, vt) if isinstance(e, Rhythm)]
    if sure:
        assert [(e.name, e.sample) for e in said][-1] == ("VT", 400)
        assert [e.name for e in said] == ["N", "SVTA", "VT"]
    else:
        assert [e.name for e in said] == ["N", "VT", "N"]  # three and four V in a row, then no VT


@pytest.mark.parametrize(("cycles", "name"), [(4, "B"), (5, "N")])
def test_bigeminy_is_named_from_the_limit_of_its_alarm_on(cycles: int, name: str) -> None:
    labels = "N" * 10 + "NV" * 4
    made = list(zip((s for s, _ in steady(75, 30)), labels, strict=False))
    limits = AlarmSettings(bigeminy_cycles=cycles)
    assert names(play(made, length(17), limits=limits))[-1] == name


def test_no_qrs_is_asystole_from_the_last_qrs_on() -> None:
    beats = steady(75, 20)
    events = play(beats, length(40))
    rhythm = [event for event in events if isinstance(event, Rhythm)][-1]
    assert rhythm.name == "ASYS"
    assert rhythm.sample == beats[-1][0]
    assert 4.0 <= (rhythm.decided_sample - rhythm.sample) / RATE_HZ <= 5.0


def test_rhythms_are_in_order_and_change_each_time() -> None:
    beats = steady(75, 20) + steady(150, 30, "V", 20.5) + steady(75, 60, "NV", 31)
    rhythms = [e for e in play(beats, length(60)) if isinstance(e, Rhythm)]
    assert [r.name for r in rhythms] == ["N", "VT", "N", "B"]
    assert all(a.sample < b.sample for a, b in pairwise(rhythms))
    assert all(r.sample <= r.decided_sample for r in rhythms)


@pytest.mark.parametrize("name", ["average_beats", "slow_rr_s", "fibrillation_mv", "af_rr_change"])
def test_limits_out_of_range_name_the_setting(name: str) -> None:
    with pytest.raises(MonitorError, match=rf"rhythm\.{name}"):
        RhythmSettings(**{name: -1})  # type: ignore[arg-type]
