"""When the terminal's bell sounds. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.messages import Alert, AlertState, Priority

REPEAT_S = {Priority.HIGH: 5.0, Priority.MEDIUM: 20.0}
"""A high or medium alarm sounds again until it is acknowledged; a lower one does not sound."""


class Bell:
    """Decides, frame by frame, whether to sound."""

    def __init__(self) -> None:
        self._last_s: dict[tuple[str, int], float] = {}

    def due(self, alerts: Iterable[Alert], now_s: float) -> bool:
        """Say whether any of the active alerts has to be heard now."""
        sounding: dict[tuple[str, int], float] = {}
        due = False
        for alert in alerts:
            repeat_s = REPEAT_S.get(alert.priority)
            if repeat_s is None or alert.state is AlertState.ACKNOWLEDGED:
                continue
            key = (alert.stream, alert.id)
            last_s = self._last_s.get(key)
            if last_s is None or now_s - last_s >= repeat_s:
                due = True
                last_s = now_s
            sounding[key] = last_s
        self._last_s = sounding
        return due
