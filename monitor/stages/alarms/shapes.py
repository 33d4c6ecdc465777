"""Compares the shapes of beats.

Beats are compared over 120 ms to both sides of the R peak, in up to two leads at once. Likeness
is the highest correlation over small shifts, so gain does not matter; polarity does.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from monitor.messages import AamiClass, Beat, Samples
from monitor.ring import Ring

_HALF_S = 0.12
_SHIFT_S = 0.032
_SAME_FORM = 0.8  # PVCs less alike than this are of two forms
_FORMS = 6
_SIGNAL_S = 4.0  # labels come at most about 2 s after the beat
_ADAPT = 0.2
_LEAST_MV = 0.05  # a smaller complex has no shape to speak of
_LEADS = 2
_PIECES = 24  # beats whose signal is kept
_SLOPE_S = 0.008  # time over which a slope is taken
_STILL = 0.25  # of the usual steepest slope of a beat
_LEAST_BEATS = 4  # that must be known
_USUAL = 16  # beats that the usual one is the median of

Piece = NDArray[np.float64]


class Shapes:
    """Keeps the shapes of the last beats of one stream, and groups its ventricular beats."""

    def __init__(self, rate_hz: float) -> None:
        self._half = round(_HALF_S * rate_hz)
        self._shift = round(_SHIFT_S * rate_hz)
        size, step = 2 * self._half + 1, max(1, self._shift // 4)
        self._shifts = np.arange(0, 2 * self._shift + 1, step)[:, None] + np.arange(size)
        self._keep = round(_SIGNAL_S * rate_hz)
        self._recent: Ring | None = None
        self._pieces: deque[tuple[int, Piece]] = deque(maxlen=_PIECES)
        self._steep: deque[float] = deque(maxlen=_PIECES)  # steepest slopes of the same beats
        # the same of the last beats that are not ventricular: sample, signal, steepest slope
        self._usual: deque[tuple[int, Piece, float]] = deque(maxlen=_USUAL)
        self._compared_with: tuple[int, int] | None = None  # first and last of the usual beats
        self._middle_of_usual: Piece = np.empty((0, _LEADS))
        self._compared: dict[int, float] = {}  # likeness to it, by sample
        self._stretched: dict[int, tuple[Piece, Piece]] = {}  # of the beats compared
        self._slope = max(1, round(_SLOPE_S * rate_hz))
        self._forms: list[tuple[int, Piece]] = []  # number, template; the last joined at the end
        self._next = 0
        self.recent: deque[tuple[int, int]] = deque(maxlen=32)  # a PVC, its form if seen before

    def forget(self) -> None:
        """Drop the signal, as after a hole; known forms stay."""
        self._recent = None
        self._pieces.clear()
        self._steep.clear()
        self._usual.clear()
        self._compared_with = None
        self._stretched.clear()
        self.recent.clear()

    def push(self, block: Samples) -> None:
        """Keep the newest signal."""
        values = block.values_mv[:, :_LEADS]
        if self._recent is None:
            self._recent = Ring(self._keep + len(values), values.shape[1], block.start_sample)
        self._recent.write(block.start_sample, values)

    def take(self, beat: Beat) -> None:
        """Keep the shape of the next labelled beat, if its signal is there."""
        reach = self._half + self._shift
        piece = self.signal(beat.sample - reach, beat.sample + reach + 1)
        if piece is None or _highest(piece) <= _LEAST_MV:
            return
        self._pieces.append((beat.sample, piece))
        self._steep.append(self._steepest(piece))
        if beat.label is AamiClass.V:
            form = self._known_form(piece)
            if form is not None:
                self.recent.append((beat.sample, form))
        else:
            self._usual.append((beat.sample, piece, self._steep[-1]))

    def is_still(self, start: int, end: int) -> bool:
        """Whether [start, end) is everywhere flatter by far than the beats known."""
        piece = self.signal(start, end)
        if piece is None or len(self._steep) < _LEAST_BEATS:
            return False
        usual = sorted(self._steep)[len(self._steep) // 2]
        return self._steepest(piece) < _STILL * usual

    def slope_change(self, run: Sequence[Beat]) -> float:
        """Give the log of how much steeper the newest beats are than the usual one before them.

        NaN where half of the run, or the usual beat, is not known.
        """
        usual, own = self._beside(run)
        if not usual:
            return math.nan
        steep = median(list(self._steep)[-len(own) :]) / max(median(s for *_, s in usual), 1e-6)
        return math.log(max(steep, 1e-6))

    def likeness_to_usual(self, run: Sequence[Beat]) -> float:
        """Give the mean likeness of the newest beats to the usual one before them.

        NaN where half of the run, or the usual beat, is not known.
        """
        usual, own = self._beside(run)
        if not usual:
            return math.nan
        places = usual[0][0], usual[-1][0]
        if self._compared_with != places:  # in a run the usual beat stays the same
            self._compared_with = places
            self._middle_of_usual = self._middle(np.median([x for _, x, _ in usual], axis=0))
            self._compared.clear()
        for at, piece in self._pieces:
            if at >= own[0] and at not in self._compared:
                if at not in self._stretched:
                    self._stretched[at] = self._stretches(piece)
                self._compared[at] = _likeness(*self._stretched[at], self._middle_of_usual)
        for at in [at for at in self._stretched if at < own[0]]:
            del self._stretched[at]
        return sum(self._compared[at] for at in own) / len(own)

    def _beside(self, run: Sequence[Beat]) -> tuple[list[tuple[int, Piece, float]], list[int]]:
        """Give the usual beats before a run and its own that are known; none where too few are."""
        first = run[0].sample
        usual = [each for each in self._usual if each[0] < first]
        own = [at for at, _ in self._pieces if at >= first]
        enough = len(usual) >= _LEAST_BEATS and 2 * len(own) > len(run)
        return (usual, own) if enough else ([], [])

    def roughness(self) -> float:
        """Sum of second over first differences in the signal kept, mean of the leads with any."""
        if self._recent is None:
            return math.nan
        piece = self.signal(self._recent.oldest_sample, self._recent.end_sample)
        if piece is None or len(piece) <= 2 * self._slope:
            return math.nan
        rise = piece[self._slope :] - piece[: -self._slope]
        bend = np.abs(rise[self._slope :] - rise[: -self._slope]).sum(axis=0)
        total = np.abs(rise).sum(axis=0)
        seen = total > 0.0
        return float((bend[seen] / total[seen]).mean()) if seen.any() else math.nan

    def _steepest(self, piece: Piece) -> float:
        """Steepest slope of all leads together, mV in ``_SLOPE_S``."""
        rise = piece[self._slope :] - piece[: -self._slope]
        energy = np.einsum("nl,nl->n", rise, rise)
        return math.sqrt(float(np.maximum.reduce(energy, initial=0.0)))

    def likeness(self, first: Beat, second: Beat) -> float:
        """Correlation of the shapes of two of the last beats; 0 where one is not known."""
        a, b = (
            next((piece for at, piece in self._pieces if at == beat.sample), None)
            for beat in (first, second)
        )
        if a is None or b is None:
            return 0.0
        return _likeness(*self._stretches(a), self._middle(b))

    def height_mv(self, beat: Beat) -> float | None:
        """Give the height of the QRS complex just taken, in its highest lead."""
        if not self._pieces or self._pieces[-1][0] != beat.sample:
            return None
        piece = self._pieces[-1][1]
        middle = len(piece) // 2
        reach = self._half // 2
        return _highest(piece[middle - reach : middle + reach + 1])

    def _known_form(self, piece: Piece) -> int | None:
        """Join the likest known form and give its number, or found a new one."""
        best, likest = -1.0, -1
        centred, energy = self._stretches(piece)
        for at, (_, template) in enumerate(self._forms):
            likeness = _likeness(centred, energy, template)
            if likeness > best:
                best, likest = likeness, at
        middle = self._middle(piece)
        middle /= float(np.sqrt((middle * middle).sum())) + 1e-9
        if best < _SAME_FORM:
            self._forms.append((self._next, middle))
            self._next += 1
            del self._forms[: max(0, len(self._forms) - _FORMS)]
            return None
        number, template = self._forms.pop(likest)
        self._forms.append((number, (1.0 - _ADAPT) * template + _ADAPT * middle))
        return number

    def _stretches(self, piece: Piece) -> tuple[Piece, Piece]:
        """Give the stretches of a piece less their means, (leads, shifts, n), and their energy."""
        centred = piece.T.take(self._shifts, axis=1)
        centred -= np.add.reduce(centred, axis=2, keepdims=True) / centred.shape[2]
        return centred, np.einsum("lsn,lsn->ls", centred, centred)

    def _middle(self, piece: Piece) -> Piece:
        middle: Piece = piece[self._shift : -self._shift].copy()
        middle -= middle.mean(axis=0)
        return middle

    def signal(self, start: int, end: int) -> Piece | None:
        """Give the signal of [start, end), shape (n, leads), if it is kept.

        A lead with invalid samples is all zero.
        """
        if self._recent is None or not self._recent.holds(start, end):
            return None
        piece: Piece = self._recent.span(start, end).astype(np.float64)
        if not math.isfinite(np.add.reduce(piece, axis=None)):
            piece[:, ~np.isfinite(piece).all(axis=0)] = 0.0
        return piece


def _highest(piece: Piece) -> float:
    """Highest less lowest sample, in the lead where that is most."""
    heights: list[float] = (np.maximum.reduce(piece, 0) - np.minimum.reduce(piece, 0)).tolist()
    return max(heights)


def _likeness(centred: Piece, energy: Piece, middle: Piece) -> float:
    """Highest correlation of ``middle`` with a stretch of a piece, in the leads both have."""
    products = np.einsum("lsn,nl->ls", centred, middle)
    own = np.einsum("nl,nl->l", middle, middle)
    common = (own > 0.0) & (energy.max(axis=1) > 0.0)
    if not common.any():
        return 0.0
    scale = np.sqrt(energy[common].sum(axis=0) * own[common].sum())
    return float((products[common].sum(axis=0) / (scale + 1e-12)).max())
