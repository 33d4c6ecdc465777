"""One stream of the service: who sends it, its pipeline, and where it stands.

Pure: wall and monotonic time are handed in, and only decide about *missing* data; everything
about the signal is decided by the pipeline on sample indices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from monitor.config import AlarmSettings
from monitor.errors import MonitorError
from monitor.messages import (
    AlertKind,
    End,
    Event,
    Gap,
    GapKind,
    Samples,
    StreamInfo,
)
from monitor.service.alert_book import AlertBook
from monitor.service.memory import StreamMemory
from monitor.service.sender_rate import SenderRate
from monitor.stages.steps import Steps, run_alone
from monitor.wire.fields import MAX_INT
from monitor.wire.protocol import Body, Limits, Packet, ProtocolError, StreamState, StreamStatus
from monitor.wire.reorder import Reorder
from monitor.wire.sequence import Arrival, SequenceTracker

STALE_S = 3.0
OVERLOADED_STALE_S = 10.0  # while messages are still queued it may be our own delay
LOSS_CLEARS_S = 10.0  # signal without a new loss
MAX_FORMER_SENDERS = 16
_LOST = AlertKind.SAMPLES_LOST


class Analysis(Protocol):
    """What a stream needs of a pipeline (:class:`monitor.pipeline.Pipeline`)."""

    def steps(self, samples: Samples) -> Steps[list[Event]]:
        """Take samples, give events; whoever drives the steps runs the network."""
        ...

    def flush(self) -> list[Event]:
        """Give what was still waited for."""
        ...

    def acknowledge(self, alert_id: int | None) -> list[Event]:
        """Acknowledge one alert or all."""
        ...

    @property
    def limits(self) -> AlarmSettings:
        """Alarm limits in force."""
        ...

    @property
    def judges(self) -> bool:
        """The absence of an alarm means something."""
        ...

    def set_limits(self, limits: AlarmSettings) -> list[Event]:
        """Go on with other alarm limits."""
        ...


MakeAnalysis = Callable[[StreamInfo], Analysis]


class MonitoredStream:
    """A stream from its first announcement until it is forgotten.

    Parameters
    ----------
    info
        As first announced.
    publisher
        Id of the sender that owns the stream.
    make_analysis
        Makes a pipeline, when the first samples come.
    now_s
        Monotonic seconds.
    memory
        Of an earlier life of this stream: its numbers go on; unless it has ended, its alarms and
        limits too, and it is awaited where it was.
    """

    def __init__(
        self,
        info: StreamInfo,
        publisher: str,
        make_analysis: MakeAnalysis,
        now_s: float,
        memory: StreamMemory | None = None,
    ) -> None:
        self.info = info
        self.status = StreamStatus.WAITING
        self.reason = ""
        self.heard_s = now_s
        self.refused = 0
        self._publisher = publisher
        self.key = ""  # of the sender, where senders have keys
        self._former: deque[str] = deque(maxlen=MAX_FORMER_SENDERS)
        self._make = make_analysis
        self._limits: AlarmSettings | None = None
        self.awaited = False
        self._stopped = False
        self._analysis: Analysis | None = None
        self._sequence = SequenceTracker()
        self._reorder = Reorder(info.rate_hz, info.start_sample)
        self._next_sample = info.start_sample
        self._lost_samples = 0
        self._rate = SenderRate(info.rate_hz)
        self._alerts = AlertBook(info.stream, info.rate_hz, memory)
        self._lost_until: int | None = None  # samples lost before the analysis began
        self._lag_s: float | None = None
        self._signal_s = 0.0
        self._ticked_s = now_s
        self._speed: float | None = None
        if memory is not None and not memory.ended:  # go on where an earlier life stopped
            self.awaited, self.key = True, memory.key
            self._limits, self._next_sample = memory.limits, memory.next_sample

    def memory(self) -> StreamMemory:
        """Give what a later life of this stream needs."""
        return StreamMemory(
            self.info.stream,
            self.info,
            self._publisher,
            self.key,
            self.status is StreamStatus.ENDED and not self._stopped,
            self._next_sample,
            *self._alerts.last_numbers,
            self._alerts.active,
            self._limits,
        )

    @property
    def next_sample(self) -> int:
        """Index of the next sample that has not been seen."""
        return self._next_sample

    @property
    def over(self) -> bool:
        """Nothing more is being analysed: the stream has ended or is quarantined."""
        return self.status in (StreamStatus.ENDED, StreamStatus.QUARANTINED)

    def take(self, packet: Packet, now_s: float, wall_ns: int) -> Steps[list[Body]]:
        """Take an announcement, samples or the end of this stream.

        Raises
        ------
        ProtocolError
            If the message does not fit the stream; the stream goes on without it.
        """
        body = packet.body
        if isinstance(body, StreamInfo):
            return self._announced(body, packet.publisher, now_s)
        if packet.publisher != self._publisher:
            raise ProtocolError(
                f"stream {self.info.stream} is being sent by another sender; give each a stream "
                "name of its own"
            )
        self.heard_s = now_s
        if isinstance(body, Samples):
            return (yield from self._sampled(body, packet, wall_ns))
        if isinstance(body, End):
            return self.end(body.sample)
        raise ProtocolError(f"a sender of samples cannot send {type(body).__name__} messages")

    def end(self, sample: int | None = None, stopped: bool = False) -> list[Body]:
        """Finish the analysis: give what it still holds, and the end of the stream.

        ``stopped``: it is we who stop, the stream itself may go on with our next life.
        """
        if self.status is StreamStatus.ENDED:
            return []
        self._stopped = stopped
        out = self._finish()
        out += self._alerts.cleared(self._sample, AlertKind.STREAM_STALE, _LOST)
        if self.status is not StreamStatus.QUARANTINED:
            self.status = StreamStatus.ENDED
            self._next_sample = max(self._next_sample, sample or 0)
        return [*out, End(self.info.stream, self._next_sample), self.state()]

    def acknowledge(self, alert_id: int | None) -> list[Body]:
        """Acknowledge one alert or all of them; empty if there was nothing to acknowledge."""
        out: list[Body] = [*self._alerts.acknowledged(alert_id, self._sample)]
        if self._analysis is not None:
            analysis, own = self._analysis, self._alerts.own_id(alert_id)
            out += self._guarded(lambda: analysis.acknowledge(own))
        return out

    @property
    def limits(self) -> AlarmSettings | None:
        """Alarm limits of this patient; None before the first samples."""
        return self._analysis.limits if self._analysis is not None else self._limits

    def set_limits(self, limits: AlarmSettings) -> list[Body]:
        """Set the alarm limits of this patient; a restart of the stream keeps them."""
        self._limits = limits
        out: list[Body] = [Limits(self.info.stream, self._sample, limits)]
        if self._analysis is None:
            return out
        analysis = self._analysis
        return [*out, *self._guarded(lambda: analysis.set_limits(limits))]

    def stored(self, problem: str) -> list[Body]:
        """Take why this stream is not being stored; empty: it is."""
        kind, sample = AlertKind.STORAGE_FAILED, self._sample
        if problem:
            text = f"Not being stored: {problem}"[:500]
            return [*self._alerts.raised(kind, sample, sample, text)]
        return [*self._alerts.cleared(sample, kind)]

    def tick(self, now_s: float, looked_at_s: float) -> list[Body]:
        """Once a second: notice silence, tell where the stream stands.

        Parameters
        ----------
        now_s
            Monotonic seconds.
        looked_at_s
            When the input was last found empty: silence before that is the sender's.
        """
        out: list[Body] = []
        silent = looked_at_s - self.heard_s > STALE_S or now_s - self.heard_s > OVERLOADED_STALE_S
        if silent and self.status in (StreamStatus.LIVE, StreamStatus.WAITING):
            self.status = StreamStatus.STALE
            out += run_alone(self._analysed(self._reorder.release()))
            text = "No samples are coming in"
            sample = self._next_sample
            out += self._alerts.raised(AlertKind.STREAM_STALE, sample, self._sample, text)
        elapsed = now_s - self._ticked_s
        self._speed = round(self._signal_s / elapsed, 2) if elapsed > 0 else None
        self._signal_s, self._ticked_s = 0.0, now_s
        self._alerts.tick()
        return [*out, self.state()]

    def state(self) -> StreamState:
        """Tell where the stream stands, with its active alerts."""
        counts = self._sequence.counts
        return StreamState(
            self.info.stream,
            self.status,
            self.reason,
            self.info,
            self._sample,
            self._alerts.shown,
            self._speed,
            self._lag_s,
            self._lost_samples,
            counts.lost,
            counts.duplicates,
            counts.reordered,
            self.refused,
        )

    def quarantine(self, reason: str) -> list[Body]:
        """Stop analysing this stream, and say so loudly."""
        self._analysis = None
        self.status, self.reason = StreamStatus.QUARANTINED, reason[:500]
        text = f"Analysis stopped: {reason}"[:500]
        sample = self._sample
        alerts = self._alerts.raised(AlertKind.ANALYSIS_FAILED, sample, sample, text)
        return [*alerts, self.state()]

    @property
    def _sample(self) -> int:
        return max(self._next_sample - 1, 0)

    def _announced(self, info: StreamInfo, publisher: str, now_s: float) -> list[Body]:
        if publisher != self._publisher:
            if publisher in self._former and self.status is StreamStatus.LIVE:
                raise ProtocolError(
                    f"stream {info.stream} has been taken over by another sender; give each a "
                    "stream name of its own"
                )
            self._former.append(self._publisher)
            self._publisher = publisher
            anew = self.over or info.start_sample < self._next_sample
        else:
            anew = self.status is StreamStatus.ENDED
        self.heard_s = max(self.heard_s, now_s) if anew else self.heard_s
        before = (self.info.rate_hz, self.info.leads)
        if not anew and before == (info.rate_hz, info.leads):
            return []
        out = self._finish()
        out += self._alerts.clear_all(self._sample)
        self.info, self.status, self.reason = info, StreamStatus.WAITING, ""
        self.awaited = False
        self.heard_s = now_s
        self._next_sample = info.start_sample
        self._rate = SenderRate(info.rate_hz)
        return [*out, info, self.state()]

    def _sampled(self, samples: Samples, packet: Packet, wall_ns: int) -> Steps[list[Body]]:
        if self._sequence.observe(packet.publisher, packet.sequence) is Arrival.DUPLICATE:
            return []
        if self.status is StreamStatus.QUARANTINED:
            return []
        if self.status is StreamStatus.ENDED:
            raise ProtocolError(f"stream {self.info.stream} has ended; announce it again first")
        if samples.start_sample < 0 or samples.end_sample > MAX_INT:
            raise ProtocolError(
                f"stream {self.info.stream}: sample index {samples.start_sample} is out of range"
            )
        leads = samples.values_mv.shape[1]
        if leads != len(self.info.leads):
            raise ProtocolError(
                f"stream {self.info.stream} was announced with {len(self.info.leads)} lead(s), "
                f"but samples of {leads} came"
            )
        out: list[Body] = []
        if self._analysis is None:
            if self.awaited:
                out += self._resumed(samples.start_sample)
            elif packet.sequence > 0 and samples.start_sample > self.info.start_sample:
                # we joined in the middle: what came before is not a loss
                self.info = replace(self.info, start_sample=samples.start_sample)
                self._next_sample = samples.start_sample
            try:
                self._analysis = self._make(self.info)
                self._reorder = Reorder(self.info.rate_hz, self.info.start_sample)
                if self._limits is not None:
                    self._analysis.set_limits(self._limits)
            except Exception as error:
                return [*out, *self.quarantine(_reason(error))]
        if self.status is not StreamStatus.LIVE:
            self.status = StreamStatus.LIVE
            kinds = AlertKind.STREAM_STALE, AlertKind.ANALYSIS_FAILED
            out += self._alerts.cleared(self._sample, *kinds)
            out.append(self.state())
        out += yield from self._analysed(self._reorder.push(samples))
        self._lag_s = max(wall_ns - packet.sent_ns, 0) / 1e9
        return out

    def _resumed(self, sample: int) -> list[Body]:
        """Go on after our own absence: what came meanwhile is missing, and marked."""
        self.awaited = False
        name, missing = self.info.stream, sample - self._next_sample
        self.info = replace(self.info, start_sample=max(sample, self._next_sample))
        if missing <= 0:
            return [*self._alerts.cleared(self._sample, _LOST), self.info]
        self._lost_until = sample
        text = f"{missing} samples lost ({missing / self.info.rate_hz:.2f} s)"
        lost = self._alerts.raised(_LOST, self._next_sample, sample, text, float(missing))
        gap = Gap(name, self._next_sample, missing, GapKind.HOLE)
        return [gap, self.info, *lost]

    def _analysed(self, ready: Iterable[Samples]) -> Steps[list[Body]]:
        """Analyse samples that are in order."""
        out: list[Body] = []
        for samples in ready:
            if (analysis := self._analysis) is None:
                break
            out.append(samples)
            out += self._account(samples)
            out += self._check_rate(samples)
            try:
                events = yield from analysis.steps(samples)
            except Exception as error:
                return [*out, *self.quarantine(_reason(error))]
            length = len(samples.values_mv)
            out += self._alerts.analysed(events, length, analysis.judges, self._sample)
        return out

    def _account(self, samples: Samples) -> list[Body]:
        """Count the samples, and those that are missing before them.

        The analysis alarms about these, but for what was lost before it began.
        """
        length = len(samples.values_mv)
        hole = samples.start_sample - self._next_sample
        self._signal_s += length / self.info.rate_hz
        self._next_sample = max(self._next_sample, samples.end_sample)
        if hole > 0 and length:
            self._lost_samples += hole
        until = self._lost_until
        if until is None or self._next_sample - until < LOSS_CLEARS_S * self.info.rate_hz:
            return []
        self._lost_until = None
        return [*self._alerts.cleared(self._sample, _LOST)]

    def _check_rate(self, samples: Samples) -> list[Body]:
        """Alarm about a sampling rate that is not what the sender's clock says."""
        text, kind = self._rate.problem(samples), AlertKind.SAMPLING_RATE
        if text:
            sample = samples.start_sample
            return [*self._alerts.raised(kind, sample, self._sample, text)]
        return [*self._alerts.cleared(self._sample, kind)]

    def _finish(self) -> list[Body]:
        if self._analysis is None:
            return []
        out = run_alone(self._analysed(self._reorder.release()))
        if self._analysis is not None:
            out += self._guarded(self._analysis.flush)
        self._analysis = None
        self._alerts.next_run()
        return out

    def _guarded(self, work: Callable[[], list[Event]]) -> list[Body]:
        """Run a step of the analysis; whatever goes wrong in it concerns this stream alone."""
        try:
            events = work()
        except Exception as error:
            return self.quarantine(_reason(error))
        return [*self._alerts.found(events)]


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, MonitorError) else f"{type(error).__name__}: {text}"
