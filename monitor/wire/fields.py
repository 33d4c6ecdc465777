"""Convert fields of messages to plain JSON values and back, by their type hints.

Every value is checked for type, range and size in both directions: a message that was sent can be
read.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import re
import types
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import _STREAM_NAME

T = TypeVar("T")

MAX_TEXT = 1000
MAX_ITEMS = 20_000
MAX_INT = 2**53 - 1  # exact in every language's JSON reader (RFC 7493)
MAX_TIME_NS = 2**63 - 1
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class ProtocolError(MonitorError):
    """A message that was received, or is about to be sent, breaks the rules of the format.

    Parameters
    ----------
    reason
        What is wrong, in one line. It is logged: it holds nothing that a sender wrote, except valid
        names of streams.
    detail
        The rest of the line, for the sender only: who the patient is may stand in it.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail

    def within(self, place: str) -> ProtocolError:
        """Give the same error, with the place where it lies."""
        return ProtocolError(f"{place}: {self.reason}", self.detail)


class _Codec(NamedTuple):
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


class _Field(NamedTuple):
    name: str
    codec: _Codec
    required: bool


def fields_to_dict(item: Any) -> dict[str, Any]:
    """Give the fields of a message (any frozen dataclass of plain fields) by name."""
    values = {}
    for field in _fields_of(type(item)):
        try:
            values[field.name] = field.codec.encode(getattr(item, field.name))
        except ProtocolError as error:
            raise error.within(field.name) from error
        except (TypeError, ValueError, OverflowError) as error:
            raise ProtocolError(f"{field.name} cannot be written", str(error)) from error
    return values


def fields_from_dict(kind: type[T], data: Mapping[str, Any]) -> T:
    """Make a ``kind`` from its fields by name, checking type and size of each."""
    values = {}
    for field in _fields_of(kind):
        if field.name not in data:
            if field.required:
                raise ProtocolError(f"{kind.__name__} lacks the field {field.name!r}")
            continue
        try:
            values[field.name] = field.codec.decode(data[field.name])
        except ProtocolError as error:
            raise error.within(field.name) from error
    try:
        return kind(**values)
    except ProtocolError:
        raise
    except MonitorError as error:
        raise ProtocolError(f"{kind.__name__} is not valid", str(error)) from error


_COMPILED: dict[type[Any], list[_Field]] = {}


def _fields_of(kind: type[Any]) -> list[_Field]:
    if kind not in _COMPILED:
        hints = typing.get_type_hints(kind)
        _COMPILED[kind] = [
            _Field(
                f.name,
                _codec_of(hints[f.name], f.name),
                f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING,
            )
            for f in dataclasses.fields(kind)
        ]
    return _COMPILED[kind]


def _codec_of(hint: Any, name: str) -> _Codec:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if name == "stream":
        return _Codec(_stream, _stream)
    if name == "values_mv":
        return _Codec(_values_to_lists, _values_from_lists)
    if origin in (types.UnionType, typing.Union):
        inner = _codec_of(next(a for a in arguments if a is not type(None)), name)
        return _Codec(_optional_encoder(inner.encode), _optional(inner.decode))
    if origin is tuple:
        length = None if arguments[-1] is Ellipsis else len(arguments)
        inner = _codec_of(arguments[0], name)
        return _Codec(_list_encoder(inner.encode), _tuple_decoder(inner.decode, length))
    if origin is not None and issubclass(origin, Mapping):
        inner = _codec_of(arguments[1], name)
        return _Codec(_mapping(inner.encode), _mapping(inner.decode))
    if dataclasses.is_dataclass(hint):
        return _Codec(fields_to_dict, _dataclass_decoder(typing.cast(type[Any], hint)))
    if issubclass(hint, StrEnum):
        return _Codec(_enum_encoder(hint), _enum_decoder(hint))
    if hint is int:
        limit = MAX_TIME_NS if name.endswith("_ns") else MAX_INT
        return _Codec(
            lambda value: _integer(operator.index(value), limit),
            lambda value: _integer(value, limit),
        )
    plain = {
        str: _Codec(_text, _text),
        float: _Codec(lambda value: _number(float(value)), _number),
        bool: _Codec(bool, _truth),
    }
    return plain[hint]


def _integer(value: object, limit: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProtocolError(f"must be a whole number, not {shown(value)}")
    if not -limit <= value <= limit:
        raise ProtocolError(f"the number {shown(value)} is out of range")
    return value


def _number(value: object) -> float:
    if isinstance(value, int) and not isinstance(value, bool):
        return float(_integer(value, MAX_INT))
    if not isinstance(value, float):
        raise ProtocolError(f"must be a number, not {shown(value)}")
    if not math.isfinite(value):
        raise ProtocolError("must be a finite number")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ProtocolError(f"must be true or false, not {shown(value)}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ProtocolError(f"must be a text, not {shown(value)}")
    if len(value) > MAX_TEXT:
        raise ProtocolError(f"a text of {len(value)} characters is over the limit of {MAX_TEXT}")
    # control characters would reach terminals, lone surrogates cannot be written at all
    if _CONTROL.search(value):
        raise ProtocolError(f"the text {shown(value)} holds control characters")
    return str(value)


def _stream(value: object) -> str:
    if not isinstance(value, str) or not _STREAM_NAME.fullmatch(value):
        raise ProtocolError(f"{shown(value)} is not a stream name")
    return str(value)


def _optional(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else decode(value)


def _optional_encoder(encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def encoded(value: Any) -> Any:
        if value is None or (isinstance(value, (float, np.floating)) and not math.isfinite(value)):
            return None
        return encode(value)

    return encoded


def _list_encoder(encode: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def encoded(value: Any) -> list[Any]:
        return [encode(item) for item in _bounded(list(value))]

    return encoded


def _tuple_decoder(
    decode: Callable[[Any], Any], length: int | None
) -> Callable[[Any], tuple[Any, ...]]:
    def decoded(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ProtocolError(f"must be a list, not {shown(value)}")
        if length is not None and len(value) != length:
            raise ProtocolError(f"must have {length} items, has {len(value)}")
        return tuple([decode(item) for item in _bounded(value)])

    return decoded


def _mapping(convert: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    def converted(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ProtocolError(f"must be an object, not {shown(value)}")
        return {_text(key): convert(item) for key, item in _bounded(value).items()}

    return converted


def _dataclass_decoder(kind: type[Any]) -> Callable[[Any], Any]:
    def decoded(value: Any) -> Any:
        if not isinstance(value, dict):
            raise ProtocolError(f"must be an object, not {shown(value)}")
        return fields_from_dict(kind, value)

    return decoded


def _enum_encoder(kind: type[StrEnum]) -> Callable[[Any], str]:
    return lambda value: kind(value).value


def _enum_decoder(kind: type[StrEnum]) -> Callable[[Any], StrEnum]:
    members = {member.value: member for member in kind}

    def decoded(value: Any) -> StrEnum:
        if not isinstance(value, str) or value not in members:
            raise ProtocolError(f"{shown(value)} is not one of {', '.join(members)}")
        return members[value]

    return decoded


def _values_to_lists(values_mv: Any) -> list[list[float | None]]:
    values = np.asarray(values_mv, np.float32)
    if values.ndim != 2 or np.isinf(values).any():
        raise ProtocolError("samples must be finite or NaN, of shape (n, leads)")
    return [[None if v != v else v for v in row] for row in _bounded(values.tolist())]


def _values_from_lists(value: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise ProtocolError("must be a list of rows")
    rows = [[math.nan if v is None else _number(v) for v in row] for row in _bounded(value)]
    if len({len(row) for row in rows}) > 1:
        raise ProtocolError("rows differ in length")
    with np.errstate(over="ignore"):
        values = np.array(rows, np.float32).reshape(len(rows), len(rows[0]) if rows else 0)
    if np.isinf(values).any():
        raise ProtocolError("a sample is too large for float32")
    return values


Sized = TypeVar("Sized", bound=typing.Sized)


def _bounded(items: Sized) -> Sized:
    if len(items) > MAX_ITEMS:
        raise ProtocolError(f"{len(items)} items are over the limit of {MAX_ITEMS}")
    return items


def shown(value: object) -> str:
    """Describe a value for an error message: a number by its value, a text by its length.

    Such messages are logged, and a text of a sender may name a patient.
    """
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    return f"{value!a:.40}" if value is None or isinstance(value, int | float) else "something else"
