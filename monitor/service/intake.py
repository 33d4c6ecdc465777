"""The samples of one stream as they come: unit, sampling rate, and what is missing. Pure."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import replace
from statistics import median

import numpy as np

from monitor.messages import AlertKind, Event, Gap, GapKind, Samples, StreamInfo
from monitor.service.alert_book import AlertBook
from monitor.wire.fields import MAX_INT
from monitor.wire.protocol import MAX_SIGNAL_S, ProtocolError, Unit

WINDOW_S = 10.0  # of signal; its least late message counts, so that a delay does not
WINDOWS = 7  # looked back on
LEAST_STEPS = 3  # a single step of the sender's clock does not count
MOST_DEVIATION = 0.02  # of the rate
CLEARS_S = 10.0  # of signal without a new loss


def usable(samples: Samples, info: StreamInfo, unit: Unit) -> Samples:
    """Check samples of a stream and give them in mV; ``unit`` is that of the ECG leads.

    Raises
    ------
    ProtocolError
        If they do not fit what was announced, or are too many at once.
    """
    if samples.start_sample < 0 or samples.end_sample > MAX_INT:
        raise ProtocolError(
            f"stream {info.stream}: sample index {samples.start_sample} is out of range"
        )
    length, leads = samples.values_mv.shape
    if length > MAX_SIGNAL_S * info.rate_hz:  # it would hold up the other streams
        raise ProtocolError(
            f"stream {info.stream}: a message of {length / info.rate_hz:.1f} s of signal; "
            f"at most {MAX_SIGNAL_S:g} s may come at once"
        )
    if leads != len(info.leads):
        raise ProtocolError(
            f"stream {info.stream} was announced with {len(info.leads)} lead(s), "
            f"but samples of {leads} came"
        )
    if unit is Unit.MILLIVOLT:
        return samples
    scale = np.full(leads, unit.mv, np.float32)
    if info.pulse:  # the last column has a unit of its own
        scale[-1] = 1.0
    return replace(samples, values_mv=samples.values_mv * scale)


class SenderRate:
    """Measures the sampling rate of one stream by its sender's clock.

    A sender may put ``wall_ns`` on its samples: the time of the first of them by its own clock.
    The samples keep their place by index; a rate that is far off raises an alarm.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._windows: deque[tuple[int, float]] = deque(maxlen=WINDOWS)  # number, least lateness
        self._measured_hz: float | None = None

    def push(self, samples: Samples) -> float | None:
        """Take the next samples; give the rate by the sender's clock (Hz), None if not known."""
        if samples.wall_ns is None or not len(samples.values_mv):
            return self._measured_hz
        number = int(samples.start_sample / self._rate_hz // WINDOW_S)
        late_s = samples.wall_ns / 1e9 - samples.start_sample / self._rate_hz
        if self._windows and self._windows[-1][0] == number:
            self._windows[-1] = number, min(late_s, self._windows[-1][1])
            return self._measured_hz
        self._measured_hz = self._measure()
        self._windows.append((number, late_s))
        return self._measured_hz

    def _measure(self) -> float | None:
        """Give the rate by the median step of the lateness from window to window."""
        steps = [
            (after - before) / ((later - earlier) * WINDOW_S)
            for (earlier, before), (later, after) in itertools.pairwise(self._windows)
            if later > earlier
        ]
        if len(steps) < LEAST_STEPS:
            return None
        return self._rate_hz / max(1.0 + median(steps), 0.01)

    def problem(self, samples: Samples) -> str:
        """Take the next samples; give the fault of the rate in one line, empty if there is none."""
        measured_hz = self.push(samples)
        if measured_hz is None or abs(measured_hz / self._rate_hz - 1.0) <= MOST_DEVIATION:
            return ""
        return (
            f"Announced at {self._rate_hz:g} Hz, {measured_hz:.3g} Hz by the sender's clock: "
            "times and rates cannot be relied on"
        )


class Losses:
    """Counts the samples of one stream, and the missing ones between them.

    The analysis raises the alarm about samples lost while it runs. This class raises the one about
    samples lost while there was no analysis.

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
        """Count from a new announcement on; earlier losses still count."""
        self._rate_hz = info.rate_hz
        self.next_sample = info.start_sample
        self._lost_until: int | None = None  # end of what was lost before the analysis began
        self._repeated: tuple[int, int] | None = None  # first sample, length

    def move(self, sample: int) -> None:
        """Go on at a sample; what lies before it is no loss."""
        self.next_sample = sample

    def resumed(self, info: StreamInfo) -> list[StreamInfo | Event]:
        """Go on after a restart of the service; mark what is missing before ``info``."""
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
        """Tell whether all these samples have been seen before, and are to be dropped."""
        length = len(samples.values_mv)
        if not length or samples.end_sample > self.next_sample:
            return False
        first, before = self._repeated or (samples.start_sample, 0)
        self._repeated = min(first, samples.start_sample), before + length
        return True

    @property
    def repeating(self) -> bool:
        """The newest samples had been seen before."""
        return self._repeated is not None

    def repeated(self, stream: str) -> list[Event]:
        """Give one gap for all samples that were dropped since the last call."""
        if self._repeated is None:
            return []
        (first, length), self._repeated = self._repeated, None
        return [Gap(stream, first, length, GapKind.OVERLAP)]

    def took(self, samples: Samples) -> list[Event]:
        """Count samples in order, and the missing ones before them."""
        hole = samples.start_sample - self.next_sample
        self.next_sample = max(self.next_sample, samples.end_sample)
        if hole > 0 and len(samples.values_mv):
            self.samples += hole
        until = self._lost_until
        if until is None or self.next_sample - until < CLEARS_S * self._rate_hz:
            return []
        self._lost_until = None
        return self._alerts.cleared(max(self.next_sample - 1, 0), AlertKind.SAMPLES_LOST)
