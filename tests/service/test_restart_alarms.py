"""Alarms over a restart of the service: shown, superseded, cleared, never lost. Pure."""

import numpy as np
import pytest
from lives import JUDGED_SAMPLES, Life, Quiet, of, one_alarm, pieces, told, with_kind
from service_parts import Sender

from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Gap,
    Priority,
    Samples,
)
from monitor.pipeline import Pipeline
from monitor.service.known import FORGET_ENDED_S
from monitor.service.outside_alerts import RestoredAlerts
from monitor.sources.simulator import Simulator
from monitor.wire.protocol import StreamState, StreamStatus

pytestmark = pytest.mark.slow


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


def test_a_sender_that_begins_anew_clears_what_was_carried():
    first, _ = one_alarm()
    first.request(command="acknowledge", stream="a", alert_id=0)
    second = Life(first, Quiet)
    again = Sender("another")
    new = second.take(again.announce(), again.samples(3 * JUDGED_SAMPLES))
    assert [a for a in told(new) if a[0] >= 0] == [(0, 2, AlertState.CLEARED)]
    assert of(Gap, new) == []


def test_carried_alarms_stand_still_while_nothing_can_be_judged_then_give_up():
    def alert(number, kind, priority):
        text = kind.value
        return Alert("a", number, number, kind, priority, AlertState.RAISED, 1, 2, text)

    carried = RestoredAlerts(
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


def test_a_lethal_alarm_of_an_ended_stream_stays_when_others_fill_the_table():
    life, sender = one_alarm(max_streams=1)
    life.take(sender.end())
    life.tick(FORGET_ENDED_S + 1)
    for number in range(4):
        other = Sender(f"sender-{number}", stream=f"b{number}")
        assert [a for a in told(life.take(other.announce())) if a[0] >= 0] == []
        assert [a for a in told(life.take(other.samples(), other.end())) if a[0] >= 0] == []
    assert [alert.id for alert in life.state().alerts] == [0]
    assert life.state("b3").status is StreamStatus.ENDED  # it had its place all the same
