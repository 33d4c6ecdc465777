"""The ``history`` request: pages that are complete up to a number; wrong requests."""

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_parts import alert, drafts, journal

from monitor.errors import MonitorError
from monitor.journal.history_query import LIMIT, MAX_LIMIT, history_answer
from monitor.messages import Gap, GapKind
from monitor.wire.jsonform import MAX_JSON_BYTES, dumps, loads
from monitor.wire.protocol import ProtocolError, body_from_dict


def numbers(reply):
    return [event["journal"] for event in reply["events"]]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    with journal(tmp_path_factory.mktemp("history") / "j.db") as opened:
        opened.keep(drafts(*(alert(n, "abc"[n % 3]) for n in range(1, 10))))
        opened.keep(drafts(Gap("a", 5, 6, GapKind.HOLE)))
        yield opened


def test_a_page_is_complete_up_to_its_end(kept):
    reply = history_answer({"after": 3, "limit": 4}, kept)
    assert numbers(reply) == [4, 5, 6, 7]
    assert (reply["first"], reply["last"], reply["through"]) == (1, 10, 7)
    assert body_from_dict(reply["events"][0]) == alert(4, "b")
    reply = history_answer({"after": 7}, kept)
    assert (numbers(reply), reply["through"]) == ([8, 9, 10], 10)


def test_streams_and_kinds(kept):
    assert numbers(history_answer({"after": 0, "streams": ["a"]}, kept)) == [3, 6, 9, 10]
    reply = history_answer({"after": 0, "streams": ["a", "b"], "kinds": ["gap"], "limit": 1}, kept)
    assert (numbers(reply), reply["through"]) == ([10], 10)
    reply = history_answer({"after": 0, "kinds": ["end"]}, kept)
    assert (numbers(reply), reply["through"]) == ([], 10)


@pytest.mark.parametrize("request_", [{}, {"after": None}])
def test_without_a_number_it_says_how_far_the_journal_goes(kept, request_):
    reply = history_answer(request_, kept)
    assert (numbers(reply), reply["last"], reply["through"]) == ([], 10, 10)


def test_pages_follow_on_each_other(kept):
    found, after = [], 0
    while after < kept.last:
        reply = history_answer({"after": after, "limit": 3}, kept)
        found += numbers(reply)
        after = reply["through"]
    assert found == list(range(1, 11))


def test_an_answer_can_always_be_read(place):
    big = replace(alert(1), beats=tuple(range(10**9, 10**9 + 20_000)))
    with journal(place) as kept:
        kept.keep(drafts(*[big] * 3, *(alert(n) for n in range(2 * MAX_LIMIT))))
        after, seen = 0, []
        while after < kept.last:
            reply = history_answer({"after": after, "limit": 10**9}, kept)
            assert len(dumps(loads(dumps(reply).encode()))) <= MAX_JSON_BYTES
            seen += numbers(reply)
            after = reply["through"]
        assert seen == list(range(1, kept.last + 1))
        assert len(numbers(history_answer({"after": 3}, kept))) == LIMIT


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"after": -1}, "after"),
        ({"after": "5"}, "after"),
        ({"after": True}, "after"),
        ({"after": 2**60}, "after"),
        ({"after": 0, "limit": 0}, "limit"),
        ({"after": 0, "limit": 1.5}, "limit"),
        ({"after": 0, "streams": "a"}, "streams must be a list"),
        ({"after": 0, "streams": [1]}, "streams must be a list"),
        ({"after": 0, "streams": ["a"] * 1000}, "streams must be a list"),
        ({"after": 0, "kinds": ["beat"]}, "kinds may be"),
    ],
)
def test_a_wrong_request_is_refused(kept, request_, words):
    with pytest.raises(ProtocolError, match=words):
        history_answer(request_, kept)


def test_without_a_journal_it_is_refused():
    with pytest.raises(ProtocolError, match="keeps no journal"):
        history_answer({"after": 0}, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.slow
@given(st.fixed_dictionaries(dict.fromkeys(("after", "limit", "streams", "kinds"), json_values)))
def test_any_request_is_answered_or_refused(kept, request_):
    with contextlib.suppress(MonitorError):
        json.dumps(history_answer(request_, kept))
