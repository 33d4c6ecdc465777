"""Refusals: told to the operator in the log, and to the sender of a refused stream. Pure.

The input is a SUB socket, senders are PUB or XPUB: the only way back is a subscription. So an
answer is a topic that the input subscribes to while the refusal holds, and then unsubscribes from:
``refused.STREAM.ID REASON`` with the first :data:`ID_CHARACTERS` characters of the sender's
publisher id. An XPUB socket reads it. It reaches every sender and is meant for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.log_lines import Level, LogLine

PERIOD_S = 60.0
MAX_CAUSES = 20
ANSWER_S = 10.0  # an answer holds this long after the last message that it answered
MAX_ANSWERS = 256
ID_CHARACTERS = 8


@dataclass(slots=True)
class _Cause:
    said_s: float
    more: int = 0


class Refusals:
    """Log a cause at once, then at most once a minute how often it came again.

    Beyond :data:`MAX_CAUSES` causes at a time the rest counts as one cause, so that made-up keys or
    addresses fill neither the log nor memory.

    Parameters
    ----------
    log
        Takes one line.
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        self.count = 0
        self._log = log
        self._causes: dict[str, _Cause] = {}

    def note(self, cause: str, now_s: float, count: int = 1) -> None:
        """Count refusals; ``cause`` is one line without secrets: where, who, why."""
        self.count += count
        if cause not in self._causes and len(self._causes) >= MAX_CAUSES:
            cause = "for other causes"
        known = self._causes.get(cause)
        if known is None:
            self._causes[cause] = _Cause(now_s, count - 1)
            self._log(LogLine(f"refused {cause}", Level.WARNING))
        else:
            known.more += count

    def tick(self, now_s: float) -> None:
        """Log the causes that came again; forget the others."""
        for text, cause in list(self._causes.items()):
            if now_s - cause.said_s < PERIOD_S:
                continue
            if cause.more:
                again = f"refused {text} ({cause.more} more times)"
                self._log(LogLine(again, Level.WARNING))
                self._causes[text] = _Cause(now_s)
            else:
                del self._causes[text]


class RefusedStreams:
    """The streams that are refused now, as topics that their senders read.

    Attributes
    ----------
    changed
        The topics have changed since this was last set to False.

    Examples
    --------
    >>> refused = RefusedStreams()
    >>> refused.refuse("bed-7", "2b9c61f0aa", "already 1 streams", 0.0)
    >>> refused.topics
    frozenset({b'refused.bed-7.2b9c61f0 already 1 streams'})
    >>> refused.accept("bed-7", "2b9c61f0aa"), refused.topics
    (None, frozenset())
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], tuple[str, float]] = {}
        self.changed = False

    @property
    def topics(self) -> frozenset[bytes]:
        """The topics that the input must subscribe to."""
        return frozenset(
            f"{answer_topic(stream, publisher)} {reason}".encode("utf-8", "replace")
            for (stream, publisher), (reason, _) in self._given.items()
        )

    def refuse(self, stream: str, publisher: str, reason: str, now_s: float) -> None:
        """Answer the announcement of a refused stream."""
        key = (stream, publisher[:ID_CHARACTERS])
        before = self._given.pop(key, None)
        self._given[key] = reason, now_s
        self.changed |= before is None or before[0] != reason
        if len(self._given) > MAX_ANSWERS:
            del self._given[next(iter(self._given))]

    def accept(self, stream: str, publisher: str) -> None:
        """Withdraw the refusal of a stream."""
        gone = self._given.pop((stream, publisher[:ID_CHARACTERS]), None)
        self.changed |= gone is not None

    def tick(self, now_s: float) -> None:
        """Forget answers to senders that have stopped."""
        for key, (_, said_s) in list(self._given.items()):
            if now_s - said_s > ANSWER_S:
                del self._given[key]
                self.changed = True


def answer_topic(stream: str, publisher: str) -> str:
    """Give the first part of an answer, by which its sender recognises it."""
    return f"refused.{stream}.{publisher[:ID_CHARACTERS]}"
