"""The journal: numbers, pages, what survives, and how it behaves when the disk does not."""

import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_parts import alert, drafts, journal, numbers
from message_strategies import alerts, infos

from monitor.config import AlarmSettings
from monitor.errors import MonitorError
from monitor.journal import schema
from monitor.journal.entries import Memory, Query, draft_of, is_kept
from monitor.journal.journal import Journal
from monitor.journal.reader import Reader
from monitor.journal.schema import APPLICATION_ID, VERSION
from monitor.journal.writer import MAX_WAITING
from monitor.messages import AlertKind, AlertState, End, Gap, GapKind, Priority, StreamInfo
from monitor.wire.protocol import JOURNALLED, KINDS, Limits, Mark, body_from_dict

PATIENT_S = 20


def read(path, **wanted):
    reader = Reader(path)
    try:
        return list(reader.entries(Query(**wanted)))
    finally:
        reader.close()


def bodies(entries):
    return [body_from_dict(entry.fields()) for entry in entries]


ALL_KINDS = [
    StreamInfo("a", 360.0, ("II", "V1"), 5, "test"),
    alert(1),
    Gap("a", 50, 7, GapKind.HOLE),
    Limits("a", 60, AlarmSettings(hr_high_bpm=130.0, off=("couplet",))),
    End("a", 100),
]


def test_what_is_kept_comes_back(tmp_path):
    assert {type(body) for body in ALL_KINDS} == {KINDS[kind] for kind in JOURNALLED}
    with journal(tmp_path / "j.db", wall_ns=lambda: 12345) as kept:
        marks = kept.keep(drafts(*ALL_KINDS))
        assert marks == [Mark(n, n - 1) for n in range(1, 6)]
    entries = read(tmp_path / "j.db")
    assert bodies(entries) == ALL_KINDS
    assert [(e.number, e.wall_ns) for e in entries] == [(n, 12345) for n in range(1, 6)]


@given(st.one_of(alerts, infos))
def test_every_message_survives_its_form(body):
    from monitor.journal.entries import Entry

    assert is_kept(body)
    assert body_from_dict(Entry(1, 2, draft_of(body)).fields()) == body


def test_it_is_on_the_disk_before_keep_returns(tmp_path):
    with journal(tmp_path / "j.db") as kept:
        for number in range(20):
            kept.keep(drafts(alert(number)))
            assert bodies(read(tmp_path / "j.db"))[-1] == alert(number)


def test_numbers_go_on_and_each_names_the_one_before_it_in_its_stream(tmp_path):
    path = tmp_path / "j.db"
    with journal(path) as kept:
        kept.keep(drafts(alert(1, "a"), alert(1, "b"), alert(2, "a")))
    with journal(path) as kept:
        assert kept.last == 3
        assert kept.keep(drafts(alert(2, "b"), alert(3, "a"))) == [Mark(4, 2), Mark(5, 3)]
        assert (kept.last_of("a"), kept.last_of("b"), kept.last_of("c")) == (5, 4, 0)


def test_numbers_go_on_after_a_crash(tmp_path):
    path = tmp_path / "j.db"
    code = """
        import os, sys
        from pathlib import Path
        from journal_parts import alert, drafts
        from monitor.journal.journal import Journal
        Journal(Path(sys.argv[1])).keep(drafts(alert(1), alert(2)))
        os._exit(9)
    """
    assert subprocess.run(child(code, path), timeout=60).returncode == 9
    with journal(path) as kept:
        assert numbers(kept.keep(drafts(alert(3)))) == [3]
    assert bodies(read(path)) == [alert(1), alert(2), alert(3)]


def child(code, *arguments):
    import journal_parts

    folder = str(journal_parts.__file__).rpartition("/")[0]
    code = f"import sys; sys.path.insert(0, {folder!r})\n" + textwrap.dedent(code)
    return [sys.executable, "-c", code, *map(str, arguments)]


def test_a_second_service_is_refused_a_reader_is_not(tmp_path):
    path = tmp_path / "j.db"
    with journal(path) as kept:
        kept.keep(drafts(alert(1)))
        with pytest.raises(MonitorError, match=r"written by another `serve`.*--journal FILE"):
            Journal(path)
        assert len(read(path)) == 1
    with journal(path):
        pass


def test_queries(tmp_path):
    path = tmp_path / "j.db"
    clock = iter(range(100, 200, 10))
    with journal(path, wall_ns=lambda: next(clock)) as kept:
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
            assert entries == read(path, **wanted)
            return [entry.number for entry in entries]

        assert found() == [1, 2, 3, 4, 5]
        assert found(after=3) == [4, 5]
        assert found(streams=("b", "c")) == [2]
        assert found(kinds=("vt", "gap")) == [1, 3, 4]
        assert found(kinds=("alert",), streams=("a",)) == [1, 4, 5]
        assert found(priorities=("medium",)) == [2, 5]
        assert found(since_ns=110, until_ns=130) == [2, 3]
        assert [entry.number for entry in kept.page(Query(after=1), 2)] == [2, 3]


def test_all_pages_are_read(tmp_path):
    with journal(tmp_path / "j.db") as kept:
        kept.keep(drafts(*(alert(n) for n in range(1200))))
    assert bodies(read(tmp_path / "j.db")) == [alert(n) for n in range(1200)]


def until(kept, test):
    """Wait until the writer's thread has come so far."""
    writer = kept._writer
    with writer._changed:
        assert writer._changed.wait_for(test, PATIENT_S)


def test_a_locked_file_delays_nobody_and_nothing_is_lost(tmp_path):
    path = tmp_path / "j.db"
    with journal(path, retry_s=0.01) as kept:
        kept.keep(drafts(alert(1)))
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        assert numbers(kept.keep(drafts(alert(2)))) == [2]
        assert kept.trouble
        assert numbers(kept.keep(drafts(alert(3), alert(4)))) == [3, 4]
        assert [entry.number for entry in kept.page(Query(), 10)] == [1, 2, 3, 4]
        assert [entry.number for entry in kept.page(Query(after=2), 1)] == [3]
        assert len(read(path)) == 1
        locker.execute("ROLLBACK")
        locker.close()
        until(kept, lambda: not kept._writer._waiting)
        assert kept.trouble == ""
        assert numbers(kept.keep(drafts(alert(5)))) == [5]
    assert bodies(read(path)) == [alert(n) for n in range(1, 6)]


def test_a_full_disk_delays_nobody_and_nothing_is_lost(tmp_path):
    """A limit on the size of files stands for the disk; it is lifted half-way."""
    path = tmp_path / "j.db"
    code = """
        import resource, sys
        from pathlib import Path
        from journal_parts import alert, drafts
        from monitor.journal.journal import Journal
        kept = Journal(Path(sys.argv[1]), retry_s=0.01)
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
        with kept._writer._changed:
            assert kept._writer._changed.wait_for(lambda: not kept._writer._waiting, 20)
        assert kept.trouble == ""
        kept.close()
        print(number, kept.last)
    """
    done = subprocess.run(child(code, path), timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    number, last = map(int, done.stdout.split())
    assert last == 10 * number
    assert bodies(read(path)) == [alert(1 + n // 10) for n in range(last)]


@pytest.mark.parametrize("beside", ["", "-wal"])
def test_a_file_that_is_removed_is_made_anew(tmp_path, beside):
    path = tmp_path / "j.db"
    with journal(path, retry_s=0.01) as kept:
        kept.keep(drafts(alert(1)), {"a": Memory("a", 1)})
        identity = kept.identity
        path.unlink()
        Path(f"{path}{beside}").unlink(missing_ok=True)
        assert numbers(kept.keep(drafts(alert(2)), {"a": Memory("a", 2)})) == [2]
        assert "removed" in kept.trouble
        until(kept, lambda: not kept._writer._waiting)
        assert kept.trouble == ""
        assert [entry.number for entry in kept.page(Query(), 10)] == [2]
        assert kept.keep(drafts(alert(3))) == [Mark(3, 2)]
        assert path.stat().st_mode & 0o777 == 0o600
    assert bodies(read(path)) == [alert(2), alert(3)]
    with journal(path) as kept:
        assert (kept.identity, kept.last) == (identity, 3)
        assert kept.memories["a"].text == "a"


def test_what_memory_cannot_hold_has_no_number(tmp_path):
    path = tmp_path / "j.db"
    with journal(path, retry_s=0.01) as kept:
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        many = drafts(alert(1)) * (MAX_WAITING + 5)
        marks = kept.keep(many)
        assert marks[MAX_WAITING:] == [None] * 5
        assert "memory is full" in kept.trouble
        locker.close()
        until(kept, lambda: not kept._writer._waiting)
        assert numbers(kept.keep(drafts(alert(2)))) == [MAX_WAITING + 1]
    assert len(read(path)) == MAX_WAITING + 1


def test_a_number_that_was_given_out_but_not_written_is_not_used_again(tmp_path):
    path = tmp_path / "j.db"
    code = """
        import os, sqlite3, sys
        from pathlib import Path
        from journal_parts import alert, drafts
        from monitor.journal.journal import Journal
        kept = Journal(Path(sys.argv[1]))
        kept.keep(drafts(alert(1)))
        sqlite3.connect(sys.argv[1], isolation_level=None).execute("BEGIN EXCLUSIVE")
        print(kept.keep(drafts(alert(2)))[0].number, flush=True)
        os._exit(9)
    """
    done = subprocess.run(child(code, path), timeout=60, capture_output=True, text=True)
    assert done.stdout.split() == ["2"]
    with journal(path) as kept:
        assert kept.keep(drafts(alert(3)))[0].number > 2
    with journal(path) as kept:
        first = kept.last
        assert numbers(kept.keep(drafts(alert(4)))) == [first + 1]


def test_what_cannot_be_written_at_the_end_is_said(tmp_path):
    path = tmp_path / "j.db"
    kept = Journal(path)
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    kept.keep(drafts(alert(1)))
    with pytest.raises(MonitorError, match=r"1 event\(s\) could not be written"):
        kept.close()
    locker.close()


@pytest.mark.parametrize("content", [b"not SQLite at all" * 100, b"SQLite format 3\0" + bytes(500)])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "j.db"
    path.write_bytes(content)
    for open_it in (Journal, Reader):
        with pytest.raises(MonitorError, match=r"damaged or not a journal") as caught:
            open_it(path)
        assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_another_program_s_database_is_refused(tmp_path):
    path = tmp_path / "j.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE letters (text)")
    other.close()
    with pytest.raises(MonitorError, match="not a journal"):
        Journal(path)


def test_a_newer_schema_is_refused(tmp_path):
    path = tmp_path / "j.db"
    with journal(path) as kept:
        kept.keep(drafts(alert(1)))
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 1000")
    newer.close()
    for open_it in (Journal, Reader):
        with pytest.raises(MonitorError, match=r"schema 1000.*newer program"):
            open_it(path)


def test_a_journal_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MonitorError, match="cannot be written"):
        Journal(tmp_path / "file" / "j.db")


def test_only_its_owner_may_read_it(tmp_path):
    path = tmp_path / "new" / "j.db"
    with journal(path) as kept:
        kept.keep(drafts(alert(1)))
        modes = {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_journal_in_a_folder_that_cannot_be_written_is_read(tmp_path):
    path = tmp_path / "j.db"
    with journal(path) as kept:
        kept.keep(drafts(alert(1)))
    tmp_path.chmod(0o500)
    try:
        assert bodies(read(path)) == [alert(1)]
    finally:
        tmp_path.chmod(0o700)


SCHEMA_1 = """
        CREATE TABLE events (
            number INTEGER PRIMARY KEY AUTOINCREMENT, wall_ns INTEGER NOT NULL,
            stream TEXT NOT NULL, kind TEXT NOT NULL, sample INTEGER NOT NULL, text TEXT NOT NULL,
            alert TEXT, priority TEXT, state TEXT
        ) STRICT;
        CREATE INDEX events_by_stream ON events (stream, number);
        CREATE INDEX events_by_time ON events (wall_ns);
"""
OLD_SCHEMAS = {
    1: SCHEMA_1,
    2: SCHEMA_1
    + """
        CREATE TABLE journal (id TEXT NOT NULL) STRICT;
        INSERT INTO journal VALUES ('0123456789abcdef');
    """,
}
OLD_SCHEMAS[3] = (
    OLD_SCHEMAS[2]
    + """
        CREATE TABLE streams (
            stream TEXT PRIMARY KEY, wall_ns INTEGER NOT NULL, text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE positions (
            stream TEXT PRIMARY KEY, wall_ns INTEGER NOT NULL, next_sample INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
    """
)


def old_journal(path, version):
    """A journal as that version of the program left it, with one event, number 41."""
    draft = draft_of(alert(1))
    with sqlite3.connect(path) as old:
        old.executescript(OLD_SCHEMAS[version])
        old.execute(
            "INSERT INTO events VALUES (41, 7, ?, ?, ?, ?, ?, ?, ?)",
            [getattr(draft, name) for name in draft.__slots__[:7]],
        )
        old.execute(f"PRAGMA user_version = {version}")
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    old.close()


@pytest.mark.parametrize("version", OLD_SCHEMAS)
def test_an_older_journal_is_brought_up_to_date_and_goes_on(tmp_path, version):
    path = tmp_path / "j.db"
    old_journal(path, version)
    Path(f"{path}.complete").touch()
    with pytest.raises(MonitorError, match=rf"schema {version}.*start `serve` with it once"):
        Reader(path)
    with journal(path) as kept:
        assert len(kept.identity) == 16
        assert kept.keep(drafts(alert(2))) == [Mark(42, 41)]
    with journal(path) as kept:
        identity = kept.identity
    assert bodies(read(path)) == [alert(1), alert(2)]
    with sqlite3.connect(path) as migrated:
        assert migrated.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert migrated.execute("SELECT id FROM journal").fetchone() == (identity,)
    migrated.close()
    fresh = tmp_path / "fresh.db"
    with journal(fresh) as kept:
        kept.keep(drafts(alert(1)))
        assert kept.identity != identity
    assert schema_of(path) == schema_of(fresh)


def schema_of(path):
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()
    connection.close()
    return [(kind, name, "".join((sql or "").split())) for kind, name, sql in rows]


def test_every_older_schema_is_tested():
    assert sorted(OLD_SCHEMAS) == list(range(1, VERSION))


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "j.db"
    old_journal(path, 1)
    broken = (*schema.MIGRATIONS[:1], (*schema.MIGRATIONS[1], "CREATE TABLE events (again)"))
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with pytest.raises(MonitorError, match="cannot be used now"):
        Journal(path)
    monkeypatch.undo()
    with journal(path) as kept:
        assert [entry.number for entry in kept.page(Query(), 10)] == [41]
