"""The alerts of the streams, also past ones, and the strip of signal that belongs to each. Pure.

Rules:

1. An event is one alert through its life, told apart by its number and its onset.
2. Bounded: so many events of each stream, and so much signal of all of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from monitor.messages import AamiClass, Alert, AlertState, Beat, FloatArray, Snippet

MAX_EVENTS = 200  # of one stream
MAX_STRIP_BYTES = 64 * 2**20  # of all streams
MAX_LISTED = 500
STRIP_S = 10.0

EventKey: TypeAlias = tuple[str, int, int]
"""Stream, number of the alert, sample of its onset."""


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


def key_of(alert: Alert) -> EventKey:
    """Give what tells an alert from the others, through its life."""
    return alert.stream, alert.id, alert.onset_sample


class EventLog:
    """Keeps the events of all streams."""

    def __init__(self) -> None:
        self._events: dict[str, OrderedDict[EventKey, Alert]] = {}
        self._strips: OrderedDict[EventKey, Strip] = OrderedDict()
        self._bytes = 0
        self._order: OrderedDict[EventKey, None] = OrderedDict()  # of all streams, as they came

    def note(self, alert: Alert) -> bool:
        """Take in a transition; tell whether the event is a new one."""
        of_stream = self._events.setdefault(alert.stream, OrderedDict())
        key = key_of(alert)
        known = of_stream.get(key)
        if known is not None:
            # states repeat alerts in any order; equipment alerts count downwards
            if abs(alert.seq) > abs(known.seq):
                of_stream[key] = alert
            return False
        of_stream[key] = alert
        self._order[key] = None
        if len(of_stream) > MAX_EVENTS:
            self._drop_one(of_stream)
        return True

    def _drop_one(self, of_stream: OrderedDict[EventKey, Alert]) -> None:
        ended = (k for k, e in of_stream.items() if e.state is AlertState.CLEARED)
        key = next(ended, next(iter(of_stream)))
        del of_stream[key]
        del self._order[key]
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
        key = self._newest_with(snippet.stream, snippet.alert_id)
        if key is not None:
            self.keep(key, Strip.of(snippet.start_sample, snippet.values_mv, beats))

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
            del self._order[key]
            self._forget_strip(key)

    def events(self, stream: str = "", limit: int = MAX_LISTED) -> tuple[Alert, ...]:
        """Give what was last said of each event of a stream, or of all, the newest event first."""
        keys = reversed(self._events.get(stream, OrderedDict()) if stream else self._order)
        return tuple(self._events[key[0]][key] for key in islice(keys, limit))

    def strip(self, key: EventKey) -> Strip | None:
        """Give the strip of an event, if it is kept."""
        return self._strips.get(key)

    def _newest_with(self, stream: str, alert_id: int) -> EventKey | None:
        keys = reversed(self._events.get(stream, OrderedDict()))
        return next((key for key in keys if key[1] == alert_id), None)

    def _forget_strip(self, key: EventKey) -> None:
        strip = self._strips.pop(key, None)
        if strip is not None:
            self._bytes -= strip.values_mv.nbytes
