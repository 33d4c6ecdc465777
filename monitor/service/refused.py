"""Messages that broke the rules, counted, and told of in one line. Pure."""

from __future__ import annotations

import re
from collections import Counter

MAX_CAUSES = 3  # told of at a time
_HIDDEN = "'...'"
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class Refused:
    """Counts refused messages, and the causes since they were last told.

    Examples
    --------
    >>> refused = Refused()
    >>> refused.note("the unit of 'Jane Doe' is not known")
    >>> refused.note("stream a has not been announced", 4)
    >>> refused.news()
    "refused 5 message(s): stream a has not been announced (4); the unit of '...' is not known (1)"
    >>> refused.news(), refused.count
    ('', 5)
    """

    def __init__(self) -> None:
        self.count = 0
        self._causes: Counter[str] = Counter()

    def note(self, cause: str, count: int = 1) -> None:
        """Note messages that were refused."""
        self.count += count
        if len(self._causes) > MAX_CAUSES and cause not in self._causes:
            cause = "other causes"
        self._causes[cause] += count

    def news(self) -> str:
        """Give one line about what has been refused since the last call; empty if nothing has."""
        if not self._causes:
            return ""
        causes = self._causes.most_common()
        self._causes = Counter()
        # what somebody wrote into a message may tell who the patient is
        told = [f"{_QUOTED.sub(_HIDDEN, cause)} ({count})" for cause, count in causes]
        return f"refused {sum(count for _, count in causes)} message(s): {'; '.join(told)}"
