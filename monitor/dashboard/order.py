"""The order of things on the dashboard: priorities, alerts, names of streams. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from monitor.messages import Alert, AlertState, Priority

PRIORITY_ORDER = (Priority.HIGH, Priority.MEDIUM, Priority.LOW, Priority.TECHNICAL)


def rank(priority: Priority) -> int:
    """Give the place of a priority, 0 for the highest."""
    return PRIORITY_ORDER.index(priority)


def urgency(alert: Alert) -> tuple[int, bool, int]:
    """Order alerts, the most urgent first; an acknowledged one after the new."""
    acknowledged = alert.state is AlertState.ACKNOWLEDGED
    return rank(alert.priority), acknowledged, -alert.onset_sample


@lru_cache(maxsize=4096)
def numbers_by_size(name: str) -> tuple[tuple[int, str], ...]:
    """Order names by the numbers in them: ``bed-2`` before ``bed-10``.

    Examples
    --------
    >>> sorted(["bed-10", "bed-2"], key=numbers_by_size)
    ['bed-2', 'bed-10']
    """
    parts = re.findall(r"\d+|\D+", name)
    return tuple((int(part) if part.isdecimal() else -1, part) for part in parts)
