"""Alerts about the equipment, which the service itself raises: no samples, not analysed. Pure.

Their numbers count downwards: the first has id -1, its first transition seq -1, and the next
transition of any of them seq -2. So the analysis gives the same numbers in a service and alone, and
no number comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.messages import Alert, AlertKind, AlertState, Priority


class EquipmentAlerts:
    """Holds at most one active alert of each kind for one stream.

    Parameters
    ----------
    stream
        Named on the alerts.
    last_id, last_seq
        The last numbers used before a restart of the service; 0 for none.
    active
        Alerts that were active then.
    """

    def __init__(
        self, stream: str, last_id: int = 0, last_seq: int = 0, active: Iterable[Alert] = ()
    ) -> None:
        self._stream = stream
        self._active = {alert.kind: alert for alert in active}
        self.last_id = last_id
        self.last_seq = last_seq

    @property
    def kinds(self) -> tuple[AlertKind, ...]:
        """Kinds of the active alerts."""
        return tuple(self._active)

    def raised(
        self, kind: AlertKind, onset_sample: int, sample: int, text: str, value: float | None = None
    ) -> list[Alert]:
        """Raise the alert, or update it where it is active with another text."""
        active = self._active.get(kind)
        if active is None:
            self.last_id -= 1
            alert = Alert(
                self._stream,
                self.last_id,
                0,
                kind,
                Priority.TECHNICAL,
                AlertState.RAISED,
                onset_sample,
                sample,
                text,
                value,
            )
        elif active.text == text:
            return []
        else:
            alert = replace(active, state=AlertState.UPDATED, sample=sample, text=text, value=value)
        return [self._numbered(alert)]

    def cleared(self, kind: AlertKind, sample: int) -> list[Alert]:
        """Clear the alert if it is active."""
        active = self._active.get(kind)
        if active is None:
            return []
        return [self._numbered(replace(active, state=AlertState.CLEARED, sample=sample))]

    def acknowledged(self, alert_id: int | None, sample: int) -> list[Alert]:
        """Acknowledge one active alert, or all of them (None)."""
        return [
            self._numbered(replace(alert, state=AlertState.ACKNOWLEDGED, sample=sample))
            for alert in list(self._active.values())
            if alert_id in (None, alert.id)
        ]

    def _numbered(self, alert: Alert) -> Alert:
        self.last_seq -= 1
        alert = replace(alert, seq=self.last_seq)
        if alert.state is AlertState.CLEARED:
            del self._active[alert.kind]
        else:
            self._active[alert.kind] = alert
        return alert
