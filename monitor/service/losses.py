"""Where a stream has come to, and how many of its samples are missing. Pure."""

from __future__ import annotations

from monitor.messages import AlertKind, Event, Gap, GapKind, Samples, StreamInfo
from monitor.service.alert_book import AlertBook

CLEARS_S = 10.0  # signal without a new loss


class Losses:
    """Counts the samples of one stream, and those that are missing between them.

    The analysis itself alarms about what is lost while it runs; what was lost while there was
    none is alarmed about here.

    Parameters
    ----------
    alerts
        Of the stream.
    info
        As announced.

    Attributes
    ----------
    next_sample
        Index of the next sample that has not been seen.
    samples
        Missing so far.
    """

    def __init__(self, alerts: AlertBook, info: StreamInfo) -> None:
        self._alerts = alerts
        self.samples = 0
        self.begin(info)

    def begin(self, info: StreamInfo) -> None:
        """Count from a new announcement on; what was missing before still counts."""
        self._rate_hz = info.rate_hz
        self.next_sample = info.start_sample
        self._lost_until: int | None = None  # what was lost before the analysis began
        self._repeated: tuple[int, int] | None = None  # first sample, length

    def move(self, sample: int) -> None:
        """Go on at a sample: what lies before it is not a loss."""
        self.next_sample = sample

    def resumed(self, info: StreamInfo) -> list[StreamInfo | Event]:
        """Go on after our own absence: what came before ``info`` is missing, and marked."""
        sample, missing = info.start_sample, info.start_sample - self.next_sample
        kind = AlertKind.SAMPLES_LOST
        if missing <= 0:
            return [*self._alerts.cleared(max(self.next_sample - 1, 0), kind), info]
        self._lost_until = sample
        text = f"{missing} samples lost ({missing / self._rate_hz:.2f} s)"
        lost = self._alerts.raised(kind, self.next_sample, sample, text, float(missing))
        gap = Gap(info.stream, self.next_sample, missing, GapKind.HOLE)
        return [gap, info, *lost]

    def known(self, samples: Samples) -> bool:
        """Tell whether all these samples have been seen; then they are dropped."""
        length = len(samples.values_mv)
        if not length or samples.end_sample > self.next_sample:
            return False
        first, before = self._repeated or (samples.start_sample, 0)
        self._repeated = min(first, samples.start_sample), before + length
        return True

    @property
    def repeating(self) -> bool:
        """What came last had been seen before."""
        return self._repeated is not None

    def repeated(self, stream: str) -> list[Event]:
        """Tell of samples that were dropped since the last call, as one: they may be many."""
        if self._repeated is None:
            return []
        (first, length), self._repeated = self._repeated, None
        return [Gap(stream, first, length, GapKind.OVERLAP)]

    def took(self, samples: Samples) -> list[Event]:
        """Count samples that are in order, and those that are missing before them."""
        hole = samples.start_sample - self.next_sample
        self.next_sample = max(self.next_sample, samples.end_sample)
        if hole > 0 and len(samples.values_mv):
            self.samples += hole
        until = self._lost_until
        if until is None or self.next_sample - until < CLEARS_S * self._rate_hz:
            return []
        self._lost_until = None
        return self._alerts.cleared(max(self.next_sample - 1, 0), AlertKind.SAMPLES_LOST)
