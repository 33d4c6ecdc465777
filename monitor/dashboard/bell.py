"""The terminal's bell: when it sounds. Pure.

Acknowledging silences the alarms there are: whatever is raised later is heard. Pausing the
bell silences everything for two minutes, unless an alarm comes whose priority is higher than
all that were there when the pause began: that ends the pause. Nothing is silenced for good.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.messages import Alert, AlertKind, AlertState, Priority

REPEAT_S = {Priority.HIGH: 5.0, Priority.MEDIUM: 20.0}
"""A high or medium alarm sounds again until it is acknowledged; a lower one does not sound."""

LOST = frozenset({AlertKind.STREAM_STALE, AlertKind.STREAM_REFUSED, AlertKind.ANALYSIS_FAILED})
"""Alerts of an unwatched patient; they sound like one of medium priority."""

NO_SERVICE = -(2**62)
"""Number of the alert that no service is there; no alert of a service has it."""

PAUSE_S = 120.0
_RANK = {Priority.MEDIUM: 1, Priority.HIGH: 2}
_REPEAT_S = {1: REPEAT_S[Priority.MEDIUM], 2: REPEAT_S[Priority.HIGH]}


class Bell:
    """Decides for each frame whether the bell sounds."""

    def __init__(self) -> None:
        self._last_s: dict[tuple[str, int], float] = {}
        self._paused_until_s = 0.0
        self._breaks_through = 0  # rank that an alarm must exceed to end the pause

    def pause(self, alerts: Sequence[Alert], now_s: float) -> None:
        """Pause the bell, or end its pause."""
        if self.paused_for_s(now_s) > 0.0:
            self._paused_until_s = now_s
            return
        self._paused_until_s = now_s + PAUSE_S
        self._breaks_through = max((_rank(alert) for alert in alerts), default=0)

    def paused_for_s(self, now_s: float) -> float:
        """Give the rest of the pause (s); 0 without a pause."""
        return max(self._paused_until_s - now_s, 0.0)

    def due(self, alerts: Sequence[Alert], now_s: float) -> bool:
        """Tell whether the bell sounds now, for any of the active alerts."""
        if self.paused_for_s(now_s) > 0.0:
            if all(_rank(alert) <= self._breaks_through for alert in alerts):
                return False
            self._paused_until_s = now_s
        sounding: dict[tuple[str, int], float] = {}
        due = False
        for alert in alerts:
            if not _rank(alert):
                continue
            key = (alert.stream, alert.id)
            last_s = self._last_s.get(key)
            if last_s is None or now_s - last_s >= _REPEAT_S[_rank(alert)]:
                due = True
                last_s = now_s
            sounding[key] = last_s
        self._last_s = sounding
        return due


def _rank(alert: Alert) -> int:
    """Give 0 for a silent alert, and more for a higher priority."""
    if alert.state is AlertState.ACKNOWLEDGED:
        return 0
    return 1 if alert.kind in LOST else _RANK.get(alert.priority, 0)


def no_service(stream: str, acknowledged: bool) -> Alert:
    """Give the alert that the service of a stream is gone, which only its subscriber can know."""
    state = AlertState.ACKNOWLEDGED if acknowledged else AlertState.RAISED
    kind, priority = AlertKind.STREAM_STALE, Priority.TECHNICAL
    return Alert(stream, NO_SERVICE, 0, kind, priority, state, 0, 0, "No service is there")
