"""The alerts of the streams, also past ones, and the strip of signal that belongs to each. Pure.

Rules:

1. An event is one alert through its life. Its onset is the first that was told: the onset that an
   update gives is that of what the update rests on.
2. Bounded: so many events of each stream, and so much signal of all of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from monitor.messages import AamiClass, Alert, AlertKind, AlertState, Beat, FloatArray, Snippet

MAX_EVENTS = 200  # of one stream
MAX_STRIP_BYTES = 64 * 2**20  # of all streams
MAX_LISTED = 500
STRIP_S = 10.0

EventKey: TypeAlias = tuple[str, int, int]
"""Stream, number of the alert, and which alert of this number."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """The signal before an alert: ``values_mv`` of shape (n, leads), mV, and the beats in it."""

    start_sample: int
    values_mv: FloatArray
    beats: tuple[tuple[int, AamiClass], ...] = ()

    @classmethod
    def of(cls, start_sample: int, values_mv: FloatArray, beats: Iterable[Beat]) -> Strip:
        """Make a strip with those of the beats that lie in it."""
        end = start_sample + len(values_mv)
        marks = tuple((b.sample, b.label) for b in beats if start_sample <= b.sample < end)
        return cls(start_sample, values_mv, marks)

    @property
    def end_sample(self) -> int:
        """Index just past the last sample."""
        return self.start_sample + len(self.values_mv)


@dataclass(frozen=True, slots=True)
class Event:
    """One alert: what was last said of it, and where it began."""

    key: EventKey
    alert: Alert
    onset_sample: int


class EventLog:
    """Keeps the events of all streams."""

    def __init__(self) -> None:
        self._events: dict[str, OrderedDict[EventKey, Event]] = {}
        self._order: OrderedDict[EventKey, None] = OrderedDict()  # of all streams, as they came
        self._current: dict[tuple[str, int], EventKey] = {}  # newest event of each alert number
        self._strips: OrderedDict[EventKey, Strip] = OrderedDict()
        self._bytes = 0
        self._number = 0

    def note(self, alert: Alert) -> EventKey | None:
        """Take in a transition; give the key of the event if it is a new one."""
        of_stream = self._events.setdefault(alert.stream, OrderedDict())
        known = self.of_alert(alert.stream, alert.id)
        if known is not None and not _begins_anew(alert, known.alert):
            # states repeat alerts in any order; equipment alerts count downwards
            if abs(alert.seq) > abs(known.alert.seq):
                onset = min(known.onset_sample, alert.onset_sample)
                of_stream[known.key] = Event(known.key, alert, onset)
            return None
        self._number += 1
        key = alert.stream, alert.id, self._number
        of_stream[key] = Event(key, alert, alert.onset_sample)
        self._order[key] = None
        self._current[alert.stream, alert.id] = key
        if len(of_stream) > MAX_EVENTS:
            self._drop_one(of_stream)
        return key

    def of_alert(self, stream: str, alert_id: int) -> Event | None:
        """Give the newest event of an alert's number."""
        key = self._current.get((stream, alert_id))
        return None if key is None else self._events[stream][key]

    def _drop_one(self, of_stream: OrderedDict[EventKey, Event]) -> None:
        ended = (k for k, e in of_stream.items() if e.alert.state is AlertState.CLEARED)
        key = next(ended, next(iter(of_stream)))
        del of_stream[key]
        self._forget(key)

    def _forget(self, key: EventKey) -> None:
        del self._order[key]
        if self._current.get(key[:2]) == key:
            del self._current[key[:2]]
        self._forget_strip(key)

    def keep(self, key: EventKey, strip: Strip) -> None:
        """Keep the strip of an event; the oldest strips go when there are too many."""
        self._forget_strip(key)
        self._strips[key] = strip
        self._bytes += strip.values_mv.nbytes
        while self._bytes > MAX_STRIP_BYTES and len(self._strips) > 1:
            self._forget_strip(next(iter(self._strips)))

    def keep_snippet(self, snippet: Snippet, beats: Iterable[Beat]) -> None:
        """Keep the signal that was published with an alert, and the beats known in it."""
        event = self.of_alert(snippet.stream, snippet.alert_id)
        if event is not None:
            self.keep(event.key, Strip.of(snippet.start_sample, snippet.values_mv, beats))

    def mark(self, beat: Beat) -> None:
        """Add a beat to the strips in which it lies: labels come after the signal."""
        for key in reversed(self._events.get(beat.stream, ())):
            strip = self._strips.get(key)
            if strip is None:
                continue
            if strip.end_sample <= beat.sample:
                return  # so do those before it
            if strip.start_sample <= beat.sample:
                marks = tuple(sorted({*strip.beats, (beat.sample, beat.label)}))
                self._strips[key] = replace(strip, beats=marks)

    def forget(self, stream: str) -> None:
        """Forget a stream."""
        for key in self._events.pop(stream, ()):
            self._forget(key)

    def events(self, stream: str = "", limit: int = MAX_LISTED) -> tuple[Event, ...]:
        """Give the events of a stream, or of all, the newest first.

        That the detector has finished learning is told of every stream, and is left out.
        """
        keys = reversed(self._events.get(stream, OrderedDict()) if stream else self._order)
        events = (self._events[key[0]][key] for key in keys)
        return tuple(islice((event for event in events if not _learned(event)), limit))

    def strip(self, key: EventKey) -> Strip | None:
        """Give the strip of an event, if it is kept."""
        return self._strips.get(key)

    def _forget_strip(self, key: EventKey) -> None:
        strip = self._strips.pop(key, None)
        if strip is not None:
            self._bytes -= strip.values_mv.nbytes


def _begins_anew(alert: Alert, known: Alert) -> bool:
    """Tell whether a number has been given to another alert, after a restart of the service."""
    return known.state is AlertState.CLEARED and alert.onset_sample > known.sample


def _learned(event: Event) -> bool:
    return event.alert.kind is AlertKind.LEARNING and event.alert.state is AlertState.CLEARED
