"""Lays drawings, tables and headings out on pages of A4. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from monitor.pictures.charts import ACCENT
from monitor.pictures.drawing import Drawing
from monitor.pictures.marks import FAINT, INK, Box, Item, Text, moved, segments

WIDTH_MM, HEIGHT_MM = 210.0, 297.0
MARGIN_MM = 12.5
TOP_MM, BOTTOM_MM = 20.0, 15.0
ROOM_MM = WIDTH_MM - 2 * MARGIN_MM
ROW_MM, TEXT_MM = 4.3, 2.7
LINE_LETTERS = 145  # of small text that surely have room
_RULE = "#d4dade"


class Sheets:
    """Pages that fill from top to bottom.

    Parameters
    ----------
    title
        At the head of each page.
    foot
        At the foot of each page, beside its number.
    """

    def __init__(self, title: str, foot: str) -> None:
        self._title = title
        self._foot = foot
        self._pages: list[list[Item]] = [[]]
        self._y_mm = TOP_MM

    @property
    def left_mm(self) -> float:
        """Room left on the page."""
        return HEIGHT_MM - BOTTOM_MM - self._y_mm

    def new_page(self) -> None:
        """Begin a page, unless one has just begun."""
        if self._pages[-1]:
            self._pages.append([])
            self._y_mm = TOP_MM

    def heading(self, text: str, then_mm: float = 25.0) -> None:
        """Write a heading, on a new page if what comes then has no room below it."""
        if self.left_mm < 9 + then_mm:
            self.new_page()
        self._add(
            [
                Text(0, 5.0, text, 4.2, ACCENT, bold=True),
                segments([(0, 6.6, ROOM_MM, 6.6)], ACCENT, 0.3),
            ],
            9.0,
        )

    def put(self, drawing: Drawing, gap_mm: float = 4.0) -> None:
        """Put a drawing below what is there."""
        self.row([drawing], 0.0, gap_mm)

    def row(self, drawings: Sequence[Drawing], between_mm: float, gap_mm: float = 4.0) -> None:
        """Put drawings side by side."""
        height = max(drawing.height_mm for drawing in drawings)
        if self.left_mm < height:
            self.new_page()
        items: list[Item] = []
        x = 0.0
        for drawing in drawings:
            items += moved(drawing.items, x, 0)
            x += drawing.width_mm + between_mm
        self._add(items, height + gap_mm)

    def lines(self, texts: Sequence[str]) -> None:
        """Write small text; what is too long goes on in the next line."""
        texts = [part for text in texts for part in textwrap.wrap(text, LINE_LETTERS)]
        if self.left_mm < len(texts) * 3.6:
            self.new_page()
        items = [Text(0, 2.6 + i * 3.6, text, 2.4, FAINT) for i, text in enumerate(texts)]
        self._add(items, len(texts) * 3.6 + 2)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table whose columns share the width; it goes on over pages."""
        for first in range(0, len(rows), 48):
            part = rows[first : first + 48]
            room = int((self.left_mm - ROW_MM) // ROW_MM)
            if room < min(len(part), 6):
                self.new_page()
                room = int((self.left_mm - ROW_MM) // ROW_MM)
            for at in range(0, len(part), max(room, 1)):
                if at:
                    self.new_page()
                self._table_part(headings, part[at : at + room])

    def _table_part(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        step = ROOM_MM / len(headings)
        items: list[Item] = [Box(0, 0, ROOM_MM, ROW_MM + 0.6, "#e6f2f0")]
        for number, cells in enumerate([headings, *rows]):
            y = number * ROW_MM + 3.4
            items += [
                Text(
                    (i + 1) * step - 1.5 if i else 1.0,
                    y,
                    cell,
                    TEXT_MM,
                    anchor="end" if i else "start",
                    bold=not number,
                )
                for i, cell in enumerate(cells)
            ]
            if number:
                items.append(segments([(0, y + 1.2, ROOM_MM, y + 1.2)], _RULE, 0.1))
        self._add(items, (len(rows) + 1) * ROW_MM + 4)

    def _add(self, items: Sequence[Item], height_mm: float) -> None:
        self._pages[-1] += moved(items, MARGIN_MM, self._y_mm)
        self._y_mm += height_mm

    def pages(self) -> list[Drawing]:
        """Give the pages, with head and foot."""
        total = len(self._pages)
        out = []
        for number, items in enumerate(self._pages, 1):
            right, foot = WIDTH_MM - MARGIN_MM, HEIGHT_MM - 8.0
            frame: list[Item] = [
                Text(MARGIN_MM, 11.5, self._title, 3.4, INK, bold=True),
                Text(right, 11.5, "ecg-monitor", 3.0, ACCENT, "end", bold=True),
                segments([(MARGIN_MM, 14.0, right, 14.0)], FAINT, 0.2),
                Text(MARGIN_MM, foot, self._foot, 2.4, FAINT),
                Text(right, foot, f"page {number} of {total}", 2.4, FAINT, "end"),
            ]
            out.append(Drawing(WIDTH_MM, HEIGHT_MM, (*frame, *items), self._title))
        return out


def facts(title: str, rows: Sequence[tuple[str, str]], width_mm: float) -> Drawing:
    """Draw a box of names and values under a title."""
    height = 6.5 + len(rows) * ROW_MM + 1.5
    items: list[Item] = [Box(0, 0, width_mm, height, "#f6f8f9")]
    items.append(Text(2, 4.4, title, 3.0, ACCENT, bold=True))
    for i, (name, value) in enumerate(rows):
        y = 9.6 + i * ROW_MM
        items.append(Text(2, y, name, TEXT_MM, FAINT))
        items.append(Text(width_mm - 2, y, fitted(value, width_mm - 6 - _wide(name)), TEXT_MM,
                          anchor="end", bold=True))  # fmt: skip
    return Drawing(width_mm, height, tuple(items), title)


def fitted(text: str, width_mm: float) -> str:
    """Cut a text that has no room."""
    most = max(int(width_mm / (TEXT_MM * 0.5)), 4)
    return text if len(text) <= most else text[: most - 1] + "…"


def _wide(text: str) -> float:
    return len(text) * TEXT_MM * 0.48
