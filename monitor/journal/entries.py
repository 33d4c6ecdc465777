"""Entries of the journal: the stored form of events and of the signal before an alert. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.messages import Alert, Snippet, StreamInfo
from monitor.wire.fields import ProtocolError, fields_to_dict
from monitor.wire.jsonform import MAX_JSON_BYTES, dumps
from monitor.wire.protocol import JOURNALLED, Body, kind_of

MAX_SIGNAL_VALUES = 40_000  # 10 s of 4 leads at 1000 Hz
MAX_TEXT_BYTES = MAX_JSON_BYTES - 1024  # a header has some fields of its own


@dataclass(frozen=True, slots=True)
class AlertSignal:
    """The stored signal before an alert: float32 little-endian, mV, C order, described by JSON.

    The JSON has ``stream``, ``alert_id``, ``start_sample``, ``shape``, ``rate_hz``, ``leads``,
    ``source`` and ``wall_ns`` of the first sample.
    """

    alert_id: int
    text: str
    samples: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be stored: its JSON text and the columns it is searched by.

    A raised alert has its ``signal``.
    """

    stream: str
    kind: str
    sample: int
    text: str
    alert: str | None = None
    priority: str | None = None
    state: str | None = None
    signal: AlertSignal | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored message.

    ``number`` grows with every entry, also over restarts. ``wall_ns`` is the time of storing.
    """

    number: int
    wall_ns: int
    draft: Draft

    def fields(self) -> dict[str, Any]:
        """Give the entry as one JSON object, the form of replies and of ``history``."""
        head = {"journal": self.number, "wall_ns": self.wall_ns, "type": self.draft.kind}
        fields: dict[str, Any] = json.loads(self.draft.text)
        return head | fields


@dataclass(frozen=True, slots=True)
class Memory:
    """The stored state of a stream: a text that its owner writes, and its next sample.

    ``wall_ns`` is the time of storing.
    """

    text: str
    next_sample: int
    wall_ns: int = 0


def is_kept(body: Body) -> bool:
    """Tell whether a message belongs in the journal."""
    return kind_of(body) in JOURNALLED


def draft_of(body: Body) -> Draft:
    """Give the stored form of a message.

    Raises
    ------
    ProtocolError
        If a field cannot be written.
    """
    text = dumps(fields_to_dict(body))
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise ProtocolError(f"an event of {len(text)} characters is too large")
    sample = getattr(body, "sample", getattr(body, "start_sample", 0))
    if isinstance(body, Alert):
        found = (body.kind.value, body.priority.value, body.state.value)
        return Draft(body.stream, "alert", sample, text, *found)
    return Draft(body.stream, kind_of(body), sample, text)


def alert_signal_of(snippet: Snippet, info: StreamInfo, wall_ns: int) -> AlertSignal:
    """Give the stored form of a snippet that ends at ``wall_ns``.

    If all leads do not fit one answer, the first ones that fit are stored.
    """
    length = len(snippet.values_mv)
    leads = max(1, min(len(info.leads), MAX_SIGNAL_VALUES // max(length, 1)))
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
    return AlertSignal(snippet.alert_id, dumps(described), values.tobytes())


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are wanted; an empty tuple or None stands for all.

    ``after`` is a journal number; ``since_ns`` and ``until_ns`` are wall times of storing;
    ``until_ns`` itself is not included. ``kinds`` holds kinds of messages and kinds of alerts: an
    entry of any of them is wanted.
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
