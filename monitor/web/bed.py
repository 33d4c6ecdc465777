"""What the central station knows of one stream. Pure."""

from __future__ import annotations

from monitor.dashboard.theme import RHYTHMS
from monitor.messages import (
    Alert,
    Beat,
    End,
    Gap,
    GapKind,
    Quality,
    Rhythm,
    Samples,
    StreamInfo,
    Vitals,
)
from monitor.ring import Ring
from monitor.web.alarm_list import AlarmList, row_fields
from monitor.web.beat_log import BeatLog
from monitor.web.severity import QUIET_RANK, UNWATCHED, UNWATCHED_RANK, loudest, rank_of, sound_of
from monitor.web.trend import Trend
from monitor.wire.protocol import SERVICE_STOPPED, Body, StreamState, StreamStatus

RING_S = 12.0  # a browser that comes begins with a filled trace
VITALS_VALID_NS = 5_000_000_000


class Bed:
    """Folds the messages of one stream.

    Attributes
    ----------
    number
        A small number by which frames of samples name it.
    version
        Grows with each change of :meth:`fields`.
    """

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.version = 1
        self.info: StreamInfo | None = None
        self.ring: Ring | None = None
        self.alarms = AlarmList()
        self.beats = BeatLog()
        self.trend = Trend()
        self.status = StreamStatus.WAITING
        self.text = ""
        self.touched_s = 0.0
        self.begun = 0
        """How often the signal began anew: positions before it mean nothing after it."""
        self._vitals: Vitals | None = None
        self._rhythm: str | None = None
        self._quality: Quality | None = None
        self._lag_s: float | None = None
        self._lost_samples = 0
        self._stopped = False
        self._heard_ns = self._vitals_ns = 0

    def take(self, body: Body, wall_ns: int) -> None:
        """Take one message of this stream, sent at ``wall_ns``."""
        self._heard_ns = max(self._heard_ns, wall_ns)
        match body:
            case Samples():
                self._samples(body)
                return
            case Beat():
                self.beats.add(body)
                return
            case Vitals():
                self._vitals, self._vitals_ns = body, wall_ns
                self.trend.add(body, wall_ns)
            case Quality():
                self._quality = body
            case Rhythm():
                self._rhythm = body.name
            case Alert():
                if not self.alarms.add(body, wall_ns):
                    return
            case Gap(kind=GapKind.HOLE):
                self._lost_samples += body.length
            case StreamInfo():
                self._begin(body)
            case End():
                self.status, self.text = StreamStatus.ENDED, ""
            case StreamState():
                self._state(body, wall_ns)
            case _:
                return
        self.version += 1

    def _begin(self, info: StreamInfo) -> None:
        self.info = info
        self.ring = Ring(round(RING_S * info.rate_hz), len(info.leads), info.start_sample)
        self.begun += 1
        self.beats = BeatLog()
        self._vitals = self._rhythm = self._quality = None

    def _samples(self, samples: Samples) -> None:
        values = samples.values_mv
        if self.info is None or self.ring is None or values.shape[1:] != (len(self.info.leads),):
            return
        self.ring.write(samples.start_sample, values)
        if self.status in (StreamStatus.WAITING, StreamStatus.STALE) or self._stopped:
            self.status, self._stopped = StreamStatus.LIVE, False
            self.version += 1

    def _state(self, state: StreamState, wall_ns: int) -> None:
        if self.info is None:
            self._begin(state.info)
        self.status, self.text = state.status, state.text
        self._stopped = state.text == SERVICE_STOPPED
        self._lag_s = state.lag_s
        self._lost_samples = max(self._lost_samples, state.lost_samples)
        if self._quality is None:
            self._quality = state.quality
        if self._rhythm is None and state.rhythm is not None:
            self._rhythm = state.rhythm.name
        for alert in state.alerts:
            self.alarms.add(alert, wall_ns)

    @property
    def ended(self) -> bool:
        """Its sender has said that it is over."""
        return self.status is StreamStatus.ENDED and not self._stopped

    @property
    def unwatched(self) -> bool:
        """Nobody watches the patient: no samples come, or they are not analysed."""
        if self._stopped or self.status in (StreamStatus.STALE, StreamStatus.QUARANTINED):
            return True
        return any(row.alert.kind in UNWATCHED for row in self.alarms.active())

    @property
    def usable(self) -> bool:
        """The signal can be analysed."""
        return self._quality is None or self._quality.usable

    @property
    def sound(self) -> str:
        """The sound of its most urgent alarm."""
        sounds = [sound_of(row.alert, self.usable) for row in self.alarms.active()]
        return loudest([*sounds, "medium" if self._stopped else ""])

    @property
    def rank(self) -> float:
        """Its place on the ward: less is more urgent."""
        ranks = [rank_of(row.alert, self.usable) for row in self.alarms.active()]
        return min([*ranks, UNWATCHED_RANK if self.unwatched else QUIET_RANK])

    @property
    def end_sample(self) -> int:
        """Index just past the newest sample."""
        return 0 if self.ring is None else self.ring.end_sample

    def fields(self) -> dict[str, object]:
        """Give all that a tile shows but its trace, as a JSON object."""
        info, vitals = self.info, self._vitals
        silent = self.unwatched or self.status is not StreamStatus.LIVE
        if silent or self._heard_ns - self._vitals_ns > VITALS_VALID_NS:
            vitals = None
        known = vitals is not None and vitals.usable and self.usable
        rhythm = self._rhythm if known else None
        leads = () if info is None else info.ecg.leads
        return {
            "name": self.name,
            "number": self.number,
            "begun": self.begun,
            "status": self.status.value,
            "text": self.text,
            "unwatched": self.unwatched,
            "usable": self.usable,
            "rate_hz": 0.0 if info is None else info.rate_hz,
            "leads": list(leads),
            "source": "" if info is None else info.source,
            "sample": self.end_sample,
            "heart_rate_bpm": vitals.heart_rate_bpm if vitals and known else None,
            "rr_s": vitals.rr_s if vitals and known else None,
            "pvcs_per_min": vitals.pvcs_per_min if vitals else None,
            "beat_counts": dict(vitals.beat_counts) if vitals else {},
            "rhythm": rhythm,
            "rhythm_text": "" if rhythm is None else RHYTHMS.get(rhythm, rhythm),
            "lead_states": [] if self._quality is None else [s.value for s in self._quality.leads],
            "lag_s": self._lag_s,
            "lost_samples": self._lost_samples,
            "rank": self.rank,
            "sound": self.sound,
            "alarms": [row_fields(row) for row in self.alarms.active()],
        }
