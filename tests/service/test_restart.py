"""A service that dies and starts again: alarms, numbers, limits and positions go on. Pure."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_strategies import alerts, indices, infos, streams
from service_parts import LEARNING_SAMPLES, POISON_MV, RATE_HZ, EveryHundred, Sender

from monitor.config import AlarmSettings
from monitor.journal.entries import Memory
from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    Gap,
    GapKind,
    Priority,
    Samples,
    StreamInfo,
)
from monitor.pipeline import Pipeline
from monitor.service.carried import JUDGED_S, CarriedAlerts
from monitor.service.hub import FORGET_ENDED_S, FORGET_STALE_S, Hub
from monitor.service.memory import RESUME_S, StreamMemory, recalled
from monitor.service.stream import STALE_S
from monitor.sources.simulator import Simulator
from monitor.wire.protocol import Limits, StreamState, StreamStatus

JUDGED_SAMPLES = round(JUDGED_S * RATE_HZ) + LEARNING_SAMPLES


class Life:
    """One life of a service, remembered as its journal would."""

    def __init__(self, before=None, make=EveryHundred, now_s=100.0, max_streams=8):
        self.said, self.out, self.now_s = [], [], now_s
        self.hub = Hub(make, f"life-{id(self)}", self.said.append, max_streams)
        if before is not None:
            memories, problems = recalled(before.kept(), wall_ns=0)
            assert problems == []
            self.hub.restore(memories, now_s)

    def kept(self):
        names = {body.stream for body in self.out}
        found = {name: self.hub.memory(name) for name in names if self.hub.memory(name)}
        return {name: Memory(m.text(), m.next_sample) for name, m in found.items()}

    def take(self, *messages):
        new = []
        for frames in messages:
            new += self.hub.receive(frames, self.now_s, 0)
        self.out += new
        return new

    def tick(self, seconds=1.0):
        self.now_s += seconds
        new = self.hub.tick(self.now_s, self.now_s)
        self.out += new
        return new

    def request(self, **fields):
        reply, new = self.hub.request(json.dumps({"schema": 1} | fields).encode())
        self.out += new
        assert json.loads(reply)["ok"], reply
        return new

    def state(self, stream="a"):
        return next(s for s in self.hub.greeting()[1:] if s.stream == stream)


def of(kind, bodies):
    return [body for body in bodies if isinstance(body, kind)]


def told(bodies):
    return [(a.id, a.seq, a.state) for a in of(Alert, bodies)]


def pieces(sender, length):
    return [sender.samples(50) for _ in range(length // 50)]


def one_alarm(max_streams=8):
    """A life in which sample 999 raised an alarm, and its sender."""
    life, sender = Life(max_streams=max_streams), Sender()
    life.take(sender.announce(), sender.samples(1050))
    assert told(life.out) == [(0, 0, AlertState.RAISED)]
    return life, sender


def test_active_alarms_are_shown_at_once():
    first, _ = one_alarm()
    second = Life(first)
    (state,) = of(StreamState, second.tick(0.0))
    assert state.status is StreamStatus.WAITING
    assert state.alerts == first.state().alerts
    assert state.info == first.state().info
    assert state.sample == 1049
    assert told(second.out) == []
    assert "stream a: restored, 1 active alert(s); awaited" in second.said


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


def test_a_confirmed_alarm_is_superseded_without_a_moment_without_it():
    first, sender = one_alarm()
    second = Life(first)
    active = {0}
    for _ in range(50):
        for alert in of(Alert, second.take(sender.samples(50))):
            (active.discard if alert.state is AlertState.CLEARED else active.add)(alert.id)
            assert active
    assert told(second.out) == [
        (1, 1, AlertState.RAISED),
        (0, 2, AlertState.CLEARED),
        (2, 3, AlertState.RAISED),
    ]
    assert "(followed by a new one)" in of(Alert, second.out)[1].text


class Quiet(EveryHundred):
    """Finds no alarm."""

    def push(self, samples):
        events = [event for event in super().push(samples) if not isinstance(event, Alert)]
        self.alerts = 0
        return events


@pytest.mark.parametrize("kind", [AlertKind.HR_HIGH, AlertKind.COUPLET, AlertKind.LEAD_OFF])
def test_what_is_not_confirmed_is_cleared_after_learning(kind):
    first, sender = one_alarm()
    second = Life(with_kind(first, kind), Quiet)
    before = second.take(sender.announce(), *pieces(sender, JUDGED_SAMPLES - 50))
    assert told(before) == []
    (cleared,) = of(Alert, second.take(sender.samples(50)))
    assert (cleared.id, cleared.seq, cleared.state) == (0, 1, AlertState.CLEARED)
    assert cleared.text.endswith("(ended)")
    assert second.state().alerts == (cleared,)  # shown for some seconds


class Changed:
    """A life whose memory was changed by hand."""

    def __init__(self, life, change):
        self._life, self._change = life, change

    def kept(self):
        kept = self._life.kept()
        return {
            name: Memory(json.dumps(self._change(json.loads(m.text))), m.next_sample)
            for name, m in kept.items()
        }


def with_kind(life, kind, **fields):
    def change(memory):
        memory["alerts"][0] |= {"kind": kind.value} | fields
        return memory

    return Changed(life, change)


def test_a_latched_alarm_stays_until_it_is_acknowledged():
    first, sender = one_alarm()
    second = Life(first, Quiet)
    second.take(sender.announce(), *pieces(sender, 2 * JUDGED_SAMPLES))
    assert told(second.out) == []
    assert [a.state for a in second.state().alerts] == [AlertState.RAISED]
    new = second.request(command="acknowledge", stream="a", alert_id=0)
    assert told(new) == [(0, 1, AlertState.ACKNOWLEDGED), (0, 2, AlertState.CLEARED)]


def test_one_that_was_acknowledged_early_is_cleared_when_judged():
    first, sender = one_alarm()
    second = Life(first, Quiet)
    # before any sample has come
    new = second.request(command="acknowledge", stream="a", alert_id=None)
    assert told(new) == [(0, 1, AlertState.ACKNOWLEDGED)]
    third = Life(second, Quiet)
    assert [a.state for a in third.state().alerts] == [AlertState.ACKNOWLEDGED]
    new = third.take(*pieces(sender, JUDGED_SAMPLES + 100))
    assert told(new) == [(0, 2, AlertState.CLEARED)]


def test_an_alarm_is_carried_over_many_restarts():
    life, sender = one_alarm()
    for _ in range(5):
        life = Life(life, Quiet)
        life.take(sender.samples(200))
        assert [(a.id, a.seq) for a in life.state().alerts] == [(0, 0)]


def test_limits_are_restored():
    first, sender = one_alarm()
    new = first.request(command="limits", stream="a", set={"hr_high_bpm": 133, "off": ["couplet"]})
    (limits,) = of(Limits, new)
    second = Life(first)
    second.take(sender.samples(100))
    reply, _ = second.hub.request(b'{"schema":1,"command":"limits","stream":"a"}')
    assert json.loads(reply)["limits"]["hr_high_bpm"] == 133.0
    assert json.loads(reply)["limits"]["off"] == ["couplet"]
    assert limits.limits.hr_high_bpm == 133.0


def test_limits_can_be_changed_while_the_stream_is_awaited():
    first, sender = one_alarm()
    first.request(command="limits", stream="a", set={"hr_high_bpm": 133})
    second = Life(first)
    second.request(command="limits", stream="a", set={"hr_low_bpm": 44})
    second.take(sender.samples(100))
    reply, _ = second.hub.request(b'{"schema":1,"command":"limits","stream":"a"}')
    limits = json.loads(reply)["limits"]
    assert (limits["hr_high_bpm"], limits["hr_low_bpm"]) == (133.0, 44.0)


def test_an_awaited_stream_becomes_stale_and_ends_at_last():
    first, _ = one_alarm()
    second = Life(first)
    (stale,) = of(Alert, second.tick(STALE_S + 1))
    assert stale.kind is AlertKind.STREAM_STALE
    assert not second.hub.done
    third = Life(second)
    assert {a.id for a in third.state().alerts} == {0, stale.id}
    assert of(End, third.tick(FORGET_STALE_S + 1)) == [End("a", 1050)]


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


def test_a_stream_that_begins_anew_clears_what_it_left_before_a_restart():
    first, sender = one_alarm()
    first.take(sender.end())
    second, again = Life(first), Sender("another")
    second.tick(FORGET_ENDED_S / 2)
    second.take(again.announce(), again.samples(1050))
    assert told(second.out) == [(0, 1, AlertState.CLEARED), (1, 2, AlertState.RAISED)]


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


def test_a_sender_that_begins_anew_clears_what_was_carried():
    first, _ = one_alarm()
    second = Life(first, Quiet)
    again = Sender("another")
    new = second.take(again.announce(), again.samples(3 * JUDGED_SAMPLES))
    assert told(new) == [(0, 1, AlertState.CLEARED)]
    assert of(Gap, new) == []


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
    assert len(second.hub.greeting()) == 1 + 8 + 8
    assert second.hub.refused == 1


def test_a_key_keeps_its_stream():
    first, sender = Life(), Sender()
    first.out += first.hub.receive_all([(sender.announce(), "key-1")], 100.0, 0)
    second = Life(first)
    assert second.hub.receive_all([(sender.samples(), "key-2")], 100.0, 0) == []
    assert of(Samples, second.hub.receive_all([(sender.samples(), "key-1")], 100.0, 0))


def test_what_was_long_ago_is_over():
    first, _ = one_alarm()
    memories, _ = recalled(first.kept(), wall_ns=round(RESUME_S * 1e9) + 1)
    assert [memory.ended for memory in memories] == [True]


def test_numbers_that_may_have_been_used_are_left_out():
    first, _ = one_alarm()
    (memory,), _ = recalled(first.kept(), 0, unsure=50)
    assert (memory.last_id, memory.last_seq) == (50, 50)
    assert (memory.last_technical_id, memory.last_technical_seq) == (-50, -50)


def test_a_memory_that_cannot_be_read_concerns_its_stream_alone():
    first, _ = one_alarm()
    kept = first.kept() | {"b": Memory('{"stream":"b"}', 0), "c": Memory("\x00", 0)}
    memories, problems = recalled(kept, 0)
    assert [memory.stream for memory in memories] == ["a"]
    assert [problem.partition(" cannot be restored: ")[0] for problem in problems] == [
        "stream b",
        "stream c",
    ]


@given(
    st.builds(
        StreamMemory, streams, infos, st.just("p"), st.just("k"), st.booleans(), indices, indices,
        indices, indices, indices, st.lists(alerts, max_size=3).map(tuple),
        st.none() | st.just(AlarmSettings(asystole_s=5.0, off=("couplet",))),
    )
)  # fmt: skip
def test_a_memory_comes_back_as_it_was(memory):
    kept = {memory.stream: Memory(memory.text(), memory.next_sample)}
    assert recalled(kept, 0) == ([memory], [])


def test_carried_alarms_stand_still_while_nothing_can_be_judged_then_give_up():
    def alert(number, kind, priority):
        text = kind.value
        return Alert("a", number, number, kind, priority, AlertState.RAISED, 1, 2, text)

    carried = CarriedAlerts(
        [alert(1, AlertKind.VF, Priority.HIGH), alert(2, AlertKind.AF, Priority.MEDIUM)], 10.0, 60.0
    )
    assert carried.follow([], 590, judges=False) == []
    assert carried.follow([], 10_000, judges=True) == []  # not before all of it was judged
    assert carried.follow([], 590, judges=False) == []
    (cleared,) = carried.follow([], 10, judges=False)
    assert (cleared.id, cleared.state, cleared.text) == (2, AlertState.CLEARED, "af (signal lost)")
    assert carried.follow([], 10, judges=True) == []
    assert carried.follow([], 300, judges=True) == []
    assert [a.state for a in carried.acknowledge(None)] == [
        AlertState.ACKNOWLEDGED,
        AlertState.CLEARED,
    ]
    assert carried.acknowledge(None) == []


@pytest.mark.parametrize("scenario", ["af", "vt", "brady"])
def test_a_lasting_rhythm_is_never_without_its_alarm_over_a_restart(scenario):
    """The real pipeline, killed in the middle of the rhythm."""
    source = Simulator(scenario, rate_hz=250.0, leads=("II",), seed=1)
    sender = Sender(leads=1, rate_hz=250.0)
    values = np.concatenate([chunk.values_mv for chunk in source.chunks()])
    kind = {"af": AlertKind.AF, "vt": AlertKind.VT, "brady": AlertKind.EXTREME_BRADY}[scenario]

    def feed(life, until_s):
        for start in range(sender.at, round(until_s * 250), 250):
            sender.at = start
            piece = values[start : start + 250]
            yield from life.take(sender.encode(Samples("a", start, piece)))
            sender.at = start + len(piece)

    first = Life(make=Pipeline)
    first.take(sender.announce())
    raised_s = next(
        a.sample / 250 for a in feed(first, 100) if isinstance(a, Alert) and a.kind is kind
    )
    second = Life(first, make=Pipeline)
    sender.at += 500  # two seconds are missed
    active = {a.id for a in second.state().alerts if a.kind is kind}
    assert len(active) == 1
    new_ones = set()
    for body in feed(second, raised_s + 32):
        if isinstance(body, Alert) and body.kind is kind:
            if body.state is AlertState.CLEARED:
                active.discard(body.id)
            else:
                active.add(body.id)
                new_ones |= {body.id} if body.state is AlertState.RAISED else set()
            assert active
    assert new_ones or scenario == "vt"  # VT may be over before it is found again: it latches


def test_a_stream_that_ended_with_a_lethal_alarm_stays_until_it_is_acknowledged():
    life, sender = one_alarm()
    life.take(sender.end())
    life.tick(FORGET_ENDED_S + 1)
    life.tick()
    assert [alert.id for alert in life.state().alerts] == [0]
    new = life.request(command="acknowledge", stream="a", alert_id=0)
    assert told(new) == [(0, 1, AlertState.ACKNOWLEDGED), (0, 2, AlertState.CLEARED)]
    life.tick()
    assert life.hub.greeting()[1:] == []


def test_what_an_ended_stream_left_active_is_cleared_when_it_is_forgotten():
    life, sender = one_alarm(max_streams=1)
    life.take(sender.end())
    other = Sender("another", stream="b")
    assert told(life.take(other.announce())) == []
    life.tick(FORGET_ENDED_S + 1)
    new = life.take(other.announce())
    assert told(new) == [(0, 1, AlertState.CLEARED)]
    assert of(StreamInfo, new) == [other.info]
