"""The beginning of a CSV text: read until it is known what its columns are, and no further."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.errors import MonitorError
from monitor.sources.csv_header import Layout, layout_of
from monitor.sources.csv_shape import Shape, is_remark, row_of, shape_of
from monitor.sources.csv_table import Said
from monitor.sources.text_lines import Line

MOST_LINES = 10_000
MOST_CHARACTERS = 4_000_000
FIRST_LOOK = 3  # lines; the next look is at half as many again, so that looking costs little
SAME_MARKS = 50  # lines that are all the same, without a number: a device without its electrodes


class Head:
    """Takes lines until the layout is known.

    How the lines were cut into pieces changes nothing: looks are taken at certain numbers of lines.
    """

    def __init__(self, name: str, said: Said) -> None:
        self._name = name
        self._said = said
        self._lines: list[Line] = []
        self._characters = 0
        self._next_look = FIRST_LOOK
        self._found: tuple[Shape, Layout] | None = None
        self.rest: list[Line] = []

    @property
    def shape(self) -> Shape:
        """Of the text, once it is known."""
        return self._both[0]

    @property
    def layout(self) -> Layout:
        """Of its lines, once it is known."""
        return self._both[1]

    @property
    def _both(self) -> tuple[Shape, Layout]:
        if self._found is None:
            raise RuntimeError("the beginning of the text was not read to its end")
        return self._found

    def push(self, lines: Sequence[Line]) -> bool:
        """Take more lines; true once the layout is known. ``rest`` are those with samples."""
        for at, line in enumerate(lines):
            self._lines.append(line)
            self._characters += len(line[1])
            full = len(self._lines) >= MOST_LINES or self._characters > MOST_CHARACTERS
            if len(self._lines) >= self._next_look or full:
                self._next_look = len(self._lines) * 3 // 2 + 1
                if self._look(ended=full):
                    self.rest += lines[at + 1 :]
                    return True
        return False

    def end(self) -> None:
        """Make out the layout from what there is: no more comes."""
        if not self._lines:
            raise MonitorError(f"{self._name} is empty: it holds no line of numbers")
        self._look(ended=True)

    def _look(self, ended: bool) -> bool:
        shape = self._shape()
        if shape is None:
            if ended:
                raise MonitorError(
                    f"{self._name} holds no lines of numbers: is it a text with a sample a line? "
                    f"It begins {self._lines[0][1][:40]!r}"
                )
            return False
        if shape.misfit and ended:
            raise MonitorError(
                f"{self._name}: its header names {shape.misfit} column(s), but its lines have "
                f"{shape.width} field(s); put the header right"
            )
        data = [line for line in self._lines if line[0] >= shape.first]
        plain = [text for _, text in data if not is_remark(text)]
        cut = [row_of(text, shape.delimiter, shape.width) for text in plain]
        rows = [row for row in cut if len(row) == shape.width]
        if shape.misfit:
            return False  # a shorter line may follow
        if shape.only_marks:
            rows, ended = [], True
        layout = layout_of(self._name, shape, rows, self._said, ended)
        if layout is None:
            return False
        self._found = shape, layout
        self.rest = data
        return True

    def _shape(self) -> Shape | None:
        shape = shape_of(self._lines)
        if shape is not None or len(self._lines) < SAME_MARKS:
            return shape
        mark = self._lines[-1][1]
        start = len(self._lines)
        while start and self._lines[start - 1][1] == mark:
            start -= 1
        if len(self._lines) - start < SAME_MARKS or self._said.rate_hz is None:
            return None
        return Shape(",", 1, (), (), (), self._lines[start][0], only_marks=True)
