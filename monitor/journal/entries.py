"""What is kept in the journal, and in what form. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from monitor.messages import Alert
from monitor.wire.fields import ProtocolError, fields_from_dict, fields_to_dict
from monitor.wire.jsonform import MAX_JSON_BYTES, dumps
from monitor.wire.protocol import KINDS, Body, kind_of

KEPT = frozenset({"info", "end", "gap", "alert", "limits"})
"""Kinds of messages that are journalled."""

MAX_TEXT_BYTES = MAX_JSON_BYTES - 1024  # a header has some fields of its own


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is to be kept: its JSON text and what it is searched by."""

    stream: str
    kind: str
    sample: int
    text: str
    alert: str | None = None
    priority: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as it is kept.

    ``number`` grows with every entry, over restarts too; ``wall_ns`` is when it was journalled.
    """

    number: int
    wall_ns: int
    draft: Draft

    def fields(self) -> dict[str, Any]:
        """Give the entry as one JSON object, as replies and ``history`` show it."""
        head = {"journal": self.number, "wall_ns": self.wall_ns, "type": self.draft.kind}
        fields: dict[str, Any] = json.loads(self.draft.text)
        return head | fields


def is_kept(body: Body) -> bool:
    """Tell whether a message belongs in the journal."""
    return kind_of(body) in KEPT


def draft_of(body: Body) -> Draft:
    """Put a message into the form in which it is kept.

    Raises
    ------
    ProtocolError
        If it holds what cannot be written.
    """
    text = dumps(fields_to_dict(body))
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise ProtocolError(f"an event of {len(text)} characters is too large")
    sample = getattr(body, "sample", getattr(body, "start_sample", 0))
    if isinstance(body, Alert):
        found = (body.kind.value, body.priority.value, body.state.value)
        return Draft(body.stream, "alert", sample, text, *found)
    return Draft(body.stream, kind_of(body), sample, text)


def body_of(fields: dict[str, Any]) -> Body:
    """Give the message again that :meth:`Entry.fields` described.

    Raises
    ------
    ProtocolError
        If it is no such description.
    """
    kind = fields.get("type")
    if kind not in KEPT:
        raise ProtocolError(f"unknown type of message {kind!a:.40}")
    body: Body = fields_from_dict(KINDS[str(kind)], fields)
    return body
