"""One stream of the service: who sends it, its pipeline, and where it stands.

Pure: wall and monotonic time are handed in, and only decide about *missing* data; everything
about the signal is decided by the pipeline on sample indices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from monitor.config import AlarmSettings
from monitor.messages import AlertKind, End, Event, Quality, Rhythm, Samples, StreamInfo
from monitor.remarks import Level, Remark
from monitor.service.alert_book import AlertBook
from monitor.service.analysis import Analysis, MakeAnalysis, reason_of
from monitor.service.beginnings import Beginnings
from monitor.service.intake import usable
from monitor.service.losses import Losses
from monitor.service.memory import StreamMemory
from monitor.service.ownership import Ownership
from monitor.service.pace import Pace
from monitor.service.sender_rate import SenderRate
from monitor.stages.steps import Steps, run_alone
from monitor.wire.protocol import (
    SERVICE_STOPPED,
    Body,
    Limits,
    Packet,
    ProtocolError,
    StreamState,
    StreamStatus,
    Unit,
)
from monitor.wire.reorder import Reorder
from monitor.wire.sequence import Arrival, SequenceTracker

STALE_S = 3.0
OVERLOADED_STALE_S = 10.0  # while messages are still queued it may be our own delay
AGAIN_S = 30.0  # of signal that a sender may send again when it comes back


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
        Of an earlier life of this stream: its numbers and alarms go on; unless it has ended, its
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
        self.refused = 0
        self.refusal = ""
        self._owner = Ownership(publisher, now_s)
        self._beginnings = Beginnings(now_s)
        self.key = ""  # of the sender, where senders have keys
        self.unit = Unit.MILLIVOLT  # of the samples as they come
        self.device = ""  # a name of the sender that outlives its restarts, if it tells one
        self.turned_away = False
        self.rejected = ""  # another sender, who is to be told
        self.news: Remark | None = None  # for the operator, beside the status
        self._make = make_analysis
        self._limits: AlarmSettings | None = None
        self.awaited = False
        self._stopped = False
        self._end_told = False
        self._analysis: Analysis | None = None
        self._quality: Quality | None = None
        self._rhythm: Rhythm | None = None
        self._sequence = SequenceTracker()
        self._reorder = Reorder(info.rate_hz, info.start_sample)
        self._rate = SenderRate(info.rate_hz)
        self._alerts = AlertBook(info.stream, info.rate_hz, memory)
        self._losses = Losses(self._alerts, info)
        self._pace = Pace(now_s)
        self._looked_s = self._new_s = now_s
        if memory is not None and not memory.ended:  # go on where an earlier life stopped
            self.awaited, self.key, self.unit = True, memory.key, memory.unit
            self.device, self._limits = memory.device, memory.limits
            self._losses.move(memory.next_sample)
            if self._alerts.has(AlertKind.STREAM_REFUSED):
                self.awaited, self.turned_away = False, True
                self.status, self.reason = StreamStatus.QUARANTINED, "refused"
        elif memory is not None and memory.alerts:  # they can be acknowledged still
            self.status, self.key = StreamStatus.ENDED, memory.key
            self._losses.move(memory.next_sample)

    def memory(self) -> StreamMemory:
        """Give what a later life of this stream needs."""
        return StreamMemory(
            self.info.stream,
            self.info,
            self._owner.publisher,
            self.key,
            self.status is StreamStatus.ENDED and not self._stopped,
            self.next_sample,
            *self._alerts.last_numbers,
            self._alerts.active,
            self._limits,
            self.unit,
            self.device,
        )

    @property
    def next_sample(self) -> int:
        """Index of the next sample that has not been seen."""
        return self._losses.next_sample

    @property
    def over(self) -> bool:
        """Nothing more is being analysed: the stream has ended or is quarantined."""
        return self.status in (StreamStatus.ENDED, StreamStatus.QUARANTINED)

    @property
    def ended(self) -> bool:
        """Its sender has ended it."""
        return self.status is StreamStatus.ENDED or (self._end_told and not self._stopped)

    @property
    def watched(self) -> bool:
        """Its samples are analysed, or will be when they come; such a stream takes a place."""
        return self.status in (StreamStatus.WAITING, StreamStatus.LIVE) and not self.awaited

    def sent_by(self, publisher: str) -> bool:
        """Tell whether this sender has the stream."""
        return publisher == self._owner.publisher

    @property
    def alarming(self) -> bool:
        """A lethal alarm has not been acknowledged."""
        return self._alerts.alarming

    def let_go(self, why: str = "") -> list[Body]:
        """Clear all alerts, and tell the end of a stream that has not been ended."""
        out = self.end()
        cleared = self._alerts.clear_all(self._sample, why)
        return [*out, *cleared, *([self.state()] if out or cleared else [])]

    def turn_away(self, reason: str) -> list[Body]:
        """Do not watch this stream, since there is no place for it; say so loudly."""
        self.turned_away, self._end_told = True, False
        self.status, self.reason = StreamStatus.QUARANTINED, f"refused: {reason}"
        text, sample = f"Not watched: {reason}", self._sample
        alerts = self._alerts.raised(AlertKind.STREAM_REFUSED, sample, sample, text)
        return [*alerts, self.state()]

    def waits(self, publisher: str, now_s: float) -> None:
        """Note that there is a sender of this stream, which is turned away."""
        self._owner.passes_to(publisher, now_s)

    def admit(self) -> None:
        """Let a stream that was turned away begin with its next announcement."""
        self.turned_away, self.reason = False, ""
        self.status = StreamStatus.ENDED

    def take(self, packet: Packet, now_s: float, wall_ns: int) -> Steps[list[Body]]:
        """Take an announcement, samples or the end of this stream.

        Raises
        ------
        ProtocolError
            If the message does not fit the stream; the stream goes on without it.
        """
        if packet.publisher != self._owner.publisher:
            if not self._free:
                if self._owner.hold(packet, now_s):
                    return []
                raise ProtocolError(self._taken)
            if self._owner.holds(packet.publisher):
                out = yield from self._pass_on(now_s, wall_ns)
                return [*out, *(yield from self._take(packet, now_s, wall_ns))]
            if not isinstance(packet.body, StreamInfo):
                raise ProtocolError(self._taken)
        return (yield from self._take(packet, now_s, wall_ns))

    def _take(self, packet: Packet, now_s: float, wall_ns: int) -> Steps[list[Body]]:
        body = packet.body
        if isinstance(body, StreamInfo):
            return self._announced(body, packet, now_s)
        self._owner.heard(now_s)
        if isinstance(body, Samples):
            return (yield from self._sampled(body, packet, now_s, wall_ns))
        if isinstance(body, End):
            return self.end(body.sample)
        raise ProtocolError(f"a sender of samples cannot send {type(body).__name__} messages")

    def end(self, sample: int | None = None, stopped: bool = False) -> list[Body]:
        """Finish the analysis: give what it still holds, and the end of the stream.

        ``stopped``: it is we who stop, the stream itself may go on with our next life.
        """
        if self.status is StreamStatus.ENDED or self._end_told:
            return []
        self._stopped, self._end_told = stopped, True
        out = self._finish()
        if stopped:  # our next life finds a stale stream stale
            self.reason = self.reason or SERVICE_STOPPED
        else:
            kinds = AlertKind.STREAM_STALE, AlertKind.SAMPLES_LOST, AlertKind.STREAM_REFUSED
            out += self._alerts.cleared(self._sample, *kinds)
        if self.status is not StreamStatus.QUARANTINED or (self.turned_away and not stopped):
            self.turned_away = False
            self.status = StreamStatus.ENDED
            self._losses.move(max(self.next_sample, sample or 0))
        return [*out, End(self.info.stream, self.next_sample), self.state()]

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

    def troubled(self, kind: AlertKind, text: str) -> list[Body]:
        """Take what is wrong around the analysis, empty where nothing is."""
        sample = self._sample
        if text:
            return [*self._alerts.raised(kind, sample, sample, text[:500])]
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
        self._looked_s = looked_at_s
        if self._owner.decided(now_s, self._free):
            out += run_alone(self._pass_on(now_s, 0)) if self._free else self._refuse_claim()
        new_s = self._new_s
        silent = looked_at_s - new_s > STALE_S or now_s - new_s > OVERLOADED_STALE_S
        if silent and self.status in (StreamStatus.LIVE, StreamStatus.WAITING):
            self.status = StreamStatus.STALE
            out += run_alone(self._analysed(self._reorder.release()))
            again = self._losses.repeating
            text = "No new samples are coming in" if again else "No samples are coming in"
            kind, sample = AlertKind.STREAM_STALE, self.next_sample
            out += self._alerts.raised(kind, sample, self._sample, text)
        live = self.status is StreamStatus.LIVE
        out += self._pace.tick(now_s, live, self._alerts, self._sample)
        self._alerts.tick()
        return [*out, self.state()]

    @property
    def speed(self) -> float:
        """Signal time over wall time in the last second."""
        return self._pace.speed or 0.0

    @property
    def behind_s(self) -> float:
        """How far the analysis is behind a stream that comes no faster than real time."""
        return self._pace.behind_s(self.status is StreamStatus.LIVE)

    @property
    def heard_s(self) -> float:
        """When the owner last sent something (monotonic)."""
        return self._owner.heard_s

    @property
    def silent(self) -> bool:
        """Nothing had come from its sender for some time when the input was last found empty."""
        return self._looked_s - self._owner.heard_s > STALE_S

    @property
    def _free(self) -> bool:
        """Whether another sender may have the stream."""
        gone = self.over or self.awaited or self.status is StreamStatus.STALE
        return gone or self._owner.silent(self._looked_s)

    @property
    def _taken(self) -> str:
        return (
            f"stream {self.info.stream} is being sent by another sender; give each a stream "
            "name of its own"
        )

    def _pass_on(self, now_s: float, wall_ns: int) -> Steps[list[Body]]:
        """Let the claimant have the stream, and take what it has sent."""
        out: list[Body] = []
        for packet in self._owner.released():
            try:
                out += yield from self._take(packet, now_s, wall_ns or packet.sent_ns)
            except ProtocolError as error:
                self._refuse(str(error))
        return out

    def _refuse_claim(self) -> list[Body]:
        held = self._owner.released()
        self.rejected = held[0].publisher if held else ""
        self._refuse(self._taken, len(held))
        return []

    def _refuse(self, reason: str, count: int = 1) -> None:
        self.refused += count
        self.refusal = reason

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
            self._pace.speed,
            self._pace.lag_s,
            self._losses.samples,
            counts.lost,
            counts.duplicates,
            counts.reordered,
            self.refused,
            quality=self._quality,
            rhythm=self._rhythm,
        )

    def quarantine(self, reason: str) -> list[Body]:
        """Stop analysing this stream, and say so loudly."""
        if self._analysis is not None:
            self._analysis = None
            self._alerts.next_run()
        self.status, self.reason = StreamStatus.QUARANTINED, reason[:500]
        text = f"Analysis stopped: {reason}"[:500]
        sample = self._sample
        alerts = self._alerts.raised(AlertKind.ANALYSIS_FAILED, sample, sample, text)
        return [*alerts, self.state()]

    @property
    def _sample(self) -> int:
        return max(self.next_sample - 1, 0)

    def _announced(self, info: StreamInfo, packet: Packet, now_s: float) -> list[Body]:
        out: list[Body] = []
        takes_over = False
        if packet.publisher != self._owner.publisher:
            takes_over = not self._same_device(info, packet.device, now_s)
            self._owner.passes_to(packet.publisher, now_s)
            self._pace.other_sender()
            anew = self.over or not (
                self.next_sample <= info.start_sample or self._sends_again(info)
            )
        else:
            anew = self.status is StreamStatus.ENDED
            self._owner.heard(now_s)
        self.device = packet.device
        before = (self.info.rate_hz, self.info.leads, self.info.pulse, self.unit)
        if not anew and before == (info.rate_hz, info.leads, info.pulse, packet.unit):
            return self._taken_over() if takes_over else []
        if not self._beginnings.allow(now_s):
            out = self._finish()
            quarantined = self.status is StreamStatus.QUARANTINED
            return (
                out if quarantined else [*out, *self.quarantine("it is announced anew too often")]
            )
        out = self._finish()
        out += self._alerts.begin_anew(self._sample)
        if takes_over:
            out += self._taken_over()
        self.info, self.status, self.reason = info, StreamStatus.WAITING, ""
        self.unit = packet.unit
        self.awaited = self._end_told = False
        self._new_s = now_s
        self._losses.begin(info)
        self._rate = SenderRate(info.rate_hz)
        return [*out, info, self.state()]

    def _same_device(self, info: StreamInfo, device: str, now_s: float) -> bool:
        """Tell whether another publisher id is a restart of the sender, and no other patient.

        So it is where the stream had been ended or refused, where both name the same device,
        where senders have keys (a stream belongs to one key), or where samples are counted on.
        """
        if self.ended or self.turned_away:
            return True
        if device or self.device:
            same = device == self.device
        elif self.key:
            same = True
        else:
            ahead_s = (info.start_sample - self.next_sample) / self.info.rate_hz
            silent_s = now_s - self._owner.heard_s
            same = info.start_sample > 0 and -AGAIN_S <= ahead_s <= silent_s + AGAIN_S
        if same:
            self.news = Remark("its sender has been restarted")
        return same

    def _taken_over(self) -> list[Body]:
        """Alarm that two patients may have been joined."""
        text = "Another device sends this stream now: check that it is the same patient"
        self.news = Remark("taken over by another device", Level.WARNING)
        sample = self._sample
        return [*self._alerts.raised(AlertKind.SENDER_CHANGED, sample, sample, text)]

    def _sends_again(self, info: StreamInfo) -> bool:
        """Tell whether a sender that came back begins with the last samples it had sent before.

        They are dropped by their index. One that counts from where the stream began, or from far
        back, has begun anew.
        """
        back = self.next_sample - info.start_sample
        return info.start_sample > self.info.start_sample and back <= AGAIN_S * info.rate_hz

    def _sampled(
        self, samples: Samples, packet: Packet, now_s: float, wall_ns: int
    ) -> Steps[list[Body]]:
        arrival = self._sequence.observe(packet.publisher, packet.sequence)
        if arrival is Arrival.DUPLICATE:
            return []
        if self.status is StreamStatus.QUARANTINED:
            return []
        if self.status is StreamStatus.ENDED:
            raise ProtocolError(f"stream {self.info.stream} has ended; announce it again first")
        samples = usable(samples, self.info, self.unit)
        out: list[Body] = []
        if self._analysis is None:
            if self.awaited:
                out += self._resumed(samples.start_sample)
            elif packet.sequence > 0 and samples.start_sample > self.info.start_sample:
                # we joined in the middle: what came before is not a loss
                self.info = replace(self.info, start_sample=samples.start_sample)
                self._losses.move(samples.start_sample)
            try:
                self._analysis = self._make(self.info)
                self._reorder = Reorder(self.info.rate_hz, self.info.start_sample)
                if self._limits is not None:
                    self._analysis.set_limits(self._limits)
            except Exception as error:
                return [*out, *self.quarantine(reason_of(error))]
        if samples.end_sample <= self.next_sample:  # nothing new; a device may be stuck
            return [*out, *(yield from self._analysed(self._reorder.push(samples)))]
        self._new_s = now_s
        if self.status is not StreamStatus.LIVE:
            self.status = StreamStatus.LIVE
            kinds = AlertKind.STREAM_STALE, AlertKind.ANALYSIS_FAILED
            out += self._alerts.cleared(self._sample, *kinds)
            out.append(self.state())
        out += yield from self._analysed(self._reorder.push(samples))
        if arrival is not Arrival.LATE:
            self._pace.came((wall_ns - packet.sent_ns) / 1e9, now_s)
        return out

    def _resumed(self, sample: int) -> list[Body]:
        """Go on after our own absence: what came meanwhile is missing, and marked."""
        self.awaited = False
        self.info = replace(self.info, start_sample=max(sample, self.next_sample))
        return [*self._losses.resumed(self.info)]

    def _analysed(self, ready: Iterable[Samples]) -> Steps[list[Body]]:
        """Analyse samples that are in order."""
        out: list[Body] = []
        for samples in ready:
            if (analysis := self._analysis) is None:
                break
            if self._losses.known(samples):
                continue
            out += self._losses.repeated(self.info.stream)
            out.append(samples)
            self._pace.took(samples, self.info.rate_hz)
            out += self._losses.took(samples)
            out += self._check_rate(samples)
            try:
                events = yield from analysis.steps(samples)
            except Exception as error:
                return [*out, *self.quarantine(reason_of(error))]
            for event in events:
                if isinstance(event, Quality):
                    self._quality = event
                elif isinstance(event, Rhythm):
                    self._rhythm = event
            length = len(samples.values_mv)
            out += self._alerts.analysed(events, length, analysis.judges, self._sample)
        return out

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
        out += self._losses.repeated(self.info.stream)
        if self._analysis is not None:
            out += self._guarded(self._analysis.flush)
        self._analysis = self._quality = self._rhythm = None
        self._alerts.next_run()
        return out

    def _guarded(self, work: Callable[[], list[Event]]) -> list[Body]:
        """Run a step of the analysis; whatever goes wrong in it concerns this stream alone."""
        try:
            events = work()
        except Exception as error:
            return self.quarantine(reason_of(error))
        return [*self._alerts.found(events)]
