"""Shapes of ventricular beats: which PVCs look alike.

Every ventricular beat is compared with the few shapes seen before, over 120 ms to both sides
of its R peak, and joins the likest one or founds a new one. Likeness is the highest
correlation over small shifts, so gain does not matter; polarity does.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from monitor.messages import Beat, FloatArray, Samples

_HALF_S = 0.12
_SHIFT_S = 0.032
_ALIKE = 0.8
_SHAPES = 6
_SIGNAL_S = 4.0  # labels come at most about 2 s after the beat
_ADAPT = 0.2
_LEAST_MV = 0.05  # a smaller complex has no shape to speak of


class Shapes:
    """Groups the ventricular beats of one stream by shape."""

    def __init__(self, rate_hz: float) -> None:
        self._half = round(_HALF_S * rate_hz)
        self._shift = round(_SHIFT_S * rate_hz)
        self._keep = round(_SIGNAL_S * rate_hz)
        self._blocks: deque[Samples] = deque()
        self._known: list[tuple[int, int, NDArray[np.float64]]] = []  # lead, number, template
        self._next = 0
        self.recent: deque[tuple[int, int]] = deque(maxlen=32)  # sample, number of its shape

    def forget(self) -> None:
        """Drop the signal, as after a hole; known shapes stay."""
        self._blocks.clear()
        self.recent.clear()

    def push(self, block: Samples) -> None:
        """Keep the newest signal."""
        self._blocks.append(block)
        while self._blocks[0].end_sample < block.end_sample - self._keep:
            self._blocks.popleft()

    def add(self, beat: Beat) -> None:
        """Give a ventricular beat its shape, if its signal is whole."""
        reach = self._half + self._shift
        piece = self._signal(beat.sample - reach, beat.sample + reach + 1, beat.lead)
        if piece is None:
            return
        best, likest = -1.0, -1
        for at, (lead, _, template) in enumerate(self._known):
            if lead == beat.lead:
                likeness = self._likeness(piece, template)
                if likeness > best:
                    best, likest = likeness, at
        middle = _unit(piece[self._shift : self._shift + 2 * self._half + 1])
        if best < _ALIKE:
            self._known.append((beat.lead, self._next, middle))
            self._next += 1
            del self._known[: max(0, len(self._known) - _SHAPES)]
            number = self._next - 1
        else:
            lead, number, template = self._known.pop(likest)
            template = _unit(template + _ADAPT * middle)
            self._known.append((lead, number, template))
        self.recent.append((beat.sample, number))

    def _likeness(self, piece: NDArray[np.float64], template: NDArray[np.float64]) -> float:
        width = len(template)
        steps = range(0, 2 * self._shift + 1, max(1, self._shift // 4))
        return max(float(_unit(piece[k : k + width]) @ template) for k in steps)

    def _signal(self, start: int, end: int, lead: int) -> NDArray[np.float64] | None:
        if not self._blocks or self._blocks[0].start_sample > start:
            return None
        parts: list[FloatArray] = [
            block.values_mv[max(0, start - block.start_sample) : end - block.start_sample, lead]
            for block in self._blocks
            if block.end_sample > start and block.start_sample < end
        ]
        piece = np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
        if len(piece) != end - start or not np.isfinite(piece).all():
            return None
        return piece if np.ptp(piece) > _LEAST_MV else None


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = x - x.mean()
    centred /= float(np.sqrt(centred @ centred)) + 1e-9
    return centred
