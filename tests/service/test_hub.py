"""Streams of the service: isolation, restarts, numbering, refusals. Time is handed in."""

from dataclasses import replace

import pytest
from desk import Desk, events, in_process, of
from service_parts import POISON_MV, Sender, judged

from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    Gap,
    GapKind,
    Samples,
    StreamInfo,
)
from monitor.service.beginnings import AT_ONCE, PERIOD_S
from monitor.service.hub import FORGET_ENDED_S
from monitor.service.stream import STALE_S
from monitor.wire.protocol import StreamState, StreamStatus


def test_a_stream_gives_what_its_analysis_gives():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), *(sender.samples(7) for _ in range(300)), sender.end())
    assert events(desk.out) == in_process(sender.info, 2100)
    assert of(StreamInfo, desk.out) == [sender.info]
    assert of(End, desk.out) == [End("a", 2100)]
    assert sum(len(s.values_mv) for s in of(Samples, desk.out)) == 2100
    assert desk.state().status is StreamStatus.ENDED
    assert desk.hub.done


def test_the_state_has_the_quality_and_rhythm_in_force():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(source="judged"))
    assert (desk.state().quality, desk.state().rhythm) == (None, None)
    desk.take(sender.samples(), sender.samples())
    desk.tick(1.0)
    assert [desk.state().quality, desk.state().rhythm] == judged(sender.info)
    desk.take(sender.end())
    assert (desk.state().quality, desk.state().rhythm) == (None, None)


def test_streams_do_not_mix():
    desk = Desk()
    senders = [Sender("one", "a"), Sender("two", "b", leads=1), Sender("three", "c", leads=3)]
    desk.take(*(s.announce() for s in senders))
    for _ in range(120):
        desk.take(*(s.samples(10) for s in senders))
    assert not desk.hub.done
    desk.take(*(s.end() for s in senders))
    assert desk.hub.done
    for sender in senders:
        mine = [e for e in events(desk.out) if e.stream == sender.info.stream]
        assert mine == in_process(sender.info, 1200)


def test_a_failing_analysis_is_quarantined_and_the_others_go_on():
    desk, good, bad = Desk(), Sender("one", "good"), Sender("two", "bad")
    desk.take(good.announce(), bad.announce(), good.samples(), bad.samples())
    new = desk.take(bad.samples(value=POISON_MV))
    state = of(StreamState, new)[-1]
    assert (state.status, state.text) == (
        StreamStatus.QUARANTINED,
        "ZeroDivisionError: poisoned",
    )
    assert [(a.kind, a.state) for a in of(Alert, new)] == [
        (AlertKind.ANALYSIS_FAILED, AlertState.RAISED)
    ]
    assert "stream bad: quarantined: ZeroDivisionError: poisoned" in desk.said
    assert events(desk.take(bad.samples(500))) == []
    assert events(desk.take(good.samples(1000), good.end())) == in_process(good.info, 1050)[1:]
    assert desk.hub.done


def test_an_analysis_that_cannot_begin_is_quarantined_in_one_line():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(source="unwilling"), sender.samples(), sender.samples())
    assert desk.state().status is StreamStatus.QUARANTINED
    assert desk.said[-1] == "stream a: quarantined: ValueError: no analysis for this one"


def test_a_quarantined_stream_gets_a_new_chance_from_a_new_sender():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(value=POISON_MV))
    again = Sender("another life")
    new = desk.take(again.announce(), again.samples(1000), again.end())
    cleared = [a for a in of(Alert, new) if a.kind is AlertKind.ANALYSIS_FAILED]
    assert [a.state for a in cleared] == [AlertState.CLEARED]
    assert len(of(Beat, new)) == 11


def test_the_operator_reads_what_became_of_a_stream():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(), sender.end())
    desk.take(sender.announce(rate_hz=500.0), sender.samples())
    desk.tick(STALE_S + 1.0)
    desk.take(sender.samples())
    assert desk.said == [
        "stream a: 200 Hz, 2 lead(s)",
        "stream a: ended",
        "stream a: begins anew: 500 Hz, 2 lead(s)",
        "stream a: stale",
        "stream a: samples again",
    ]


@pytest.mark.parametrize("ends", [0, 1, 3])
def test_the_end_of_a_quarantined_stream_is_told_once(ends):
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(value=POISON_MV))
    desk.take(*(sender.end() for _ in range(ends)))
    assert len(of(End, desk.out)) == min(ends, 1)
    desk.tick(FORGET_ENDED_S + 1.0)
    assert of(End, desk.out) == [End("a", 50)] * min(ends, 1)
    assert len(desk.hub.greeting()[1:]) == (0 if ends else 1)  # nobody has ended it
    again = Sender("another life")
    desk.take(again.announce(), again.samples(), again.end())
    assert len(of(End, desk.out)) == min(ends, 1) + 1


@pytest.mark.parametrize("length", [10, 1000])
def test_a_quarantined_stream_stays_however_long_it_is_silent(length):
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(length), sender.samples(value=POISON_MV))
    for _ in range(5):
        desk.tick(600.0)
    assert of(End, desk.out) == []
    assert desk.state().status is StreamStatus.QUARANTINED


def test_new_leads_restart_the_analysis_with_a_flush():
    desk, sender = Desk(), Sender(leads=2)
    desk.take(sender.announce(), sender.samples(1050))
    sender.info = replace(sender.info, leads=("V5",))
    new = desk.take(sender.announce())
    assert of(Beat, new)[0].sample == 1050  # what flush gives
    assert of(StreamInfo, new) == [replace(sender.info, start_sample=1050)]
    assert of(Alert, new) == []  # nobody has acknowledged VT
    new = desk.take(sender.samples(1000, leads=1))
    assert [b.sample for b in of(Beat, new)] == list(range(1100, 2050, 100))
    assert [(a.id, a.seq, a.state) for a in of(Alert, new)] == [
        (1, 1, AlertState.RAISED),
        (0, 2, AlertState.CLEARED),
    ]
    assert desk.hub.refused == 0


def test_alert_numbers_never_come_twice_and_have_no_hole():
    desk = Desk()
    for life in range(4):
        sender = Sender(f"life-{life}")
        desk.take(sender.announce(), *(sender.samples(500) for _ in range(5)))
        desk.request(command="acknowledge", stream="a", alert_id=None)
        desk.take(sender.end())
    seqs = [a.seq for a in of(Alert, desk.out) if a.id >= 0]
    assert seqs == list(range(len(seqs)))
    raised = [a.id for a in of(Alert, desk.out) if a.state is AlertState.RAISED and a.id >= 0]
    assert raised == list(range(8))


def test_a_repeated_announcement_changes_nothing():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    for _ in range(20):
        desk.take(sender.samples(100), sender.announce(), sender.announce(start_sample=0))
    desk.take(sender.end())
    assert events(desk.out) == in_process(sender.info, 2000)


def test_joining_in_the_middle_is_no_loss():
    desk, sender = Desk(), Sender()
    for _ in range(10):
        sender.samples(100)  # sent before we were there
    new = desk.take(sender.announce(start_sample=0), sender.samples(100), sender.samples(100))
    assert [b.sample for b in of(Beat, new)] == [1000, 1100]
    assert of(Alert, new) == []
    assert desk.state().lost_samples == 0


def test_lost_samples_are_counted():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(100))
    sender.samples(30)
    sender.samples(30)
    desk.take(*(sender.samples(100) for _ in range(3)))
    state = desk.state()
    assert (state.lost_samples, state.lost_messages) == (60, 2)


def test_a_doubled_message_is_counted_and_not_analysed_again():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    for _ in range(10):
        frames = sender.samples(100)
        desk.take(frames, frames, frames)
    desk.take(sender.end())
    assert events(desk.out) == in_process(sender.info, 1000)
    state = desk.state()
    assert (state.duplicates, state.lost_samples, state.lost_messages) == (20, 0, 0)


def test_a_late_message_is_counted_as_reordered_and_takes_its_place():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples())
    late, early = sender.samples(), sender.samples()
    desk.take(early, late, sender.samples(), sender.end())
    state = desk.state()
    assert (state.reordered, state.lost_messages, state.lost_samples) == (1, 0, 0)
    assert events(desk.out) == in_process(sender.info, 200)


def test_what_waits_for_a_late_message_is_analysed_when_nothing_more_comes():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(100))
    sender.samples(30)
    assert of(Samples, desk.take(sender.samples(100))) == []
    assert [s.start_sample for s in of(Samples, desk.tick(STALE_S + 0.5))] == [130]
    assert desk.state().lost_samples == 30


def test_a_silent_stream_is_stale_until_samples_come_again():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples())
    assert of(Alert, desk.tick(STALE_S)) == []
    (alert,) = of(Alert, desk.tick(0.5))
    assert (alert.kind, alert.state) == (AlertKind.STREAM_STALE, AlertState.RAISED)
    assert of(Alert, desk.tick(10)) == []
    assert desk.state().status is StreamStatus.STALE
    (cleared,) = of(Alert, desk.take(sender.samples()))
    assert (cleared.id, cleared.state) == (alert.id, AlertState.CLEARED)
    assert desk.state().status is StreamStatus.LIVE
    assert desk.state().lost_samples == 0


def test_our_own_delay_does_not_make_a_stream_stale():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples())
    # 8 s without having looked at an empty input: its samples may be queued behind others
    assert of(Alert, desk.tick(8.0, looked=False)) == []


def test_an_ended_stream_is_not_stale_and_is_forgotten():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(), sender.end())
    assert of(Alert, desk.tick(FORGET_ENDED_S)) == []
    assert len(of(StreamState, desk.tick(1))) == 1
    assert of(StreamState, desk.tick(1)) == []
    assert desk.hub.done


def test_a_sender_that_begins_anew_restarts_the_stream():
    desk, first, second = Desk(), Sender("life 1"), Sender("life 2")
    desk.take(first.announce(), first.samples(1500))
    new = [
        *desk.take(second.announce(), second.samples(1500)),
        *desk.tick(),
        *desk.take(second.end()),
    ]
    assert [b.sample for b in of(Beat, new)] == [1500, *range(0, 1501, 100)]
    assert desk.state().lost_samples == 0
    assert desk.hub.refused == 0


@pytest.mark.parametrize("back", [1, 50, 320, 1000])
def test_a_sender_that_comes_back_with_an_overlap_goes_on(back):
    desk, first, second = Desk(), Sender("life 1"), Sender("life 2")
    desk.take(first.announce(), first.samples(1500))
    second.at = 1500 - back
    desk.take(second.announce())
    desk.tick()
    desk.take(*(second.samples(100) for _ in range(20)), second.end())
    assert events(desk.out) == in_process(first.info, second.at)
    assert of(StreamInfo, desk.out) == [first.info]
    assert desk.state().lost_samples == 0


def test_a_device_whose_counter_is_stuck_is_stale_and_said_once():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), *(sender.samples(100) for _ in range(9)))
    new = []
    for _ in range(100):
        sender.at = 800
        new += [*desk.take(sender.announce(), sender.samples(100)), *desk.tick(0.5)]
    assert desk.state().status is StreamStatus.STALE
    assert [(a.kind, a.state, a.text) for a in of(Alert, new)] == [
        (AlertKind.STREAM_STALE, AlertState.RAISED, "No new samples are coming in")
    ]
    assert of((Samples, Gap), new) == []
    new = desk.take(sender.samples(100))
    assert [(a.kind, a.state) for a in of(Alert, new)] == [
        (AlertKind.STREAM_STALE, AlertState.CLEARED),
        (AlertKind.VT, AlertState.RAISED),
    ]
    assert of(Gap, new) == [Gap("a", 800, 10_000, GapKind.OVERLAP)]
    assert desk.state().status is StreamStatus.LIVE
    assert desk.state().lost_samples == 0


def test_a_sender_that_comes_back_from_far_back_has_begun_anew():
    desk, first, second = Desk(), Sender("life 1"), Sender("life 2")
    desk.take(first.announce(), *(first.samples(1000) for _ in range(10)))
    second.at = 1000
    desk.take(second.announce(), second.samples(100))
    desk.tick()
    assert len(of(StreamInfo, desk.out)) == 2


def test_a_sender_that_goes_on_where_it_was_is_one_gap():
    desk, first, second = Desk(), Sender("life 1"), Sender("life 2")
    desk.take(first.announce(), first.samples(950))
    second.at = 1050
    new = [*desk.take(second.announce(), second.samples(950)), *desk.tick()]
    assert [b.sample for b in of(Beat, new)] == list(range(1100, 2000, 100))
    assert desk.state().lost_samples == 100


@pytest.mark.parametrize("change", [{"rate_hz": 250.0}, {"leads": ("V1",)}])
def test_a_stream_that_changes_half_way_begins_anew(change):
    desk, sender = Desk(), Sender(leads=1)
    desk.take(sender.announce(), sender.samples(1500))
    new = desk.take(sender.announce(**change), sender.samples(100), sender.end())
    (info,) = of(StreamInfo, new)
    assert {name: getattr(info, name) for name in change} == change
    assert [b.sample for b in of(Beat, new)] == [1500, 1500, 1600]  # flushed, then anew
    assert desk.state().lost_samples == desk.hub.refused == 0


def test_a_stream_that_begins_anew_all_the_time_is_quarantined_until_it_stops_that():
    desk, sender, other = Desk(), Sender(), Sender("source-2", "b")
    desk.take(other.announce())
    kept = []
    for number in range(1000):
        desk.now_s += 0.001
        kept += desk.take(sender.announce(rate_hz=200.0 + number % 2))
    assert desk.state().status is StreamStatus.QUARANTINED
    assert desk.state().text == "it is announced anew too often"
    assert len(of(StreamInfo, kept)) == 1 + AT_ONCE
    assert len(of(Alert, kept)) == 1
    assert desk.state("b").status is StreamStatus.WAITING
    desk.tick(PERIOD_S)
    (info, *_) = of(StreamInfo, desk.take(sender.announce(rate_hz=250.0)))
    assert info.rate_hz == 250.0
    assert desk.state().status is StreamStatus.WAITING
