"""What the dashboard knows: messages folded into a bounded state, for many streams.

Rules:

1. Pure: no terminal, no clock. The time of arrival is passed in and used for one thing only,
   to tell how long a stream has been silent; everything else is placed by sample index.
2. Bounded: however long a stream runs and however many there are, memory does not grow.
3. What is shown is taken as a :class:`Snapshot`, a copy that later messages do not change.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from statistics import median

from monitor.feed import Status
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    FloatArray,
    Gap,
    GapKind,
    Message,
    Priority,
    Quality,
    Rhythm,
    Samples,
    StreamInfo,
    Vitals,
)
from monitor.ring import Ring

MAX_STREAMS = 600  # more than a service knows by default: none is lost quietly
MAX_ACTIVE_ALERTS = 100
MAX_CLEARED_ALERTS = 20
MAX_BEATS = 300
MAX_QUALITIES = 300
SIGNAL_S = 30.0
CLEARED_SHOWN_S = 30.0
STALE_AFTER_S = 2.0
VITALS_VALID_S = 5.0

PRIORITY_ORDER = (Priority.HIGH, Priority.MEDIUM, Priority.LOW, Priority.TECHNICAL)


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """The signal to draw: ``values_mv`` of shape (n, leads) from ``start_sample`` on.

    Each of ``qualities`` holds from its sample to that of the next.
    """

    info: StreamInfo
    start_sample: int
    values_mv: FloatArray
    beats: tuple[tuple[int, AamiClass], ...]
    onsets: tuple[tuple[int, Priority], ...]
    qualities: tuple[Quality, ...] = ()

    @property
    def end_sample(self) -> int:
        """Index just past the newest sample."""
        return self.start_sample + len(self.values_mv)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One stream at one moment, and how it goes with the others.

    ``stale_s`` is the silence in seconds once it is too long, else None. ``time_s`` is
    where the newest sample lies in the signal. ``others`` are other streams with active alerts,
    the most urgent first; ``stale`` those among them whose patients nobody watches.
    """

    stream: str
    number: int
    streams: int
    wave: Wave | None
    quality: Quality | None
    vitals: Vitals | None
    rhythm: str | None
    active: tuple[Alert, ...]
    cleared: tuple[Alert, ...]
    stale_s: float | None
    finished: bool
    time_s: float | None
    latency_s: float | None
    lost_samples: int
    status: Status
    others: tuple[tuple[str, Priority], ...]
    stale: tuple[str, ...] = ()


class StreamState:
    """Everything kept of one stream."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = Status(name)
        self.touched_s = 0.0
        self._reset(None)

    def _reset(self, info: StreamInfo | None) -> None:
        self.info = info
        self.ring: Ring | None = None
        if info is not None:
            size = round(SIGNAL_S * info.rate_hz)
            self.ring = Ring(size, len(info.leads), info.start_sample)
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
        if self.ring is None or self.info is None:
            return  # nothing can be drawn before the stream has introduced itself
        if values.ndim == 2 and values.shape[1] == len(self.info.leads):
            self.ring.write(samples.start_sample, values)
        self.last_samples_s = now_s
        self.finished = False

    def _alert(self, alert: Alert) -> None:
        # each alert by itself: states tell of alerts again, in any order, and technical
        # alerts count downwards
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
            least = max(self.active.values(), key=lambda a: (_rank(a.priority), -a.onset_sample))
            del self.active[least.id]

    @property
    def unwatched(self) -> bool:
        """Nobody watches the patient: no samples come, or no service is there."""
        return self.status.lost or any(
            a.kind is AlertKind.STREAM_STALE for a in self.active.values()
        )

    def worst(self) -> Priority | None:
        """Give the highest priority among the active alerts."""
        lost = Priority.TECHNICAL if self.status.lost else None
        return min((a.priority for a in self.active.values()), key=_rank, default=lost)


@dataclass
class DashboardState:
    """All streams; ``fold`` takes messages in, ``snapshot`` gives out what is shown."""

    streams: dict[str, StreamState] = field(default_factory=dict)
    status: Status = field(default_factory=lambda: Status(""))

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
            stream = self.streams[message.stream] = StreamState(message.stream)
        stream.touched_s = now_s
        if isinstance(message, Status):
            stream.status = message
        else:
            stream.fold(message, now_s)

    def names(self) -> tuple[str, ...]:
        """Give the names of the streams, in a fixed order: ``bed-2`` before ``bed-10``."""
        return tuple(sorted(self.streams, key=_numbers_by_size))

    def after(self, name: str) -> str:
        """Give the stream that follows ``name``, round about; the first if there is no such."""
        names = self.names()
        if not names:
            return ""
        return names[(names.index(name) + 1) % len(names)] if name in names else names[0]

    def snapshot(self, name: str, now_s: float) -> Snapshot:
        """Copy what is to be shown of one stream; any stream when ``name`` is not known."""
        names = self.names()
        if not names:
            return _empty(self.status)
        name = name if name in names else names[0]
        s = self.streams[name]
        others = [(n, w) for n in names if n != name and (w := self.streams[n].worst())]
        lost = frozenset(n for n, _ in others if self.streams[n].unwatched)
        others.sort(key=lambda other: (_rank(other[1]), other[0] not in lost))
        silence_s = None if s.last_samples_s is None else now_s - s.last_samples_s
        silent = silence_s is not None and silence_s > STALE_AFTER_S
        stale = silent and (s.status.lost or not s.finished)
        wave = _wave(s)
        time_s = None
        vitals = s.vitals
        cleared: tuple[Alert, ...] = ()
        if s.info is not None and s.ring is not None:
            rate_hz, end = s.info.rate_hz, s.ring.end_sample
            time_s = end / rate_hz if s.last_samples_s is not None else None
            if vitals is not None and end - vitals.sample > VITALS_VALID_S * rate_hz:
                vitals = None
            recent = end - CLEARED_SHOWN_S * rate_hz
            cleared = tuple(a for a in reversed(s.cleared) if a.sample >= recent)
        return Snapshot(
            stream=name,
            number=names.index(name) + 1,
            streams=len(names),
            wave=wave,
            quality=s.quality,
            vitals=vitals,
            rhythm=s.rhythm,
            active=tuple(sorted(s.active.values(), key=_urgency)),
            cleared=cleared,
            stale_s=silence_s if stale else None,
            finished=s.finished,
            time_s=time_s,
            latency_s=median(s.latencies_s) if s.latencies_s else None,
            lost_samples=max(s.status.lost_samples, s.missing_samples),
            status=s.status if s.status.text or not self.status.text else _with_text(s, self),
            others=tuple(others),
            stale=tuple(n for n, _ in others if n in lost),
        )


def _with_text(stream: StreamState, state: DashboardState) -> Status:
    own = stream.status
    return Status(
        own.stream,
        state.status.text,
        own.speed if own.speed is not None else state.status.speed,
        own.lag_s if own.lag_s is not None else state.status.lag_s,
        own.lost_samples,
        own.duplicates,
        own.reordered,
    )


def _numbers_by_size(name: str) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part) if part.isdecimal() else -1, part) for part in parts]


def _needed(stream: StreamState) -> tuple[bool, bool, float]:
    """Order streams by how much they are needed on the display: what alarms stays longest."""
    return bool(stream.active), not stream.finished, stream.touched_s


def _rank(priority: Priority) -> int:
    return PRIORITY_ORDER.index(priority)


def _urgency(alert: Alert) -> tuple[int, bool, int]:
    acknowledged = alert.state is AlertState.ACKNOWLEDGED
    return _rank(alert.priority), acknowledged, -alert.onset_sample


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


def _empty(status: Status) -> Snapshot:
    return Snapshot(
        stream="",
        number=0,
        streams=0,
        wave=None,
        quality=None,
        vitals=None,
        rhythm=None,
        active=(),
        cleared=(),
        stale_s=None,
        finished=False,
        time_s=None,
        latency_s=None,
        lost_samples=0,
        status=status,
        others=(),
    )
