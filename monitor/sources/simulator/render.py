"""Turn events in seconds into blocks of samples.

Rules that hold here:

1. Blocks have one fixed length on the absolute sample index, whatever chunks are asked for:
   every sample is computed once, in the same order of operations.
2. What is kept is one block, the tails of beats that reach into the next, and the events
   that are still going on.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.sources.simulator.continuous import Activity
from monitor.sources.simulator.events import (
    BEAT_CODES,
    Background,
    BeatEvent,
    FaultSpan,
    RhythmChange,
    TimelineEvent,
)
from monitor.sources.simulator.faults import FaultEffect
from monitor.sources.simulator.morphology import (
    SUPPORT_AFTER_S,
    SUPPORT_BEFORE_S,
    Shape,
    shape,
)
from monitor.sources.simulator.noise import ShapedNoise, band
from monitor.sources.simulator.projection import lead_matrix
from monitor.sources.simulator.pulse import PulseWave
from monitor.sources.simulator.rhythms import RESPIRATION_HZ
from monitor.sources.simulator.truth import TrueBeat, TrueEpisode, TrueRhythm, TruthItem

_TAU = 2.0 * np.pi
_BLOCK_S = 1.0
_AMPLIFIER_NOISE_MV = 0.006
_BREATHING_MV = 0.035  # baseline
_BREATHING_GAIN = 0.04  # of the heart vector, as the chest turns it
_SEARCH_S = {True: 0.035, False: 0.018}  # around the QRS's own extremum, ventricular or not


class Renderer:
    """Draws a timeline; :meth:`blocks` may be used once."""

    def __init__(
        self,
        events: Iterator[TimelineEvent],
        rate_hz: float,
        leads: tuple[str, ...],
        seed: int,
        pulse: bool = False,
    ) -> None:
        self._events = events
        self._rate_hz = rate_hz
        self._leads = leads
        self._seed = seed
        self._matrix = lead_matrix(leads)
        self._pulse = PulseWave(seed) if pulse else None
        self._size = round(_BLOCK_S * rate_hz)
        tail = int((SUPPORT_BEFORE_S + SUPPORT_AFTER_S) * rate_hz) + 2
        self._vectors = np.zeros((self._size + tail, 3))
        self._activities: list[Activity] = []
        self._faults: list[FaultEffect] = []
        self._beats: list[tuple[BeatEvent, Shape]] = []  # drawn, R peak not yet looked for
        self._truth: list[TruthItem] = []
        self._rhythm = ""
        self._peeked: TimelineEvent | None = next(events, None)
        self._amplifier = [
            ShapedNoise((seed, 31, column), band(0.5, 120.0)) for column in range(len(leads))
        ]

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float32], list[TruthItem]]]:
        """Give blocks without end: start sample, values in mV (n, leads), and their sorted truth.

        The pulse wave, if there is one, follows the leads.
        A block is held back until the next is drawn, as the truth of its last beat may need it.
        """
        start = 0
        previous: tuple[int, NDArray[np.float32]] | None = None
        clean_before = np.zeros(0)
        while True:
            time_s = np.arange(start, start + self._size) / self._rate_hz
            clean = self._clean(start, time_s)
            lead = np.concatenate([clean_before, clean[:, 0]])
            self._find_peaks(lead, start - len(clean_before), start + self._size)
            clean_before = clean[:, 0].copy()
            for fault in sorted(self._faults, key=lambda f: f.order):
                fault.apply(time_s, clean)
            self._faults = [f for f in self._faults if f.span.end_s > time_s[-1]]
            if previous is not None:
                self._truth.sort(key=lambda item: item.sample)
                done = [item for item in self._truth if item.sample < start]
                self._truth = [item for item in self._truth if item.sample >= start]
                yield (*previous, done)
            if self._pulse is not None:
                clean = np.column_stack([clean, self._pulse.at(time_s)])
            previous = (start, clean.astype(np.float32))
            start += self._size

    def _clean(self, start: int, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Signal of the heart without faults, shape (n, leads)."""
        self._take_until(start, float(time_s[-1]) + SUPPORT_BEFORE_S)
        vectors = self._vectors[: self._size].copy()
        self._vectors[: -self._size] = self._vectors[self._size :].copy()
        self._vectors[-self._size :] = 0.0
        breath = np.sin(_TAU * RESPIRATION_HZ * time_s)
        vectors *= (1.0 + _BREATHING_GAIN * breath)[:, None]
        for activity in self._activities:
            if activity.event.time_s <= time_s[-1]:
                vectors += activity.render(time_s)
        self._activities = [a for a in self._activities if a.event.end_s > time_s[-1]]
        clean: NDArray[np.float64] = vectors @ self._matrix.T
        clean += (_BREATHING_MV * breath)[:, None]
        for column, noise in enumerate(self._amplifier):
            clean[:, column] += _AMPLIFIER_NOISE_MV * noise.at(time_s)
        return clean

    def _take_until(self, start: int, until_s: float) -> None:
        while self._peeked is not None and self._peeked.time_s <= until_s:
            event = self._peeked
            self._peeked = next(self._events, None)
            match event:
                case BeatEvent():
                    self._draw(event, start)
                    if self._pulse is not None:
                        self._pulse.take(event)
                case Background():
                    self._activities.append(Activity(event, self._seed))
                    if event.kind in ("vf", "vflutter"):
                        self._note_episode(event.time_s, event.end_s, event.kind, ())
                case RhythmChange() if event.name != self._rhythm:
                    self._rhythm = event.name
                    sample = max(0, round(event.time_s * self._rate_hz))
                    self._truth.append(TrueRhythm(sample, event.name))
                case FaultSpan():
                    self._start_fault(event)

    def _draw(self, event: BeatEvent, start: int) -> None:
        drawn = shape(event, 0.4 / self._rate_hz)
        first = int(np.ceil((event.time_s + drawn.begin_s) * self._rate_hz))
        stop = int(np.floor((event.time_s + drawn.end_s) * self._rate_hz)) + 1
        first = max(first, start)
        stop = min(stop, start + len(self._vectors))
        offset_s = np.arange(first, stop) / self._rate_hz - event.time_s
        self._vectors[first - start : stop - start] += drawn.render(offset_s)
        if event.kind in BEAT_CODES:
            self._beats.append((event, drawn))

    def _start_fault(self, event: FaultSpan) -> None:
        names = event.fault.leads or self._leads
        columns = tuple(i for i, lead in enumerate(self._leads) if lead in names)
        self._faults.append(FaultEffect(event, columns, self._seed))
        if columns:
            self._note_episode(event.time_s, event.end_s, event.fault.kind, columns)

    def _note_episode(
        self, begin_s: float, end_s: float, kind: str, leads: tuple[int, ...]
    ) -> None:
        first = int(np.ceil((begin_s - 1e-9) * self._rate_hz))
        stop = int(np.ceil((end_s - 1e-9) * self._rate_hz))
        self._truth.append(TrueEpisode(first, stop, kind, leads))

    def _find_peaks(self, lead: NDArray[np.float64], first: int, end: int) -> None:
        """Place the R peak of every beat whose QRS lies within ``lead`` = [first, end)."""
        waiting = []
        for event, drawn in self._beats:
            centre = round(event.time_s * self._rate_hz)
            reach = int(0.12 * self._rate_hz)
            if centre + reach + 1 >= end:
                waiting.append((event, drawn))
                continue
            samples = np.arange(max(centre - reach, first), centre + reach + 1)
            offset_s = samples / self._rate_hz - event.time_s
            qrs = drawn.render(offset_s, only_qrs=True) @ self._matrix[0]
            peak = int(np.argmax(np.abs(qrs)))
            wide = event.kind in ("pvc", "escape", "paced", "fusion", "lbbb")
            near = max(1, int(_SEARCH_S[wide] * self._rate_hz))
            low = max(0, peak - near)
            window = lead[
                samples[low] - first : samples[min(peak + near, len(qrs) - 1)] + 1 - first
            ]
            sign = 1.0 if qrs[peak] >= 0.0 else -1.0
            label, symbol = BEAT_CODES[event.kind]
            sample = int(samples[low]) + int(np.argmax(sign * window))
            self._truth.append(TrueBeat(sample, label, symbol, event.form))
        self._beats = waiting
