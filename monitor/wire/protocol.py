"""The wire protocol: messages to multipart frames and back. Pure; opens no socket.

A message is ``[topic, header]``, for samples and snippets ``[topic, header, payload]``:

- *topic*: ``kind.stream`` in ASCII, e.g. ``beat.208``. Stream names hold no dot, so a
  subscription to ``alert.`` gives the alerts of all streams. The heartbeat has the
  publisher's id in place of a stream.
- *header*: one JSON object: ``schema`` (1), ``publisher`` (an id chosen anew at every start),
  ``sequence`` (0, 1, 2, ... per topic), ``sent_ns`` (wall time), and the fields of the message.
  What is journalled also has ``journal``, its number there, and ``journal_before``, the number
  of the stream's journalled message before it: a receiver that has not seen that one lacks it.
- *payload*: the samples, float32 little-endian, C order; the header's ``shape`` is
  ``[samples, leads]``. NaN marks an invalid sample. They are in mV, unless the announcement of a
  sender (``info``) says another ``unit``.

Whatever does not keep to this is a :class:`ProtocolError`; an unknown kind is ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np

from monitor.config import AlarmSettings
from monitor.messages import (
    Alert,
    FloatArray,
    Message,
    Quality,
    Rhythm,
    Samples,
    Snippet,
    StreamInfo,
)
from monitor.wire.fields import ProtocolError, fields_from_dict, fields_to_dict, shown
from monitor.wire.jsonform import MAX_JSON_BYTES, TYPES, dumps, loads, type_name

__all__ = [
    "Heartbeat",
    "Packet",
    "ProtocolError",
    "StreamState",
    "Unit",
    "decode",
    "encode",
    "topic_of",
]

SCHEMA = 1
MAX_PAYLOAD_BYTES = 1024 * 1024  # 8 s of 32 leads at 1000 Hz
MAX_SIGNAL_S = 20.0  # in one message of samples to a service
SERVICE_STOPPED = "the service has stopped"
"""Text of the last state of a stream that its sender has not ended."""
_TOPIC = re.compile(rb"([a-z][a-z_]{0,31})\.([A-Za-z0-9][A-Za-z0-9_-]{0,63})")
_SAMPLE_TYPE = np.dtype("<f4")


class StreamStatus(StrEnum):
    """What the service says of one stream."""

    WAITING = "waiting"  # announced, no samples yet
    LIVE = "live"
    STALE = "stale"  # no samples for some seconds
    ENDED = "ended"
    QUARANTINED = "quarantined"  # not analysed; ``text`` says why


class Unit(StrEnum):
    """Unit of the samples that a sender announces."""

    MILLIVOLT = "mV"
    MICROVOLT = "uV"
    VOLT = "V"

    @property
    def mv(self) -> float:
        """Millivolts in one of it."""
        return {Unit.MILLIVOLT: 1.0, Unit.MICROVOLT: 1e-3, Unit.VOLT: 1e3}[self]


@dataclass(frozen=True, slots=True)
class StreamState:
    """Where a stream stands: sent each second and to newcomers, so that nobody misses an alarm.

    ``alerts`` holds the last transition of every active alert, and of those that ended in the
    last seconds. ``lag_s`` is the age of the newest samples when they had been analysed, from
    the time they were sent; ``speed`` is signal time over wall time. Counts are of the samples
    and messages that came (or did not) from the source. ``journal_last`` is the number of the
    last message of the stream that was journalled. ``quality`` and ``rhythm`` are those in force,
    for who joined after they had last changed.
    """

    stream: str
    status: StreamStatus
    text: str
    info: StreamInfo
    sample: int
    alerts: tuple[Alert, ...] = ()
    speed: float | None = None
    lag_s: float | None = None
    lost_samples: int = 0
    lost_messages: int = 0
    duplicates: int = 0
    reordered: int = 0
    refused: int = 0
    journal_last: int | None = None
    quality: Quality | None = None
    rhythm: Rhythm | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Sent each second by the service: it is there, and how many streams it knows.

    ``late`` live streams are behind; ``shed`` messages for the eye (samples) have been left out
    so far, because the machine is too slow. ``refused`` messages broke the rules; ``denied`` counts
    connections, messages and requests refused for who sent them, or for how much. ``turned_away``
    streams are being sent and not watched, since there is no place for them; they are not in
    ``streams``.
    """

    stream: str  # the publisher's id: a heartbeat belongs to no stream
    streams: int
    refused: int = 0
    unknown: int = 0
    late: int = 0
    shed: int = 0
    denied: int = 0
    turned_away: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """The alarm limits of a stream from ``sample`` on: sent when somebody has changed them."""

    stream: str
    sample: int
    limits: AlarmSettings


Body: TypeAlias = Message | StreamState | Heartbeat | Limits

KINDS: dict[str, type[Any]] = {
    **TYPES,
    "limits": Limits,
    "state": StreamState,
    "heartbeat": Heartbeat,
}


JOURNALLED = frozenset({"info", "end", "gap", "alert", "limits"})
"""Kinds of messages that a service keeps in its journal."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a message stands in the journal of the service.

    ``number`` grows from message to message, over restarts too; ``before`` is the number of the
    message of the same stream that was journalled before it, 0 if there was none.
    """

    number: int
    before: int


@dataclass(frozen=True, slots=True)
class Packet:
    """One decoded message with what its sender said about the sending.

    ``unit`` is that of the samples that an announcement announces, ``device`` the name of what
    sends them; samples themselves are as they came.
    """

    topic: bytes
    publisher: str
    sequence: int
    sent_ns: int
    body: Body
    mark: Mark | None = None
    unit: Unit = Unit.MILLIVOLT
    device: str = ""


@dataclass(frozen=True, slots=True)
class _Envelope:
    schema: int
    publisher: str
    sequence: int
    sent_ns: int


@dataclass(frozen=True, slots=True)
class Announced:
    """What an announcement says beside the stream.

    ``device`` is a name of the sending device that stays the same when it is restarted, if it
    has one: a serial number, say.
    """

    unit: Unit = Unit.MILLIVOLT
    device: str = ""


@dataclass(frozen=True, slots=True)
class _Journal:
    journal: int
    journal_before: int

    def mark(self) -> Mark:
        if not 0 <= self.journal_before < self.journal:
            raise ProtocolError("journal numbers must grow: 0 <= journal_before < journal")
        return Mark(self.journal, self.journal_before)


_NAMES = {kind: name for name, kind in KINDS.items()}


def kind_of(body: Body) -> str:
    """Name of the message's kind, the first half of its topic."""
    try:
        return _NAMES[type(body)]
    except KeyError:
        raise ProtocolError(f"{type(body).__name__} is not a message") from None


def topic_of(body: Body) -> bytes:
    """Topic under which a message is sent."""
    return f"{kind_of(body)}.{body.stream}".encode("ascii", "replace")


def encode(
    body: Body,
    publisher: str,
    sequence: int,
    sent_ns: int,
    mark: Mark | None = None,
    device: str = "",
) -> list[bytes]:
    """Give the frames of one message; ``mark`` says where it stands in the journal.

    ``device`` is told with an announcement.

    Raises
    ------
    ProtocolError
        If the message holds what the format cannot carry, or too much of it.
    """
    topic = topic_of(body)
    envelope = fields_to_dict(_Envelope(SCHEMA, publisher, sequence, sent_ns))
    envelope |= {} if mark is None else fields_to_dict(_Journal(mark.number, mark.before))
    if isinstance(body, Samples | Snippet):
        values = np.ascontiguousarray(body.values_mv, _SAMPLE_TYPE)
        if values.ndim != 2 or values.nbytes > MAX_PAYLOAD_BYTES:
            raise ProtocolError(
                f"samples of shape {values.shape} cannot be sent in one message: "
                f"(n, leads) and at most {MAX_PAYLOAD_BYTES} bytes"
            )
        fields = fields_to_dict(_SIGNALS[type_name(body)].of(body))
        payload = [values.tobytes()]
    else:
        fields = fields_to_dict(body)
        if isinstance(body, StreamInfo):
            fields |= fields_to_dict(Announced(device=device))
        payload = []
    header = dumps(envelope | fields).encode()
    if len(header) > MAX_JSON_BYTES:
        raise ProtocolError(
            f"a header of {len(header)} bytes is over the limit of {MAX_JSON_BYTES}"
        )
    return [topic, header, *payload]


def decode(frames: Sequence[bytes]) -> Packet | None:
    """Read one message; ``None`` if it is of a kind that is not known here.

    Raises
    ------
    ProtocolError
        Whatever is wrong with the frames.
    """
    if not frames:
        raise ProtocolError("an empty message")
    match = _TOPIC.fullmatch(frames[0]) if len(frames[0]) <= 100 else None
    if match is None:
        raise ProtocolError(
            f"the first frame ({len(frames[0])} bytes) is not a topic of the form kind.stream"
        )
    kind, stream = match[1].decode(), match[2].decode()
    if kind not in KINDS:
        return None
    try:
        return _read(kind, stream, frames)
    except ProtocolError as error:
        raise ProtocolError(f"{kind}.{stream}: {error}") from error


def _read(kind: str, stream: str, frames: Sequence[bytes]) -> Packet:
    signal = _SIGNALS.get(kind)
    expected = 3 if signal else 2
    if len(frames) != expected:
        raise ProtocolError(f"a {kind} message has {expected} frames, this has {len(frames)}")
    header = loads(frames[1])
    if header.setdefault("stream", stream) != stream:
        raise ProtocolError("topic and header name different streams")
    if header.get("schema") != SCHEMA or isinstance(header["schema"], bool):
        raise ProtocolError(f"schema version {shown(header.get('schema'))} is not {SCHEMA}")
    envelope = fields_from_dict(_Envelope, header)
    if envelope.sequence < 0 or not 1 <= len(envelope.publisher) <= 64:
        raise ProtocolError("sequence must not be negative, publisher must have 1 to 64 characters")
    body: Body
    if signal is not None:
        described = fields_from_dict(signal, header)
        body = described.message(_values(described.shape, frames[2]))
    else:
        body = fields_from_dict(KINDS[kind], header)
    mark = fields_from_dict(_Journal, header).mark() if "journal" in header else None
    said = fields_from_dict(Announced, header) if isinstance(body, StreamInfo) else Announced()
    e = envelope
    return Packet(frames[0], e.publisher, e.sequence, e.sent_ns, body, mark, said.unit, said.device)


def body_from_dict(fields: Mapping[str, Any]) -> Body:
    """Make the message of an event as the journal gives it: ``type`` and its fields.

    Raises
    ------
    ProtocolError
        If it is no such event.
    """
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in JOURNALLED:
        raise ProtocolError(f"{shown(kind)} is not a type of event that is journalled")
    body: Body = fields_from_dict(KINDS[kind], fields)
    return body


@dataclass(frozen=True, slots=True)
class _SamplesHeader:
    """All of a :class:`Samples` but the values."""

    stream: str
    start_sample: int
    shape: tuple[int, int]
    wall_ns: int | None = None

    @classmethod
    def of(cls, samples: Samples) -> _SamplesHeader:
        length, leads = samples.values_mv.shape
        return cls(samples.stream, samples.start_sample, (length, leads), samples.wall_ns)

    def message(self, values_mv: FloatArray) -> Samples:
        return Samples(self.stream, self.start_sample, values_mv, self.wall_ns)


@dataclass(frozen=True, slots=True)
class _SnippetHeader:
    """All of a :class:`Snippet` but the values."""

    stream: str
    alert_id: int
    seq: int
    start_sample: int
    shape: tuple[int, int]

    @classmethod
    def of(cls, snippet: Snippet) -> _SnippetHeader:
        length, leads = snippet.values_mv.shape
        s = snippet
        return cls(s.stream, s.alert_id, s.seq, s.start_sample, (length, leads))

    def message(self, values_mv: FloatArray) -> Snippet:
        return Snippet(self.stream, self.alert_id, self.seq, self.start_sample, values_mv)


_SIGNALS: dict[str, Any] = {"samples": _SamplesHeader, "snippet": _SnippetHeader}


def _values(shape: tuple[int, int], payload: bytes) -> FloatArray:
    length, leads = shape
    if length < 0 or leads < 0 or len(payload) > MAX_PAYLOAD_BYTES:
        raise ProtocolError(f"shape {list(shape)} or a payload that is too large")
    if length * leads * _SAMPLE_TYPE.itemsize != len(payload):
        raise ProtocolError(
            f"shape {list(shape)} of float32 does not fit a payload of {len(payload)} bytes"
        )
    values = np.frombuffer(payload, _SAMPLE_TYPE) if payload else np.empty(0, _SAMPLE_TYPE)
    return values.reshape(length, leads).astype(np.float32, copy=False)
