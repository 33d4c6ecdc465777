"""Mutations that keep the form of a message and spoil what it says.

Flipped bytes seldom leave valid JSON or TOML, so they hardly get past the parser.
Here one value, key or frame is replaced by one that programs stumble over.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

FRAMES_APART = b"\0\xff\0"
"""Between the frames of one message, and twice between messages."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 0.5, -0.0, 1e308, 5e-324, 2**31, 2**53, 2**63, -(2**63)),
    *(10**400, "", "a", "bed-7", "bed-8", "a.b", "../x", "\u0000", "\u202e", "\ud800", "x" * 2000),
    *("NaN", "II", "vt", "high", "raised", [], {}, [[]], [None], [0] * 300, {"": 0}),
    *([-1, -1], [2**40, 2**40], [0, 0], ["II"] * 33, 99.99, 100, 1000, 1001),
)
_SPECIAL = (b"1e999", b"-1e999", b"NaN", b"Infinity", b"[" * 500, b'{"a":' * 500, b"\xff")
_TOML = (
    *("true", "-1", "nan", "inf", "1e400", "0x" + "f" * 5000, "[]", "{}", "[[[]]]", '""', "''"),
    *("1979-05-27", '"\\u0000"', "[0x" + "f" * 5000 + "]", '["send", "send"]', '{a = "b"}', "7"),
)


def mutated(data: bytes, draw: random.Random) -> bytes:
    """Give a variation of what a target may be fed with."""
    parts = data.split(FRAMES_APART)
    place = draw.randrange(len(parts))
    action = draw.random()
    if action < 0.05:
        parts.insert(place, draw.choice(parts))
    elif action < 0.1:
        del parts[place]
    elif parts[place][:1] == b"{":
        parts[place] = _json(parts[place], draw)
    elif b"=" in parts[place] and b"\n" in parts[place]:
        parts[place] = _toml(parts[place], draw)
    else:
        parts[place] = _bytes(parts[place], draw)
    return FRAMES_APART.join(parts)


def _json(text: bytes, draw: random.Random) -> bytes:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return _bytes(text, draw)
    _spoil(tree, draw)
    changed = json.dumps(tree).encode()
    if draw.random() < 0.05:  # what no JSON writer gives
        cut = draw.choice([m.start() for m in re.finditer(rb"[:,]", changed)] or [0])
        changed = changed[: cut + 1] + draw.choice(_SPECIAL) + changed[cut + 1 :]
    return changed


def _spoil(tree: Any, draw: random.Random) -> None:
    """Change one thing somewhere in a tree."""
    places = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    if not places:
        if isinstance(tree, dict):
            tree["stream"] = draw.choice(VALUES)
        else:
            tree.append(draw.choice(VALUES))
        return
    place = draw.choice(places)
    inner = tree[place]
    if isinstance(inner, dict | list) and draw.random() < 0.6:
        _spoil(inner, draw)
        return
    action = draw.random()
    if action < 0.1:
        del tree[place]
    elif action < 0.2 and isinstance(tree, dict):
        tree[draw.choice(["type", "stream", "set", "shape", "journal", "x" * 300])] = inner
    elif action < 0.3 and isinstance(tree, list):
        tree += [inner] * draw.choice([1, 40])
    elif action < 0.4 and isinstance(inner, int):
        tree[place] = inner + draw.choice([-1, 1, 2**32, 2**53, -(2**60)])
    else:
        tree[place] = draw.choice(VALUES)


def _toml(text: bytes, draw: random.Random) -> bytes:
    values = list(re.finditer(rb"(?<== )[^\n]+", text))
    if not values or draw.random() < 0.3:
        return _bytes(text, draw)
    found = draw.choice(values)
    return text[: found.start()] + draw.choice(_TOML).encode() + text[found.end() :]


def _bytes(data: bytes, draw: random.Random) -> bytes:
    """Change, remove or double some bytes."""
    if not data:
        return draw.randbytes(3)
    start = draw.randrange(len(data))
    end = min(len(data), start + draw.choice([1, 1, 4, 40]))
    middle = draw.choice([b"", draw.randbytes(end - start), data[start:end] * 2])
    return data[:start] + middle + data[end:]
