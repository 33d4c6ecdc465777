"""Messages and journals made for tests."""

import contextlib
import sys
import textwrap

import pytest

from monitor.journal.entries import Query, draft_of
from monitor.journal.journal import Journal
from monitor.journal.reader import Reader
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
    reader = Reader(path)
    try:
        return list(reader.entries(Query(**wanted)))
    finally:
        reader.close()


def bodies(entries):
    return [body_from_dict(entry.fields()) for entry in entries]


def child(code, *arguments):
    import journal_parts

    folder = str(journal_parts.__file__).rpartition("/")[0]
    code = f"import sys; sys.path.insert(0, {folder!r})\n" + textwrap.dedent(code)
    return [sys.executable, "-c", code, *map(str, arguments)]
