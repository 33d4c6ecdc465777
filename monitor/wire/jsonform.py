"""Messages as JSON objects and back, for the wire, event lines and files.

Rules that hold here:

1. ``from_dict(to_dict(m))`` is ``m`` again, bit for bit: floats are written by ``repr``.
2. JSON is strict: no ``NaN`` or ``Infinity`` tokens, no doubled keys, UTF-8 only. An unknown
   value is ``null``.
3. Every fault in a text or an object is a :class:`ProtocolError`.
4. Unknown fields are ignored, so that messages of a newer sender can be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from monitor.messages import (
    Alert,
    Beat,
    End,
    Gap,
    Message,
    Quality,
    Rhythm,
    Samples,
    Snippet,
    StreamInfo,
    Vitals,
)
from monitor.wire.fields import ProtocolError, fields_from_dict, fields_to_dict, shown

__all__ = [
    "MAX_JSON_BYTES",
    "TYPES",
    "ProtocolError",
    "dumps",
    "from_dict",
    "loads",
    "refusal_in",
    "to_dict",
    "to_line",
    "type_name",
]

MAX_JSON_BYTES = 256 * 1024

TYPES: dict[str, type[Any]] = {
    "info": StreamInfo,
    "samples": Samples,
    "end": End,
    "gap": Gap,
    "quality": Quality,
    "beat": Beat,
    "vitals": Vitals,
    "rhythm": Rhythm,
    "alert": Alert,
    "snippet": Snippet,
}
"""The ``type`` of every message; also the first half of its topic on the wire."""

_NAMES = {kind: name for name, kind in TYPES.items()}


def type_name(message: Message) -> str:
    """Name of the message's type, as in its JSON form and its topic."""
    try:
        return _NAMES[type(message)]
    except KeyError:
        raise ProtocolError(f"{type(message).__name__} is not a message") from None


def to_dict(message: Message) -> dict[str, Any]:
    """Give the message as a JSON object: ``type`` and its fields by name.

    Raises
    ------
    ProtocolError
        If the format cannot carry a field (an infinite number, a control character).

    Examples
    --------
    >>> to_dict(End("208", 720))
    {'type': 'end', 'stream': '208', 'sample': 720}
    """
    return {"type": type_name(message), **fields_to_dict(message)}


def to_line(message: Message) -> dict[str, Any]:
    """Give the message as an event line: a signal has its place and shape, without its values.

    Examples
    --------
    >>> import numpy as np
    >>> to_line(Snippet("208", 3, 7, 720, np.zeros((3600, 2), np.float32)))
    {'type': 'snippet', 'stream': '208', 'alert_id': 3, 'seq': 7, 'start_sample': 720, \
'shape': [3600, 2]}
    """
    if not isinstance(message, Samples | Snippet):
        return to_dict(message)
    nothing = np.empty((0, 0), np.float32)
    fields = to_dict(replace(message, values_mv=nothing))
    del fields["values_mv"]
    return {**fields, "shape": list(message.values_mv.shape)}


def from_dict(data: object) -> Message:
    """Make a message from the object of :func:`to_dict`.

    Raises
    ------
    ProtocolError
        If the object is not a message.

    Examples
    --------
    >>> from_dict({"type": "end", "stream": "208", "sample": 720, "comment": "ignored"})
    End(stream='208', sample=720)
    """
    if not isinstance(data, dict):
        raise ProtocolError(f"a message must be a JSON object, not {shown(data)}")
    name = data.get("type")
    if not isinstance(name, str) or name not in TYPES:
        raise ProtocolError(f"unknown type of message {shown(name)}")
    message: Message = fields_from_dict(TYPES[name], data)
    return message


def dumps(data: Mapping[str, Any]) -> str:
    """Write one JSON object on one line, compact and strict."""
    try:
        return _ENCODER.encode(data)
    except (ValueError, TypeError, RecursionError) as error:
        raise ProtocolError("cannot be written as JSON", str(error)) from error


def loads(text: bytes) -> dict[str, Any]:
    """Read one JSON object, strictly; the size is checked before parsing."""
    if len(text) > MAX_JSON_BYTES:
        raise ProtocolError(f"JSON of {len(text)} bytes is over the limit of {MAX_JSON_BYTES}")
    try:
        data = _DECODER.decode(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not valid JSON", _one_line(error)) from error
    if not isinstance(data, dict):
        raise ProtocolError(f"expected a JSON object, not {shown(data)}")
    return data


def refusal_in(reply: Mapping[str, Any]) -> str:
    """Give the reason of a refused request, "" if it was not refused."""
    if reply.get("ok") is True:
        return ""
    # a terminal must not get control characters
    text = "".join(c for c in str(reply.get("error"))[:1000] if c.isprintable())
    return text or "no reason given"


def _refuse_constant(token: str) -> None:
    raise ValueError(f"{token} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key comes twice")
    return data


_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique)


def _one_line(error: BaseException) -> str:
    return f"{' '.join(str(error).split())!s:.120}"
