"""What a program says to its operator, line by line, with how much it matters. Pure.

Whatever takes lines takes any text; one that is a :class:`Remark` also has a level and may name
the stream it is about. No line holds what a sender wrote but stream names, which the operator
chooses: who the patient is must not be read in logs.
"""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """How much a remark matters; the numbers are those of :mod:`logging`."""

    INFO = 20
    WARNING = 30
    ERROR = 40


class Remark(str):
    """A line with its level.

    >>> Remark("stream a: stale", Level.WARNING, stream="a") == "stream a: stale"
    True
    """

    __slots__ = ("level", "stream")

    level: Level
    stream: str | None

    def __new__(cls, text: str, level: Level = Level.INFO, stream: str | None = None) -> Remark:
        """Make a remark of a text."""
        remark = super().__new__(cls, text)
        remark.level, remark.stream = level, stream
        return remark
