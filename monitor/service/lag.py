"""How far behind the analysis of one stream is, whatever the clocks say. Pure."""

from __future__ import annotations

PLAUSIBLE_S = 60.0  # samples first seen at a greater age come from a clock that is wrong
JUMP_S = 0.5


class Lag:
    """Lag of one sender's samples (s), from wall clocks that may differ and may jump.

    The age of a message is the time since it was sent, by two wall clocks. It cannot be less
    than nothing, and it cannot grow faster than time passes, since messages are sent in order:
    what does not keep to that is a clock, and is taken out.

    Examples
    --------
    A sender whose clock is set back by an hour between two messages, then a real delay:

    >>> lag = Lag()
    >>> lag.observe(0.25, 0.0), lag.observe(3600.25, 0.25), lag.observe(3601.25, 2.0)
    (0.25, 0.25, 1.25)
    """

    def __init__(self) -> None:
        self.value_s: float | None = None
        self._zero_s = 0.0
        self._age_s = 0.0
        self._now_s = 0.0

    def observe(self, age_s: float, now_s: float) -> float:
        """Take the age of the next message, taken up at ``now_s`` (monotonic); give the lag."""
        if self.value_s is None:
            self._zero_s = age_s if age_s > PLAUSIBLE_S else 0.0
        elif age_s - self._age_s > now_s - self._now_s + JUMP_S:
            self._zero_s += age_s - self._age_s
        self._zero_s = min(self._zero_s, age_s)
        self._age_s, self._now_s = age_s, now_s
        self.value_s = age_s - self._zero_s
        return self.value_s
