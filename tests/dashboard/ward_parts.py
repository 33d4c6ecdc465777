"""Streams of a ward for tests: known signals, alarms of every priority."""

from __future__ import annotations

import numpy as np

from monitor.dashboard.canvas import Canvas
from monitor.dashboard.events import EventKey
from monitor.dashboard.state import DashboardState
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    LeadState,
    Priority,
    Quality,
    Rhythm,
    Samples,
    Snippet,
    StreamInfo,
    Vitals,
)

RATE_HZ = 250.0
LEADS = ("II", "V1")


def signal(start: int, count: int, stream: str = "bed-1") -> Samples:
    """75 beats a minute of spikes, 1.2 mV in II and -0.6 mV in V1."""
    values = np.zeros((count, 2), dtype=np.float32)
    at = np.arange(start, start + count)
    values[at % 200 == 100] = (1.2, -0.6)
    return Samples(stream, start, values)


def bed(
    state: DashboardState,
    stream: str = "bed-1",
    *,
    seconds: float = 10.0,
    rate_bpm: float | None = 75.2,
    leads: tuple[LeadState, LeadState] = (LeadState.OK, LeadState.OK),
    usable: bool = True,
    now_s: float = 0.0,
) -> None:
    """Fold a monitored stream into a state."""
    count = round(seconds * RATE_HZ)
    state.fold(StreamInfo(stream, RATE_HZ, LEADS, 0, "simulator"), now_s)
    state.fold(signal(0, count, stream), now_s)
    for peak in range(100, count - 200, 200):
        state.fold(beat(peak, stream), now_s)
    state.fold(Quality(stream, 0, count, leads, usable), now_s)
    state.fold(Vitals(stream, count - 10, rate_bpm, 0.8, usable, {"N": 9}, 3), now_s)
    state.fold(Rhythm(stream, 0, 500, "N"), now_s)


def beat(sample: int, stream: str = "bed-1", label: AamiClass = AamiClass.N) -> Beat:
    return Beat(stream, sample, sample + 160, label, (1, 0, 0, 0, 0), 0.8, 0, "m")


def alarm(
    stream: str = "bed-1",
    number: int = 1,
    priority: Priority = Priority.HIGH,
    alert_state: AlertState = AlertState.RAISED,
    *,
    text: str = "VT 180 > 100",
    seq: int | None = None,
    kind: AlertKind = AlertKind.VT,
    onset: int = 1250,
    sample: int = 1500,
) -> Alert:
    seq = number if seq is None else seq
    return Alert(stream, number, seq, kind, priority, alert_state, onset, sample, text)


def snippet(alert: Alert, seconds: float = 5.0) -> Snippet:
    """The signal before an alert, as it is published with it."""
    count = round(seconds * RATE_HZ)
    start = alert.sample + 1 - count
    values = signal(start, count).values_mv
    return Snippet(alert.stream, alert.id, alert.seq, start, values)


def key_in(state: DashboardState, stream: str = "bed-1", number: int = 1) -> EventKey:
    """The key of the newest event of an alert's number."""
    event = state.events.of_alert(stream, number)
    assert event is not None
    return event.key


def lines_of(canvas: Canvas) -> list[str]:
    return ["".join(map(chr, row)) for row in canvas.characters]
