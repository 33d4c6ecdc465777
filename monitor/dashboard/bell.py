"""When the terminal's bell sounds. Pure.

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
"""Nobody watches the patient: these sound as one of medium priority."""

PAUSE_S = 120.0
_RANK = {Priority.MEDIUM: 1, Priority.HIGH: 2}
_REPEAT_S = {1: REPEAT_S[Priority.MEDIUM], 2: REPEAT_S[Priority.HIGH]}


class Bell:
    """Decides, frame by frame, whether to sound."""

    def __init__(self) -> None:
        self._last_s: dict[tuple[str, int], float] = {}
        self._paused_until_s = 0.0
        self._breaks_through = 0  # rank that an alarm must exceed to end the pause

    def pause(self, alerts: Sequence[Alert], now_s: float) -> None:
        """Pause the bell, or end the pause that is on."""
        if self.paused_for_s(now_s) > 0.0:
            self._paused_until_s = now_s
            return
        self._paused_until_s = now_s + PAUSE_S
        self._breaks_through = max((_rank(alert) for alert in alerts), default=0)

    def paused_for_s(self, now_s: float) -> float:
        """Give how long the pause still lasts; 0 if there is none."""
        return max(self._paused_until_s - now_s, 0.0)

    def due(self, alerts: Sequence[Alert], now_s: float) -> bool:
        """Say whether any of the active alerts has to be heard now."""
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
    """Give 0 for an alert that is not to be heard, more the higher its priority."""
    if alert.state is AlertState.ACKNOWLEDGED:
        return 0
    return 1 if alert.kind in LOST else _RANK.get(alert.priority, 0)
