"""Whether a service is well. Pure: time is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.wire.protocol import Body, Heartbeat, StreamState, StreamStatus

SILENT_S = 5.0  # the service's own heartbeat comes each second
LATE_S = 5.0  # analysis this far behind its samples is not live any more


@dataclass(frozen=True, slots=True)
class Report:
    """``reasons`` is empty when all is well. ``lag_s`` is that of the stream furthest behind."""

    reasons: tuple[str, ...]
    streams: Mapping[str, int]
    lag_s: float
    storage: Mapping[str, str]


class Health:
    """Where all streams stand, folded from what the service publishes.

    A heartbeat is followed by the state of every stream; what has come between two of them is the
    whole.
    """

    def __init__(self) -> None:
        self._heard_s: float | None = None
        self._coming: dict[str, StreamState] = {}
        self._states: dict[str, StreamState] = {}

    def take(self, body: Body, now_s: float) -> None:
        """Take one message; ``now_s`` is monotonic."""
        if isinstance(body, Heartbeat):
            self._heard_s = now_s
            self._states, self._coming = self._coming, {}
        elif isinstance(body, StreamState):
            self._coming[body.stream] = body

    def streams(self) -> dict[str, int]:
        """Give how many streams there are, by status."""
        counts = dict.fromkeys((status.value for status in StreamStatus), 0)
        for state in list(self._states.values()):
            counts[state.status.value] += 1
        return counts

    def lag_s(self) -> float:
        """Give the lag of the live stream that is furthest behind; 0 without one."""
        states = list(self._states.values())
        return max((s.lag_s or 0.0 for s in states if s.status is StreamStatus.LIVE), default=0.0)

    def report(self, now_s: float, storage: Mapping[str, str]) -> Report:
        """Judge; ``storage`` tells what cannot be stored and why, by store."""
        reasons = [f"{store}: {reason}" for store, reason in storage.items() if reason]
        if self._heard_s is None:
            reasons.append("the service has not begun")
        elif now_s - self._heard_s > SILENT_S:
            reasons.append(f"no heartbeat for {now_s - self._heard_s:.0f} s")
        lag_s = self.lag_s()
        if lag_s > LATE_S:
            reasons.append(f"analysis is {lag_s:.1f} s behind")
        return Report(tuple(reasons), self.streams(), lag_s, storage)
