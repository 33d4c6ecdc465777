"""Streams of the service: isolation, restarts, numbering, technical alerts. Time is handed in."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_parts import POISON_MV, EveryHundred, Sender

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
from monitor.service.alert_book import SHOW_CLEARED
from monitor.service.beginnings import AT_ONCE, PERIOD_S
from monitor.service.hub import FORGET_ENDED_S, FORGET_STALE_S, Hub
from monitor.service.ownership import MAX_HELD
from monitor.service.stream import STALE_S
from monitor.wire.jsonform import MAX_JSON_BYTES
from monitor.wire.protocol import Heartbeat, StreamState, StreamStatus


class Desk:
    """A hub with a clock that is moved by hand."""

    def __init__(self, max_streams=8):
        self.said = []
        self.now_s = 100.0
        self.hub = Hub(EveryHundred, "service", self.said.append, max_streams)
        self.out = []

    def take(self, *messages):
        new = []
        for frames in messages:
            new += self.hub.receive(frames, self.now_s, 1_250_000_000)
        self.out += new
        return new

    def tick(self, seconds=1.0, looked=True):
        self.now_s += seconds
        new = self.hub.tick(self.now_s, self.now_s if looked else self.now_s - seconds)
        self.out += new
        return new

    def request(self, **fields):
        reply, new = self.hub.request(json.dumps({"schema": 1} | fields).encode())
        self.out += new
        return json.loads(reply), new

    def state(self, stream="a"):
        return next(s for s in self.hub.greeting()[1:] if s.stream == stream)


def of(kind, bodies):
    return [body for body in bodies if isinstance(body, kind)]


def in_process(sender_info, length):
    analysis = EveryHundred(sender_info)
    import numpy as np

    values = np.full((length, len(sender_info.leads)), 0.25, np.float32)
    return analysis.push(Samples(sender_info.stream, 0, values)) + analysis.flush()


def events(bodies):
    return of((Beat, Alert), bodies)


def test_a_stream_gives_what_its_analysis_gives():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), *(sender.samples(7) for _ in range(300)), sender.end())
    assert events(desk.out) == in_process(sender.info, 2100)
    assert of(StreamInfo, desk.out) == [sender.info]
    assert of(End, desk.out) == [End("a", 2100)]
    assert sum(len(s.values_mv) for s in of(Samples, desk.out)) == 2100
    assert desk.state().status is StreamStatus.ENDED
    assert desk.hub.done


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


def test_new_leads_restart_the_analysis_with_a_flush():
    desk, sender = Desk(), Sender(leads=2)
    desk.take(sender.announce(), sender.samples(1050))
    sender.info = replace(sender.info, leads=("V5",))
    new = desk.take(sender.announce())
    assert of(Beat, new)[0].sample == 1050  # what flush gives
    assert of(StreamInfo, new) == [replace(sender.info, start_sample=1050)]
    cleared = of(Alert, new)
    assert [(a.id, a.seq, a.state) for a in cleared] == [(0, 1, AlertState.CLEARED)]
    new = desk.take(sender.samples(1000, leads=1))
    assert [b.sample for b in of(Beat, new)] == list(range(1100, 2050, 100))
    assert [(a.id, a.seq, a.state) for a in of(Alert, new)] == [(1, 2, AlertState.RAISED)]
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


def test_a_stream_whose_sender_vanished_is_ended_at_last():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples())
    desk.tick(FORGET_STALE_S + 1)
    assert of(End, desk.out) == [End("a", 50)]


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


def test_a_name_stays_with_its_sender_for_as_long_as_it_sends():
    desk, owner, other = Desk(), Sender("owner"), Sender("other")
    desk.take(owner.announce(), other.announce())
    for _ in range(60):
        desk.take(owner.samples(50), other.samples(50, value=9.0))
        desk.tick(0.25)
    desk.take(owner.end())
    assert events(desk.out) == in_process(owner.info, 3000)
    assert {float(v) for s in of(Samples, desk.out) for v in s.values_mv.ravel()} == {0.25}
    # what waited for the decision, and everything after it
    assert desk.hub.refused == desk.state().refused == 61
    assert any("stream a is being sent by another sender" in line for line in desk.said)


def test_a_name_passes_on_when_its_sender_falls_silent_and_nothing_is_lost():
    desk, first, second = Desk(), Sender("life 1"), Sender("life 2")
    desk.take(first.announce())
    for _ in range(8):
        desk.take(first.samples(50))
        desk.tick(0.25)
    assert desk.take(second.announce(), second.samples(100)) == []
    desk.tick(0.25)  # the first is silent no longer than it was before
    assert desk.take(second.samples(100), second.samples(100)) == []
    new = [*desk.tick(0.5), *desk.take(second.samples(100), second.end())]
    mine = of(Samples, new)
    assert [s.start_sample for s in mine] == [0, 100, 200, 300]
    assert [b.sample for b in of(Beat, new)][-5:] == [0, 100, 200, 300, 400]
    assert desk.hub.refused == desk.state().lost_samples == 0


def test_our_own_delay_gives_no_name_away():
    desk, owner, other = Desk(), Sender("owner"), Sender("other")
    desk.take(owner.announce(), owner.samples(), other.announce(), other.samples())
    desk.tick(2.5, looked=False)  # the owner's messages may be queued behind others
    assert of(Samples, desk.take(owner.samples()))
    assert of(Samples, desk.take(other.samples())) == []


def test_a_claim_holds_a_bounded_number_of_messages():
    desk, owner, other = Desk(), Sender("owner"), Sender("other")
    desk.take(owner.announce(), owner.samples(), other.announce())
    desk.take(*(other.samples(10) for _ in range(2 * MAX_HELD)))
    assert desk.hub.refused == MAX_HELD + 1
    new = desk.tick()
    assert len(of(Samples, new)) == MAX_HELD - 1
    assert of(Samples, desk.take(other.samples(10)))
    assert desk.state().lost_samples == 10 * (MAX_HELD + 1)  # what was refused is a hole


def test_only_one_at_a_time_may_claim_and_only_by_announcing():
    desk, owner = Desk(), Sender("owner")
    one, two = Sender("one"), Sender("two")
    desk.take(owner.announce(), owner.samples(), two.samples(), one.announce(), two.announce())
    assert desk.hub.refused == 2
    assert desk.tick()
    assert of(Samples, desk.take(one.samples()))
    assert of(Samples, desk.take(two.samples(), owner.samples())) == []


@pytest.mark.parametrize("change", [{"rate_hz": 250.0}, {"leads": ("V1",)}])
def test_a_stream_that_changes_half_way_begins_anew(change):
    desk, sender = Desk(), Sender(leads=1)
    desk.take(sender.announce(), sender.samples(1500))
    new = desk.take(sender.announce(**change), sender.samples(100), sender.end())
    (info,) = of(StreamInfo, new)
    assert {name: getattr(info, name) for name in change} == change
    assert [b.sample for b in of(Beat, new)] == [1500, 1500, 1600]  # flushed, then anew
    assert desk.state().lost_samples == desk.hub.refused == 0


@pytest.mark.parametrize("jump_s", [-3600.0, -2.0, 2.0, 3600.0])
def test_a_clock_that_jumps_is_no_lag(jump_s):
    desk, sender = Desk(), Sender()
    wall_s, off_s, lags = 1e9, 0.0, []
    for second in range(40):
        off_s = jump_s if second >= 20 else 0.0  # the clock of the sender
        for quarter in range(4):
            sent_ns = round((wall_s + second + 0.25 * quarter + off_s) * 1e9)
            sender.sent_ns = sent_ns
            frames = [sender.samples(50)] if second or quarter else [sender.announce()]
            desk.now_s += 0.25
            desk.out += desk.hub.receive_all(
                [(f, "") for f in frames], desk.now_s, sent_ns + 10**7 - round(off_s * 1e9)
            )
        lags.append(of(StreamState, desk.tick(0.0))[-1].lag_s)
    assert max(lags[1:]) < 0.1
    assert of(Alert, desk.out) == [a for a in of(Alert, desk.out) if a.kind is AlertKind.VT]


def behind(desk, sender, lag_s, ticks, saturated=True):
    """Time passes, each second of signal comes ``lag_s`` after it was sent."""
    new = []
    for _ in range(ticks):
        sender.sent_ns = round((desk.now_s + 1.0 - lag_s) * 1e9)
        frames = [(sender.samples(200), "")]
        desk.now_s += 1.0
        new += desk.hub.receive_all(frames, desk.now_s, round(desk.now_s * 1e9))
        looked_s = desk.now_s - (5.0 if saturated else 0.0)
        new += desk.hub.tick(desk.now_s, looked_s)
    desk.out += new
    return new


def test_a_stream_far_behind_raises_an_alarm_until_it_has_caught_up():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    late = []
    for lag_s in (0.1, 0.9, 1.8, 2.7, 3.6, 4.5, 5.4, 6.3, 7.2, 8.1, 9.0, 9.9, 10.8):
        late += of(Alert, behind(desk, sender, lag_s, 1))
    late = [a for a in late if a.kind is AlertKind.ANALYSIS_LATE]
    assert [(a.state, a.value) for a in late] == [
        (AlertState.RAISED, 5.0),
        (AlertState.UPDATED, 10.0),
    ]
    assert late[0].text == "Analysis is more than 5 s behind the signal"
    assert [a for a in of(Alert, behind(desk, sender, 3.0, 3)) if a.id < 0] == []
    (cleared,) = [a for a in of(Alert, behind(desk, sender, 0.2, 3)) if a.id < 0]
    assert cleared.state is AlertState.CLEARED


def test_display_is_shed_while_the_machine_is_too_slow():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    behind(desk, sender, 0.1, 3)
    assert not desk.hub.overload.shedding  # saturated, but in time
    behind(desk, sender, 0.9, 3, saturated=False)
    assert not desk.hub.overload.shedding  # late, but not for our sake
    new = behind(desk, sender, 1.7, 11)
    assert desk.hub.overload.shedding
    assert len(of(StreamState, new)) < 5
    assert len(of(Heartbeat, new)) == 11
    assert of(Heartbeat, new)[-1].late == 1
    assert any("too slow: 1 of 1 live streams are late, the worst by" in s for s in desk.said)
    new = behind(desk, sender, 0.1, 3, saturated=False)
    assert not desk.hub.overload.shedding
    assert len(of(StreamState, new)) >= 2
    assert any("caught up" in line for line in desk.said)
    desk.take(sender.end())
    assert of(Beat, desk.out) == of(Beat, in_process(sender.info, sender.at))


def test_a_replay_faster_than_real_time_is_not_late():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    for _ in range(10):
        sender.sent_ns = round((desk.now_s - 9.0) * 1e9)
        for _ in range(10):
            desk.hub.receive(sender.samples(200), desk.now_s, round(desk.now_s * 1e9))
        desk.tick(1.0, looked=False)
    assert not desk.hub.overload.shedding
    assert [a for a in of(Alert, desk.out) if a.id < 0] == []


def test_when_the_machine_is_too_slow_the_fastest_stream_is_named():
    desk, sender, fast = Desk(), Sender(), Sender("source-2", "archive")
    desk.take(sender.announce(), fast.announce())
    for number in range(11):
        fast.sent_ns = round(desk.now_s * 1e9)
        desk.hub.receive(fast.samples(4000), desk.now_s, fast.sent_ns)
        behind(desk, sender, 0.1 + 0.3 * number, 1)
    assert any("most signal comes from archive, at 20 times real time" in s for s in desk.said)


def test_a_message_of_too_much_signal_is_refused_and_the_stream_goes_on():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(100))
    assert desk.take(sender.samples(4001)) == []
    assert (desk.state().refused, desk.state().status) == (1, StreamStatus.LIVE)
    new = desk.take(*(sender.samples(4000) for _ in range(3)))
    assert sum(len(s.values_mv) for s in of(Samples, new)) == 12_000
    assert desk.state().lost_samples == 4001
    desk.tick()
    assert any("20.0 s of signal; at most 20 s" in line for line in desk.said)


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


def test_samples_that_do_not_fit_are_refused_and_the_stream_goes_on():
    desk, sender = Desk(), Sender(leads=2)
    desk.take(sender.announce(), sender.samples(100))
    assert desk.take(sender.samples(100, leads=3)) == []
    assert desk.state().refused == 1
    new = desk.take(sender.samples(100))
    assert [b.sample for b in of(Beat, new)] == [200]


@pytest.mark.parametrize("at", [-1, 2**53 - 10])
def test_samples_beyond_the_index_are_refused_and_the_stream_goes_on(at):
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(100))
    sender.at, before = at, sender.at
    assert desk.take(sender.samples(100)) == []
    assert desk.state().refused == 1
    sender.at = before
    assert of(Samples, desk.take(sender.samples(100)))
    assert desk.state().lost_samples == 0


def test_samples_of_a_stream_nobody_announced_are_refused():
    desk = Desk()
    assert desk.take(Sender().samples()) == []
    desk.tick()
    assert desk.said == [
        "refused 1 message(s), the last because: stream a has not been announced (info message)"
    ]


def test_more_streams_than_allowed_are_refused():
    desk = Desk(max_streams=2)
    senders = [Sender(f"sender {i}", f"s{i}") for i in range(3)]
    desk.take(*(s.announce() for s in senders))
    assert desk.hub.refused == 1
    assert of(Heartbeat, desk.tick())[0].streams == 2


def test_what_a_sender_may_not_send_is_refused():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples())
    alert = Alert("a", 0, 0, AlertKind.VT, "high", AlertState.RAISED, 0, 0, "false")
    assert desk.take(sender.encode(alert)) == []
    assert desk.hub.refused == 1


def test_the_state_repeats_active_alerts_and_those_just_cleared():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(1000))
    (state,) = of(StreamState, desk.tick())
    assert [(a.id, a.state) for a in state.alerts] == [(0, AlertState.RAISED)]
    assert state.speed == pytest.approx(5.0)  # 1000 samples at 200 Hz in 1 s
    assert state.lag_s == 0.25
    sender.info = replace(sender.info, leads=("V5",))
    desk.take(sender.announce())
    (state,) = of(StreamState, desk.tick())
    assert [(a.id, a.state) for a in state.alerts] == [(0, AlertState.CLEARED)]
    for _ in range(10):
        desk.take(sender.samples(10))
        (state,) = of(StreamState, desk.tick())
    assert state.alerts == ()


def test_the_state_stays_small_however_fast_alerts_come_and_go():
    desk = Desk()
    for life in range(300):  # each leaves an alert that is then cleared
        sender = Sender(f"life {life}")
        desk.take(sender.announce(), sender.samples(1000), sender.end())
        desk.now_s += 2.0
    (state,) = of(StreamState, desk.tick())
    assert len(state.alerts) == SHOW_CLEARED + 1
    assert state.alerts[-1].id == 298


def test_states_of_many_streams_come_in_answers_that_can_be_read():
    desk = Desk(max_streams=300)
    names = [f"bed-{n:03}" for n in range(300)]
    for name in names:
        sender = Sender(f"source-{name}", name)
        desk.take(sender.announce(), sender.samples(2000))
    found, whole = [], False
    while not whole:
        reply, _ = desk.request(command="state", after=found[-1] if found else "")
        assert len(json.dumps(reply)) < MAX_JSON_BYTES
        found += [state["stream"] for state in reply["streams"]]
        whole = reply["whole"]
    assert found == names
    reply, _ = desk.request(command="state", streams=["bed-007", "no such stream"])
    assert ([s["stream"] for s in reply["streams"]], reply["whole"]) == (["bed-007"], True)
    for wrong in ({"after": 3}, {"streams": "bed-007"}, {"streams": {}, "after": None}):
        assert not desk.request(command="state", **wrong)[0]["ok"]


def test_acknowledging_over_control():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(2000))
    reply, new = desk.request(command="acknowledge", stream="a", alert_id=1)
    assert reply == {"schema": 1, "ok": True, "alerts": 1}
    assert [(a.id, a.state) for a in new] == [(1, AlertState.ACKNOWLEDGED)]
    reply, new = desk.request(command="acknowledge", stream="a", alert_id=None)
    assert [a.id for a in new] == [0, 1]


def test_acknowledging_after_a_restart_means_the_number_that_was_shown():
    desk, first, second = Desk(), Sender("life 1"), Sender("life 2")
    desk.take(first.announce(), first.samples(2000), second.announce(), second.samples(1000))
    shown = [a for a in of(Alert, desk.out) if a.state is AlertState.RAISED][-1]
    _, new = desk.request(command="acknowledge", stream="a", alert_id=shown.id)
    assert [(a.id, a.state) for a in new] == [(shown.id, AlertState.ACKNOWLEDGED)]


def test_acknowledging_a_technical_alert():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples())
    desk.tick(STALE_S + 1)
    reply, new = desk.request(command="acknowledge", stream="a", alert_id=-1)
    assert reply["ok"] is True
    assert [(a.kind, a.state) for a in new] == [(AlertKind.STREAM_STALE, AlertState.ACKNOWLEDGED)]


def test_the_state_can_be_asked_for():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(1000))
    reply, new = desk.request(command="state")
    assert new == []
    (state,) = reply["streams"]
    assert (state["stream"], state["status"], len(state["alerts"])) == ("a", "live", 1)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"", "not valid JSON"),
        (b"[]", "expected a JSON object"),
        (b"{}", "schema"),
        (b'{"schema":1}', "command"),
        (b'{"schema":1,"command":"acknowledge"}', "there is no stream"),
        (b'{"schema":1,"command":"acknowledge","stream":["a"]}', "there is no stream"),
        (b'{"schema":1,"command":"acknowledge","stream":"a"}', "alert_id"),
        (b'{"schema":1,"command":"acknowledge","stream":"a","alert_id":true}', "alert_id"),
        (b'{"schema":1,"command":"acknowledge","stream":"a","alert_id":1.5}', "alert_id"),
        (b'{"schema":1,"command":"acknowledge","stream":"a","alert_id":99}', "no active alert 99"),
        (
            b'{"schema":1,"command":"acknowledge","stream":"a","alert_id":' + b"9" * 4000 + b"}",
            "no active alert",
        ),
    ],
)
def test_a_bad_request_is_answered_with_the_reason(text, match):
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(100))
    reply, new = desk.hub.request(text)
    reply = json.loads(reply)
    assert reply["ok"] is False
    assert match in reply["error"]
    assert len(reply["error"]) < 300
    assert new == []


garbage = st.lists(
    st.binary(max_size=40)
    | st.sampled_from([b"info.a", b"samples.a", b"end.a", b"alert.a", b"{}", b"[]", b"null"]),
    max_size=4,
)


@given(
    st.lists(garbage | st.tuples(st.integers(0, 2), st.binary(max_size=8)), min_size=1, max_size=30)
)
def test_garbage_changes_nothing_for_the_streams(messages):
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    count = 0
    for message in messages:
        good = sender.samples(100)
        if isinstance(message, tuple):  # a good message with one frame damaged
            frames = list(sender.encode(End("a", 5)) if message[0] > 1 else good)
            frames[message[0] % len(frames)] = message[1]
            message = frames
        desk.take(message, good)
        desk.hub.request(b"".join(message))
        count += 100
    desk.take(sender.end())
    assert events(desk.out) == in_process(sender.info, count)
