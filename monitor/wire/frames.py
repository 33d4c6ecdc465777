"""Messages to multipart frames and back. Pure; opens no socket.

A message is ``[topic, header]``, for samples and snippets ``[topic, header, payload]``:

- *topic*: ``kind.stream`` in ASCII, e.g. ``beat.208``. Stream names hold no dot, so a
  subscription to ``alert.`` gives the alerts of all streams. The heartbeat has the
  publisher's id in place of a stream.
- *header*: one JSON object: ``schema`` (1), ``publisher`` (an id chosen anew at every start),
  ``sequence`` (0, 1, 2, ... per topic), ``sent_ns`` (wall time), and the fields of the message.
  A journalled message also has ``journal``, its number there, and ``journal_before``, the number
  of the stream's journalled message before it: a receiver that has not seen that one has lost it.
- *payload*: the samples, float32 little-endian, C order; the header's ``shape`` is
  ``[samples, leads]``. NaN marks an invalid sample. They are in mV, unless the announcement of a
  sender (``info``) states another ``unit``.

Any other form is a :class:`ProtocolError`; an unknown kind gives ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.messages import FloatArray, Samples, Snippet, StreamInfo
from monitor.wire.fields import ProtocolError, fields_from_dict, fields_to_dict, shown
from monitor.wire.jsonform import MAX_JSON_BYTES, dumps, loads, type_name
from monitor.wire.protocol import (
    KINDS,
    MAX_PAYLOAD_BYTES,
    SCHEMA,
    Announced,
    Body,
    Mark,
    Packet,
    topic_of,
)

_TOPIC = re.compile(rb"([a-z][a-z_]{0,31})\.([A-Za-z0-9][A-Za-z0-9_-]{0,63})")
_SAMPLE_TYPE = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class _Envelope:
    schema: int
    publisher: str
    sequence: int
    sent_ns: int


@dataclass(frozen=True, slots=True)
class _Journal:
    journal: int
    journal_before: int

    def mark(self) -> Mark:
        if not 0 <= self.journal_before < self.journal:
            raise ProtocolError("journal numbers must grow: 0 <= journal_before < journal")
        return Mark(self.journal, self.journal_before)


def encode(
    body: Body,
    publisher: str,
    sequence: int,
    sent_ns: int,
    mark: Mark | None = None,
    device: str = "",
) -> list[bytes]:
    """Give the frames of one message; ``mark`` says where it stands in the journal.

    ``device`` is sent with an announcement.

    Raises
    ------
    ProtocolError
        If the format cannot carry the message, or it is too large.
    """
    text, payload = written(body, device)
    return framed(topic_of(body), text, payload, publisher, sequence, sent_ns, mark)


def written(body: Body, device: str | None = None) -> tuple[str, list[bytes]]:
    """Give the fields of a message as a JSON object, and its payload if it has one.

    Raises
    ------
    ProtocolError
        If the format cannot carry the message, or it is too large.
    """
    payload = []
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
        if isinstance(body, StreamInfo) and device is not None:
            fields |= fields_to_dict(Announced(device=device))
    return dumps(fields), payload


def framed(
    topic: bytes,
    text: str,
    payload: Sequence[bytes],
    publisher: str,
    sequence: int,
    sent_ns: int,
    mark: Mark | None = None,
) -> list[bytes]:
    """Give the frames of a message whose fields are written already (:func:`written`).

    Raises
    ------
    ProtocolError
        If it is too large.
    """
    envelope = fields_to_dict(_Envelope(SCHEMA, publisher, sequence, sent_ns))
    envelope |= {} if mark is None else fields_to_dict(_Journal(mark.number, mark.before))
    header = b"%b,%b" % (dumps(envelope).encode()[:-1], text[1:].encode())
    if len(header) > MAX_JSON_BYTES:
        raise ProtocolError(
            f"a header of {len(header)} bytes is over the limit of {MAX_JSON_BYTES}"
        )
    return [topic, header, *payload]


def body_of(topic: bytes, text: str, payload: Sequence[bytes]) -> Body:
    """Give a message back from its written fields (:func:`written`).

    Raises
    ------
    ProtocolError
        If they are not those of a message.
    """
    kind = topic.partition(b".")[0].decode("ascii", "replace")
    header = loads(text.encode())
    signal = _SIGNALS.get(kind)
    if signal is not None and payload:
        described = fields_from_dict(signal, header)
        body: Body = described.message(_values(described.shape, payload[0]))
        return body
    if kind not in KINDS:
        raise ProtocolError(f"{shown(kind)} is no kind of message")
    known: Body = fields_from_dict(KINDS[kind], header)
    return known


def decode(frames: Sequence[bytes]) -> Packet | None:
    """Read one message; ``None`` if its kind is unknown.

    Raises
    ------
    ProtocolError
        If the frames are not a valid message.
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
        raise error.within(f"{kind}.{stream}") from error


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


def pieces(samples: Samples, rate_hz: float, most_bytes: int, most_s: float) -> Iterator[Samples]:
    """Cut samples into pieces of at most ``most_bytes`` (float32) and ``most_s``, in order.

    >>> import numpy as np
    >>> samples = Samples("a", 100, np.zeros((25, 2), np.float32), wall_ns=0)
    >>> [(p.start_sample, len(p.values_mv), p.wall_ns) for p in pieces(samples, 10.0, 80, 60.0)]
    [(100, 10, 0), (110, 10, 1000000000), (120, 5, 2000000000)]
    """
    length, leads = samples.values_mv.shape
    most = max(1, int(min(most_bytes // (4 * max(leads, 1)), most_s * rate_hz)))
    if length <= most:
        yield samples
        return
    for start in range(0, length, most):
        wall_ns = samples.wall_ns
        yield Samples(
            samples.stream,
            samples.start_sample + start,
            samples.values_mv[start : start + most],
            None if wall_ns is None else wall_ns + round(start / rate_hz * 1e9),
        )


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
