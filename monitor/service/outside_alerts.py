"""Alerts of one stream that its present analysis does not make. Pure.

Equipment alerts are raised by the service itself: no samples, not analysed. Their numbers count
downwards: the first has id -1, its first transition seq -1, and the next transition of any of them
seq -2. So the analysis gives the same numbers in a service and alone, and no number comes twice.

Restored alarms were left active by a former analysis: before a restart, or before the stream ended.
Rules:

1. A restored alarm is active from the start. Only the rules below clear it.
2. When the present analysis raises an alarm of the same kind, the new alarm replaces it: first the
   new one is raised, then the restored one is cleared.
3. When the analysis has judged the signal for :data:`JUDGED_S` without raising it, the alarm is
   over and is cleared. One that latches stays until it is acknowledged.
4. While the signal cannot be judged, a missing alarm proves nothing. After ``suspended_clear_s``
   of that, an alarm that does not latch is cleared.
5. The alarms of a stream that has ended are over. They stay until they are acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.messages import Alert, AlertKind, AlertState, Event, Priority

JUDGED_S = 30.0  # the slowest lasting alarm, AF, is found again within this time


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


class RestoredAlerts:
    """Follows the restored alarms; the caller sets ``seq`` and ``sample`` of what it gives.

    Parameters
    ----------
    alerts
        Active alarms, in the state last published.
    rate_hz
        Sampling rate of the stream.
    suspended_clear_s
        See :class:`monitor.config.AlarmSettings`.
    over
        The stream has ended.
    """

    def __init__(
        self,
        alerts: Iterable[Alert],
        rate_hz: float,
        suspended_clear_s: float,
        over: bool = False,
    ) -> None:
        self._alerts = {alert.id: alert for alert in alerts}
        self._judge_samples = JUDGED_S * rate_hz
        self._suspend_samples = suspended_clear_s * rate_hz
        self._judged = self._suspended = 0
        self._judges = False
        self._over = over

    def follow(self, events: Iterable[Event], length: int, judges: bool) -> list[Alert]:
        """Take the events of ``length`` samples; ``judges``: every alarm could have been raised."""
        if not self._alerts:
            return []
        # the samples that end the learning do not count as judged
        self._judged += length if judges and self._judges else 0
        self._judges = judges
        self._suspended = 0 if judges else self._suspended + length
        raised = {
            event.kind
            for event in events
            if isinstance(event, Alert) and event.state is AlertState.RAISED
        }
        out: list[Alert] = []
        for alert in list(self._alerts.values()):
            latched = alert.kind.latching and alert.state is not AlertState.ACKNOWLEDGED
            if alert.kind in raised:
                out.append(self._cleared(alert, "followed by a new one"))
            elif self._judged >= self._judge_samples and not latched:
                out.append(self._cleared(alert, "ended"))
            elif self._suspended >= self._suspend_samples and not latched:
                out.append(self._cleared(alert, "signal lost"))
        return out

    def acknowledge(self, alert_id: int | None) -> list[Alert]:
        """Acknowledge one alarm or all (None); clear those that are over."""
        out: list[Alert] = []
        for alert in list(self._alerts.values()):
            if alert_id not in (None, alert.id) or alert.state is AlertState.ACKNOWLEDGED:
                continue
            self._alerts[alert.id] = replace(alert, state=AlertState.ACKNOWLEDGED)
            out.append(self._alerts[alert.id])
            if self._over or self._judged >= self._judge_samples:
                out.append(self._cleared(alert, "ended"))
        return out

    def forget(self) -> None:
        """Drop all alarms without a transition: the caller has cleared them."""
        self._alerts.clear()

    def _cleared(self, alert: Alert, why: str) -> Alert:
        del self._alerts[alert.id]
        text = f"{alert.text.removesuffix(f' ({why})')} ({why})"
        return replace(alert, state=AlertState.CLEARED, text=text)
