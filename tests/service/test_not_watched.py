"""No patient is lost quietly: refused, stale, taken over, discharged. Time is handed in."""

from dataclasses import replace

import pytest
from desk import Desk, of
from lives import Life, told
from service_parts import Sender

from monitor.messages import Alert, AlertKind, AlertState, End, Samples
from monitor.remarks import Level
from monitor.service import places
from monitor.service.places import FORGET_ENDED_S
from monitor.service.stream import STALE_S
from monitor.wire.answers import ANSWER_S
from monitor.wire.protocol import Heartbeat, StreamState, StreamStatus, encode

RAISED, CLEARED = AlertState.RAISED, AlertState.CLEARED


def technical(bodies):
    return [(a.stream, a.kind, a.state) for a in of(Alert, bodies) if a.id < 0]


def full(max_streams=1):
    """Give a desk without a place left, and the senders who have them."""
    desk = Desk(max_streams)
    senders = [Sender(f"has-{i}", f"a{i}") for i in range(max_streams)]
    for sender in senders:
        desk.take(sender.announce(), sender.samples())
    return desk, senders


def test_a_refused_stream_is_told_to_who_watches_in_the_log_and_to_its_sender():
    desk, _ = full()
    late = Sender("sender-of-b", "b")
    new = desk.take(late.announce())
    assert technical(new) == [("b", AlertKind.STREAM_REFUSED, RAISED)]
    (alert,) = of(Alert, new)
    assert alert.text == "Not watched: already 1 streams (see --max-streams)"
    state = desk.state("b")
    assert (state.status, state.text) == (
        StreamStatus.QUARANTINED,
        "refused: already 1 streams (see --max-streams)",
    )
    errors = [line for line in desk.said if getattr(line, "level", None) is Level.ERROR]
    assert errors == ["stream b: not watched: already 1 streams (see --max-streams)"]
    assert desk.hub.answers.topics == {b"refused.b.sender-o already 1 streams (see --max-streams)"}
    heartbeat = of(Heartbeat, desk.tick())[0]
    assert (heartbeat.streams, heartbeat.turned_away) == (1, 1)
    assert of(Samples, desk.take(late.samples())) == []


def test_a_refused_stream_is_watched_as_soon_as_there_is_a_place():
    desk, (first,) = full()
    late = Sender("late", "b")
    desk.take(late.announce(), late.samples(), late.announce())
    desk.take(first.end())
    new = desk.take(late.announce(), late.samples())
    assert technical(new) == [("b", AlertKind.STREAM_REFUSED, CLEARED)]
    assert of(Samples, new)
    assert desk.state("b").status is StreamStatus.LIVE
    assert desk.hub.answers.topics == frozenset()
    assert of(Heartbeat, desk.tick())[0].turned_away == 0


def test_a_refused_stream_that_ends_is_forgotten_and_the_answer_with_it():
    desk, _ = full()
    late = Sender("late", "b")
    new = desk.take(late.announce(), late.end())
    assert technical(new)[-1] == ("b", AlertKind.STREAM_REFUSED, CLEARED)
    desk.tick(FORGET_ENDED_S + 1)
    assert [s.stream for s in desk.hub.greeting()[1:]] == ["a0"]
    assert desk.hub.answers.topics == frozenset()


def test_a_refused_stream_is_refused_after_a_restart_too():
    life, first, late = Life(max_streams=1), Sender("one", "a"), Sender("two", "b")
    life.take(first.announce(), first.samples(), late.announce(), late.samples())
    again = Life(life, max_streams=1)
    again.take(first.samples(), late.samples(), late.announce(), late.samples())
    assert again.state("b").status is StreamStatus.QUARANTINED
    assert again.state("a").status is StreamStatus.LIVE


def test_a_refused_stream_does_not_get_in_by_changing_what_it_is():
    desk, _ = full()
    late = Sender("late", "b")
    desk.take(late.announce(), late.announce(rate_hz=500.0), late.announce(leads=("V1",)))
    desk.take(Sender("again", "b").announce())
    assert desk.state("b").status is StreamStatus.QUARANTINED


def test_stale_streams_take_no_place_and_are_not_lost():
    desk, (first,) = full()
    desk.tick(STALE_S + 1)
    other = Sender("other", "b")
    desk.take(other.announce(), other.samples())
    assert desk.state("b").status is StreamStatus.LIVE
    assert [a.kind for a in desk.state("a0").alerts] == [AlertKind.STREAM_STALE]
    desk.take(first.samples())  # a patient who is known is watched again, place or not
    assert desk.state("a0").status is desk.state("b").status is StreamStatus.LIVE


def test_an_ended_stream_that_begins_anew_needs_a_place_again():
    desk, (first,) = full()
    desk.take(first.end())
    other = Sender("other", "b")
    desk.take(other.announce(), other.samples())
    new = desk.take(first.announce(), first.samples())
    assert technical(new) == [("a0", AlertKind.STREAM_REFUSED, RAISED)]
    assert of(Samples, new) == []


def test_beyond_all_bounds_a_stream_is_counted_and_its_sender_told(monkeypatch):
    monkeypatch.setattr(places, "MAX_KEPT", 1)
    desk, _ = full()
    desk.take(*(Sender(f"late-{i}", f"b{i}").announce() for i in range(3)))
    assert [s.stream for s in desk.hub.greeting()[1:]] == ["a0", "b0"]
    assert of(Heartbeat, desk.tick())[0].turned_away == 3
    assert len(desk.hub.answers.topics) == 3
    desk.tick(ANSWER_S + 1)
    assert of(Heartbeat, desk.tick())[0].turned_away == 1  # b0 is known, the others sent no more


def test_what_needs_nobody_makes_room_and_what_alarms_does_not(monkeypatch):
    monkeypatch.setattr(places, "MAX_KEPT", 1)
    desk, (first,) = full()
    desk.take(first.samples(1000), first.end())  # VT
    quiet = Sender("quiet", "b")
    desk.take(quiet.announce(), quiet.samples(), quiet.end())
    third = Sender("third", "c")
    desk.take(third.announce(), third.samples())
    assert [s.stream for s in desk.hub.greeting()[1:]] == ["a0", "c"]
    assert [a.kind for a in desk.state("a0").alerts] == [AlertKind.VT]


def test_a_stale_stream_stays_until_it_is_discharged_and_nobody_makes_up_an_end():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(1000))
    desk.request(command="acknowledge", stream="a", alert_id=None)
    for _ in range(20):
        desk.tick(300.0)
    assert of(End, desk.out) == []
    state = desk.state()
    assert state.status is StreamStatus.STALE
    assert {a.kind for a in state.alerts} == {AlertKind.VT, AlertKind.STREAM_STALE}
    reply, new = desk.request(command="discharge", stream="a")
    assert reply == {"schema": 1, "ok": True, "alerts": 2}
    assert of(End, new) == [End("a", 1000)]
    assert {(a.kind, a.state) for a in of(Alert, new)} == {
        (AlertKind.VT, CLEARED),
        (AlertKind.STREAM_STALE, CLEARED),
    }
    assert any(a.text == "VT (discharged)" for a in of(Alert, new))
    assert of(StreamState, new)[-1].status is StreamStatus.ENDED
    assert desk.said[-1] == "stream a: discharged"
    assert desk.hub.greeting()[1:] == []
    assert desk.hub.memory("a").ended


def test_a_stream_that_is_being_sent_is_not_discharged():
    desk, _ = full()
    late = Sender("late", "b")
    desk.take(late.announce())
    desk.tick()
    for name in ("a0", "b"):
        reply, new = desk.request(command="discharge", stream=name)
        assert not reply["ok"]
        assert "is being sent" in reply["error"]
        assert new == []
    desk.tick(STALE_S + 1)
    assert desk.request(command="discharge", stream="a0")[0]["ok"]
    assert desk.request(command="discharge", stream="b")[0]["ok"]


def test_a_discharge_needs_its_own_right():
    desk, _ = full()
    desk.tick(STALE_S + 1)
    text = b'{"schema": 1, "command": "discharge", "stream": "a0"}'
    reply, new = desk.hub.request(text, lambda right: right == "control")
    assert b"lacks the right 'discharge'" in reply
    assert new == []
    assert b'"ok":true' in desk.hub.request(text, lambda right: right == "discharge")[0]


def announced(sender, device):
    info = replace(sender.info, start_sample=sender.at)
    return encode(info, sender.publisher, 0, 1_000_000_000, device=device)


def take_over(desk, first, second, devices=("", "")):
    desk.take(announced(first, devices[0]), first.samples(1500))
    desk.tick(STALE_S + 1)
    new = desk.take(announced(second, devices[1]), second.samples(100))
    return [a for a in technical(new) if a[1] is AlertKind.SENDER_CHANGED]


@pytest.mark.parametrize("devices", [("", ""), ("pump-1", "pump-2"), ("", "pump-2")])
def test_another_device_under_the_name_of_a_stream_is_alarmed_about(devices):
    desk = Desk()
    assert take_over(desk, Sender("one"), Sender("two"), devices) == [
        ("a", AlertKind.SENDER_CHANGED, RAISED)
    ]
    line = next(line for line in desk.said if "another device" in line)
    assert (line, line.level) == ("stream a: taken over by another device", Level.WARNING)
    for _ in range(100):
        desk.tick(1.0)
    (alert,) = [a for a in desk.state().alerts if a.kind is AlertKind.SENDER_CHANGED]
    _, new = desk.request(command="acknowledge", stream="a", alert_id=alert.id)
    assert [a[2] for a in technical(new)] == [AlertState.ACKNOWLEDGED, CLEARED]


def test_a_restart_of_the_same_device_is_a_line_in_the_log():
    desk = Desk()
    assert take_over(desk, Sender("one"), Sender("two"), ("pump-1", "pump-1")) == []
    assert "stream a: its sender has been restarted" in desk.said


@pytest.mark.parametrize("missed", [-100, 0, 900])
def test_a_device_that_counts_its_samples_on_is_the_same(missed):
    desk, second = Desk(), Sender("two")
    second.at = 1500 + missed
    assert take_over(desk, Sender("one"), second) == []


def test_a_device_that_counts_from_elsewhere_is_another():
    desk, second = Desk(), Sender("two")
    second.at = 1_000_000
    assert len(take_over(desk, Sender("one"), second)) == 1


def test_a_sender_that_comes_after_an_end_is_no_other_device():
    desk, first, second = Desk(), Sender("one"), Sender("two")
    desk.take(first.announce(), first.samples(), first.end())
    assert technical(desk.take(second.announce(), second.samples())) == []


def test_what_device_it_was_outlives_a_restart_of_the_service():
    life, first, second = Life(), Sender("one"), Sender("two")
    life.take(announced(first, "pump-1"), first.samples(1500))
    again = Life(life)
    assert told(again.take(announced(second, "pump-1"), second.samples(10))) == []
    life.take(first.samples(10))
    other = Life(life)
    new = other.take(announced(Sender("three"), "pump-2"))
    assert technical(new) == [("a", AlertKind.SENDER_CHANGED, RAISED)]


def test_a_sender_that_is_refused_for_the_name_is_told():
    desk, first, second = Desk(), Sender("first-one"), Sender("second-one")
    desk.take(first.announce())
    for turn in range(20):
        desk.take(first.samples())
        desk.tick(0.4)
        if turn == 2:
            desk.take(second.announce())
    (topic,) = desk.hub.answers.topics
    assert topic.startswith(b"refused.a.second-o stream a is being sent by another sender")
