"""The list of events and its strips: kept by number and onset, bounded."""

from dataclasses import replace

import numpy as np
from ward_parts import LEADS, RATE_HZ, alarm, beat, bed, key_in, signal, snippet

from monitor.dashboard import events as events_module
from monitor.dashboard.event_page import event_page
from monitor.dashboard.events import MAX_EVENTS, EventLog, Strip
from monitor.dashboard.state import DashboardState
from monitor.dashboard.ward import ward
from monitor.messages import AamiClass, AlertKind, AlertState, Priority, StreamInfo


def test_an_event_is_one_alert_through_its_life():
    log = EventLog()
    assert log.note(alarm())
    assert not log.note(alarm(seq=2, alert_state=AlertState.ACKNOWLEDGED))
    assert not log.note(alarm(seq=3, alert_state=AlertState.CLEARED, text="VT ended"))
    assert not log.note(alarm(seq=2, alert_state=AlertState.ACKNOWLEDGED))  # told again
    (event,) = log.events("bed-1")
    assert (event.alert.state, event.alert.text) == (AlertState.CLEARED, "VT ended")


def test_newest_first_of_one_stream_or_of_all():
    log = EventLog()
    log.note(alarm("bed-1", 1))
    log.note(alarm("bed-2", 1))
    log.note(alarm("bed-1", 2, onset=2000))
    assert [e.key[:2] for e in log.events()] == [("bed-1", 2), ("bed-2", 1), ("bed-1", 1)]
    assert [e.alert.id for e in log.events("bed-1")] == [2, 1]
    assert log.events("bed-9") == ()


def test_an_event_begins_where_its_first_transition_said():
    state = DashboardState()
    bed(state)
    for seq, onset in ((1, 1250), (2, 1750), (3, 2250)):  # a rate: what it rests on moves along
        state.fold(alarm(seq=seq, onset=onset, sample=onset + 200, text=f"HR {seq}"), 0.0)
    (line,) = event_page(state, 0.0, "", None).lines
    assert (line.alert.text, line.onset_s, line.age_s) == ("HR 3", 5.0, 5.0)
    (tile,) = ward(state, 0.0, 80, 21).tiles
    assert tile.alerts[0][1] == 5.0


def test_a_number_used_again_after_a_restart_is_another_event():
    log = EventLog()
    log.note(alarm(alert_state=AlertState.CLEARED, seq=9))
    log.note(alarm(seq=1, onset=90_000))
    log.note(alarm(seq=2, onset=90_500, alert_state=AlertState.UPDATED))
    assert [e.onset_sample for e in log.events("bed-1")] == [90_000, 1250]


def test_learning_is_listed_only_while_it_lasts():
    log = EventLog()
    learning = alarm(priority=Priority.TECHNICAL, kind=AlertKind.LEARNING)
    log.note(learning)
    assert len(log.events()) == 1
    log.note(replace(learning, seq=2, state=AlertState.CLEARED))
    log.note(learning)  # told again
    assert log.events() == ()


def test_ended_events_go_first_when_there_are_too_many():
    log = EventLog()
    log.note(alarm(number=0))
    for number in range(1, MAX_EVENTS + 50):
        log.note(alarm(number=number, alert_state=AlertState.CLEARED))
    kept = log.events("bed-1", 10_000)
    assert len(kept) == MAX_EVENTS
    assert kept[-1].alert.id == 0
    assert len(log.events("", 10_000)) == MAX_EVENTS


def test_signal_of_strips_is_bounded(monkeypatch):
    values = np.zeros((2500, 2), np.float32)
    monkeypatch.setattr(events_module, "MAX_STRIP_BYTES", 3 * values.nbytes)
    log = EventLog()
    keys = []
    for number in range(5):
        key = log.note(alarm(number=number))
        assert key is not None
        keys.append(key)
        log.keep(keys[-1], Strip(0, values))
        log.keep(keys[-1], Strip(0, values))  # twice: counted once
    assert [log.strip(key) is not None for key in keys] == [False, False, True, True, True]


def test_labels_that_come_after_the_strip_are_put_into_it():
    state = DashboardState()
    bed(state, seconds=6.0)
    alert = alarm()
    state.fold(alert, 0.0)
    state.fold(snippet(alert), 0.0)
    strip = state.events.strip(key_in(state))
    assert strip is not None
    before = [sample for sample, _ in strip.beats]
    assert before == [300, 500, 700, 900, 1100]
    state.fold(beat(1300, label=AamiClass.V), 0.0)
    state.fold(beat(1501), 0.0)  # behind its end
    strip = state.events.strip(key_in(state))
    assert strip is not None
    assert strip.beats[-1] == (1300, AamiClass.V)
    assert [sample for sample, _ in strip.beats] == [*before, 1300]


def test_a_technical_alert_keeps_the_signal_that_is_here():
    state = DashboardState()
    bed(state, seconds=8.0)
    technical = alarm(priority=Priority.TECHNICAL, text="LEAD OFF II", sample=1900)
    state.fold(technical, 0.0)
    strip = state.events.strip(key_in(state))
    assert strip is not None
    assert (strip.start_sample, strip.end_sample) == (0, 1901)
    np.testing.assert_array_equal(strip.values_mv, signal(0, 1901).values_mv)
    elsewhere = alarm(number=2, priority=Priority.TECHNICAL, sample=90_000)
    state.fold(elsewhere, 0.0)
    assert state.events.strip(key_in(state, number=2)) is None


def test_the_strip_stands_while_the_stream_goes_on():
    state = DashboardState()
    bed(state)
    alert = alarm()
    state.fold(alert, 0.0)
    state.fold(snippet(alert), 0.0)
    before = event_page(state, 0.0, "", key_in(state))
    state.fold(signal(2500, 5000), 0.0)
    after = event_page(state, 0.0, "", key_in(state))
    assert before.strip is not None
    assert after.strip is not None
    np.testing.assert_array_equal(before.strip.values_mv, after.strip.values_mv)
    assert after.live.wave is not None
    assert after.live.wave.end_sample == 7500
    assert (before.lines[0].onset_s, before.lines[0].age_s) == (5.0, 5.0)
    assert after.lines[0].age_s == 25.0


def test_a_strip_moved_back_ends_earlier_and_never_vanishes():
    state = DashboardState()
    bed(state)
    state.fold(alarm(), 0.0)
    state.fold(snippet(alarm()), 0.0)
    for back_s, seconds in ((0.0, 5.0), (2.0, 3.0), (9.0, 1.0)):
        strip = event_page(state, 0.0, "", key_in(state), back_s).strip
        assert strip is not None
        assert len(strip.values_mv) == seconds * RATE_HZ


def test_a_strip_of_the_first_leads_only():
    state = DashboardState()
    state.fold(StreamInfo("bed-1", RATE_HZ, (*LEADS, "PLETH"), pulse="PLETH"), 0.0)
    state.fold(alarm(), 0.0)
    state.fold(snippet(alarm()), 0.0)
    strip = event_page(state, 0.0, "", key_in(state)).strip
    assert strip is not None
    assert (strip.info.leads, strip.info.pulse) == (LEADS, "")


def test_a_service_that_comes_back_keeps_events_and_trends_a_new_stream_does_not():
    state = DashboardState()
    bed(state)
    state.fold(alarm(), 0.0)
    info = state.streams["bed-1"].info
    assert info is not None
    state.fold(info, 0.0)
    assert len(state.events.events("bed-1")) == 1
    assert len(state.streams["bed-1"].trends.last("HR", 600, 100)) > 0
    state.fold(replace(info, rate_hz=360.0), 0.0)
    assert state.events.events("bed-1") == ()
    assert state.events.events() == ()
    assert len(state.streams["bed-1"].trends.last("HR", 600, 100)) == 0


def test_a_stream_that_leaves_takes_its_events_along():
    log = EventLog()
    key = log.note(alarm("bed-1"))
    log.note(alarm("bed-2"))
    assert key is not None
    log.keep(key, Strip(0, np.zeros((10, 1), np.float32)))
    log.forget("bed-1")
    assert [event.alert.stream for event in log.events()] == ["bed-2"]
    assert log.strip(key) is None
    assert log.of_alert("bed-1", 1) is None
