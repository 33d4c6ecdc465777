"""Write a JSON Schema for the header of every kind of message on the wire.

The schemas are made from the messages themselves, with the bounds that the decoder holds to::

    python -m tools.generate.schemas           # after a message has changed
    python -m tools.generate.schemas --check   # are the files as they should be?
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from monitor.messages import MAX_LEADS, MAX_RATE_HZ, MIN_RATE_HZ
from monitor.wire.fields import MAX_INT, MAX_ITEMS, MAX_TEXT, MAX_TIME_NS
from monitor.wire.protocol import KINDS, MAX_PAYLOAD_BYTES, SCHEMA, Announced

FOLDER = Path(__file__).resolve().parents[2] / "monitor" / "wire" / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

TEXT: Schema = {
    "type": "string",
    "maxLength": MAX_TEXT,
    "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]*$",
}
STREAM: Schema = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"}
INTEGER: Schema = {"type": "integer", "minimum": -MAX_INT, "maximum": MAX_INT}
COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_INT}
SHAPE: Schema = {
    "description": "[samples, leads] of the payload: float32 little-endian, mV, C order; "
    f"at most {MAX_PAYLOAD_BYTES} bytes",
    "type": "array",
    "items": COUNT,
    "minItems": 2,
    "maxItems": 2,
}
ENVELOPE: dict[str, Schema] = {
    "schema": {"const": SCHEMA},
    "publisher": {**TEXT, "minLength": 1, "maxLength": 64, "description": "new at every start"},
    "sequence": {**COUNT, "description": "0, 1, 2, ... of each topic"},
    "sent_ns": {**INTEGER, "minimum": -MAX_TIME_NS, "maximum": MAX_TIME_NS},
}
JOURNAL: dict[str, Schema] = {"journal": {**COUNT, "minimum": 1}, "journal_before": COUNT}

# what a message checks of itself, beyond the types of its fields
STRICTER: dict[tuple[str, str], Schema] = {
    ("StreamInfo", "rate_hz"): {"minimum": MIN_RATE_HZ, "maximum": MAX_RATE_HZ},
    ("StreamInfo", "leads"): {
        "items": {**TEXT, "minLength": 1},
        "minItems": 1,
        "maxItems": MAX_LEADS,
    },
    ("StreamInfo", "start_sample"): {"minimum": 0},
    ("Announced", "unit"): {"default": "mV"},
}


def schema_of(kind: str) -> Schema:
    """Give the schema of the headers of one kind of message."""
    body = _object(KINDS[kind])
    if kind == "info":
        body["properties"] |= _object(Announced)["properties"]
    return {
        "$schema": DRAFT,
        "title": f"Header of {kind} messages",
        "description": _first_paragraph(KINDS[kind]),
        "type": "object",
        "properties": {**ENVELOPE, **JOURNAL, **body["properties"]},
        # the stream may be left to the topic; unknown fields are ignored
        "required": [*ENVELOPE, *(name for name in body["required"] if name != "stream")],
        "dependentRequired": {"journal": ["journal_before"]},
    }


def _object(kind: type[Any]) -> Schema:
    hints = typing.get_type_hints(kind)
    properties: dict[str, Schema] = {}
    required = []
    for field in dataclasses.fields(kind):
        name = "shape" if field.name == "values_mv" else field.name
        properties[name] = (
            SHAPE
            if name == "shape"
            else _value(hints[name], name) | STRICTER.get((kind.__name__, name), {})
        )
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


def _value(hint: Any, name: str) -> Schema:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if name == "stream":
        return STREAM
    if origin in (types.UnionType, typing.Union):
        inner = next(a for a in arguments if a is not type(None))
        return {"anyOf": [_value(inner, name), {"type": "null"}]}
    if origin is tuple:
        length = None if arguments[-1] is Ellipsis else len(arguments)
        size = (
            {"maxItems": MAX_ITEMS} if length is None else {"minItems": length, "maxItems": length}
        )
        return {"type": "array", "items": _value(arguments[0], name), **size}
    if origin is not None and issubclass(origin, Mapping):
        return {
            "type": "object",
            "propertyNames": TEXT,
            "additionalProperties": _value(arguments[1], name),
            "maxProperties": MAX_ITEMS,
        }
    if dataclasses.is_dataclass(hint):
        return _object(typing.cast(type[Any], hint))
    if issubclass(hint, StrEnum):
        return {"enum": [member.value for member in hint]}
    if hint is int and name.endswith("_ns"):
        return {"type": "integer", "minimum": -MAX_TIME_NS, "maximum": MAX_TIME_NS}
    plain: dict[Any, Schema] = {
        str: TEXT,
        int: INTEGER,
        float: {"type": "number"},
        bool: {"type": "boolean"},
    }
    return plain[hint]


def _first_paragraph(kind: type[Any]) -> str:
    text = (kind.__doc__ or "").partition("\n\n")[0]
    return " ".join(text.replace("``", "").split())


def written() -> dict[str, str]:
    """Give name and text of every file."""
    return {
        f"{kind}.json": json.dumps(schema_of(kind), indent=2, ensure_ascii=True) + "\n"
        for kind in KINDS
    }


def differences() -> list[str]:
    """Name the files that are not as they should be."""
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    expected = written()
    return sorted(name for name in {*there, *expected} if there.get(name) != expected.get(name))


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one differs")
    args = parser.parse_args()
    stale = differences()
    print(f"{len(stale)} of {len(KINDS)} differ{': ' if stale else ''}{', '.join(stale)}")
    if args.check:
        return int(bool(stale))
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        path = FOLDER / name
        if name in written():
            path.write_text(written()[name], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
