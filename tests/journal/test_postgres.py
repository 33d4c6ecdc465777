"""The journal in a database: who may write it, what a take-over leaves, and what is never told."""

import pytest
from journal_parts import alert, bodies, drafts, journal, numbers, read, until, written

from monitor.errors import MonitorError
from monitor.journal.entries import Memory, Query
from monitor.journal.journal import Journal
from monitor.journal.opening import storage_at
from monitor.journal.writer import MAX_WAITING
from monitor.wire.protocol import Mark


@pytest.fixture
def url(postgres):
    return postgres.database()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Give what makes us another machine, which does not know what this one knew."""

    def move():
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))

    return move


SECRET = "correct-horse"


@pytest.mark.parametrize(
    "rest", ["127.0.0.1:1/ward", "127.0.0.1:1/wa%zzrd", "[::1/ward", "127.0.0.1:1/w?port=x"]
)
def test_a_password_is_never_told(rest):
    pytest.importorskip("psycopg")
    with pytest.raises(MonitorError) as caught:
        Journal(f"postgresql://nurse:{SECRET}@{rest}")
    error = caught.value
    assert "\n" not in str(error)
    while error is not None:  # a log may show what it comes from
        assert SECRET not in str(error)
        error = error.__cause__ or error.__context__


def test_a_journal_is_named_without_its_password():
    pytest.importorskip("psycopg")
    named = str(storage_at(f"postgresql://nurse:{SECRET}@db.ward:5433/journal"))
    assert named == "postgresql://nurse@db.ward:5433/journal"


def test_a_database_of_another_program_or_coding_is_refused(postgres):
    latin = postgres.database("ENCODING 'LATIN1'", "TEMPLATE template0")
    with pytest.raises(MonitorError, match=r"not in UTF8; make another: createdb"):
        Journal(latin)
    url = postgres.database()
    postgres.run("CREATE SCHEMA ecg_monitor", url.rpartition("/")[2])
    with pytest.raises(MonitorError, match=r"no journal in it; name another database"):
        Journal(url)
    with pytest.raises(MonitorError, match=r"no journal in it"):
        read(url)


def test_a_newer_schema_is_refused(postgres, url):
    with journal(url) as kept:
        kept.keep(drafts(alert(1)))
    postgres.run("UPDATE ecg_monitor.journal SET version = 1000", url.rpartition("/")[2])
    for open_it in (Journal, read):
        with pytest.raises(MonitorError, match=r"schema 1000.*newer program"):
            open_it(url)


def test_where_there_is_no_journal_a_reader_says_so(url):
    with pytest.raises(MonitorError, match="there is no journal in postgresql://"):
        read(url)


def test_rows_name_the_life_that_wrote_them(postgres, url):
    name = url.rpartition("/")[2]
    for number in (1, 2):
        with journal(url) as kept:
            kept.keep(drafts(alert(number)))
    rows = postgres.run(
        "SELECT number, epoch, host <> '' FROM ecg_monitor.events JOIN ecg_monitor.writers"
        " USING (epoch) ORDER BY number",
        name,
    )
    assert rows == [(1, 1, True), (2, 2, True)]


def test_after_a_clean_end_another_machine_leaves_out_no_number(url, elsewhere):
    with journal(url) as kept:
        kept.keep(drafts(alert(1)))
    elsewhere()
    with journal(url) as kept:
        assert numbers(kept.keep(drafts(alert(2)))) == [2]


def test_one_that_was_cut_off_writes_nothing_after_another_took_over(postgres, url, elsewhere):
    """Its lock is gone with its connections: for the database it has died."""
    first = Journal(url, retry_s=0.01)
    first.keep(drafts(alert(1)), {"a": Memory("first", 1)})
    written(first)
    cut_off(postgres, url)
    elsewhere()
    with journal(url) as second:
        assert second.unsure == MAX_WAITING
        assert second.memories["a"].text == "first"
        marks = second.keep(drafts(alert(3)), {"a": Memory("second", 3)})
        assert marks == [Mark(MAX_WAITING + 2, 1)]
        assert numbers(first.keep(drafts(alert(2)), {"a": Memory("late", 2)})) == [2]
        until(first, lambda: "being written by another" in first._writer.trouble)
    until(first, lambda: "taken over" in first._writer.trouble)
    assert bodies(read(url)) == [alert(1), alert(3)]
    with pytest.raises(MonitorError, match=r"1 event.*another `serve` has taken over"):
        first.close()
    with journal(url) as third:
        assert third.memories["a"].text == "second"


def test_what_was_stored_but_not_confirmed_is_not_stored_twice(postgres, url):
    """The database is killed between a commit and its answer."""
    with journal(url, retry_s=0.01) as kept:
        store = kept._writer._target
        append = store.append

        def unheard(*arguments):
            append(*arguments)
            cut_off(postgres, url)
            store.append = append
            append((), {}, {"a": (1, 1)})

        store.append = unheard
        assert kept.keep(drafts(alert(1), alert(2))) == [Mark(1, 0), Mark(2, 1)]
        assert numbers(kept.keep(drafts(alert(3)))) == [3]
    assert bodies(read(url)) == [alert(1), alert(2), alert(3)]
    sizes = "SELECT event_bytes > 0, last_number FROM ecg_monitor.journal"
    assert postgres.run(sizes, url.rpartition("/")[2]) == [(True, 3)]


def test_a_journal_that_is_dropped_is_made_anew(postgres, url):
    with journal(url, retry_s=0.01) as kept:
        kept.keep(drafts(alert(1)))
        identity = kept.identity
        postgres.run("DROP SCHEMA ecg_monitor CASCADE", url.rpartition("/")[2])
        assert numbers(kept.keep(drafts(alert(2)), {"a": Memory("a", 2)})) == [2]
        written(kept)
        assert [entry.number for entry in kept.page(Query(), 10)] == [2]
    with journal(url) as kept:
        assert (kept.identity, kept.last) == (identity, 2)


@pytest.mark.slow
def test_a_database_that_does_nothing_holds_nobody_up(postgres, url, monkeypatch):
    with journal(url, hurried=True, retry_s=0.01) as kept:
        kept.keep(drafts(alert(1)))
        written(kept)
        assert kept.first() == 1
        monkeypatch.setattr("monitor.journal.postgres.bounded.ANSWER_S", 0.05)
        with postgres.frozen():
            assert numbers(kept.keep(drafts(alert(2)))) == [2]
            assert kept.trouble == "the database is slow"
            for _ in range(3):
                with pytest.raises(MonitorError, match="does not answer now; ask again"):
                    kept.first()
        written(kept)
        assert kept.trouble == ""
    assert bodies(read(url)) == [alert(1), alert(2)]


@pytest.mark.slow
def test_a_database_that_is_killed_and_comes_back_has_everything(postgres, url):
    with journal(url, hurried=True, retry_s=0.01) as kept:
        for number in range(1, 6):
            kept.keep(drafts(alert(number)))
            written(kept)
            postgres.kill()
            assert kept.keep(drafts(alert(number)))
            assert kept.trouble
            postgres.start()
            written(kept)
            with pytest.raises(MonitorError, match="another `serve`"):
                Journal(url)  # the lock has been taken again
    assert bodies(read(url)) == [alert(n) for n in range(1, 6) for _ in range(2)]


def cut_off(postgres, url):
    """End all connections to a database."""
    postgres.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = "
        f"'{url.rpartition('/')[2]}'"
    )
