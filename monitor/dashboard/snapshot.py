"""A snapshot of one stream at one moment, for the dashboard. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.dashboard.trends import Trend
from monitor.feeds.feed import Status
from monitor.messages import (
    AamiClass,
    Alert,
    FloatArray,
    Priority,
    Quality,
    StreamInfo,
    Vitals,
)


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
    """A snapshot of one stream at one moment, with a summary of the others.

    ``stale_s`` is the silence in seconds if it is too long, else None. ``time_s`` is the signal
    time of the newest sample. ``others`` are the other streams with active alerts, the most urgent
    first; ``stale`` are those of them whose patients nobody watches. ``trends`` are figures of the
    last hours, if they were asked for.
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
    trends: tuple[Trend, ...] = ()

    @classmethod
    def empty(cls, status: Status) -> Snapshot:
        """Give the snapshot of a dashboard without streams."""
        return cls(
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

    def of_wave(self, stream: str, wave: Wave) -> Snapshot:
        """Give this snapshot with another signal."""
        return replace(self, stream=stream, wave=wave)
