"""Messages and journals made for tests."""

import contextlib
import sqlite3
import sys
import textwrap
from pathlib import Path

import pytest

from monitor.journal.entries import Query, draft_of
from monitor.journal.journal import Journal
from monitor.journal.opening import open_reader, storage_at
from monitor.journal.place import is_url
from monitor.messages import Alert, AlertKind, AlertState, Priority
from monitor.wire.protocol import body_from_dict


def alert(number, stream="a", kind=AlertKind.VT, state=AlertState.RAISED, priority=Priority.HIGH):
    return Alert(stream, number, number, kind, priority, state, 90, 100 + number, f"VT {number}")


def drafts(*bodies):
    return [draft_of(body) for body in bodies]


def numbers(marks):
    return [mark.number for mark in marks]


@contextlib.contextmanager
def journal(path, hurried=False, **options):
    """A journal; it waits for its disk, however slow that is, unless it is hurried."""
    with pytest.MonkeyPatch.context() as patch:
        for name in () if hurried else ("PATIENCE_S", "CLOSE_S"):
            patch.setattr(f"monitor.journal.journal.{name}", 600.0)
        patch.setattr("monitor.journal.postgres.bounded.ANSWER_S", 600.0)
        opened = Journal(path, **options)
        try:
            yield opened
        finally:
            opened.close()


def until(kept, test):
    """Wait until the thread that writes a journal has come so far."""
    writer = kept._writer
    with writer._changed:
        assert writer._changed.wait_for(test, 600)


def written(kept):
    """Wait until all is on the disk."""
    until(kept, lambda: not kept._writer._waiting)


def read(path, **wanted):
    reader = open_reader(path)
    try:
        return list(reader.entries(Query(**wanted)))
    finally:
        reader.close()


def bodies(entries):
    return [body_from_dict(entry.fields()) for entry in entries]


@contextlib.contextmanager
def locked(place):
    """Another process lets nothing be written while this lasts; what is there can be read."""
    if is_url(place):
        import psycopg

        connection = psycopg.connect(place)
        connection.execute("LOCK TABLE ecg_monitor.events IN SHARE MODE")
    else:
        connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        if is_url(place):
            connection.rollback()
        connection.close()


def size_of(place):
    """Bytes that a journal takes, as its retention counts them."""
    if not is_url(place):
        return Path(place).stat().st_size
    import psycopg

    with psycopg.connect(place) as connection:
        sizes = "SELECT event_bytes + snippet_bytes FROM ecg_monitor.journal"
        return connection.execute(sizes).fetchone()[0]


@contextlib.contextmanager
def opened_store(place, retention=None):
    """Give what writes a journal, without the thread around it."""
    storage = storage_at(place)
    storage.take()
    store = storage.store(retention)
    try:
        yield store
    finally:
        store.close()
        storage.note_complete(True)
        storage.release()


def child(code, *arguments):
    import journal_parts

    folder = str(journal_parts.__file__).rpartition("/")[0]
    code = f"import sys; sys.path.insert(0, {folder!r})\n" + textwrap.dedent(code)
    return [sys.executable, "-c", code, *map(str, arguments)]
