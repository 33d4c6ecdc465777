"""The journal: numbers, queries, pages, and what survives."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_parts import alert, bodies, child, drafts, journal, numbers, read
from message_strategies import alerts, infos

from monitor.config import AlarmSettings
from monitor.errors import MonitorError
from monitor.journal.entries import Query, draft_of, is_kept
from monitor.journal.journal import Journal
from monitor.messages import AlertKind, AlertState, End, Gap, GapKind, Priority, StreamInfo
from monitor.wire.protocol import JOURNALLED, KINDS, Limits, Mark, body_from_dict

ALL_KINDS = [
    StreamInfo("a", 360.0, ("II", "V1"), 5, "test"),
    alert(1),
    Gap("a", 50, 7, GapKind.HOLE),
    Limits("a", 60, AlarmSettings(hr_high_bpm=130.0, off=("couplet",))),
    End("a", 100),
]


def test_what_is_kept_comes_back(place):
    assert {type(body) for body in ALL_KINDS} == {KINDS[kind] for kind in JOURNALLED}
    with journal(place, wall_ns=lambda: 12345) as kept:
        marks = kept.keep(drafts(*ALL_KINDS))
        assert marks == [Mark(n, n - 1) for n in range(1, 6)]
    entries = read(place)
    assert bodies(entries) == ALL_KINDS
    assert [(e.number, e.wall_ns) for e in entries] == [(n, 12345) for n in range(1, 6)]


@given(st.one_of(alerts, infos))
def test_every_message_survives_its_form(body):
    from monitor.journal.entries import Entry

    assert is_kept(body)
    assert body_from_dict(Entry(1, 2, draft_of(body)).fields()) == body


def test_it_is_on_the_disk_before_keep_returns(place):
    with journal(place) as kept:
        for number in range(20):
            kept.keep(drafts(alert(number)))
            assert bodies(read(place))[-1] == alert(number)


def test_numbers_go_on_and_each_names_the_one_before_it_in_its_stream(place):
    with journal(place) as kept:
        kept.keep(drafts(alert(1, "a"), alert(1, "b"), alert(2, "a")))
    with journal(place) as kept:
        assert kept.last == 3
        assert kept.keep(drafts(alert(2, "b"), alert(3, "a"))) == [Mark(4, 2), Mark(5, 3)]
        assert (kept.last_of("a"), kept.last_of("b"), kept.last_of("c")) == (5, 4, 0)


def test_numbers_go_on_after_a_crash(place):
    code = """
        import os, sys
        from journal_parts import alert, child, drafts
        from monitor.journal.journal import Journal
        Journal(sys.argv[1]).keep(drafts(alert(1), alert(2)))
        os._exit(9)
    """
    assert subprocess.run(child(code, place), timeout=600).returncode == 9
    with journal(place) as kept:
        assert numbers(kept.keep(drafts(alert(3)))) == [3]
    assert bodies(read(place)) == [alert(1), alert(2), alert(3)]


def test_a_second_service_is_refused_a_reader_is_not(place):
    with journal(place) as kept:
        kept.keep(drafts(alert(1)))
        with pytest.raises(MonitorError, match=r"written by another `serve`.*--journal"):
            Journal(place)
        assert len(read(place)) == 1
    with journal(place):
        pass


def test_queries(place):
    clock = iter(range(100, 200, 10))
    with journal(place, wall_ns=lambda: next(clock)) as kept:
        for body in (
            alert(1, "a"),
            alert(1, "b", AlertKind.AF, priority=Priority.MEDIUM),
            Gap("a", 5, 5, GapKind.HOLE),
            alert(1, "a", state=AlertState.CLEARED),
            alert(2, "a", AlertKind.HR_HIGH, priority=Priority.MEDIUM),
        ):
            kept.keep(drafts(body))

        def found(**wanted):
            entries = kept.page(Query(**wanted), 100)
            assert entries == read(place, **wanted)
            return [entry.number for entry in entries]

        assert found() == [1, 2, 3, 4, 5]
        assert found(after=3) == [4, 5]
        assert found(streams=("b", "c")) == [2]
        assert found(kinds=("vt", "gap")) == [1, 3, 4]
        assert found(kinds=("alert",), streams=("a",)) == [1, 4, 5]
        assert found(priorities=("medium",)) == [2, 5]
        assert found(since_ns=110, until_ns=130) == [2, 3]
        assert [entry.number for entry in kept.page(Query(after=1), 2)] == [2, 3]


def test_all_pages_are_read(place):
    with journal(place) as kept:
        kept.keep(drafts(*(alert(n) for n in range(1200))))
    assert bodies(read(place)) == [alert(n) for n in range(1200)]
