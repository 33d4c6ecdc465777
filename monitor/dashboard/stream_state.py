"""The state of one stream on the dashboard. Pure and bounded."""

from __future__ import annotations

from collections import deque

from monitor.dashboard.envelope import Envelope
from monitor.dashboard.events import STRIP_S, Strip
from monitor.dashboard.order import rank
from monitor.dashboard.snapshot import Wave
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
    StreamInfo,
    Vitals,
)
from monitor.ring import Ring

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

    def age_s(self, sample: int, now_s: float) -> float | None:
        """Give how long ago a sample was (s), by the signal and by the silence since."""
        if self.info is None or self.ring is None:
            return None
        silence_s = self.stale_s(now_s) or 0.0
        return max(0.0, (self.ring.end_sample - sample) / self.info.rate_hz + silence_s)

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

    def wave(self) -> Wave | None:
        """Copy the signal to draw, None before the stream has been announced."""
        if self.info is None or self.ring is None:
            return None
        start, values = self.ring.read(round(SIGNAL_S * self.info.rate_hz))
        known = [*self.cleared, *self.active.values()]
        return Wave(
            info=self.info,
            start_sample=start,
            values_mv=values,
            beats=tuple((b.sample, b.label) for b in self.beats if b.sample >= start),
            onsets=tuple((a.onset_sample, a.priority) for a in known if a.onset_sample >= start),
            qualities=tuple(self.qualities),
        )
