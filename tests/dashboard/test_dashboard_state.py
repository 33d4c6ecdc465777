"""The fold is pure and bounded."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.dashboard.state import MAX_STREAMS, DashboardState
from monitor.dashboard.stream_state import MAX_ACTIVE_ALERTS, SIGNAL_S, STALE_AFTER_S
from monitor.dashboard.view import Display, draw
from monitor.feeds.feed import Status
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    Gap,
    GapKind,
    Priority,
    Rhythm,
    Samples,
    StreamInfo,
    Vitals,
)
from monitor.ring import Ring

RATE_HZ = 250.0
INFO = StreamInfo("bed1", RATE_HZ, ("II", "V1"))


def signal(start: int, count: int, stream: str = "bed1") -> Samples:
    ramp = np.arange(start, start + count, dtype=np.float32)
    return Samples(stream, start, np.stack([ramp, -ramp], axis=1))


def alert(
    number: int,
    seq: int,
    state: AlertState = AlertState.RAISED,
    priority: Priority = Priority.HIGH,
    sample: int = 100,
) -> Alert:
    return Alert("bed1", number, seq, AlertKind.VT, priority, state, sample, sample, "VT 180 > 100")


def beat(sample: int, latency_samples: int = 150) -> Beat:
    return Beat(
        "bed1", sample, sample + latency_samples, AamiClass.V, (0, 0, 1, 0, 0), 0.8, 0, "aami"
    )


def folded(*messages, now_s: float = 0.0) -> DashboardState:
    state = DashboardState()
    for message in (INFO, *messages):
        state.fold(message, now_s)
    return state


def test_nothing_known():
    snapshot = DashboardState().snapshot("", 0.0)
    assert snapshot.stream == ""
    assert snapshot.wave is None
    assert snapshot.stale_s is None


def test_feed_text_is_shown_before_any_stream():
    state = DashboardState()
    state.fold(Status("", "loading the beat classifier"), 0.0)
    assert state.snapshot("", 0.0).status.text == "loading the beat classifier"


def test_signal_is_kept_by_sample_index():
    wave = folded(signal(0, 100), signal(100, 50)).snapshot("bed1", 0.0).wave
    assert wave is not None
    assert (wave.start_sample, wave.end_sample) == (0, 150)
    assert wave.values_mv[:, 0].tolist() == list(range(150))
    assert wave.values_mv[:, 1].tolist() == [-n for n in range(150)]


def test_a_hole_is_nan_and_counted():
    state = folded(signal(0, 100), Gap("bed1", 100, 20, GapKind.HOLE), signal(120, 30))
    snapshot = state.snapshot("bed1", 0.0)
    assert snapshot.wave is not None
    invalid = np.isnan(snapshot.wave.values_mv).all(axis=1)
    assert np.flatnonzero(invalid).tolist() == list(range(100, 120))
    assert snapshot.lost_samples == 20


def test_a_snapshot_does_not_change_later():
    state = folded(signal(0, 100))
    wave = state.snapshot("bed1", 0.0).wave
    state.fold(signal(100, round(SIGNAL_S * RATE_HZ)), 0.0)
    assert wave is not None
    assert wave.values_mv[:, 0].tolist() == list(range(100))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 80)), max_size=12
    ),  # (hole before, samples)
    st.integers(1, 50),
)
def test_ring_equals_the_end_of_the_whole(pieces, size):
    ring = Ring(size, 1, start_sample=7)
    whole: list[float] = []
    for hole, count in pieces:
        whole += [np.nan] * (hole if count else 0)
        start = 7 + len(whole)
        values = np.arange(start, start + count, dtype=np.float32)
        if count:
            ring.write(start, values[:, None])
        whole += values.tolist()
    start, values = ring.read(10_000)
    expected = np.array(whole[-size:], dtype=np.float32)
    assert start == 7 + len(whole) - len(expected)
    np.testing.assert_array_equal(values[:, 0], expected)


def test_a_late_piece_fills_its_place_and_does_not_go_back():
    ring = Ring(100, 1)
    ring.write(0, np.zeros((50, 1), dtype=np.float32))
    ring.write(60, np.zeros((10, 1), dtype=np.float32))
    ring.write(50, np.ones((10, 1), dtype=np.float32))
    _, values = ring.read(100)
    assert ring.end_sample == 70
    assert values[50:60, 0].tolist() == [1.0] * 10
    assert not np.isnan(values).any()


def test_stale_after_silence_and_not_once_finished():
    state = folded(signal(0, 100), now_s=10.0)
    assert state.snapshot("bed1", 10.0 + STALE_AFTER_S).stale_s is None
    assert state.snapshot("bed1", 15.0).stale_s == pytest.approx(5.0)
    state.fold(End("bed1", 100), 15.0)
    ended = state.snapshot("bed1", 99.0)
    assert ended.finished
    assert ended.stale_s is None


def test_old_vitals_are_not_shown():
    vitals = Vitals("bed1", 250, 72.0, 0.83, True, {"N": 3}, 0)
    state = folded(signal(0, 500), vitals)
    assert state.snapshot("bed1", 0.0).vitals == vitals
    state.fold(signal(500, 2000), 0.0)
    assert state.snapshot("bed1", 0.0).vitals is None


def test_latency_is_the_median_of_decided_minus_sample():
    state = folded(signal(0, 1000), beat(10, 125), beat(300, 250), beat(600, 200))
    assert state.snapshot("bed1", 0.0).latency_s == pytest.approx(200 / RATE_HZ)


def test_alert_life():
    state = folded(signal(0, 1000), alert(1, 1))
    assert [a.state for a in state.snapshot("bed1", 0.0).active] == [AlertState.RAISED]
    state.fold(alert(1, 2, AlertState.ACKNOWLEDGED), 0.0)
    assert [a.state for a in state.snapshot("bed1", 0.0).active] == [AlertState.ACKNOWLEDGED]
    state.fold(alert(1, 3, AlertState.CLEARED, sample=900), 0.0)
    snapshot = state.snapshot("bed1", 0.0)
    assert snapshot.active == ()
    assert [a.id for a in snapshot.cleared] == [1]
    state.fold(signal(1000, 10_000), 0.0)
    assert state.snapshot("bed1", 0.0).cleared == ()


def test_an_alert_told_twice_does_not_come_back():
    state = folded(signal(0, 100), alert(1, 1), alert(1, 2, AlertState.CLEARED), alert(1, 1))
    assert state.snapshot("bed1", 0.0).active == ()


def test_most_urgent_first_acknowledged_after_new():
    state = folded(
        signal(0, 100),
        alert(1, 1, AlertState.RAISED, Priority.LOW),
        alert(2, 2, AlertState.ACKNOWLEDGED, Priority.HIGH),
        alert(3, 3, AlertState.RAISED, Priority.TECHNICAL),
        alert(4, 4, AlertState.RAISED, Priority.HIGH),
        alert(5, 5, AlertState.RAISED, Priority.MEDIUM),
    )
    assert [a.id for a in state.snapshot("bed1", 0.0).active] == [4, 2, 5, 1, 3]


def test_a_high_alert_is_never_pushed_out_by_lower_ones():
    many = [alert(n, n, AlertState.RAISED, Priority.LOW) for n in range(2, 3 * MAX_ACTIVE_ALERTS)]
    state = folded(signal(0, 100), alert(1, 1), *many)
    active = state.snapshot("bed1", 0.0).active
    assert len(active) == MAX_ACTIVE_ALERTS
    assert active[0].id == 1


def test_a_restart_forgets_the_stream_before():
    state = folded(signal(0, 100), alert(1, 9), Rhythm("bed1", 0, 10, "AFIB"), INFO)
    snapshot = state.snapshot("bed1", 0.0)
    assert snapshot.active == ()
    assert snapshot.rhythm is None
    assert snapshot.time_s is None


def test_streams_go_round_and_tell_of_each_other():
    state = folded(signal(0, 100), alert(1, 1))
    state.fold(StreamInfo("bed2", 360.0, ("II",)), 0.0)
    assert state.after("bed1") == "bed2"
    assert state.after("bed2") == "bed1"
    assert state.after("gone") == "bed1"
    shown = state.snapshot("bed2", 0.0)
    assert (shown.number, shown.streams) == (2, 2)
    assert shown.others == (("bed1", Priority.HIGH),)


def test_other_streams_come_by_urgency_and_number():
    state = folded()
    urgencies = {"bed-10": Priority.HIGH, "bed-2": Priority.LOW, "bed-9": Priority.HIGH}
    for name, priority in urgencies.items():
        state.fold(StreamInfo(name, 360.0, ("II",)), 0.0)
        state.fold(replace(alert(1, 1), stream=name, priority=priority), 0.0)
    assert state.names() == ("bed1", "bed-2", "bed-9", "bed-10")
    others = state.snapshot("bed1", 0.0).others
    assert [name for name, _ in others] == ["bed-9", "bed-10", "bed-2"]


def test_samples_that_do_not_fit_are_left_out():
    state = folded(Samples("bed1", 0, np.zeros((10, 5), dtype=np.float32)))
    wave = state.snapshot("bed1", 0.0).wave
    assert wave is not None
    assert len(wave.values_mv) == 0


def test_a_bed_that_is_stale_is_named_though_another_is_shown():
    state = folded()
    for name in ("bed-3", "bed-4", "bed-5"):
        state.fold(StreamInfo(name, 250.0, ("II",)), 0.0)
    stale = replace(alert(1, 1), stream="bed-3", priority=Priority.TECHNICAL)
    state.fold(replace(stale, kind=AlertKind.STREAM_STALE), 0.0)
    state.fold(Status("bed-5", "no service", lost=True), 0.0)
    snapshot = state.snapshot("bed1", 0.0)
    assert snapshot.stale == ("bed-3", "bed-5")
    for size in ((80, 24), (160, 50)):
        rows = draw(snapshot, Display(), *size, 0.0).characters
        text = "\n".join("".join(map(chr, row)) for row in rows)
        assert " bed-3 STALE " in text
        assert " STALE: bed-3, bed-5 " in text


def test_what_alarms_is_the_last_to_leave_the_display():
    state = DashboardState()
    for number in range(MAX_STREAMS + 50):
        state.fold(StreamInfo(f"s{number:03}", 250.0, ("II",)), float(number))
        if number < 10:
            state.fold(replace(alert(1, 1), stream=f"s{number:03}"), float(number))
    assert {f"s{number:03}" for number in range(10)} <= state.streams.keys()


def test_number_of_streams_is_bounded_and_the_quietest_goes():
    state = DashboardState()
    for number in range(2 * MAX_STREAMS):
        state.fold(StreamInfo(f"s{number:03}", 250.0, ("II",)), float(number))
    assert len(state.streams) == MAX_STREAMS
    assert "s000" not in state.streams
    assert f"s{2 * MAX_STREAMS - 1:03}" in state.streams


@pytest.mark.slow
def test_memory_is_flat_over_a_day_of_events():
    state = folded()

    def hour(start_s: int) -> None:
        for second in range(start_s, start_s + 3600):
            sample = round(second * RATE_HZ)
            state.fold(signal(sample, 25), 0.0)
            state.fold(beat(sample), 0.0)
            state.fold(alert(second, 2 * second, sample=sample), 0.0)
            state.fold(alert(second, 2 * second + 1, AlertState.CLEARED, sample=sample), 0.0)

    hour(1)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        hour(3601)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # what is kept was replaced, not added to: beats and alerts of a full state, and no more
    assert after - before < 300_000


def test_technical_alerts_count_downwards_and_are_shown():
    technical = alert(-1, -1, priority=Priority.TECHNICAL)
    updated = alert(-1, -3, AlertState.UPDATED, Priority.TECHNICAL)
    state = folded(alert(0, 5), technical, alert(-2, -2, priority=Priority.TECHNICAL), updated)
    assert [a.seq for a in state.snapshot("bed1", 0.0).active] == [5, -2, -3]
    state.fold(alert(-1, -4, AlertState.CLEARED, Priority.TECHNICAL), 0.0)
    state.fold(updated, 0.0)
    assert [a.seq for a in state.snapshot("bed1", 0.0).active] == [5, -2]


def test_an_alert_that_was_lost_and_is_told_later_is_shown():
    state = folded(alert(1, 8), alert(0, 3))
    assert {a.id for a in state.snapshot("bed1", 0.0).active} == {0, 1}
