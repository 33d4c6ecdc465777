"""A journal whose disk is full, whose file is locked or removed: nobody waits, nothing is lost."""

import sqlite3
import subprocess
from pathlib import Path

import pytest
from journal_parts import alert, bodies, child, drafts, journal, locked, numbers, read, written

from monitor.errors import MonitorError
from monitor.journal.entries import Memory, Query
from monitor.journal.journal import Journal
from monitor.journal.writer import MAX_WAITING
from monitor.wire.protocol import Mark


def test_a_locked_journal_delays_nobody_and_nothing_is_lost(place):
    with journal(place, hurried=True, retry_s=0.01) as kept:
        kept.keep(drafts(alert(1)))
        written(kept)
        with locked(place):
            assert numbers(kept.keep(drafts(alert(2)))) == [2]
            assert kept.trouble
            assert numbers(kept.keep(drafts(alert(3), alert(4)))) == [3, 4]
            assert [entry.number for entry in kept.page(Query(), 10)] == [1, 2, 3, 4]
            assert [entry.number for entry in kept.page(Query(after=2), 1)] == [3]
            assert len(read(place)) == 1
        written(kept)
        assert kept.trouble == ""
        assert numbers(kept.keep(drafts(alert(5)))) == [5]
    assert bodies(read(place)) == [alert(n) for n in range(1, 6)]


def test_a_mark_that_cannot_be_taken_away_stops_nobody(tmp_path):
    """A folder in its place stands for a disk that has become read-only."""
    path = tmp_path / "j.db"
    with journal(path, hurried=True, retry_s=0.01) as kept:
        mark = Path(f"{path}.complete")
        mark.unlink()
        mark.mkdir()
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        assert numbers(kept.keep(drafts(alert(1)))) == [1]
        assert kept.trouble
        locker.close()
        written(kept)
    assert bodies(read(path)) == [alert(1)]


def test_a_full_disk_delays_nobody_and_nothing_is_lost(tmp_path):
    """A limit on the size of files stands for the disk; it is lifted half-way."""
    path = tmp_path / "j.db"
    code = """
        import resource, sys
        from pathlib import Path
        from journal_parts import alert, child, drafts, written
        from monitor.journal import journal
        journal.PATIENCE_S = journal.CLOSE_S = 600.0
        kept = journal.Journal(Path(sys.argv[1]), retry_s=0.01)
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, most))
        number = 0
        while not kept.trouble:
            number += 1
            kept.keep(drafts(*[alert(number)] * 10))
            assert number < 1000
        full_at = number
        for _ in range(20):
            number += 1
            kept.keep(drafts(*[alert(number)] * 10))
            assert kept.trouble
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        written(kept)
        assert kept.trouble == ""
        kept.close()
        print(number, kept.last)
    """
    done = subprocess.run(child(code, path), timeout=600, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    number, last = map(int, done.stdout.split())
    assert last == 10 * number
    assert bodies(read(path)) == [alert(1 + n // 10) for n in range(last)]


@pytest.mark.parametrize("beside", ["", "-wal"])
def test_a_file_that_is_removed_is_made_anew(tmp_path, beside):
    path = tmp_path / "j.db"
    with journal(path, hurried=True, retry_s=0.01) as kept:
        kept.keep(drafts(alert(1)), {"a": Memory("a", 1)})
        written(kept)
        identity = kept.identity
        path.unlink()
        Path(f"{path}{beside}").unlink(missing_ok=True)
        assert numbers(kept.keep(drafts(alert(2)), {"a": Memory("a", 2)})) == [2]
        assert "removed" in kept.trouble
        written(kept)
        assert kept.trouble == ""
        assert [entry.number for entry in kept.page(Query(), 10)] == [2]
        assert kept.keep(drafts(alert(3))) == [Mark(3, 2)]
        assert path.stat().st_mode & 0o777 == 0o600
    assert bodies(read(path)) == [alert(2), alert(3)]
    with journal(path) as kept:
        assert (kept.identity, kept.last) == (identity, 3)
        assert kept.memories["a"].text == "a"


@pytest.mark.slow
def test_what_memory_cannot_hold_has_no_number(place):
    with journal(place, hurried=True, retry_s=0.01) as kept:
        with locked(place):
            many = drafts(alert(1)) * (MAX_WAITING + 5)
            marks = kept.keep(many)
            assert marks[MAX_WAITING:] == [None] * 5
            assert "memory is full" in kept.trouble
        written(kept)
        assert numbers(kept.keep(drafts(alert(2)))) == [MAX_WAITING + 1]
    assert len(read(place)) == MAX_WAITING + 1


@pytest.mark.slow
def test_a_number_that_was_given_out_but_not_written_is_not_used_again(place):
    code = """
        import os, sys
        from journal_parts import alert, drafts, locked, written
        from monitor.journal.journal import Journal
        kept = Journal(sys.argv[1])
        kept.keep(drafts(alert(1)))
        written(kept)
        with locked(sys.argv[1]):
            print(kept.keep(drafts(alert(2)))[0].number, flush=True)
            os._exit(9)
    """
    done = subprocess.run(child(code, place), timeout=600, capture_output=True, text=True)
    assert done.stdout.split() == ["2"], done.stderr
    with journal(place) as kept:
        assert kept.keep(drafts(alert(3)))[0].number > 2
    with journal(place) as kept:
        first = kept.last
        assert numbers(kept.keep(drafts(alert(4)))) == [first + 1]


@pytest.mark.slow
def test_what_cannot_be_written_at_the_end_is_said(place):
    kept = Journal(place)
    with locked(place):
        kept.keep(drafts(alert(1)))
        with pytest.raises(MonitorError, match=r"1 event\(s\) could not be written"):
            kept.close()
