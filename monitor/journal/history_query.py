"""Requests on the control socket that the journal answers. Pure.

``history``: the events after a journal number. ``snippet``: the stored signal before an alert.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from monitor.journal.entries import AlertSignal, Entry, Query
from monitor.wire.fields import MAX_INT
from monitor.wire.jsonform import MAX_JSON_BYTES
from monitor.wire.protocol import JOURNALLED, ProtocolError

LIMIT = 200
MAX_LIMIT = 500
MAX_NAMES = 100
MAX_TEXTS_BYTES = MAX_JSON_BYTES // 2  # one more event fits, whatever its size


class QueriedJournal(Protocol):
    """The journal that answers (:class:`monitor.journal.journal.Journal`)."""

    @property
    def identity(self) -> str:
        """Identity of this journal."""
        ...

    @property
    def last(self) -> int:
        """The last number given out."""
        ...

    def last_of(self, stream: str) -> int:
        """Give the number of a stream's last entry."""
        ...

    def first(self) -> int:
        """Give the number of the oldest entry."""
        ...

    def page(self, query: Query, limit: int) -> list[Entry]:
        """Give the first entries wanted."""
        ...

    def alert_signal(self, stream: str, alert_id: int) -> AlertSignal | None:
        """Give the stored signal before an alert."""
        ...


def history_answer(request: Mapping[str, Any], journal: QueriedJournal | None) -> dict[str, Any]:
    """Answer a ``history`` request: events in order, and the number up to which none is missing.

    Raises
    ------
    ProtocolError
        If the request is wrong, or no journal is kept.
    MonitorError
        If the journal cannot be read now.
    """
    if journal is None:
        raise ProtocolError("this service keeps no journal (see --journal)")
    after, limit = request.get("after"), request.get("limit", LIMIT)
    _require(after is None or _is_number(after), "after must be a journal number, or null")
    _require(_is_number(limit) and limit >= 1, "limit must be 1 or more")
    streams = _names(request, "streams")
    kinds = _names(request, "kinds")
    unknown = sorted(set(kinds) - JOURNALLED)
    _require(not unknown, f"kinds may be {', '.join(sorted(JOURNALLED))}, not {unknown[:1]!a:.40}")
    entries: list[Entry] = []
    whole = True
    if after is not None:
        found = journal.page(Query(after, streams, kinds), min(limit, MAX_LIMIT))
        entries = list(_fitting(found))
        whole = len(found) < min(limit, MAX_LIMIT) and len(entries) == len(found)
    return {
        "ok": True,
        "journal_id": journal.identity,
        "first": journal.first(),
        "last": journal.last,
        "through": journal.last if whole else entries[-1].number,
        "events": [entry.fields() for entry in entries],
    }


def snippet_answer(request: Mapping[str, Any], journal: QueriedJournal | None) -> dict[str, Any]:
    """Answer a ``snippet`` request: the signal before an alert, in the form of a ``signal`` answer.

    Raises
    ------
    ProtocolError
        If the request is wrong, no journal is kept, or the signal is not in it (any more).
    MonitorError
        If the journal cannot be read now.
    """
    if journal is None:
        raise ProtocolError("this service keeps no journal (see --journal)")
    stream, alert_id = request.get("stream"), request.get("alert_id")
    if not isinstance(stream, str) or not _is_number(alert_id):
        raise ProtocolError("a snippet is asked for by stream and alert_id, a number of 0 or more")
    found = journal.alert_signal(stream, int(alert_id or 0))
    if found is None:
        raise ProtocolError(f"no snippet of alert {alert_id} of stream {stream!a:.80} is kept")
    return {"ok": True, **json.loads(found.text), "values": b64encode(found.samples).decode()}


def _fitting(entries: Iterable[Entry]) -> Iterable[Entry]:
    """Give as many entries as fit one answer, at least one."""
    size = 0
    for entry in entries:
        if size > 0 and size + len(entry.draft.text.encode()) > MAX_TEXTS_BYTES:
            return
        size += len(entry.draft.text.encode())
        yield entry


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INT


def _names(request: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = request.get(key, [])
    fits = isinstance(names, list) and len(names) <= MAX_NAMES
    _require(
        fits and all(isinstance(name, str) for name in names), f"{key} must be a list of names"
    )
    return tuple(names)


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise ProtocolError(rule)
