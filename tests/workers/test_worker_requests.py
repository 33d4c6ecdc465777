"""Who answers a request, and how answers of several workers become one."""

import json

import pytest
from journal_parts import alert, drafts, journal

from monitor.service.requests import MAX_STATES_BYTES
from monitor.wire.jsonform import MAX_JSON_BYTES, loads
from monitor.workers.requests import joined_states, route


def asked(command, permits=lambda right: True, kept=None, **fields):
    text = json.dumps({"schema": 1, "command": command, **fields}).encode()
    return route(text, permits, "service", kept)


def states(*names, whole=True, size=10):
    streams = [{"stream": name, "text": "x" * size, "journal_last": None} for name in names]
    return json.dumps({"schema": 1, "ok": True, "streams": streams, "whole": whole}).encode()


def names(reply):
    return [state["stream"] for state in loads(reply)["streams"]]


@pytest.mark.parametrize("command", ["acknowledge", "limits", "discharge", "signal"])
def test_the_worker_of_the_stream_is_asked(command):
    way = asked(command, stream="bed-7")
    assert (way.answer, way.stream, way.all) == (None, "bed-7", False)


def test_all_are_asked_for_states():
    assert asked("state").all


@pytest.mark.parametrize(
    ("command", "right"), [("acknowledge", "control"), ("discharge", "discharge")]
)
def test_rights_are_checked_before_a_worker_is_asked(command, right):
    way = asked(command, lambda asked_for: asked_for != right, stream="a")
    assert f"lacks the right '{right}'" in loads(way.answer)["error"]
    assert asked("signal", lambda right: False, stream="a").answer is None


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"schema": 2}'])
def test_what_is_no_request_is_refused_here(text):
    assert loads(route(text, lambda right: True, "service", None).answer)["ok"] is False


def test_the_journal_is_asked_here(place):
    with journal(place) as kept:
        kept.keep(drafts(alert(1), alert(2)))
        reply = loads(asked("history", kept=kept, after=0).answer)
    assert [event["journal"] for event in reply["events"]] == [1, 2]
    assert (reply["publisher"], reply["last"]) == ("service", 2)
    assert "keeps no journal" in loads(asked("history", after=0).answer)["error"]


def test_states_are_joined_in_order_with_their_place_in_the_journal(place):
    with journal(place) as kept:
        kept.keep(drafts(alert(1, "b"), alert(1, "c")))
        reply = joined_states([states("a", "c"), states("b", "d")], kept)
    found = loads(reply)
    assert [(s["stream"], s["journal_last"]) for s in found["streams"]] == [
        ("a", 0), ("b", 1), ("c", 2), ("d", 0),
    ]  # fmt: skip
    assert found["whole"]


def test_where_one_worker_has_more_the_answer_ends_there():
    reply = joined_states([states("a", "d", whole=False), states("b", "e")], None)
    assert (names(reply), loads(reply)["whole"]) == (["a", "b", "d"], False)


def test_an_answer_of_many_workers_can_be_read():
    parts = [states(*(f"{n}-{k:03}" for k in range(100)), size=900) for n in range(4)]
    reply = joined_states(parts, None)
    assert MAX_STATES_BYTES / 2 < len(reply) < MAX_JSON_BYTES
    assert not loads(reply)["whole"]
    assert names(reply) == sorted(names(reply))


def test_an_error_of_a_worker_is_the_answer():
    error = b'{"schema":1,"ok":false,"error":"no"}'
    assert joined_states([states("a"), error], None) == error
