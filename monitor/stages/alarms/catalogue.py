"""Every kind of alarm: priority, latching, how long it is held, and what it covers.

Priorities are the defaults common to ward monitors (IEC 60601-1-8 leaves them to the maker).
The order is the order of severity. ``covers`` is the chaining: while a condition is present,
those it covers are not announced, because they are part of it or mean nothing beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.config import AlarmSettings
from monitor.messages import AlertKind as K
from monitor.messages import Priority

_VENTRICULAR = frozenset(
    {
        K.NSVT,
        K.AIVR,
        K.V_BRADY,
        K.V_RUN,
        K.COUPLET,
        K.BIGEMINY,
        K.TRIGEMINY,
        K.R_ON_T,
        K.MULTIFORM_PVC,
        K.PVCS_PER_MIN,
    }
)
_IRREGULAR = frozenset({K.IRREGULAR, K.MISSED_BEAT, K.FREQUENT_SVEB, K.AF, K.AF_END})
_SLOW = frozenset({K.EXTREME_BRADY, K.HR_LOW, K.V_BRADY, K.PAUSE, K.PAUSES_PER_MIN, K.MISSED_BEAT})
_FAST = frozenset({K.EXTREME_TACHY, K.HR_HIGH, K.SVT})
_RUNS = frozenset({K.V_RUN, K.COUPLET, K.BIGEMINY, K.TRIGEMINY, K.R_ON_T, K.PVCS_PER_MIN})


@dataclass(frozen=True, slots=True)
class Entry:
    """What is fixed about one kind of alarm."""

    kind: K
    priority: Priority
    latching: bool = False
    momentary: bool = False
    covers: frozenset[K] = frozenset()

    def hold_s(self, settings: AlarmSettings) -> float:
        """How long the condition must be absent before the alarm ends."""
        if self.priority is Priority.TECHNICAL:
            return 0.0
        return settings.hold_s if self.momentary else settings.end_hold_s


def _high(kind: K, covers: frozenset[K]) -> Entry:
    return Entry(kind, Priority.HIGH, latching=True, covers=covers)


def _medium(kind: K, covers: frozenset[K] = frozenset(), momentary: bool = False) -> Entry:
    return Entry(kind, Priority.MEDIUM, momentary=momentary, covers=covers)


def _low(kind: K, covers: frozenset[K] = frozenset()) -> Entry:
    return Entry(kind, Priority.LOW, momentary=True, covers=covers)


def _technical(kind: K) -> Entry:
    return Entry(kind, Priority.TECHNICAL)


CATALOGUE: dict[K, Entry] = {
    entry.kind: entry
    for entry in (
        _high(K.VF, _VENTRICULAR | _IRREGULAR | _SLOW | _FAST | {K.ASYSTOLE, K.VT}),
        _high(K.ASYSTOLE, _VENTRICULAR | _IRREGULAR | _SLOW | _FAST),
        _high(K.VT, _VENTRICULAR | _IRREGULAR | _FAST),
        _high(K.EXTREME_TACHY, frozenset({K.HR_HIGH, K.SVT})),
        _high(K.EXTREME_BRADY, frozenset({K.HR_LOW})),
        _medium(K.V_BRADY, _RUNS | {K.HR_LOW}),
        _medium(K.NSVT, frozenset({K.V_RUN, K.COUPLET, K.R_ON_T}), momentary=True),
        _medium(K.AIVR, _RUNS),
        _medium(K.SVT, frozenset({K.HR_HIGH, K.FREQUENT_SVEB})),
        _medium(K.PAUSE, frozenset({K.MISSED_BEAT}), momentary=True),
        _medium(K.PAUSES_PER_MIN, frozenset({K.PAUSE, K.MISSED_BEAT})),
        _medium(K.HR_HIGH),
        _medium(K.HR_LOW),
        _medium(K.AF, frozenset({K.IRREGULAR, K.MISSED_BEAT, K.FREQUENT_SVEB})),
        _medium(K.AF_END, momentary=True),
        _medium(K.IRREGULAR, frozenset({K.MISSED_BEAT})),
        _low(K.V_RUN, frozenset({K.COUPLET})),
        _low(K.COUPLET),
        _low(K.BIGEMINY),
        _low(K.TRIGEMINY),
        _low(K.R_ON_T),
        _low(K.MULTIFORM_PVC),
        _low(K.PVCS_PER_MIN),
        _low(K.MISSED_BEAT),
        _low(K.FREQUENT_SVEB),
        _technical(K.LEAD_OFF),
        _technical(K.NOISE),
        _technical(K.LEARNING),
        _technical(K.AMPLITUDE),
        _technical(K.SAMPLING_RATE),
        _technical(K.STREAM_STALE),
        _technical(K.STREAM_REFUSED),
        _technical(K.SENDER_CHANGED),
        _technical(K.SAMPLES_LOST),
        _technical(K.STORAGE_FAILED),
        _technical(K.PUBLISHER_FAILED),
        _technical(K.ANALYSIS_FAILED),
        _technical(K.ANALYSIS_LATE),
        _technical(K.PULSE_CONTRADICTS),
    )
}
