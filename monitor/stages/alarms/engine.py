"""The state machine of alarms: raised, updated, acknowledged, cleared.

Rules that hold here:

1. Time is the sample index. The same findings at the same samples give the same transitions.
2. At most one alarm of a kind is live. Its ``id`` is constant; ``seq`` has no holes.
3. A latching alarm stays until it is acknowledged, also when its condition has ended; the
   text then says so. When the condition returns after ``again_s`` or more, a new alarm with
   its own onset takes the place of the old one in the same instant. Any other alarm clears by
   itself once its condition has been absent for its hold time.
4. Chaining: while a condition is present or held, the conditions it covers are not raised,
   and live alarms about them are cleared unless they latch.
5. Inhibition: a low (medium) alarm that has cleared by itself is not raised again for
   ``inhibit_low_s`` (``inhibit_medium_s``). Nothing else is ever held back by it.
6. Acknowledging silences one occurrence: when the condition ends and returns it is a new alarm.
7. While analysis is suspended the absence of a condition proves nothing: physiological alarms
   stand still, and after ``suspended_clear_s`` those that do not latch are cleared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.config import AlarmSettings
from monitor.messages import Alert, AlertKind, AlertState, Priority


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that is present now: what a rule gives the engine."""

    onset_sample: int
    text: str
    value: float | None = None
    limit: float | None = None
    beats: tuple[int, ...] = ()
    spares: frozenset[AlertKind] = frozenset()  # kinds that it does not cover after all


@dataclass(slots=True)
class _Live:
    id: int
    kind: AlertKind
    finding: Finding
    shown: Finding
    last_present: int
    last_transition: int
    acknowledged: bool = False
    ended: bool = False


class Engine:
    """Turns findings into transitions.

    Parameters
    ----------
    stream
        Name put on every alert.
    rate_hz
        Sampling rate.
    settings
        Hold, update and inhibition times, and what is switched off.
    """

    def __init__(self, stream: str, rate_hz: float, settings: AlarmSettings) -> None:
        self._stream = stream
        self._rate_hz = rate_hz
        self._live: dict[AlertKind, _Live] = {}
        self._inhibited_until: dict[AlertKind, int] = {}
        self._next_id = 1
        self._next_seq = 1
        self._sample = -1
        self._suspended_since: int | None = None
        self._off: frozenset[str] = frozenset()
        self._adopt(settings)

    def _adopt(self, settings: AlarmSettings) -> None:
        self._settings = settings
        self._off = frozenset(settings.off)

    @property
    def live(self) -> tuple[AlertKind, ...]:
        """Kinds with a live alarm, the worst first."""
        return tuple(kind for kind in AlertKind if kind in self._live)

    def observe(
        self, sample: int, findings: Mapping[AlertKind, Finding], suspended: bool = False
    ) -> list[Alert]:
        """Take what is present at ``sample``; give the transitions, the worst alarm first."""
        elapsed = sample - self._sample
        self._sample = sample
        if not findings and not self._live:
            self._suspended_since = sample if suspended else None
            return []
        self._track_suspension(sample, elapsed, suspended)
        present = {kind: f for kind, f in findings.items() if kind not in self._off}
        covered: set[AlertKind] = set()
        for kind, finding in present.items():
            covered |= kind.covers - finding.spares
        for live in self._live.values():
            if self._held(live, suspended):
                covered |= live.kind.covers - live.finding.spares
        alerts: list[Alert] = []
        for kind in sorted({*present, *self._live}, key=_RANK.__getitem__):
            found = None if kind in covered else present.get(kind)
            state = self._live.get(kind)
            if state is None:
                if found is not None and not self._inhibited(kind):
                    alerts.append(self._raise(kind, found))
            elif found is not None:
                alerts += self._present(state, found)
            else:
                alerts += self._absent(state, kind in covered, suspended)
        return alerts

    def acknowledge(self, alert_id: int | None) -> list[Alert]:
        """Acknowledge one live alarm, or all (None). An unknown id changes nothing."""
        alerts: list[Alert] = []
        for kind in self.live:
            state = self._live[kind]
            if state.acknowledged or alert_id not in (None, state.id):
                continue
            state.acknowledged = True
            alerts.append(self._transition(state, AlertState.ACKNOWLEDGED))
            if state.ended:
                alerts.append(self._clear(state, "ended"))
        return alerts

    def adopt(self, settings: AlarmSettings) -> list[Alert]:
        """Go on with other settings; live alarms of kinds now switched off are cleared."""
        self._adopt(settings)
        return [
            self._clear(self._live[kind], "switched off") for kind in self.live if kind in self._off
        ]

    def _track_suspension(self, sample: int, elapsed: int, suspended: bool) -> None:
        if not suspended:
            self._suspended_since = None
            return
        if self._suspended_since is None:
            self._suspended_since = sample
        for state in self._live.values():
            if state.kind.priority is not Priority.TECHNICAL:
                state.last_present += elapsed

    def _held(self, state: _Live, suspended: bool) -> bool:
        """Whether an alarm whose condition is absent counts as present still."""
        if state.ended:
            return False
        if suspended:
            return True
        absent_s = (self._sample - state.last_present) / self._rate_hz
        return absent_s < self._hold_s(state.kind)

    def _hold_s(self, kind: AlertKind) -> float:
        """How long the condition must be absent before the alarm ends."""
        if kind.priority is Priority.TECHNICAL:
            return 0.0
        return self._settings.hold_s if kind.momentary else self._settings.end_hold_s

    def _inhibited(self, kind: AlertKind) -> bool:
        return self._sample < self._inhibited_until.get(kind, -1)

    def _raise(self, kind: AlertKind, finding: Finding) -> Alert:
        state = _Live(self._next_id, kind, finding, finding, self._sample, self._sample)
        self._next_id += 1
        self._live[kind] = state
        return self._transition(state, AlertState.RAISED)

    def _present(self, state: _Live, finding: Finding) -> list[Alert]:
        absent_s = (self._sample - state.last_present) / self._rate_hz
        state.last_present = self._sample
        resumed = state.ended
        if resumed and absent_s >= self._settings.again_s:
            return [
                self._clear(state, "followed by a new one"),
                self._raise(state.kind, finding),
            ]
        state.ended = False
        if resumed:
            finding = replace(finding, onset_sample=state.finding.onset_sample)
        state.finding = finding
        wait = self._settings.update_s * self._rate_hz
        news = finding.text != state.shown.text and self._sample - state.last_transition >= wait
        return [self._transition(state, AlertState.UPDATED)] if resumed or news else []

    def _absent(self, state: _Live, covered: bool, suspended: bool) -> list[Alert]:
        if covered and not state.kind.latching:
            return [self._clear(state, "covered by a worse alarm")]
        if suspended and state.kind.priority is not Priority.TECHNICAL:
            since = self._sample if self._suspended_since is None else self._suspended_since
            lost_s = (self._sample - since) / self._rate_hz
            if state.kind.latching or lost_s < self._settings.suspended_clear_s:
                return []
            return [self._clear(state, "signal lost")]
        if state.ended or self._held(state, suspended=False):
            return []
        if state.kind.latching and not state.acknowledged:
            state.ended = True
            text = f"{state.finding.text} (ended)"
            return [self._transition(state, AlertState.UPDATED, text)]
        self._inhibit(state)
        return [self._clear(state, "ended")]

    def _inhibit(self, state: _Live) -> None:
        quiet_s = {
            Priority.LOW: self._settings.inhibit_low_s,
            Priority.MEDIUM: self._settings.inhibit_medium_s,
        }.get(state.kind.priority, 0.0)
        until = self._sample + round(quiet_s * self._rate_hz)
        self._inhibited_until[state.kind] = until

    def _clear(self, state: _Live, why: str) -> Alert:
        del self._live[state.kind]
        text = f"{state.finding.text} ({why})"
        return self._transition(state, AlertState.CLEARED, text)

    def _transition(self, state: _Live, to: AlertState, text: str | None = None) -> Alert:
        finding = state.finding
        state.shown = finding
        state.last_transition = self._sample
        seq = self._next_seq
        self._next_seq += 1
        return Alert(
            stream=self._stream,
            id=state.id,
            seq=seq,
            kind=state.kind,
            priority=state.kind.priority,
            state=to,
            onset_sample=finding.onset_sample,
            sample=self._sample,
            text=finding.text if text is None else text,
            value=finding.value,
            limit=finding.limit,
            beats=finding.beats,
        )


_RANK = {kind: rank for rank, kind in enumerate(AlertKind)}
