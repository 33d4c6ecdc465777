"""A grid of terminal cells, drawn by Rich.

Rules:

1. Every cell holds exactly one character one column wide: what is drawn can never overflow
   or shift a line. Text from outside is made safe on the way in (:func:`printable`).
2. Drawing outside the grid is clipped, never an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from monitor.dashboard import theme

BLANK = ord(" ")
MERGED_CELLS = 16  # a move of the cursor costs about as much as so many cells

Row = list[Segment]
Change: TypeAlias = tuple[int, int, Row]
"""Row and column of the first cell that changed, and what stands there now."""


@lru_cache(maxsize=4096)
def printable(text: str) -> str:
    """Replace characters that are not one cell wide (control, wide, combining) with ``?``."""
    return "".join(c if c.isprintable() and cell_len(c) == 1 else "?" for c in text)


_DEFINITIONS: list[str] = [""]
_NUMBERS: dict[str, int] = {"": 0}


def style_number(definition: str) -> int:
    """Give the number of a style definition, the same on every canvas."""
    number = _NUMBERS.get(definition)
    if number is None:
        number = len(_DEFINITIONS)
        _DEFINITIONS.append(definition)
        _NUMBERS[definition] = number
    return number


@lru_cache(maxsize=512)
def _style(number: int) -> Style:
    return Style.parse(theme.GROUND) + Style.parse(_DEFINITIONS[number])


class Canvas:
    """``height`` x ``width`` cells, each a character and a Rich style definition.

    Parameters
    ----------
    width, height
        Size in cells; at least 1 each.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = max(1, width)
        self.height = max(1, height)
        self.characters: NDArray[np.uint32] = np.full(
            (self.height, self.width), BLANK, dtype=np.uint32
        )
        self.styles: NDArray[np.int16] = np.zeros((self.height, self.width), dtype=np.int16)

    def style_number(self, definition: str) -> int:
        """Give the number of a style definition in ``styles``."""
        return style_number(definition)

    def text(self, row: int, column: int, text: str, style: str = "") -> int:
        """Write one line of text, clipped to the grid; give the column after it."""
        safe = printable(text)
        end = column + len(safe)
        if not 0 <= row < self.height or end <= 0 or column >= self.width:
            return end
        safe = safe[max(0, -column) : self.width - column]
        start = max(0, column)
        codes = np.frombuffer(safe.encode("utf-32-le"), dtype=np.uint32)
        self.characters[row, start : start + len(codes)] = codes
        self.styles[row, start : start + len(codes)] = self.style_number(style)
        return end

    def right(self, row: int, end_column: int, text: str, style: str = "") -> int:
        """Write text that ends just before ``end_column``; give the column where it starts."""
        start = end_column - len(printable(text))
        self.text(row, start, text, style)
        return start

    def fill(self, row: int, column: int, width: int, style: str, character: str = " ") -> None:
        """Fill part of a row with one character and style."""
        self.text(row, column, character * max(0, width), style)

    def rows(self) -> list[Row]:
        """Give the grid as one list of segments per row."""
        return [self._segments(row, 0, self.width) for row in range(self.height)]

    def changes(self, before: Canvas) -> list[Change]:
        """Give the cells that differ from a canvas of the same size, near ones together."""
        differs = (self.characters != before.characters) | (self.styles != before.styles)
        found: list[Change] = []
        for row in np.flatnonzero(differs.any(axis=1)).tolist():
            cells = np.flatnonzero(differs[row])
            far = np.flatnonzero(cells[1:] - cells[:-1] > MERGED_CELLS)
            starts = [int(cells[0]), *cells[far + 1].tolist()]
            ends = [*cells[far].tolist(), int(cells[-1])]
            for start, last in zip(starts, ends, strict=True):
                found.append((row, start, self._segments(row, start, last + 1)))
        return found

    def _segments(self, row: int, start: int, end: int) -> Row:
        styles = self.styles[row, start:end]
        text = self.characters[row, start:end].tobytes().decode("utf-32-le")
        edges = [0, *(np.flatnonzero(styles[1:] != styles[:-1]) + 1).tolist(), end - start]
        return [Segment(text[a:b], _style(int(styles[a]))) for a, b in pairwise(edges)]


class Frame:
    """Rows of segments as a Rich renderable."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.lines = list(rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give the rows, one a line."""
        for number, row in enumerate(self.lines):
            if number:
                yield Segment.line()
            yield from row
