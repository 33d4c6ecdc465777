"""Refused connections, messages, requests: each counted, its cause told, no flood in the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.log_lines import Level, LogLine

PERIOD_S = 60.0
MAX_CAUSES = 20


@dataclass(slots=True)
class _Cause:
    said_s: float
    more: int = 0


class Refusals:
    """Tell of a cause at once, then at most once a minute how often it came again.

    Of more than :data:`MAX_CAUSES` causes at a time the rest is told as one, so that made-up keys
    or addresses fill neither the log nor memory.

    Parameters
    ----------
    say
        Takes one line.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.count = 0
        self._say = say
        self._causes: dict[str, _Cause] = {}

    def note(self, cause: str, now_s: float, count: int = 1) -> None:
        """Count refusals; ``cause`` says where, whom and why, in one line without secrets."""
        self.count += count
        if cause not in self._causes and len(self._causes) >= MAX_CAUSES:
            cause = "for other causes"
        known = self._causes.get(cause)
        if known is None:
            self._causes[cause] = _Cause(now_s, count - 1)
            self._say(LogLine(f"refused {cause}", Level.WARNING))
        else:
            known.more += count

    def tick(self, now_s: float) -> None:
        """Tell what has come again; forget what has not."""
        for text, cause in list(self._causes.items()):
            if now_s - cause.said_s < PERIOD_S:
                continue
            if cause.more:
                again = f"refused {text} ({cause.more} more times)"
                self._say(LogLine(again, Level.WARNING))
                self._causes[text] = _Cause(now_s)
            else:
                del self._causes[text]
