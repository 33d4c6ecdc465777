"""The signal that led to an alert is journalled with it, bounded, and comes back exactly."""

import json

import numpy as np
import pytest
from journal_parts import alert, drafts, journal, locked, opened_store, size_of, written
from test_retention import Clock, tidied

from monitor.journal.entries import MAX_SIGNAL_VALUES, Query, alert_signal_of
from monitor.journal.history_query import snippet_answer
from monitor.journal.journal import MAX_SIGNALS
from monitor.journal.storage import TIDY_SNIPPETS, DiskFullError
from monitor.messages import Snippet, StreamInfo
from monitor.recording.span_query import read_answer
from monitor.wire.jsonform import MAX_JSON_BYTES, dumps, loads
from monitor.wire.protocol import ProtocolError

INFO = StreamInfo("a", 360.0, ("II", "V1"), source="somewhere")
END_NS = 1_800_000_000_000_000_000


def snippet(number, rows=3600, leads=2):
    values = np.random.default_rng(number).normal(0, 1, (rows, leads)).astype("f4")
    values[:5] = np.nan
    return Snippet("a", number, number, 500, values)


def raised(number, info=INFO, **shape):
    (draft,) = drafts(alert(number))
    signal = alert_signal_of(snippet(number, **shape), info, END_NS)
    return type(draft)(*[getattr(draft, name) for name in draft.__slots__[:-1]], signal)


def asked(kept, number, stream="a"):
    reply = snippet_answer({"stream": stream, "alert_id": number}, kept)
    text = dumps(reply).encode()
    assert len(text) <= MAX_JSON_BYTES
    return read_answer(loads(text))


def test_it_comes_back_exactly_after_a_restart_too(place):
    with journal(place) as kept:
        kept.keep([raised(1), *drafts(alert(2)), raised(3)])
        before = asked(kept, 3)
    with journal(place) as kept:
        for number in (1, 3):
            span, sent = asked(kept, number), snippet(number)
            assert (span.start_sample, span.info.rate_hz, span.info.leads) == (500, 360, INFO.leads)
            assert span.wall_ns == END_NS - 10_000_000_000
            np.testing.assert_array_equal(span.values_mv, sent.values_mv)
        np.testing.assert_array_equal(before.values_mv, span.values_mv)
        for number, stream in ((2, "a"), (1, "b"), (9, "a")):
            with pytest.raises(ProtocolError, match=f"no snippet of alert {number}"):
                asked(kept, number, stream)


def test_of_many_leads_as_many_are_kept_as_fit_an_answer(place):
    wide = StreamInfo("a", 1000.0, tuple(f"L{n}" for n in range(32)))
    with journal(place) as kept:
        kept.keep([raised(1, wide, rows=10_000, leads=16)])
        span = asked(kept, 1)
    assert span.values_mv.size == MAX_SIGNAL_VALUES
    assert span.info.leads == ("L0", "L1", "L2", "L3")
    np.testing.assert_array_equal(span.values_mv, snippet(1, 10_000, 16).values_mv[:, :4])


def test_while_the_disk_takes_nothing_it_waits_in_memory_but_not_without_bound(place):
    with journal(place, hurried=True, retry_s=0.05) as kept:
        with locked(place):
            kept.keep([raised(1)])
            assert kept.trouble
            kept.keep(drafts(*(alert(n) for n in range(2, MAX_SIGNALS + 3))))
            number = MAX_SIGNALS + 3
            kept.keep([raised(number)])
            np.testing.assert_array_equal(asked(kept, 1).values_mv, snippet(1).values_mv)
        written(kept)
    with journal(place) as kept:
        assert kept.last == number
        assert asked(kept, 1).values_mv.shape == (3600, 2)
        with pytest.raises(ProtocolError, match="no snippet"):
            asked(kept, number)


def test_where_the_disk_has_no_room_for_it_the_event_is_kept(place, monkeypatch):
    with opened_store(place) as store:
        kind = type(store)
    append = kind.append

    def crowded(store, entries, memories, positions):
        if any(entry.draft.signal for entry in entries):
            raise DiskFullError("database or disk is full")
        append(store, entries, memories, positions)

    monkeypatch.setattr(kind, "append", crowded)
    with journal(place, retry_s=0.05) as kept:
        kept.keep([raised(1), *drafts(alert(2))])
    with journal(place) as kept:
        assert [entry.number for entry in kept.page(Query(), 10)] == [1, 2]
        with pytest.raises(ProtocolError, match="no snippet"):
            asked(kept, 1)


def test_a_journal_that_is_too_large_loses_snippets_before_events(place):
    clock = Clock()
    with journal(place, wall_ns=clock) as kept:
        for start in range(0, 400, 50):
            kept.keep([raised(number) for number in range(start, start + 50)])
    size = size_of(place)
    assert size > 400 * 28_800
    parts = tidied(place, clock.ns, max_bytes=size / 2)
    assert parts == [TIDY_SNIPPETS] * len(parts)
    assert size_of(place) < size * 0.6
    with journal(place, wall_ns=clock) as kept:
        assert (kept.first(), kept.last) == (1, 400)
        assert asked(kept, 399).values_mv.shape == (3600, 2)
        with pytest.raises(ProtocolError, match="no snippet"):
            asked(kept, 0)
    tidied(place, clock.ns + 10**17, keep_days=1.0)  # with the events they belong to
    with opened_store(place) as store:
        left = store._connection.execute("SELECT count(*) FROM snippets").fetchone()
        assert left == (0,)


@pytest.mark.slow
def test_new_snippets_do_not_keep_old_events_from_going(place):
    clock = Clock()
    most, parts, number = 6_000_000, [], 0  # room for more snippets than go at a time
    for _ in range(10):
        with journal(place, wall_ns=clock) as kept:
            kept.keep(drafts(*(alert(n) for n in range(2000))))
            kept.keep([raised(number := number + 1) for _ in range(30)])
        parts += tidied(place, clock.ns, max_bytes=most)
        assert size_of(place) < 1.2 * most
    assert len(parts) > 10
    with journal(place, wall_ns=clock) as kept:
        assert kept.first() > 1
        assert asked(kept, number).values_mv.shape == (3600, 2)  # the newest is there


@pytest.mark.parametrize(
    "request_",
    [{}, {"stream": "a"}, {"stream": 1, "alert_id": 1}, {"stream": "a", "alert_id": -1},
     {"stream": "a", "alert_id": True}, {"stream": "a", "alert_id": "1"}],
    ids=json.dumps,
)  # fmt: skip
def test_a_wrong_request_is_refused(place, request_):
    with journal(place) as kept, pytest.raises(ProtocolError, match="asked for by"):
        snippet_answer(request_, kept)


def test_without_a_journal_it_is_refused():
    with pytest.raises(ProtocolError, match="keeps no journal"):
        snippet_answer({"stream": "a", "alert_id": 1}, None)
