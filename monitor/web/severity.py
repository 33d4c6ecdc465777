"""How urgent an alert is on the central station, and how it sounds. Pure.

Sounds follow the three priorities of IEC 60601-1-8. A patient whom nobody watches (no samples, all
leads off, no analysis) sounds like a medium alarm, though the cause is technical.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.messages import Alert, AlertKind, AlertState, Priority

SOUNDS = ("high", "medium", "low")
"""Sounds, the most urgent first."""

UNWATCHED = frozenset({AlertKind.STREAM_STALE, AlertKind.STREAM_REFUSED, AlertKind.ANALYSIS_FAILED})
"""Alerts of a patient whom nobody watches."""

_RANK = {Priority.HIGH: 0, Priority.MEDIUM: 1, Priority.LOW: 3, Priority.TECHNICAL: 4}
UNWATCHED_RANK = 2
QUIET_RANK = 9
ACKNOWLEDGED_STEP = 0.5


def sound_of(alert: Alert, usable: bool) -> str:
    """Give the sound of an alert: ``high``, ``medium``, ``low``, or ``""`` for silence.

    ``usable`` tells whether the signal can be analysed: a lead that is off is a low alarm while
    another lead is watched.
    """
    if alert.state in (AlertState.ACKNOWLEDGED, AlertState.CLEARED):
        return ""
    if alert.priority is not Priority.TECHNICAL:
        return alert.priority.value
    if alert.kind in UNWATCHED:
        return "medium"
    if alert.kind is AlertKind.LEAD_OFF:
        return "low" if usable else "medium"
    return ""


def loudest(sounds: Iterable[str]) -> str:
    """Give the most urgent of several sounds.

    >>> loudest(["low", "", "high"]), loudest([])
    ('high', '')
    """
    return min((s for s in sounds if s), key=SOUNDS.index, default="")


def rank_of(alert: Alert, usable: bool) -> float:
    """Give the place of an alert among all: less is more urgent, acknowledged comes after new."""
    rank = float(_RANK[alert.priority])
    if alert.priority is Priority.TECHNICAL:
        unseen = alert.kind in UNWATCHED or (alert.kind is AlertKind.LEAD_OFF and not usable)
        rank = UNWATCHED_RANK if unseen else rank
    return rank + (ACKNOWLEDGED_STEP if alert.state is AlertState.ACKNOWLEDGED else 0.0)
