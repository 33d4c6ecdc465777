"""The state of the dashboard: messages of many streams, folded into bounded memory.

Rules:

1. Pure: no terminal, no clock. The time of arrival is passed in, and only tells how long a stream
   has been silent. Everything else is placed by sample index.
2. Bounded: memory does not grow with time or with the number of streams.
3. A :class:`Snapshot` is a copy for display that later messages do not change.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median

from monitor.dashboard.events import EventLog
from monitor.dashboard.order import numbers_by_size, rank, urgency
from monitor.dashboard.snapshot import Snapshot
from monitor.dashboard.stream_state import CLEARED_SHOWN_S, StreamState
from monitor.feeds.feed import Status
from monitor.messages import Alert, Beat, Message, Priority, Snippet, StreamInfo

MAX_STREAMS = 600  # more than a service knows by default, so that none is lost quietly


@dataclass
class DashboardState:
    """Holds all streams: ``fold`` takes messages, ``snapshot`` gives what is shown."""

    streams: dict[str, StreamState] = field(default_factory=dict)
    status: Status = field(default_factory=lambda: Status(""))
    events: EventLog = field(default_factory=EventLog)

    def fold(self, message: Message | Status, now_s: float) -> None:
        """Take in one message; ``now_s`` is any clock that never goes back, in seconds."""
        if isinstance(message, Status) and not message.stream:
            self.status = message
            return
        stream = self.streams.get(message.stream)
        if stream is None:
            if len(self.streams) >= MAX_STREAMS:
                quietest = min(self.streams.values(), key=_needed)
                del self.streams[quietest.name]
                self.events.forget(quietest.name)
            stream = self.streams[message.stream] = StreamState(message.stream)
        stream.touched_s = now_s
        if isinstance(message, Status):
            stream.status = message
            return
        if isinstance(message, StreamInfo) and message != stream.info:
            self.events.forget(message.stream)  # numbers and samples begin anew
        stream.fold(message, now_s)
        self._note(message, stream)

    def _note(self, message: Message, stream: StreamState) -> None:
        match message:
            case Alert():
                new = self.events.note(message)
                if new and message.priority is Priority.TECHNICAL:  # none is published with it
                    strip = stream.strip_before(message.sample)
                    if strip is not None:
                        self.events.keep(new, strip)
            case Snippet():
                self.events.keep_snippet(message, stream.beats)
            case Beat():
                self.events.mark(message)
            case _:
                pass

    def names(self) -> tuple[str, ...]:
        """Give the names of the streams, in a fixed order: ``bed-2`` before ``bed-10``."""
        return tuple(sorted(self.streams, key=numbers_by_size))

    def after(self, name: str) -> str:
        """Give the stream after ``name``, the first after the last or for an unknown name."""
        names = self.names()
        if not names:
            return ""
        return names[(names.index(name) + 1) % len(names)] if name in names else names[0]

    def snapshot(self, name: str, now_s: float) -> Snapshot:
        """Copy what is shown of one stream; of the first one if ``name`` is not known."""
        names = self.names()
        if not names:
            return Snapshot.empty(self.status)
        name = name if name in names else names[0]
        s = self.streams[name]
        others = [(n, w) for n in names if n != name and (w := self.streams[n].worst())]
        lost = frozenset(n for n, _ in others if self.streams[n].unwatched)
        others.sort(key=lambda other: (rank(other[1]), other[0] not in lost))
        time_s = None
        cleared: tuple[Alert, ...] = ()
        if s.info is not None and s.ring is not None:
            rate_hz, end = s.info.rate_hz, s.ring.end_sample
            time_s = end / rate_hz if s.last_samples_s is not None else None
            recent = end - CLEARED_SHOWN_S * rate_hz
            cleared = tuple(a for a in reversed(s.cleared) if a.sample >= recent)
        return Snapshot(
            stream=name,
            number=names.index(name) + 1,
            streams=len(names),
            wave=s.wave(),
            quality=s.quality,
            vitals=s.valid_vitals(),
            rhythm=s.rhythm,
            active=tuple(sorted(s.active.values(), key=urgency)),
            cleared=cleared,
            stale_s=s.stale_s(now_s),
            finished=s.finished,
            time_s=time_s,
            latency_s=median(s.latencies_s) if s.latencies_s else None,
            lost_samples=max(s.status.lost_samples, s.missing_samples),
            status=s.status if s.status.text or not self.status.text else _with_text(s, self),
            others=tuple(others),
            stale=tuple(n for n, _ in others if n in lost),
        )


def _with_text(stream: StreamState, state: DashboardState) -> Status:
    own, feed = stream.status, state.status
    speed = feed.speed if own.speed is None else own.speed
    lag_s = feed.lag_s if own.lag_s is None else own.lag_s
    return replace(own, text=feed.text, speed=speed, lag_s=lag_s)


def _needed(stream: StreamState) -> tuple[bool, bool, float]:
    """Order streams by how much they are needed: one with alerts stays longest."""
    return bool(stream.active), not stream.finished, stream.touched_s
