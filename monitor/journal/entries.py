"""What is kept in the journal, and in what form. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.messages import Alert, Snippet, StreamInfo
from monitor.wire.fields import ProtocolError, fields_to_dict
from monitor.wire.jsonform import MAX_JSON_BYTES, dumps
from monitor.wire.protocol import JOURNALLED, Body, kind_of

MAX_EVIDENCE_VALUES = 40_000  # 10 s of 4 leads at 1000 Hz
MAX_TEXT_BYTES = MAX_JSON_BYTES - 1024  # a header has some fields of its own


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signal that led to an alert: float32 little-endian, mV, C order, and JSON that tells it.

    The JSON has ``stream``, ``alert_id``, ``start_sample``, ``shape``, ``rate_hz``, ``leads``,
    ``source`` and ``wall_ns`` of the first sample.
    """

    alert_id: int
    text: str
    samples: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is to be kept: its JSON text and what it is searched by.

    An alert that was raised has its ``evidence``.
    """

    stream: str
    kind: str
    sample: int
    text: str
    alert: str | None = None
    priority: str | None = None
    state: str | None = None
    evidence: Evidence | None = None


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


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of a stream itself: a text that its owner makes, and how far it has come.

    ``wall_ns`` is when that was.
    """

    text: str
    next_sample: int
    wall_ns: int = 0


def is_kept(body: Body) -> bool:
    """Tell whether a message belongs in the journal."""
    return kind_of(body) in JOURNALLED


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


def evidence_of(snippet: Snippet, info: StreamInfo, wall_ns: int) -> Evidence:
    """Put a snippet that ends at ``wall_ns`` into the form in which it is kept.

    Of many leads the first are kept, as many as fit an answer.
    """
    length = len(snippet.values_mv)
    leads = max(1, min(len(info.leads), MAX_EVIDENCE_VALUES // max(length, 1)))
    values = np.ascontiguousarray(snippet.values_mv[:, :leads], "<f4")
    described = {
        "stream": snippet.stream,
        "alert_id": snippet.alert_id,
        "start_sample": snippet.start_sample,
        "shape": list(values.shape),
        "rate_hz": info.rate_hz,
        "leads": list(info.leads[: values.shape[1]]),
        "pulse": info.pulse if values.shape[1] == len(info.leads) else "",
        "source": info.source,
        "wall_ns": wall_ns - round(length / info.rate_hz * 1e9),
    }
    return Evidence(snippet.alert_id, dumps(described), values.tobytes())


@dataclass(frozen=True, slots=True)
class Query:
    """What is wanted of a journal; an empty tuple or None stands for all.

    ``after`` is a journal number; ``since_ns`` and ``until_ns`` are wall times of journalling,
    the latter not included. ``kinds`` holds kinds of messages and kinds of alerts: an entry of
    any of them is wanted.
    """

    after: int = 0
    streams: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None

    def wants(self, entry: Entry) -> bool:
        """Tell whether an entry is wanted."""
        draft = entry.draft
        return (
            entry.number > self.after
            and (not self.streams or draft.stream in self.streams)
            and (not self.kinds or draft.kind in self.kinds or draft.alert in self.kinds)
            and (not self.priorities or draft.priority in self.priorities)
            and (self.since_ns is None or entry.wall_ns >= self.since_ns)
            and (self.until_ns is None or entry.wall_ns < self.until_ns)
        )
