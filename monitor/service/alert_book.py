"""The alerts of one stream: their numbers, over all analyses and restarts, and which are active.

Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from monitor.config import AlarmSettings
from monitor.messages import Alert, AlertKind, AlertState, Event, Priority, Snippet
from monitor.service.memory import StreamMemory
from monitor.service.outside_alerts import EquipmentAlerts, RestoredAlerts

SHOW_CLEARED_TICKS = 10  # seconds in which a display that joins late still sees the end
SHOW_CLEARED = 50  # bounds the size of a state
STATE_BEATS = 100  # likewise, for each alert
ONCE_SEEN = frozenset({AlertKind.SENDER_CHANGED})  # over when it is acknowledged


class AlertNumbers:
    """Continues the alert numbers of one stream over its analyses.

    The first analysis keeps its own numbers, unless others have been used before.

    Parameters
    ----------
    last_id, last_seq
        The last numbers used before a restart of the service; -1 for none.
    """

    def __init__(self, last_id: int = -1, last_seq: int = -1) -> None:
        self.last_id, self.last_seq = last_id, last_seq
        self._id_offset: int | None = 0 if last_id < 0 else None
        self._seq_offset = 0

    def next_run(self) -> None:
        """Prepare for a new pipeline, which counts from its own beginning."""
        self._id_offset = None

    def next_seq(self) -> int:
        """Take a number for a transition that the present analysis does not make."""
        self.last_seq += 1
        self._seq_offset += 1
        return self.last_seq

    def shift(self, event: Event) -> Event:
        """Give the event with the numbers that subscribers see."""
        if isinstance(event, Snippet):  # follows its alert: the offsets are known
            alert_id, seq = event.alert_id + (self._id_offset or 0), event.seq + self._seq_offset
            return replace(event, alert_id=alert_id, seq=seq)
        if not isinstance(event, Alert):
            return event
        if self._id_offset is None:
            self._id_offset = self.last_id + 1 - event.id
            self._seq_offset = self.last_seq + 1 - event.seq
        if self._id_offset or self._seq_offset:
            event = replace(event, id=event.id + self._id_offset, seq=event.seq + self._seq_offset)
        self.last_id, self.last_seq = max(self.last_id, event.id), event.seq
        return event

    def own_id(self, alert_id: int | None) -> int | None:
        """Give the number of an alert within the present analysis."""
        return None if alert_id is None else alert_id - (self._id_offset or 0)


class AlertBook:
    """Numbers the alerts of the analysis and of the service, and knows which are active.

    Parameters
    ----------
    stream
        Name of the stream.
    rate_hz
        Sampling rate.
    memory
        State from before a restart: its numbers and alerts continue.
    """

    def __init__(self, stream: str, rate_hz: float, memory: StreamMemory | None = None) -> None:
        self._numbers = AlertNumbers()
        self._equipment = EquipmentAlerts(stream)
        self._rate_hz = rate_hz
        self._active: dict[int, Alert] = {}
        self._cleared: deque[_Cleared] = deque(maxlen=SHOW_CLEARED)
        self._restored = RestoredAlerts((), rate_hz, 0.0)
        if memory is None:
            return
        self._numbers = AlertNumbers(memory.last_id, memory.last_seq)
        self._active = {alert.id: alert for alert in memory.alerts}
        self._equipment = EquipmentAlerts(
            stream,
            memory.last_technical_id,
            memory.last_technical_seq,
            (alert for alert in memory.alerts if alert.id < 0),
        )
        clear_s = (memory.limits or AlarmSettings()).suspended_clear_s
        judged = (alert for alert in memory.alerts if alert.id >= 0)
        self._restored = RestoredAlerts(judged, rate_hz, clear_s, over=memory.ended)

    @property
    def last_numbers(self) -> tuple[int, int, int, int]:
        """Last id and seq of the analysis, last id and seq of the equipment alerts."""
        equipment = self._equipment.last_id, self._equipment.last_seq
        return (self._numbers.last_id, self._numbers.last_seq, *equipment)

    @property
    def active(self) -> tuple[Alert, ...]:
        """Last transition of every active alert, with its newest beats only."""
        return _shortened(self._active.values())

    @property
    def shown(self) -> tuple[Alert, ...]:
        """The active alerts, and those that ended in the last seconds."""
        return (*self.active, *_shortened(cleared.alert for cleared in self._cleared))

    def analysed(
        self, events: Iterable[Event], length: int, judges: bool, sample: int
    ) -> list[Event]:
        """Take the events of ``length`` samples; ``judges``: every alarm could have been raised."""
        events = list(events)
        return [
            *self.found(events),
            *self._unknown(self._restored.follow(events, length, judges), sample),
        ]

    def found(self, events: Iterable[Event]) -> list[Event]:
        """Take events of the analysis that came without new samples."""
        return self._noted(self._numbers.shift(event) for event in events)

    def raised(
        self, kind: AlertKind, onset_sample: int, sample: int, text: str, value: float | None = None
    ) -> list[Event]:
        """Raise an equipment alert, or update an active one that has another text."""
        return self._noted(self._equipment.raised(kind, onset_sample, sample, text, value))

    def cleared(self, sample: int, *kinds: AlertKind, why: str = "") -> list[Event]:
        """Clear the equipment alerts of these kinds that are active."""
        gone = (a for kind in kinds for a in self._equipment.cleared(kind, sample))
        return self._noted(replace(a, text=_because(a.text, why)) for a in gone)

    def acknowledged(self, alert_id: int | None, sample: int) -> list[Event]:
        """Acknowledge one alert, or all (None), that the present analysis does not know."""
        equipment = self._noted(self._equipment.acknowledged(alert_id, sample))
        seen = [a.kind for a in equipment if isinstance(a, Alert) and a.kind in ONCE_SEEN]
        return [
            *equipment,
            *self.cleared(sample, *seen),
            *self._unknown(self._restored.acknowledge(alert_id), sample),
        ]

    def own_id(self, alert_id: int | None) -> int | None:
        """Give the number of an alert within the present analysis."""
        return self._numbers.own_id(alert_id)

    @property
    def alarming(self) -> bool:
        """A lethal alarm has not been acknowledged."""
        return any(map(_alarming, self._active.values()))

    def has(self, kind: AlertKind) -> bool:
        """Tell whether an equipment alert of this kind is active."""
        return kind in self._equipment.kinds

    def next_run(self) -> None:
        """Prepare for a new analysis; the alerts that the last one left active stay."""
        self._numbers.next_run()
        left = (alert for alert in self._active.values() if alert.id >= 0)
        self._restored = RestoredAlerts(left, self._rate_hz, 0.0, over=True)

    def begin_anew(self, sample: int) -> list[Event]:
        """Clear what a finished analysis left active: the next one judges anew.

        Two kinds stay until a person has seen them: a lethal alarm that nobody has acknowledged,
        and the alert that another device sends.
        """
        kinds = (kind for kind in self._equipment.kinds if kind is not AlertKind.SENDER_CHANGED)
        out = self.cleared(sample, *kinds)
        judged = [alert for alert in self._active.values() if alert.id >= 0]
        self._restored = RestoredAlerts(filter(_alarming, judged), self._rate_hz, 0.0, over=True)
        over = (replace(a, state=AlertState.CLEARED) for a in judged if not _alarming(a))
        return [*out, *self._unknown(over, sample)]

    def clear_all(self, sample: int, why: str = "") -> list[Event]:
        """Clear all alerts, for the reason given."""
        out = self.cleared(sample, *self._equipment.kinds, why=why)
        self._restored.forget()
        active = [
            replace(a, state=AlertState.CLEARED, text=_because(a.text, why))
            for a in self._active.values()
        ]
        return [*out, *self._unknown(active, sample)]

    def tick(self) -> None:
        """Count the seconds for which a cleared alert is shown."""
        for cleared in list(self._cleared):
            cleared.ticks -= 1
            if not cleared.ticks:
                self._cleared.remove(cleared)

    def _unknown(self, alerts: Iterable[Alert], sample: int) -> list[Event]:
        """Give their numbers to transitions of alerts that the present analysis does not know."""
        out: list[Event] = []
        for alert in alerts:
            at, seq = max(alert.sample, sample), self._numbers.next_seq()
            out += self._noted([replace(alert, sample=at, seq=seq)])
        return out

    def _noted(self, events: Iterable[Event]) -> list[Event]:
        """Note which alerts are active."""
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
