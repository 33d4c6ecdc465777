"""Whether a service is well. Pure: time is handed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.messages import AlertKind, AlertState
from monitor.wire.protocol import Body, Heartbeat, StreamState, StreamStatus

SILENT_S = 5.0  # the service's own heartbeat comes each second
LATE_S = 5.0  # analysis this far behind its samples is not live any more
FORGET_HEARTBEATS = 12  # without a state: under load states come with each fifth


class Verdict(StrEnum):
    """How a service is."""

    OK = "ok"
    DEGRADED = "degraded"  # it works, and somebody who should be watched is not
    FAILING = "failing"  # it does not do its work


@dataclass(frozen=True, slots=True)
class Report:
    """``failures`` are of the service itself, ``unwatched`` tells of patients who are not watched.

    Both are empty when all is well. ``lag_s`` is that of the stream furthest behind.
    """

    failures: tuple[str, ...]
    unwatched: tuple[str, ...]
    streams: Mapping[str, int]
    turned_away: int
    lag_s: float
    storage: Mapping[str, str]

    @property
    def verdict(self) -> Verdict:
        """All in one word."""
        if self.failures:
            return Verdict.FAILING
        return Verdict.DEGRADED if self.unwatched else Verdict.OK

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not well, the worst first."""
        return self.failures + self.unwatched


class Health:
    """Where all streams stand, folded from what the service publishes."""

    def __init__(self) -> None:
        self._heard_s: float | None = None
        self._beats = 0
        self._heartbeat: Heartbeat | None = None
        self._states: dict[str, tuple[StreamState, int]] = {}

    def take(self, body: Body, now_s: float) -> None:
        """Take one message; ``now_s`` is monotonic."""
        if isinstance(body, Heartbeat):
            self._heard_s, self._heartbeat = now_s, body
            self._beats += 1
            oldest = self._beats - FORGET_HEARTBEATS
            for name in [n for n, (_, beat) in list(self._states.items()) if beat < oldest]:
                del self._states[name]
        elif isinstance(body, StreamState):
            self._states[body.stream] = body, self._beats

    def _known(self) -> list[StreamState]:
        return [state for state, _ in list(self._states.values())]

    def streams(self) -> dict[str, int]:
        """Give how many streams there are, by status."""
        counts = dict.fromkeys((status.value for status in StreamStatus), 0)
        for state in self._known():
            counts[state.status.value] += 1
        return counts

    def unwatched(self) -> int:
        """Give how many patients are not watched who should be."""
        counts = self.streams()
        refused = self._with_alert(AlertKind.STREAM_REFUSED)
        failed = counts[StreamStatus.QUARANTINED] - refused
        return counts[StreamStatus.STALE] + max(failed, 0) + max(refused, self._turned_away())

    def lag_s(self) -> float:
        """Give the lag of the live stream that is furthest behind; 0 without one."""
        live = (s for s in self._known() if s.status is StreamStatus.LIVE)
        return max((s.lag_s or 0.0 for s in live), default=0.0)

    def report(self, now_s: float, storage: Mapping[str, str]) -> Report:
        """Judge; ``storage`` tells what cannot be stored and why, by store."""
        failures = [f"{store}: {reason}" for store, reason in storage.items() if reason]
        if self._heard_s is None:
            failures.append("the service has not begun")
        elif now_s - self._heard_s > SILENT_S:
            failures.append(f"no heartbeat for {now_s - self._heard_s:.0f} s")
        lag_s = self.lag_s()
        if lag_s > LATE_S:
            failures.append(f"analysis is {lag_s:.1f} s behind")
        unpublished = self._with_alert(AlertKind.PUBLISHER_FAILED)
        if unpublished:
            failures.append(f"results of {unpublished} stream(s) do not reach subscribers")
        return Report(
            tuple(failures),
            tuple(self._reasons()),
            self.streams(),
            self._turned_away(),
            lag_s,
            storage,
        )

    def _reasons(self) -> Iterator[str]:
        """Tell who is not watched; never by name."""
        counts, refused = self.streams(), self._with_alert(AlertKind.STREAM_REFUSED)
        stale, failed = counts[StreamStatus.STALE], counts[StreamStatus.QUARANTINED] - refused
        turned_away = max(refused, self._turned_away())
        if stale:
            yield f"{stale} stream(s) stale: no samples are coming in"
        if turned_away:
            yield f"{turned_away} stream(s) refused: no place for them (see --max-streams)"
        if failed > 0:
            yield f"{failed} stream(s) quarantined: their analysis has stopped"
        changed = self._with_alert(AlertKind.SENDER_CHANGED)
        if changed:
            yield f"{changed} stream(s) taken over by another device"
        shed = self._heartbeat is not None and self._heartbeat.late
        if shed:
            yield f"{shed} stream(s) late: the machine is too slow"

    def _turned_away(self) -> int:
        return self._heartbeat.turned_away if self._heartbeat is not None else 0

    def _with_alert(self, kind: AlertKind) -> int:
        return sum(
            any(a.kind is kind and a.state is not AlertState.CLEARED for a in state.alerts)
            for state in self._known()
        )
