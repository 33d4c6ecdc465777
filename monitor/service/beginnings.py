"""How often a stream may begin anew. Pure.

Each beginning is an analysis and lines in the journal: a sender that announces something else with
every message would push out of it what concerns others.
"""

from __future__ import annotations

AT_ONCE = 30
PERIOD_S = 2.0  # one more each


class Beginnings:
    """Beginnings that a stream has left: :data:`AT_ONCE`, and one more each :data:`PERIOD_S`."""

    def __init__(self, now_s: float) -> None:
        self._left = float(AT_ONCE)
        self._counted_s = now_s

    def allow(self, now_s: float) -> bool:
        """Tell whether the stream may begin anew now; if so, this counts as one."""
        more = (now_s - self._counted_s) / PERIOD_S
        self._left, self._counted_s = min(self._left + more, float(AT_ONCE)), now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
