"""Measures the texture of a lead: beats, fibrillation, silence and noise differ in it.

It consists of moving averages and differences of the samples. So no filter has to settle after a
gap, and the result depends on the last two seconds only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.stages.hop_rows import with_before

FloatArray = NDArray[np.float64]

SMOOTH_S = 0.020  # width of the moving average
CURVE_S = 0.040  # spacing of the second difference: most sensitive at 12.5 Hz, where QRS is
BIN_S = 0.0625  # shorter than the pause between two beats, longer than a QRS complex's edge
WINDOW_S = 2.0
MIN_WINDOW_S = 1.0
# of a bin, for curve, fine grain, top and bottom of the average
_REDUCE = (np.maximum.reduceat, np.add.reduceat, np.maximum.reduceat, np.minimum.reduceat)


class Texture(NamedTuple):
    """The texture of one lead, mV."""

    peak: float  # of the curve
    median: float  # of the curve
    fine: float  # median of the fine grain
    swing: float  # of the average
    way: float  # that the average went up and down in all


class TextureMeter:
    """Measures the texture of the last two seconds of every lead.

    The signal is averaged over 20 ms; its second difference over 2 x 40 ms answers to QRS
    complexes and hardly to P, T and baseline; what the averaging took away is the fine grain.
    Both are gathered in bins of a sixteenth of a second.

    Parameters
    ----------
    rate_hz, leads
        Of the stream.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._rate_hz = rate_hz
        self._half = max(1, int(SMOOTH_S * rate_hz / 2.0))
        # a wider average, as few samples a second enforce, leaves more of smooth waves as grain
        width_s = (2 * self._half + 1) / rate_hz
        self._grain = min(1.0, SMOOTH_S / width_s)
        self._gap = max(1, round(CURVE_S * rate_hz))
        self._leads = leads
        self._bins = 0
        self.last_mv = np.zeros(leads)
        self.forget()

    def forget(self) -> None:
        """Start anew with the next sample."""
        self._carry = np.empty((self._leads, 0))
        self._filled = 0

    def _prepare(self, n: int) -> None:
        self._n = n
        self._bins = max(1, round(n / self._rate_hz / BIN_S))
        self._edges = np.arange(self._bins) * n // self._bins
        self._share = self._grain * self._bins / n
        length = max(1, round(WINDOW_S * self._rate_hz / n)) * self._bins
        self._length = length
        self._need = max(1, round(MIN_WINDOW_S * self._rate_hz / n)) * self._bins
        # curve, fine grain, top and bottom of the average: newest bins last
        self._window = np.zeros((4, self._leads, length))
        self._filled = 0

    def push(self, x: FloatArray) -> list[list[Texture] | None]:
        """Take hops that follow each other, shape (leads, hops, n), mV, without NaN.

        Give the texture of each lead after each hop; None in the first second.
        """
        leads, hops, n = x.shape
        if not self._bins or n != self._n:
            self._prepare(n)
        half, gap, bins, length = self._half, self._gap, self._bins, self._length
        reach = 2 * half + 2 * gap
        if not self._carry.shape[1]:
            self._carry = np.repeat(x[:, 0, :1], reach, axis=1)
        joined = np.concatenate((self._carry, x.reshape(leads, hops * n)), axis=1)
        self._carry = joined[:, hops * n :].copy()
        self.last_mv = x[:, -1, -1].copy()
        # each hop and what its averages reach back to, (leads, hops, reach + n): a result is that
        # of its own hop alone, so that it does not depend on how many hops come together
        y = with_before(joined, reach + n, hops)
        total = (y - y[:, :, :1]).cumsum(axis=2)
        smooth = np.empty((leads, hops, n + 2 * gap))
        smooth[:, :, 0] = total[:, :, 2 * half]
        np.subtract(total[:, :, 2 * half + 1 :], total[:, :, : -2 * half - 1], out=smooth[:, :, 1:])
        smooth /= 2 * half + 1
        smooth += y[:, :, :1]
        now = smooth[:, :, 2 * gap :]
        curve = smooth[:, :, gap:-gap] * -2.0
        curve += now
        curve += smooth[:, :, : -2 * gap]
        np.abs(curve, out=curve)
        fine = y[:, :, 2 * gap + half : 2 * gap + half + n] - now
        np.abs(fine, out=fine)
        window = np.empty((4, leads, length + hops * bins))
        window[:, :, :length] = self._window
        newest = window[:, :, length:].reshape(4, leads, hops, bins)
        for row, reduce, values in zip(newest, _REDUCE, (curve, fine, now, now), strict=True):
            reduce(values, self._edges, axis=2, out=row)
        self._window = window[:, :, hops * bins :].copy()
        found: list[list[Texture] | None] = []
        # (4, leads, hops, length), newest bins last
        recent = with_before(window[:, :, bins:], length, hops)
        while len(found) < hops and self._filled < length:
            self._filled = min(self._filled + bins, length)
            at = len(found)
            part = recent[:, :, at : at + 1, length - self._filled :]
            found += self._textures(part) if self._filled >= self._need else [None]
        return found + self._textures(recent[:, :, len(found) :])

    def _textures(self, recent: FloatArray) -> list[list[Texture]]:
        """Give the texture of each lead after each hop, from its last bins."""
        _, leads, hops, length = recent.shape
        ordered = recent[:2].copy()
        ordered.sort()
        middle = length // 2
        texture = np.empty((5, leads, hops))
        texture[0] = ordered[0, :, :, -1]
        texture[1] = ordered[0, :, :, middle]
        texture[2] = ordered[1, :, :, middle] * self._share
        texture[3] = np.maximum.reduce(recent[2], 2) - np.minimum.reduce(recent[3], 2)
        middles = recent[2] + recent[3]
        texture[4] = 0.5 * np.add.reduce(np.abs(middles[:, :, 1:] - middles[:, :, :-1]), 2)
        return [[Texture(*figures) for figures in hop] for hop in texture.T.tolist()]
