"""Play a scenario: its events in order of time, lazily, and without end if it loops."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

from monitor.sources.simulator.events import (
    Background,
    BeatEvent,
    FaultSpan,
    RhythmChange,
    TimelineEvent,
)
from monitor.sources.simulator.rhythms import Heart, conducted, scripted, ventricular
from monitor.sources.simulator.scenario import Scenario, Segment

_NAMES = {
    "bigeminy": "B",
    "trigeminy": "T",
    "af": "AFIB",
    "flutter": "AFL",
    "svt": "SVTA",
    "junctional": "NOD",
    "aivr": "IVR",
    "idioventricular": "IVR",
    "vt": "VT",
    "vflutter": "VFL",
    "vf": "VF",
    "paced": "P",
    "asystole": "ASYS",
}
_LEAD_IN_S = 0.1  # a rhythm begins with the onset of its first QRS
_VT_MIN_BEATS = 3
_VT_MIN_BPM = 100.0


def rhythm_name(segment: Segment) -> str:
    """Name of a rhythm as the PhysioNet databases write it, without the parenthesis."""
    if segment.rhythm == "sinus" and segment.rate < 60.0:
        return "SBR"
    return _NAMES.get(segment.rhythm, "N")


def timeline(scenario: Scenario, seed: int, loop: bool) -> Iterator[TimelineEvent]:
    """Give the events of a scenario in order of time (a rhythm change may be late).

    A rhythm is named again and again while it lasts.
    """
    start_s = 0.0
    heart = Heart(np.random.default_rng(seed))
    turn = 0
    while True:
        faults = sorted(_faults(scenario, start_s, turn), key=_time_s)
        rhythms = _rhythms(scenario, start_s, turn, seed, heart)
        yield from heapq.merge(faults, rhythms, key=_time_s)
        start_s += scenario.duration_s
        if not loop:
            return
        turn += 1


def _time_s(event: TimelineEvent) -> float:
    return event.time_s


def _faults(scenario: Scenario, start_s: float, turn: int) -> Iterator[TimelineEvent]:
    for index, fault in enumerate(scenario.faults):
        begin_s = start_s + fault.start_s
        end_s = min(begin_s + fault.duration_s, start_s + scenario.duration_s)
        yield FaultSpan(begin_s, end_s, fault, turn * len(scenario.faults) + index)


def _rhythms(
    scenario: Scenario, start_s: float, turn: int, seed: int, heart: Heart
) -> Iterator[TimelineEvent]:
    for index, segment in enumerate(scenario.segments):
        # a generator for each pass and segment: changing one leaves the others' draws alone
        heart.rng = np.random.default_rng([seed, turn, index])
        end_s = start_s + segment.duration_s
        yield from _segment(segment, start_s, end_s, heart, turn * len(scenario.segments) + index)
        start_s = end_s


def _segment(
    segment: Segment, start_s: float, end_s: float, heart: Heart, key: int
) -> Iterator[TimelineEvent]:
    name = rhythm_name(segment)
    if segment.rhythm in ("af", "flutter", "vflutter", "vf"):
        yield Background(start_s, end_s, segment.rhythm, segment, key)
    if segment.rhythm in ("vflutter", "vf", "asystole"):
        yield RhythmChange(start_s, name)
        return
    if segment.rhythm == "script":
        beats = scripted(segment, start_s, end_s, heart)
    elif segment.rhythm in ("vt", "aivr", "idioventricular", "paced"):
        beats = ventricular(segment, start_s, end_s, heart)
    else:
        beats = conducted(segment, start_s, end_s, heart)
    if name == "VT" or segment.rhythm in ("aivr", "idioventricular"):
        yield from _named(beats, name)
    else:
        yield from _with_runs(beats, name)


def _named(beats: Iterator[BeatEvent], name: str) -> Iterator[TimelineEvent]:
    first = True
    for beat in beats:
        if first and beat.kind != "p":
            yield RhythmChange(beat.time_s - _LEAD_IN_S, name)
            first = False
        yield beat


def _with_runs(beats: Iterator[BeatEvent], name: str) -> Iterator[TimelineEvent]:
    """Name runs of three and more ventricular beats within another rhythm.

    Two beats are held back at most, until it is clear whether they begin a run.
    """
    held: list[BeatEvent] = []
    named = False
    for beat in beats:
        if beat.kind not in ("pvc", "p"):
            yield from held
            held, named = [], False
            yield RhythmChange(beat.time_s - _LEAD_IN_S, name)
            yield beat
            continue
        held.append(beat)
        ventricular_s = [b.time_s for b in held if b.kind == "pvc"]
        if not named and len(ventricular_s) == _VT_MIN_BEATS:
            fast = ventricular_s[-1] - ventricular_s[0] <= (_VT_MIN_BEATS - 1) * 60.0 / _VT_MIN_BPM
            yield RhythmChange(ventricular_s[0] - _LEAD_IN_S, "VT" if fast else "IVR")
            named = True
        if named:
            yield from held
            held = []
    yield from held
