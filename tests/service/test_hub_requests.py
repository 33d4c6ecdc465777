"""States, acknowledgements and other requests. Time is handed in."""

import json
from dataclasses import replace

import pytest
from desk import Desk, of
from service_parts import Sender

from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
)
from monitor.service.alert_book import SHOW_CLEARED
from monitor.service.watched import STALE_S
from monitor.wire.jsonform import MAX_JSON_BYTES
from monitor.wire.protocol import StreamState


def test_the_state_repeats_active_alerts_and_those_just_cleared():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(1000))
    (state,) = of(StreamState, desk.tick())
    assert [(a.id, a.state) for a in state.alerts] == [(0, AlertState.RAISED)]
    assert state.speed == pytest.approx(5.0)  # 1000 samples at 200 Hz in 1 s
    assert state.lag_s == 0.25
    desk.request(command="acknowledge", stream="a", alert_id=None)
    sender.info = replace(sender.info, leads=("V5",))
    desk.take(sender.announce())
    (state,) = of(StreamState, desk.tick())
    assert [(a.id, a.state) for a in state.alerts] == [(0, AlertState.CLEARED)]
    for _ in range(10):
        desk.take(sender.samples(10))
        (state,) = of(StreamState, desk.tick())
    assert state.alerts == ()


@pytest.mark.slow
def test_the_state_stays_small_however_fast_alerts_come_and_go():
    desk = Desk()
    for life in range(300):  # each leaves an alert that is then cleared
        sender = Sender(f"life {life}")
        desk.take(sender.announce(), sender.samples(1000), sender.end())
        desk.now_s += 2.0
    (state,) = of(StreamState, desk.tick())
    assert len(state.alerts) == SHOW_CLEARED + 1
    assert state.alerts[-1].id == 298


@pytest.mark.slow
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
        (b'{"schema":1,"command":"acknowledge"}', "stream must be the name of a stream"),
        (b'{"schema":1,"command":"limits","stream":["a"]}', "stream must be the name of a stream"),
        (b'{"schema":1,"command":"acknowledge","stream":"z"}', "there is no stream 'z'"),
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
