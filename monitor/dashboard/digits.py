"""Large digits of half blocks, like a seven-segment display."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SEGMENTS = {
    "0": "abcdef",
    "1": "bc",
    "2": "abged",
    "3": "abgcd",
    "4": "fgbc",
    "5": "afgcd",
    "6": "afgedc",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
    "-": "g",
    " ": "",
}
_BLOCKS = np.array([ord(" "), ord("▄"), ord("▀"), ord("█")], dtype=np.uint32)


def big_text(text: str, rows: int) -> NDArray[np.uint32]:
    """Give digits, ``-`` and blanks as code points of shape (rows, columns).

    A digit is about ``1.2 * rows`` cells wide, with a gap of one cell (two from 5 rows on).
    """
    width = max(4, round(1.2 * rows))
    gap = 1 if rows < 5 else 2
    digits = [_digit(character, rows, width) for character in text]
    space = np.full((rows, gap), ord(" "), dtype=np.uint32)
    parts = [part for digit in digits for part in (space, digit)][1:]
    return np.concatenate(parts, axis=1) if parts else space[:, :0]


def _digit(character: str, rows: int, width: int) -> NDArray[np.uint32]:
    height = 2 * rows
    stem = 2 if width >= 5 else 1
    bar = 2 if rows >= 5 else 1
    middle = (height - bar) // 2
    pixels = np.zeros((height, width), dtype=np.bool_)
    boxes = {
        "a": (slice(0, bar), slice(0, width)),
        "g": (slice(middle, middle + bar), slice(0, width)),
        "d": (slice(height - bar, height), slice(0, width)),
        "f": (slice(0, middle + bar), slice(0, stem)),
        "b": (slice(0, middle + bar), slice(width - stem, width)),
        "e": (slice(middle, height), slice(0, stem)),
        "c": (slice(middle, height), slice(width - stem, width)),
    }
    for segment in _SEGMENTS[character]:
        pixels[boxes[segment]] = True
    return _BLOCKS[2 * pixels[0::2].astype(np.int64) + pixels[1::2]]
