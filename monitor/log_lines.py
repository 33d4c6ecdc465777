"""Lines of the log, with a level and the stream that they concern. Pure.

A function that takes lines takes any text; a :class:`LogLine` also has a level and may name a
stream. No line holds what a sender wrote, except names of streams, which the operator chooses: who
the patient is must not be in logs.
"""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """The level of a line; the numbers are those of :mod:`logging`."""

    INFO = 20
    WARNING = 30
    ERROR = 40


class LogLine(str):
    """A line with its level.

    >>> LogLine("stream a: stale", Level.WARNING, stream="a") == "stream a: stale"
    True
    """

    __slots__ = ("level", "stream")

    level: Level
    stream: str | None

    def __new__(cls, text: str, level: Level = Level.INFO, stream: str | None = None) -> LogLine:
        """Make a line of a text."""
        line = super().__new__(cls, text)
        line.level, line.stream = level, stream
        return line
