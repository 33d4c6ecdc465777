"""The alerts of one stream: numbered through all its analyses and lives, which of them are active.

Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from monitor.config import AlarmSettings
from monitor.messages import Alert, AlertKind, AlertState, Event, Priority
from monitor.service.carried import CarriedAlerts
from monitor.service.memory import StreamMemory
from monitor.service.numbering import AlertNumbers
from monitor.service.technical import TechnicalAlerts

SHOW_CLEARED_TICKS = 10
SHOW_CLEARED = 50
STATE_BEATS = 100
ONCE_SEEN = frozenset({AlertKind.SENDER_CHANGED})  # over when it is acknowledged


class AlertBook:
    """Takes what the analysis finds and what the service finds itself; gives it numbered.

    Parameters
    ----------
    stream
        Named on the alerts.
    rate_hz
        Sampling rate.
    memory
        Of an earlier life: its numbers and alerts go on.
    """

    def __init__(self, stream: str, rate_hz: float, memory: StreamMemory | None = None) -> None:
        self._numbers = AlertNumbers()
        self._technical = TechnicalAlerts(stream)
        self._rate_hz = rate_hz
        self._active: dict[int, Alert] = {}
        self._cleared: deque[_Cleared] = deque(maxlen=SHOW_CLEARED)
        self._carried = CarriedAlerts((), rate_hz, 0.0)
        if memory is None:
            return
        self._numbers = AlertNumbers(memory.last_id, memory.last_seq)
        self._active = {alert.id: alert for alert in memory.alerts}
        self._technical = TechnicalAlerts(
            stream,
            memory.last_technical_id,
            memory.last_technical_seq,
            (alert for alert in memory.alerts if alert.id < 0),
        )
        clear_s = (memory.limits or AlarmSettings()).suspended_clear_s
        judged = (alert for alert in memory.alerts if alert.id >= 0)
        self._carried = CarriedAlerts(judged, rate_hz, clear_s, over=memory.ended)

    @property
    def last_numbers(self) -> tuple[int, int, int, int]:
        """Last id and seq of the analysis, last id and seq of our own alerts."""
        ours = self._technical.last_id, self._technical.last_seq
        return (self._numbers.last_id, self._numbers.last_seq, *ours)

    @property
    def active(self) -> tuple[Alert, ...]:
        """Last transition of every active alert; the evidence in full went out with itself."""
        return _shortened(self._active.values())

    @property
    def shown(self) -> tuple[Alert, ...]:
        """The active alerts, and those that ended in the last seconds."""
        return (*self.active, *_shortened(cleared.alert for cleared in self._cleared))

    def analysed(
        self, events: Iterable[Event], length: int, judges: bool, sample: int
    ) -> list[Event]:
        """Take what the analysis made of ``length`` samples; ``judges``: it could say all."""
        events = list(events)
        return [
            *self.found(events),
            *self._unknown(self._carried.follow(events, length, judges), sample),
        ]

    def found(self, events: Iterable[Event]) -> list[Event]:
        """Take what the analysis gives without new samples."""
        return self._noted(self._numbers.shift(event) for event in events)

    def raised(
        self, kind: AlertKind, onset_sample: int, sample: int, text: str, value: float | None = None
    ) -> list[Event]:
        """Raise an alert of our own, or update it where it is active with another text."""
        return self._noted(self._technical.raised(kind, onset_sample, sample, text, value))

    def cleared(self, sample: int, *kinds: AlertKind, why: str = "") -> list[Event]:
        """Clear alerts of our own, where they are active."""
        gone = (a for kind in kinds for a in self._technical.cleared(kind, sample))
        return self._noted(replace(a, text=_because(a.text, why)) for a in gone)

    def acknowledged(self, alert_id: int | None, sample: int) -> list[Event]:
        """Acknowledge those (all: None) that the present analysis does not know."""
        ours = self._noted(self._technical.acknowledged(alert_id, sample))
        seen = [a.kind for a in ours if isinstance(a, Alert) and a.kind in ONCE_SEEN]
        return [
            *ours,
            *self.cleared(sample, *seen),
            *self._unknown(self._carried.acknowledge(alert_id), sample),
        ]

    def own_id(self, alert_id: int | None) -> int | None:
        """Give the number of an alert within the present analysis."""
        return self._numbers.own_id(alert_id)

    @property
    def alarming(self) -> bool:
        """A lethal alarm has not been acknowledged."""
        return any(map(_alarming, self._active.values()))

    def has(self, kind: AlertKind) -> bool:
        """Tell whether an alert of our own is active."""
        return kind in self._technical.kinds

    def next_run(self) -> None:
        """Prepare for a new analysis; what the last one left active can be acknowledged still."""
        self._numbers.next_run()
        left = (alert for alert in self._active.values() if alert.id >= 0)
        self._carried = CarriedAlerts(left, self._rate_hz, 0.0, over=True)

    def begin_anew(self, sample: int) -> list[Event]:
        """Clear what a finished analysis left active: the next one judges anew.

        What a person must see first stays: a lethal alarm that nobody has acknowledged, and that
        another device sends.
        """
        kinds = (kind for kind in self._technical.kinds if kind is not AlertKind.SENDER_CHANGED)
        out = self.cleared(sample, *kinds)
        judged = [alert for alert in self._active.values() if alert.id >= 0]
        self._carried = CarriedAlerts(filter(_alarming, judged), self._rate_hz, 0.0, over=True)
        over = (replace(a, state=AlertState.CLEARED) for a in judged if not _alarming(a))
        return [*out, *self._unknown(over, sample)]

    def clear_all(self, sample: int, why: str = "") -> list[Event]:
        """Clear everything, for the reason given."""
        out = self.cleared(sample, *self._technical.kinds, why=why)
        self._carried.forget()
        active = [
            replace(a, state=AlertState.CLEARED, text=_because(a.text, why))
            for a in self._active.values()
        ]
        return [*out, *self._unknown(active, sample)]

    def tick(self) -> None:
        """Count the seconds for which what has ended is shown."""
        for cleared in list(self._cleared):
            cleared.ticks -= 1
            if not cleared.ticks:
                self._cleared.remove(cleared)

    def _unknown(self, alerts: Iterable[Alert], sample: int) -> list[Event]:
        """Give transitions of alerts that the present analysis does not know their numbers."""
        out: list[Event] = []
        for alert in alerts:
            at, seq = max(alert.sample, sample), self._numbers.next_seq()
            out += self._noted([replace(alert, sample=at, seq=seq)])
        return out

    def _noted(self, events: Iterable[Event]) -> list[Event]:
        """Keep account of which alerts are active."""
        out: list[Event] = []
        for event in events:
            out.append(event)
            if isinstance(event, Alert):
                self._active.pop(event.id, None)
                if event.state is AlertState.CLEARED:
                    self._cleared.append(_Cleared(event, SHOW_CLEARED_TICKS))
                else:
                    self._active[event.id] = event
        return out


@dataclass(slots=True, eq=False)
class _Cleared:
    """An alert that is over, to be shown for some more ticks."""

    alert: Alert
    ticks: int


def _alarming(alert: Alert) -> bool:
    return alert.priority is Priority.HIGH and alert.state is not AlertState.ACKNOWLEDGED


def _because(text: str, why: str) -> str:
    return f"{text} ({why})" if why else text


def _shortened(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    return tuple(replace(alert, beats=alert.beats[-STATE_BEATS:]) for alert in alerts)
