"""From bytes to lines of text, as they come.

Rules that hold here:

1. Pure: how the bytes were cut into pieces changes nothing.
2. Nothing stops the lines: what cannot be read is in the line as it is, and whoever reads the line
   finds it odd.
3. Memory is bounded: of a line that does not end, the beginning is kept.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import TypeAlias

MAX_LINE_BYTES = 64 * 1024
KEPT_BYTES = 80  # of a line that is longer, to show what it was

Line: TypeAlias = tuple[int, str]
"""Its number from 1, and its text."""

_END = re.compile(rb"\r\n|\n|\r")
_MARKS = (  # the longer one first: that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, ""),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_MARK = 4


class TextLines:
    """Cuts a text into lines: any line end, UTF-8, UTF-16 and UTF-32, else Latin-1 (cp1252).

    UTF-16 and UTF-32 are known by their byte order mark, UTF-16 also by the zero bytes of its first
    two signs. A line that is not UTF-8 is read as cp1252, which only adds signs to Latin-1.
    """

    def __init__(self) -> None:
        self._number = 0
        self._rest = b""
        self._overlong = False
        self._after_return = False
        self._first = b""
        self._begun = False
        self._wide: codecs.IncrementalDecoder | None = None

    def push(self, data: bytes) -> list[Line]:
        """Give the lines that end in ``data``, blank ones left out."""
        if not self._begun:
            self._first += data
            if len(self._first) < _LONGEST_MARK:
                return []
            data = self._begin()
        return list(self._lines(self._narrow(data)))

    def flush(self) -> list[Line]:
        """Give what is left: the last line, if no line end follows it."""
        data = b"" if self._begun else self._begin()
        lines = list(self._lines(self._narrow(data, final=True)))
        rest, self._rest = self._rest, b""
        return lines + list(self._line(rest)) if rest else lines

    def _begin(self) -> bytes:
        self._begun = True
        data, self._first = self._first, b""
        mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", ""))
        if not mark and len(data) >= _LONGEST_MARK:
            zeros = bytes(byte == 0 for byte in data[:_LONGEST_MARK])
            encoding = {b"\0\1\0\1": "utf-16-le", b"\1\0\1\0": "utf-16-be"}.get(zeros, "")
        if encoding:
            self._wide = codecs.getincrementaldecoder(encoding)("replace")
        return data[len(mark) :]

    def _narrow(self, data: bytes, final: bool = False) -> bytes:
        """Give UTF-16 and UTF-32 as UTF-8, which is cut like any other."""
        return self._wide.decode(data, final).encode() if self._wide else data

    def _lines(self, data: bytes) -> Iterator[Line]:
        if data and self._after_return:  # the rest of a line end that two pieces share
            self._after_return = False
            data = data.removeprefix(b"\n")
        if not data:
            return
        self._after_return = data.endswith(b"\r")
        *whole, rest = _END.split(data)
        if whole:
            whole[0] = self._rest + whole[0]
            self._rest = b""
        for line in whole:
            yield from self._line(line)
        self._rest += rest
        if len(self._rest) > MAX_LINE_BYTES:
            self._overlong = True
            self._rest = self._rest[:KEPT_BYTES]

    def _line(self, line: bytes) -> Iterator[Line]:
        self._number += 1
        if self._overlong or len(line) > MAX_LINE_BYTES:
            self._overlong = False
            line = line[:KEPT_BYTES] + b"..."
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("cp1252", "replace")
        if text.strip():
            yield self._number, text.strip(" \r\ufeff")
