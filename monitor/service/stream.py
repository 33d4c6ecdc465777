"""One stream of the service and its senders: owner, claimant, one that comes back. Pure."""

from __future__ import annotations

from monitor.log_lines import Level, LogLine
from monitor.messages import AlertKind, End, Samples, StreamInfo
from monitor.service.analysis import MakeAnalysis
from monitor.service.memory import StreamMemory
from monitor.service.ownership import Announcement, Ownership, RestartLimit, continues, repeats
from monitor.service.watched import STALE_S, WatchedStream
from monitor.stages.steps import Steps, run_alone
from monitor.wire.protocol import Body, Packet, ProtocolError, StreamStatus


class MonitoredStream(WatchedStream):
    """A stream from its first announcement until it is forgotten, with its senders.

    The parameters are those of :class:`WatchedStream`.
    """

    def __init__(
        self,
        announced: Announcement,
        make_analysis: MakeAnalysis,
        now_s: float,
        memory: StreamMemory | None = None,
    ) -> None:
        super().__init__(announced, make_analysis, now_s, memory)
        self.key, self.device = announced.key, announced.device
        self.refusal = ProtocolError("")  # of the last message that was refused here
        self.rejected = ""  # publisher id of a claimant that is to be told
        self._owner = Ownership(announced.publisher, now_s)
        self._restarts = RestartLimit(now_s)
        self._looked_s = now_s

    def memory(self) -> StreamMemory:
        """Give the state that a restart of the service needs."""
        return StreamMemory(
            self.info.stream,
            self.info,
            self._owner.publisher,
            self.key,
            self.status is StreamStatus.ENDED and not self._stopped,
            self.next_sample,
            *self._alerts.last_numbers,
            self._alerts.active,
            self._run.limits_set,
            self.unit,
            self.device,
        )

    @property
    def heard_s(self) -> float:
        """When the owner last sent something (monotonic)."""
        return self._owner.heard_s

    @property
    def silent(self) -> bool:
        """The owner had been silent for some time when the input was last found empty."""
        return self._looked_s - self._owner.heard_s > STALE_S

    def sent_by(self, publisher: str) -> bool:
        """Tell whether this sender owns the stream."""
        return publisher == self._owner.publisher

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
            return (yield from self.sampled(body, packet, now_s, wall_ns))
        if isinstance(body, End):
            return self.end(body.sample)
        raise ProtocolError(f"a sender of samples cannot send {type(body).__name__} messages")

    def tick(self, now_s: float, looked_at_s: float) -> list[Body]:
        """Once a second: decide about a claim, notice silence and lag.

        The parameters are those of :meth:`WatchedStream.tick`.
        """
        out: list[Body] = []
        self._looked_s = looked_at_s
        if self._owner.decided(now_s, self._free):
            if self._free:
                out += run_alone(self._pass_on(now_s, 0))
            else:
                self._refuse_claim()
        return [*out, *super().tick(now_s, looked_at_s)]

    def waits(self, publisher: str, now_s: float) -> None:
        """Note the sender of this stream, which is turned away."""
        self._owner.passes_to(publisher, now_s)

    @property
    def _free(self) -> bool:
        """Another sender may have the stream."""
        gone = self.over or self.awaited or self.status is StreamStatus.STALE
        return gone or self._owner.silent(self._looked_s)

    @property
    def _taken(self) -> str:
        return (
            f"stream {self.info.stream} is being sent by another sender; give each a stream "
            "name of its own"
        )

    def _pass_on(self, now_s: float, wall_ns: int) -> Steps[list[Body]]:
        """Give the stream to the claimant, and take what it has sent."""
        out: list[Body] = []
        for packet in self._owner.released():
            try:
                out += yield from self._take(packet, now_s, wall_ns or packet.sent_ns)
            except ProtocolError as error:
                self.refused += 1
                self.refusal = error
        return out

    def _refuse_claim(self) -> None:
        held = self._owner.released()
        self.rejected = held[0].publisher if held else ""
        self.refused += len(held)
        self.refusal = ProtocolError(self._taken)

    def _announced(self, info: StreamInfo, packet: Packet, now_s: float) -> list[Body]:
        takes_over = False
        if packet.publisher != self._owner.publisher:
            takes_over = not self._same_device(info, packet.device, now_s)
            self._owner.passes_to(packet.publisher, now_s)
            self.pace.other_sender()
            follows = self.next_sample <= info.start_sample
            anew = self.over or not (follows or repeats(info, self.info, self.next_sample))
        else:
            anew = self.status is StreamStatus.ENDED
            self._owner.heard(now_s)
        self.device = packet.device
        before = (self.info.rate_hz, self.info.leads, self.info.pulse, self.unit)
        if not anew and before == (info.rate_hz, info.leads, info.pulse, packet.unit):
            return self._taken_over() if takes_over else []
        allowed = self._restarts.allow(now_s)
        out = self._run.finish()
        if not allowed:
            if self.status is StreamStatus.QUARANTINED:
                return out
            return [*out, *self.quarantine("it is announced anew too often")]
        out += self._alerts.begin_anew(self._run.newest_sample)
        if takes_over:
            out += self._taken_over()
        announced = Announcement(info, packet.publisher, self.key, packet.unit, packet.device)
        return [*out, *self.begin_anew(announced, now_s)]

    def _same_device(self, info: StreamInfo, device: str, now_s: float) -> bool:
        """Tell whether another publisher id is the same sender, restarted, with the same patient.

        It is if the stream had been ended or refused, if both name the same device, if senders have
        keys (a stream belongs to one key), or if the sample index continues.
        """
        if self.ended or self.turned_away:
            return True
        if device or self.device:
            same = device == self.device
        else:
            silent_s = now_s - self._owner.heard_s
            same = bool(self.key) or continues(info, self.info, self.next_sample, silent_s)
        if same:
            self.news = LogLine("its sender has been restarted")
        return same

    def _taken_over(self) -> list[Body]:
        """Raise an alert: two patients may have been joined in one stream."""
        text = "Another device sends this stream now: check that it is the same patient"
        self.news = LogLine("taken over by another device", Level.WARNING)
        return self._raised(AlertKind.SENDER_CHANGED, text)
