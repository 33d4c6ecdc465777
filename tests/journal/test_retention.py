"""What is old is deleted, by age and by size, a bounded part at a time; numbers still go on."""

import pytest
from journal_parts import alert, drafts, journal, numbers, opened_store, size_of

from monitor.journal.entries import Memory, Query
from monitor.journal.journal import TIDY_TICKS, Journal
from monitor.journal.storage import DAY_NS, TIDY_EVENTS, Retention


class Clock:
    def __init__(self, ns=1000 * DAY_NS):
        self.ns = ns

    def __call__(self):
        return self.ns


def tidied(place, now_ns, **retention):
    """Tidy until nothing is left to delete; give how much went each time."""
    with opened_store(place, Retention(**retention)) as store:
        parts = [store.tidy(now_ns)]
        while parts[-1]:
            parts.append(store.tidy(now_ns))
        return parts[:-1]


def test_what_is_too_old_goes_and_numbers_go_on(place):
    clock = Clock()
    with journal(place, wall_ns=clock) as kept:
        kept.keep(drafts(*(alert(n) for n in range(1200))))
        clock.ns += 5 * DAY_NS
        kept.keep(drafts(*(alert(n) for n in range(10))))
    assert tidied(place, clock.ns, keep_days=6.0) == []
    assert tidied(place, clock.ns, keep_days=4.0) == [TIDY_EVENTS, TIDY_EVENTS, 200]
    with journal(place) as kept:
        assert (kept.first(), kept.last) == (1201, 1210)
    assert tidied(place, clock.ns + 9 * DAY_NS, keep_days=4.0) == [10]
    with journal(place) as kept:
        assert (kept.first(), kept.last) == (0, 1210)
        assert numbers(kept.keep(drafts(alert(1)))) == [1211]


@pytest.mark.slow
def test_a_file_that_is_too_large_loses_its_oldest_and_shrinks(place):
    clock = Clock()
    with journal(place, wall_ns=clock) as kept:
        for _ in range(20):
            kept.keep(drafts(*(alert(n) for n in range(500))))
    before = size_of(place)
    parts = tidied(place, clock.ns, max_bytes=before / 3)
    assert parts == [TIDY_EVENTS] * len(parts)
    assert len(parts) > 5
    assert size_of(place) < before / 2
    with journal(place) as kept:
        entries = kept.page(Query(), 100_000)
        assert [e.number for e in entries] == list(range(1 + TIDY_EVENTS * len(parts), 10_001))


def test_what_gets_too_old_all_the_time_does_not_keep_the_file_large(place):
    clock = Clock()
    with journal(place, wall_ns=clock) as kept:
        kept.keep(drafts(*(alert(n) for n in range(10))))
        clock.ns += 5 * DAY_NS
        for _ in range(10):
            kept.keep(drafts(*(alert(n) for n in range(500))))
    parts = tidied(place, clock.ns, keep_days=4.0, max_bytes=size_of(place) / 3)
    assert parts[0] == 10 + TIDY_EVENTS


def test_streams_are_remembered_as_long_as_anything_of_them(place):
    clock = Clock()
    with journal(place, wall_ns=clock) as kept:
        kept.keep(drafts(alert(1, "gone")), {"gone": Memory("gone", 7)})
        kept.keep(drafts(alert(1, "a")), {"a": Memory("a", 7)})
        clock.ns += 5 * DAY_NS
        kept.note({"a": 8})  # still heard of, without an event
    assert tidied(place, clock.ns, keep_days=4.0) == [2]
    with journal(place) as kept:
        assert kept.memories == {"a": Memory("a", 8, clock.ns)}


@pytest.mark.parametrize(("keep_days", "first"), [(4.0, 3), (100.0, 1)])
def test_a_running_journal_tidies_itself(place, keep_days, first):
    clock = Clock()
    kept = Journal(place, clock, retention=Retention(keep_days))
    kept.keep(drafts(alert(1), alert(2)))
    clock.ns += 5 * DAY_NS
    kept.keep(drafts(alert(3)))
    for _ in range(TIDY_TICKS):
        kept.note({})
    kept.close()
    with journal(place) as again:
        assert (again.first(), again.last) == (first, 3)
