"""Streams over a restart of the service, and after their own end: positions and numbers. Pure."""

from lives import Life, Quiet, of, one_alarm, told
from service_parts import POISON_MV, Sender

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
from monitor.service.hub import FORGET_ENDED_S
from monitor.service.stream import STALE_S
from monitor.wire.protocol import StreamStatus


def test_the_stream_goes_on_with_a_marked_gap_and_its_numbers():
    first, sender = one_alarm()
    sender.samples(333)  # sent while nobody was there
    second = Life(first)
    assert second.take(sender.announce()) == []
    new = second.take(sender.samples(1000))
    gap, info = of((Gap, StreamInfo), new)
    assert gap == Gap("a", 1050, 333, GapKind.HOLE)
    assert (info.start_sample, info.leads) == (1383, sender.info.leads)
    assert new.index(gap) < new.index(info) < new.index(of(Samples, new)[0])
    assert [b.sample for b in of(Beat, new)] == list(range(1400, 2383, 100))
    lost, raised, cleared = of(Alert, new)
    assert (lost.kind, lost.onset_sample, lost.value) == (AlertKind.SAMPLES_LOST, 1050, 333.0)
    assert (raised.id, raised.seq, raised.sample) == (1, 1, 1999)
    assert (cleared.id, cleared.seq, cleared.state) == (0, 2, AlertState.CLEARED)
    assert second.state().status is StreamStatus.LIVE
    assert second.state().lost_samples == 333


def test_nothing_missing_is_no_gap():
    first, sender = one_alarm()
    second = Life(first)
    new = second.take(sender.samples(100))
    assert of(Gap, new) == []
    assert of(StreamInfo, new)[0].start_sample == 1050
    assert of(Alert, new) == []


def test_samples_that_come_again_are_not_analysed_again():
    first, sender = one_alarm()
    sender.at = 900
    second = Life(first)
    new = second.take(sender.samples(300))
    assert of(StreamInfo, new)[0].start_sample == 1050
    assert [b.sample for b in of(Beat, new)] == [1100]


def test_an_awaited_stream_becomes_stale_and_stays_so_over_restarts():
    first, _ = one_alarm()
    second = Life(first)
    (stale,) = of(Alert, second.tick(STALE_S + 1))
    assert stale.kind is AlertKind.STREAM_STALE
    assert not second.hub.done
    third = Life(second)
    assert {a.id for a in third.state().alerts} == {0, stale.id}
    for _ in range(4):
        third.tick(600.0)
    assert of(End, third.out) == []
    assert {a.id for a in third.state().alerts} == {0, stale.id}
    third.out += third.hub.flush()  # stopped in order: it is stale in the next life too
    assert {a.id for a in Life(third).state().alerts} == {0, stale.id}


def test_staleness_ends_when_the_stream_is_back():
    first, sender = one_alarm()
    first.tick(STALE_S + 1)
    second = Life(first)
    (cleared,) = of(Alert, second.take(sender.samples(100)))
    assert (cleared.kind, cleared.state) == (AlertKind.STREAM_STALE, AlertState.CLEARED)
    assert (cleared.id, cleared.seq) == (-1, -2)


def test_a_quarantined_stream_gets_a_new_chance():
    first, sender = one_alarm()
    first.take(sender.samples(10, value=POISON_MV))
    assert first.state().status is StreamStatus.QUARANTINED
    second = Life(first, Quiet)
    new = second.take(sender.samples(100))
    assert [(a.kind, a.state) for a in of(Alert, new)][-1] == (
        AlertKind.ANALYSIS_FAILED,
        AlertState.CLEARED,
    )
    assert second.state().status is StreamStatus.LIVE


def test_a_stopped_service_hands_its_streams_on_as_a_killed_one():
    first, sender = one_alarm()
    first.out += first.hub.flush()
    assert of(End, first.out) == [End("a", 1050)]
    second = Life(first)
    assert [a.id for a in second.state().alerts] == [0]
    assert of(Gap, second.take(sender.announce(), sender.samples(100))) == []
    assert second.state().status is StreamStatus.LIVE


def test_a_stream_that_ended_is_over_but_its_numbers_go_on():
    first, sender = one_alarm()
    first.take(sender.end())
    first.request(command="acknowledge", stream="a", alert_id=None)
    second = Life(first)
    assert second.hub.greeting()[1:] == []
    again = Sender("another")
    second.take(again.announce(), again.samples(1050))
    assert told(second.out) == [(1, 3, AlertState.RAISED)]


def test_what_an_ended_stream_left_active_can_be_acknowledged_after_restarts():
    first, sender = one_alarm()
    first.take(sender.end())
    second = Life(first)
    second.out += second.hub.greeting()[1:]
    third = Life(second)
    state = third.state()
    assert state.status is StreamStatus.ENDED
    assert [(alert.id, alert.state) for alert in state.alerts] == [(0, AlertState.RAISED)]
    third.tick(FORGET_ENDED_S + 1)
    new = third.request(command="acknowledge", stream="a", alert_id=0)
    assert told(new) == [(0, 1, AlertState.ACKNOWLEDGED), (0, 2, AlertState.CLEARED)]
    third.tick()
    assert third.hub.greeting()[1:] == []


def test_a_stream_that_begins_anew_keeps_its_lethal_alarm_until_another_follows():
    first, sender = one_alarm()
    first.take(sender.end())
    second, again = Life(first), Sender("another")
    second.tick(FORGET_ENDED_S / 2)
    second.take(again.announce(), again.samples(1050))
    assert told(second.out) == [(1, 1, AlertState.RAISED), (0, 2, AlertState.CLEARED)]


def test_a_stream_that_was_forgotten_goes_on_with_its_numbers():
    life, sender = one_alarm()
    life.take(sender.end())
    life.request(command="acknowledge", stream="a", alert_id=None)
    life.tick(FORGET_ENDED_S + 1)
    life.tick()
    assert life.hub.greeting()[1:] == []
    again = Sender("another")
    new = life.take(again.announce(), again.samples(1050))
    assert told(new) == [(1, 3, AlertState.RAISED)]
    assert life.hub.memory("a").last_id == 1


def test_only_streams_that_came_back_count_as_done():
    first, sender = one_alarm()
    second = Life(first)
    assert not second.hub.done
    other = Sender("other", "b")
    second.take(other.announce(), other.samples(10), other.end())
    assert second.hub.done
    second.take(sender.samples(10))
    assert not second.hub.done
    second.take(sender.end())
    assert second.hub.done


def test_awaited_streams_take_nobody_s_place():
    first = Life()
    for number in range(8):
        first.take(Sender(f"life-{number}", f"s{number}").announce())
    second = Life(first)
    assert len(second.hub.greeting()) == 1 + 8
    for number in range(9):
        second.take(Sender(f"new-{number}", f"t{number}").announce())
    heartbeat, *states = second.hub.greeting()
    assert sum(state.status is StreamStatus.WAITING for state in states) == 8 + 8
    assert heartbeat.turned_away == 1
    assert second.hub.refused == 1
