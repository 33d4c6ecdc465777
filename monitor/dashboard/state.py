"""The state of the dashboard: messages of many streams, folded into bounded memory.

Rules:

1. Pure: no terminal, no clock. The time of arrival is passed in, and only tells how long a stream
   has been silent. Everything else is placed by sample index.
2. Bounded: memory does not grow with time or with the number of streams.
3. A :class:`Snapshot` is a copy for display that later messages do not change.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from statistics import median

from monitor.dashboard.envelope import Envelope
from monitor.dashboard.events import STRIP_S, EventLog, Strip, key_of
from monitor.dashboard.order import numbers_by_size, rank, urgency
from monitor.dashboard.snapshot import Snapshot, Wave
from monitor.dashboard.trends import Trends
from monitor.feeds.feed import Status
from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    Gap,
    GapKind,
    Message,
    Priority,
    Quality,
    Rhythm,
    Samples,
    Snippet,
    StreamInfo,
    Vitals,
)
from monitor.ring import Ring

MAX_STREAMS = 600  # more than a service knows by default, so that none is lost quietly
MAX_ACTIVE_ALERTS = 100  # of one stream; more cannot be shown
MAX_CLEARED_ALERTS = 20
MAX_BEATS = 300  # more than lie in SIGNAL_S at 300 beats per minute
MAX_QUALITIES = 300
SIGNAL_S = 30.0
CLEARED_SHOWN_S = 30.0
STALE_AFTER_S = 2.0
VITALS_VALID_S = 5.0


class StreamState:
    """Holds the state of one stream."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = Status(name)
        self.touched_s = 0.0
        self.trends = Trends()
        self.info: StreamInfo | None = None
        self._reset(None)

    def _reset(self, info: StreamInfo | None) -> None:
        if info != self.info:  # a service that comes back tells the same again
            self.trends = Trends()
        self.info = info
        self.ring: Ring | None = None
        self.envelope: Envelope | None = None
        if info is not None:
            size = round(SIGNAL_S * info.rate_hz)
            self.ring = Ring(size, len(info.leads), info.start_sample)
            self.envelope = Envelope(info.rate_hz, len(info.leads))
        self.beats: deque[Beat] = deque(maxlen=MAX_BEATS)
        self.latencies_s: deque[float] = deque(maxlen=61)
        self.quality: Quality | None = None
        self.qualities: deque[Quality] = deque(maxlen=MAX_QUALITIES)
        self.vitals: Vitals | None = None
        self.rhythm: str | None = None
        self.active: dict[int, Alert] = {}
        self.cleared: deque[Alert] = deque(maxlen=MAX_CLEARED_ALERTS)
        self.missing_samples = 0
        self.last_samples_s: float | None = None
        self.finished = False

    def fold(self, message: Message, now_s: float) -> None:
        """Take in one message of this stream."""
        match message:
            case Samples():
                self._samples(message, now_s)
            case Beat():
                self.beats.append(message)
                if self.info is not None:
                    latency = (message.decided_sample - message.sample) / self.info.rate_hz
                    self.latencies_s.append(latency)
            case Vitals():
                self.vitals = message
                if self.info is not None:
                    self.trends.add(message, self.info.rate_hz)
            case Quality():
                if self.quality is None or self.quality.leads != message.leads:
                    self.qualities.append(message)
                self.quality = message
            case Rhythm():
                self.rhythm = message.name
            case Alert():
                self._alert(message)
            case Gap(kind=GapKind.HOLE):
                self.missing_samples += message.length
            case StreamInfo():
                self._reset(message)
            case End():
                self.finished = True
            case _:
                pass

    def _samples(self, samples: Samples, now_s: float) -> None:
        values = samples.values_mv
        if self.ring is None or self.envelope is None or self.info is None:
            return  # the leads are not known before the announcement
        if values.ndim == 2 and values.shape[1] == len(self.info.leads):
            self.ring.write(samples.start_sample, values)
            self.envelope.write(samples.start_sample, values)
        self.last_samples_s = now_s
        self.finished = False

    def _alert(self, alert: Alert) -> None:
        # compared alert by alert: states repeat alerts in any order, and equipment alerts count
        # downwards
        known = self.active.get(alert.id) or next(
            (ended for ended in self.cleared if ended.id == alert.id), None
        )
        if known is not None and abs(alert.seq) <= abs(known.seq):
            return
        self.active.pop(alert.id, None)
        if alert.state is AlertState.CLEARED:
            self.cleared.append(alert)
            return
        self.active[alert.id] = alert
        if len(self.active) > MAX_ACTIVE_ALERTS:
            least = max(self.active.values(), key=lambda a: (rank(a.priority), -a.onset_sample))
            del self.active[least.id]

    def stale_s(self, now_s: float) -> float | None:
        """Give how long no samples have come (s), None while they come or are over."""
        if self.last_samples_s is None or (self.finished and not self.status.lost):
            return None
        silence_s = now_s - self.last_samples_s
        return silence_s if silence_s > STALE_AFTER_S else None

    def valid_vitals(self) -> Vitals | None:
        """Give the vitals, None if they are too old for the signal."""
        if self.vitals is None or self.info is None or self.ring is None:
            return self.vitals
        age = self.ring.end_sample - self.vitals.sample
        return self.vitals if age <= VITALS_VALID_S * self.info.rate_hz else None

    def strip_before(self, sample: int) -> Strip | None:
        """Cut the signal that ends with a sample, None if it is no longer or not yet here."""
        ring, info = self.ring, self.info
        if info is None or ring is None or not ring.oldest_sample <= sample < ring.end_sample:
            return None
        start = max(sample + 1 - round(STRIP_S * info.rate_hz), ring.oldest_sample)
        return Strip.of(start, ring.span(start, sample + 1), self.beats)

    @property
    def unwatched(self) -> bool:
        """Nobody watches the patient: no samples come, or the service is gone."""
        return self.status.lost or any(
            a.kind is AlertKind.STREAM_STALE for a in self.active.values()
        )

    def worst(self) -> Priority | None:
        """Give the highest priority among the active alerts."""
        lost = Priority.TECHNICAL if self.status.lost else None
        return min((a.priority for a in self.active.values()), key=rank, default=lost)


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
                        self.events.keep(key_of(message), strip)
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
        wave = _wave(s)
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
            wave=wave,
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


def _wave(stream: StreamState) -> Wave | None:
    if stream.info is None or stream.ring is None:
        return None
    start, values = stream.ring.read(round(SIGNAL_S * stream.info.rate_hz))
    known = [*stream.cleared, *stream.active.values()]
    return Wave(
        info=stream.info,
        start_sample=start,
        values_mv=values,
        beats=tuple((b.sample, b.label) for b in stream.beats if b.sample >= start),
        onsets=tuple((a.onset_sample, a.priority) for a in known if a.onset_sample >= start),
        qualities=tuple(stream.qualities),
    )
