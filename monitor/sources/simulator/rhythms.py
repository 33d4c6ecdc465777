"""Rhythms as lazy sequences of beats, in seconds.

Rules that hold here:

1. Nothing depends on the sampling rate, and nothing is drawn from outside ``heart.rng``.
2. A generator gives beats in order of time, all within [start_s, end_s).
3. What one rhythm leaves to the next is in :class:`Heart` alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from monitor.sources.simulator.events import BeatEvent
from monitor.sources.simulator.scenario import RhythmEvent, Segment

RESPIRATION_HZ = 0.25
_REFRACTORY = 0.85  # of the sinus interval; an earlier impulse after an ectopic beat is blocked
_FLUTTER_HZ = 5.0


@dataclass(slots=True)
class Heart:
    """State that passes from one rhythm to the next."""

    rng: np.random.Generator
    last_s: float = -math.inf
    smooth_rr_s: float = 0.83  # the QT interval follows the rate with a delay
    ectopics: int = 0  # takes the forms of premature beats in turn

    def beat(
        self, time_s: float, kind: str, segment: Segment, pr_s: float | None, form: int = 0
    ) -> BeatEvent:
        """Make the next beat and remember it."""
        rr_s = min(max(time_s - self.last_s, 0.25), 2.0)
        self.smooth_rr_s += 0.3 * (rr_s - self.smooth_rr_s)
        self.last_s = time_s
        steady = segment.variability == 0.0
        gain, t_gain = (1.0, 1.0) if steady else 1.0 + self.rng.normal(0.0, (0.015, 0.03))
        return BeatEvent(
            time_s, kind, segment, self.smooth_rr_s, pr_s, form, float(gain), float(t_gain)
        )


def respiration(time_s: float) -> float:
    """Phase of breathing as -1 (out) to 1 (in)."""
    return math.sin(2.0 * math.pi * RESPIRATION_HZ * time_s)


def _intervals(segment: Segment, heart: Heart) -> Iterator[float]:
    """RR intervals of a supraventricular rhythm, without end."""
    mean_s = 60.0 / segment.rate
    rng = heart.rng
    if segment.rhythm == "af":
        # irregularly irregular: independent intervals above the AV node's refractory period
        spread = 0.24 if segment.variability is None else segment.variability
        floor_s = min(0.30, 0.6 * mean_s)
        shape = ((mean_s - floor_s) / max(spread * mean_s, 1e-6)) ** 2
        while True:
            yield floor_s + (mean_s - floor_s) * float(rng.gamma(shape) / shape)
    if segment.rhythm == "flutter":
        # n:1 conduction: intervals are whole multiples of the atrial cycle
        ratio = mean_s * _FLUTTER_HZ
        while True:
            low = max(2, math.floor(ratio))
            step = low + (1 if rng.random() < ratio - low else 0)
            yield step / _FLUTTER_HZ
    default = {"sinus": 0.03, "bigeminy": 0.02, "trigeminy": 0.02}.get(segment.rhythm, 0.006)
    spread = default if segment.variability is None else segment.variability
    slow = 0.0
    at_s = max(heart.last_s, 0.0)
    while True:
        # respiratory arrhythmia, the slower (0.1 Hz and below) part, and a white remainder
        slow = 0.9 * slow + float(rng.normal(0.0, 0.2 * spread))
        white = float(rng.normal(0.0, 0.25 * spread))
        rr_s = mean_s * (1.0 - spread * respiration(at_s) + slow + white)
        rr_s = max(rr_s, 0.5 * mean_s)
        at_s += rr_s
        yield rr_s


def _pr_s(rr_s: float) -> float:
    """P peak to R: the PR interval shortens with the rate."""
    return min(0.155, max(0.10, 0.08 + 0.09 * rr_s))


def first_beat_s(segment: Segment, start_s: float, rr_s: float, heart: Heart) -> float:
    """Time of the first beat of a segment; its interval counts from the last beat."""
    if math.isinf(heart.last_s):
        return start_s + 0.5 * rr_s
    if start_s - heart.last_s > 2.0 * rr_s:  # after asystole or fibrillation
        return start_s + 0.8 * rr_s
    return max(start_s, heart.last_s + rr_s)


def conducted(segment: Segment, start_s: float, end_s: float, heart: Heart) -> Iterator[BeatEvent]:
    """Supraventricular rhythms with premature beats and pauses."""
    intervals = _intervals(segment, heart)
    rr_s = next(intervals)
    node_s = first_beat_s(segment, start_s, rr_s, heart)
    waiting = sorted(segment.events, key=lambda event: event.at_s)
    kind = {"svt": "svt", "junctional": "junctional"}.get(segment.rhythm, "normal")
    if kind == "normal" and segment.conduction != "normal":
        kind = segment.conduction
    own_node = segment.rhythm in ("sinus", "bigeminy", "trigeminy")
    conducted_beats = 0
    while node_s < end_s:
        pr_s = _pr_s(rr_s) if own_node else None
        at_s, rr_s = node_s, next(intervals)
        if waiting and waiting[0].kind == "fusion" and start_s + waiting[0].at_s <= at_s:
            event = waiting.pop(0)
            yield heart.beat(at_s, "fusion", segment, pr_s, event.forms[0])
        else:
            yield heart.beat(at_s, kind, segment, pr_s)
        conducted_beats += 1
        node_s = at_s + rr_s
        due = _due(segment, at_s - start_s, conducted_beats, rr_s, waiting, heart)
        if due is None:
            continue
        if due.pause_s is not None:
            node_s = at_s + due.pause_s
            escape = {"junctional_escape": "junctional", "ventricular_escape": "escape"}
            if due.kind in escape and node_s < end_s:
                yield heart.beat(node_s, escape[due.kind], segment, None, due.forms[0])
                node_s += rr_s
            continue
        if due.kind == "pac":
            yield from _premature(due, "pac", segment, rr_s, end_s, heart)
            node_s = heart.last_s + 1.06 * rr_s  # reset: the pause does not compensate
            continue
        run = list(_premature(due, "pvc", segment, rr_s, end_s, heart))
        if own_node:  # the sinus node goes on; its impulses meet refractory tissue
            while node_s < heart.last_s + _REFRACTORY * rr_s:
                run.append(BeatEvent(node_s - _pr_s(rr_s), "p", segment, rr_s))
                node_s += rr_s
        else:
            node_s = heart.last_s + 1.15 * rr_s
        yield from sorted((b for b in run if b.time_s < end_s), key=lambda b: b.time_s)


def _due(
    segment: Segment,
    offset_s: float,
    beats: int,
    rr_s: float,
    waiting: list[RhythmEvent],
    heart: Heart,
) -> RhythmEvent | None:
    """Give the event that follows a conducted beat, if it is not a normal beat."""
    if waiting and waiting[0].kind != "fusion" and waiting[0].at_s <= offset_s:
        return waiting.pop(0)
    cycle = {"bigeminy": 1, "trigeminy": 2}.get(segment.rhythm)
    if cycle is not None:
        if beats % cycle:
            return None
        return RhythmEvent(offset_s, "pvc", forms=_turn(segment.forms, heart))
    if segment.pvc_per_min or segment.pac_per_min:
        draw = float(heart.rng.random()) * 60.0 / rr_s
        if draw < segment.pvc_per_min:
            return RhythmEvent(offset_s, "pvc", forms=_turn(segment.forms, heart))
        if draw < segment.pvc_per_min + segment.pac_per_min:
            return RhythmEvent(offset_s, "pac")
    return None


def _turn(forms: tuple[int, ...], heart: Heart) -> tuple[int, ...]:
    heart.ectopics += 1
    return (forms[heart.ectopics % len(forms)],)


def _premature(
    event: RhythmEvent, kind: str, segment: Segment, rr_s: float, end_s: float, heart: Heart
) -> Iterator[BeatEvent]:
    """One premature beat or a run of them."""
    coupling = event.coupling or (0.62 if kind == "pvc" else 0.68)
    basic_s = min(rr_s, 1.2)
    step_s = 60.0 / (event.rate_bpm or 150.0)
    time_s = heart.last_s + max(coupling * basic_s, 0.26)
    if event.count > 2 and event.coupling is None:
        time_s = heart.last_s + min(max(coupling * basic_s, 0.26), max(step_s, 0.30))
    for i in range(event.count):
        if time_s >= end_s:
            return
        pr_s = 0.12 if kind == "pac" else None
        yield heart.beat(time_s, kind, segment, pr_s, event.forms[i % len(event.forms)])
        jitter = 0.0 if segment.variability == 0.0 else float(heart.rng.normal(0.0, 0.012))
        time_s += step_s * (1.0 + jitter)


def ventricular(
    segment: Segment, start_s: float, end_s: float, heart: Heart
) -> Iterator[BeatEvent]:
    """Ventricular and paced rhythms, with independent atria."""
    kind = {"paced": "paced", "idioventricular": "escape"}.get(segment.rhythm, "pvc")
    spread = 0.012 if segment.variability is None else segment.variability
    if segment.rhythm == "paced" and segment.variability is None:
        spread = 0.0
    mean_s = 60.0 / segment.rate
    time_s = first_beat_s(segment, start_s, mean_s, heart)
    p_s = start_s + 0.2
    p_step_s = 60.0 / 78.0
    index = 0
    while time_s < end_s:
        while p_s < time_s:
            if segment.rhythm != "paced":
                yield BeatEvent(p_s, "p", segment, p_step_s)
            p_s += p_step_s
        yield heart.beat(time_s, kind, segment, None, segment.forms[index % len(segment.forms)])
        index += 1
        time_s += mean_s * (1.0 + spread * float(heart.rng.normal()))


def scripted(segment: Segment, start_s: float, end_s: float, heart: Heart) -> Iterator[BeatEvent]:
    """Beats at the scripted intervals, repeated."""
    first = segment.beats[0]
    time_s = first_beat_s(segment, start_s, first.rr_s, heart)
    index = 0
    while time_s < end_s:
        beat = segment.beats[index % len(segment.beats)]
        pr_s = {"normal": _pr_s(beat.rr_s), "pac": 0.12}.get(beat.kind)
        yield heart.beat(time_s, beat.kind, segment, pr_s, beat.form)
        index += 1
        time_s += segment.beats[index % len(segment.beats)].rr_s
