"""Messages and journals made for tests."""

import contextlib

from monitor.journal.entries import draft_of
from monitor.journal.journal import Journal
from monitor.messages import Alert, AlertKind, AlertState, Priority


def alert(number, stream="a", kind=AlertKind.VT, state=AlertState.RAISED, priority=Priority.HIGH):
    return Alert(stream, number, number, kind, priority, state, 90, 100 + number, f"VT {number}")


def drafts(*bodies):
    return [draft_of(body) for body in bodies]


def numbers(marks):
    return [mark.number for mark in marks]


@contextlib.contextmanager
def journal(path, **options):
    opened = Journal(path, **options)
    try:
        yield opened
    finally:
        opened.close()
