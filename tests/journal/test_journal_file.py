"""The journal's file: what is refused, who may read it, how older ones are brought up to date."""

import sqlite3
from pathlib import Path

import pytest
from journal_parts import alert, bodies, drafts, journal, read

from monitor.errors import MonitorError
from monitor.journal.entries import Query, draft_of
from monitor.journal.journal import Journal
from monitor.journal.sqlite import schema
from monitor.journal.sqlite.reader import SqliteReader
from monitor.journal.sqlite.schema import APPLICATION_ID, VERSION
from monitor.wire.protocol import Mark


@pytest.mark.parametrize("content", [b"not SQLite at all" * 100, b"SQLite format 3\0" + bytes(500)])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "j.db"
    path.write_bytes(content)
    for open_it in (Journal, SqliteReader):
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
    for open_it in (Journal, SqliteReader):
        with pytest.raises(MonitorError, match=r"schema 1000.*newer program"):
            open_it(path)


def test_a_journal_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MonitorError, match=r"cannot be written: .*; name another with --journal"):
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
        SqliteReader(path)
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
