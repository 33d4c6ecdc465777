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

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from monitor.dashboard import theme

BLANK = ord(" ")

Row = list[Segment]


@lru_cache(maxsize=4096)
def printable(text: str) -> str:
    """Replace characters that are not one cell wide (control, wide, combining) with ``?``."""
    return "".join(c if c.isprintable() and cell_len(c) == 1 else "?" for c in text)


@lru_cache(maxsize=512)
def _style(definition: str) -> Style:
    return Style.parse(theme.GROUND) + Style.parse(definition)


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
        self._definitions: list[str] = [""]
        self._numbers: dict[str, int] = {"": 0}

    def style_number(self, definition: str) -> int:
        """Give the number of a style definition in ``styles``."""
        number = self._numbers.get(definition)
        if number is None:
            number = len(self._definitions)
            self._definitions.append(definition)
            self._numbers[definition] = number
        return number

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
        return [self._row(row) for row in range(self.height)]

    def _row(self, row: int) -> Row:
        styles = self.styles[row]
        text = self.characters[row].tobytes().decode("utf-32-le")
        edges = [0, *(np.flatnonzero(np.diff(styles)) + 1).tolist(), self.width]
        return [
            Segment(text[a:b], _style(self._definitions[styles[a]])) for a, b in pairwise(edges)
        ]


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
