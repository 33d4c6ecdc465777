"""The status of one stream of the service, and what changes it. Pure.

Wall time and monotonic time are handed in, and only decide about missing data. The analysis decides
about the signal, by sample indices.
"""

from __future__ import annotations

from monitor.config import AlarmSettings
from monitor.log_lines import LogLine
from monitor.messages import AlertKind, End, Samples, StreamInfo
from monitor.service.alert_book import AlertBook
from monitor.service.analysis import AnalysisRun, MakeAnalysis
from monitor.service.intake import usable
from monitor.service.load import Pace
from monitor.service.memory import StreamMemory
from monitor.service.ownership import Announcement
from monitor.stages.steps import Steps
from monitor.wire.protocol import (
    SERVICE_STOPPED,
    Body,
    Packet,
    ProtocolError,
    StreamState,
    StreamStatus,
)
from monitor.wire.sequence import Arrival, SequenceTracker

STALE_S = 3.0
OVERLOADED_STALE_S = 10.0  # while messages are queued, the delay may be the service's own
MAX_REASON = 500  # characters


class WatchedStream:
    """Knows the status of one stream, and runs its analysis while there is one.

    Parameters
    ----------
    announced
        The first announcement, or the last one before a restart of the service.
    make_analysis
        Makes an analysis, when the first samples come.
    now_s
        Monotonic seconds.
    memory
        State from before a restart of the service: numbers and alarms continue. If the stream had
        not ended, its limits continue too, and its samples are awaited.
    """

    def __init__(
        self,
        announced: Announcement,
        make_analysis: MakeAnalysis,
        now_s: float,
        memory: StreamMemory | None = None,
    ) -> None:
        self.status = StreamStatus.WAITING
        self.reason = ""
        self.refused = 0  # messages
        self.unit = announced.unit
        self.turned_away = False  # there is no place for it
        self.news: LogLine | None = None  # for the log, beside the status
        self.awaited = False  # it was sent before the service restarted
        self._stopped = False  # ended by the end of the service
        self._end_told = False
        self._sequence = SequenceTracker()
        info = announced.info
        self._alerts = AlertBook(info.stream, info.rate_hz, memory)
        self.pace = Pace(now_s)
        self._run = AnalysisRun(info, make_analysis, self._alerts, self.pace, self.quarantine)
        self._new_s = now_s
        if memory is not None and not memory.ended:
            self.awaited, self._run.limits_set = True, memory.limits
            self._run.move(memory.next_sample)
            if self._alerts.has(AlertKind.STREAM_REFUSED):
                self.awaited, self.turned_away = False, True
                self.status, self.reason = StreamStatus.QUARANTINED, "refused"
        elif memory is not None and memory.alerts:  # they can still be acknowledged
            self.status = StreamStatus.ENDED
            self._run.move(memory.next_sample)

    def state(self) -> StreamState:
        """Give the status of the stream, with its active alerts."""
        counts = self._sequence.counts
        return StreamState(
            self.info.stream,
            self.status,
            self.reason,
            self.info,
            self._run.newest_sample,
            self._alerts.shown,
            self.pace.speed,
            self.pace.lag_s,
            self._run.lost_samples,
            counts.lost,
            counts.duplicates,
            counts.reordered,
            self.refused,
            quality=self._run.quality,
            rhythm=self._run.rhythm,
        )

    @property
    def info(self) -> StreamInfo:
        """The stream as last announced."""
        return self._run.info

    @property
    def next_sample(self) -> int:
        """Index of the next sample that has not been seen."""
        return self._run.next_sample

    @property
    def over(self) -> bool:
        """Nothing more is analysed: the stream has ended or is quarantined."""
        return self.status in (StreamStatus.ENDED, StreamStatus.QUARANTINED)

    @property
    def ended(self) -> bool:
        """Its sender has ended it."""
        return self.status is StreamStatus.ENDED or (self._end_told and not self._stopped)

    @property
    def watched(self) -> bool:
        """Its samples are analysed, or will be when they come; such a stream takes a place."""
        return self.status in (StreamStatus.WAITING, StreamStatus.LIVE) and not self.awaited

    @property
    def alarming(self) -> bool:
        """A lethal alarm has not been acknowledged."""
        return self._alerts.alarming

    @property
    def behind_s(self) -> float:
        """Lag of a live stream that comes in real time; 0 for any other."""
        return self.pace.behind_s(self.status is StreamStatus.LIVE)

    def tick(self, now_s: float, looked_at_s: float) -> list[Body]:
        """Once a second: notice silence and lag.

        Parameters
        ----------
        now_s
            Monotonic seconds.
        looked_at_s
            When the input was last found empty: the sender was silent before that.
        """
        out: list[Body] = []
        new_s = self._new_s
        silent = looked_at_s - new_s > STALE_S or now_s - new_s > OVERLOADED_STALE_S
        if silent and self.status in (StreamStatus.LIVE, StreamStatus.WAITING):
            self.status = StreamStatus.STALE
            out += self._run.release()
            new = " new" if self._run.repeating else ""
            text, sample = f"No{new} samples are coming in", self.next_sample
            out += self._raised(AlertKind.STREAM_STALE, text, sample)
        live = self.status is StreamStatus.LIVE
        out += self.pace.tick(now_s, live, self._alerts, self._run.newest_sample)
        self._alerts.tick()
        return out

    def begin_anew(self, announced: Announcement, now_s: float) -> list[Body]:
        """Wait for the samples of a new announcement, after the former analysis is finished."""
        self.status, self.reason, self.unit = StreamStatus.WAITING, "", announced.unit
        self.awaited = self._end_told = False
        self._new_s = now_s
        self._run.announced(announced.info)
        return [announced.info, self.state()]

    def end(self, sample: int | None = None, stopped: bool = False) -> list[Body]:
        """End the stream: give what its analysis still holds, and its end.

        ``stopped``: the service stops; the stream may go on after its restart.
        """
        if self.status is StreamStatus.ENDED or self._end_told:
            return []
        self._stopped, self._end_told = stopped, True
        out = self._run.finish()
        if stopped:  # a stale stream is found stale after the restart
            self.reason = self.reason or SERVICE_STOPPED
        else:
            kinds = AlertKind.STREAM_STALE, AlertKind.SAMPLES_LOST, AlertKind.STREAM_REFUSED
            out += self._alerts.cleared(self._run.newest_sample, *kinds)
        if self.status is not StreamStatus.QUARANTINED or (self.turned_away and not stopped):
            self.turned_away = False
            self.status = StreamStatus.ENDED
            self._run.move(max(self.next_sample, sample or 0))
        return [*out, End(self.info.stream, self.next_sample), self.state()]

    def let_go(self, why: str = "") -> list[Body]:
        """End the stream if it has not ended, and clear all its alerts."""
        out = self.end()
        cleared = self._alerts.clear_all(self._run.newest_sample, why)
        return [*out, *cleared, *([self.state()] if out or cleared else [])]

    def turn_away(self, reason: str) -> list[Body]:
        """Stop watching this stream, because there is no place for it; raise an alert."""
        self.turned_away, self._end_told = True, False
        self.status, self.reason = StreamStatus.QUARANTINED, f"refused: {reason}"
        return [*self._raised(AlertKind.STREAM_REFUSED, f"Not watched: {reason}"), self.state()]

    def admit(self) -> None:
        """Let a stream that was turned away begin with its next announcement."""
        self.turned_away, self.reason = False, ""
        self.status = StreamStatus.ENDED

    def quarantine(self, reason: str) -> list[Body]:
        """Stop analysing this stream, and raise an alert."""
        self._run.drop()
        self.status, self.reason = StreamStatus.QUARANTINED, reason[:MAX_REASON]
        text = f"Analysis stopped: {reason}"
        return [*self._raised(AlertKind.ANALYSIS_FAILED, text), self.state()]

    def acknowledge(self, alert_id: int | None) -> list[Body]:
        """Acknowledge one alert or all (None); empty if none was there to acknowledge."""
        known = self._alerts.acknowledged(alert_id, self._run.newest_sample)
        return [*known, *self._run.acknowledge(alert_id)]

    @property
    def limits(self) -> AlarmSettings | None:
        """Alarm limits of this patient; None before the first samples."""
        return self._run.limits

    def set_limits(self, limits: AlarmSettings) -> list[Body]:
        """Set the alarm limits of this patient; a restart of the stream keeps them."""
        return self._run.set_limits(limits)

    def troubled(self, kind: AlertKind, text: str) -> list[Body]:
        """Raise an equipment alert with this text; clear it if the text is empty."""
        if text:
            return self._raised(kind, text)
        return [*self._alerts.cleared(self._run.newest_sample, kind)]

    def _raised(self, kind: AlertKind, text: str, onset_sample: int | None = None) -> list[Body]:
        newest = self._run.newest_sample
        onset = newest if onset_sample is None else onset_sample
        return [*self._alerts.raised(kind, onset, newest, text[:MAX_REASON])]

    def sampled(
        self, samples: Samples, packet: Packet, now_s: float, wall_ns: int
    ) -> Steps[list[Body]]:
        """Take samples that came with a packet of the stream's sender.

        Raises
        ------
        ProtocolError
            If they do not fit the stream; it goes on without them.
        """
        arrival = self._sequence.observe(packet.publisher, packet.sequence)
        if arrival is Arrival.DUPLICATE or self.status is StreamStatus.QUARANTINED:
            return []
        if self.status is StreamStatus.ENDED:
            raise ProtocolError(f"stream {self.info.stream} has ended; announce it again first")
        samples = usable(samples, self.info, self.unit)
        out: list[Body] = []
        if not self._run.running:
            if self.awaited:
                self.awaited = False
                out += self._run.resume(samples.start_sample)
            elif packet.sequence > 0:
                self._run.join(samples.start_sample)
            out += self._run.start()
            if not self._run.running:
                return out
        if samples.end_sample <= self.next_sample:  # nothing new; a device may be stuck
            return [*out, *(yield from self._run.push(samples))]
        self._new_s = now_s
        if self.status is not StreamStatus.LIVE:
            self.status = StreamStatus.LIVE
            kinds = AlertKind.STREAM_STALE, AlertKind.ANALYSIS_FAILED
            out += self._alerts.cleared(self._run.newest_sample, *kinds)
            out.append(self.state())
        out += yield from self._run.push(samples)
        if arrival is not Arrival.LATE:
            self.pace.came((wall_ns - packet.sent_ns) / 1e9, now_s)
        return out
