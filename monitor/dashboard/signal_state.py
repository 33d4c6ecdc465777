"""The state of a stream's signal in one word, the worst first. Pure."""

from __future__ import annotations

from enum import Enum

from monitor.dashboard import theme
from monitor.dashboard.stream_state import StreamState
from monitor.messages import LeadState


class Signal(Enum):
    """The fault of the signal, if there is one."""

    LOST = "NO CONNECTION"  # the service is gone
    STALE = "STALE"  # no samples come
    LEAD_OFF = "LEAD OFF"
    SUSPENDED = "SUSPENDED"  # no analysis for now
    POOR = "POOR"
    WAITING = "WAITING"  # no sample has come yet
    UNANALYSED = "NO ANALYSIS YET"
    ENDED = "ENDED"
    GOOD = "good"

    @property
    def unwatched(self) -> bool:
        """Nobody watches the patient."""
        return self in (Signal.LOST, Signal.STALE)


def best_lead(stream: StreamState) -> int:
    """Give the lead to show when there is room for one: the first good one, else the first."""
    if stream.quality is not None:
        for number, state in enumerate(stream.quality.leads):
            if state is LeadState.OK:
                return number
    return 0


def signal_of(stream: StreamState, now_s: float) -> tuple[Signal, str]:
    """Give the state of a stream's signal, and the words for it."""
    stale_s = stream.stale_s(now_s)
    if stream.status.lost:
        return Signal.LOST, Signal.LOST.value
    if stream.unwatched or stale_s is not None:
        age = "" if stale_s is None else f" {theme.age(stale_s)}"
        return Signal.STALE, f"{Signal.STALE.value}{age}"
    if stream.finished:
        return Signal.ENDED, Signal.ENDED.value
    if stream.info is None or stream.last_samples_s is None:
        return Signal.WAITING, Signal.WAITING.value
    vitals = stream.valid_vitals()
    leads = () if stream.quality is None else stream.quality.leads
    names = stream.info.leads
    off = [n for n, s in zip(names, leads, strict=False) if s is LeadState.LEAD_OFF]
    if off:
        which = "" if len(names) == 1 else f" {off[0] if len(off) < len(leads) else 'all'}"
        return Signal.LEAD_OFF, f"{Signal.LEAD_OFF.value}{which}"
    if vitals is None:
        return Signal.UNANALYSED, Signal.UNANALYSED.value
    if not vitals.usable:
        return Signal.SUSPENDED, Signal.SUSPENDED.value
    bad = [(n, s) for n, s in zip(names, leads, strict=False) if s is not LeadState.OK]
    if bad:
        name, state = bad[0]
        return Signal.POOR, f"{theme.LEAD_STATES[state][0]} {name}"
    return Signal.GOOD, Signal.GOOD.value
