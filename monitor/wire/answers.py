"""What senders are told: that a stream they send is refused, and why. Pure.

The input is a SUB socket, senders are PUB or XPUB: the only way back is a subscription. So an
answer is a topic that the input subscribes to, and unsubscribes from when it holds no more:
``refused.STREAM.ID REASON`` with the first :data:`ID_CHARACTERS` characters of the sender's
publisher id. An XPUB socket reads it; it reaches every sender, and is meant for one.
"""

from __future__ import annotations

ANSWER_S = 10.0  # after the last message that it answered
MAX_ANSWERS = 256
ID_CHARACTERS = 8


class Answers:
    """The answers that hold now.

    Attributes
    ----------
    changed
        There are others than when this was last set to False.

    Examples
    --------
    >>> answers = Answers()
    >>> answers.refuse("bed-7", "2b9c61f0aa", "already 1 streams", 0.0)
    >>> answers.topics
    frozenset({b'refused.bed-7.2b9c61f0 already 1 streams'})
    >>> answers.accept("bed-7", "2b9c61f0aa"), answers.topics
    (None, frozenset())
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], tuple[str, float]] = {}
        self.changed = False

    @property
    def topics(self) -> frozenset[bytes]:
        """The topics to be subscribed to."""
        return frozenset(
            f"{answer_topic(stream, publisher)} {reason}".encode("utf-8", "replace")
            for (stream, publisher), (reason, _) in self._given.items()
        )

    def refuse(self, stream: str, publisher: str, reason: str, now_s: float) -> None:
        """Answer the announcement of a stream that is not taken."""
        key = (stream, publisher[:ID_CHARACTERS])
        before = self._given.pop(key, None)
        self._given[key] = reason, now_s
        self.changed |= before is None or before[0] != reason
        if len(self._given) > MAX_ANSWERS:
            del self._given[next(iter(self._given))]

    def accept(self, stream: str, publisher: str) -> None:
        """Take back that a stream is refused."""
        gone = self._given.pop((stream, publisher[:ID_CHARACTERS]), None)
        self.changed |= gone is not None

    def tick(self, now_s: float) -> None:
        """Forget answers to who sends no more."""
        for key, (_, said_s) in list(self._given.items()):
            if now_s - said_s > ANSWER_S:
                del self._given[key]
                self.changed = True


def answer_topic(stream: str, publisher: str) -> str:
    """Give the part of an answer by which its sender knows that it is meant."""
    return f"refused.{stream}.{publisher[:ID_CHARACTERS]}"
