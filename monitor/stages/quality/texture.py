"""Measures the texture of a lead: beats, fibrillation, silence and noise differ in it.

It consists of moving averages and differences of the samples. So no filter has to settle after a
gap, and the result depends on the last two seconds only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SMOOTH_S = 0.020  # width of the moving average
CURVE_S = 0.040  # spacing of the second difference: most sensitive at 12.5 Hz, where QRS is
BIN_S = 0.0625  # shorter than the pause between two beats, longer than a QRS complex's edge
WINDOW_S = 2.0
MIN_WINDOW_S = 1.0


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

    def push(self, x: FloatArray) -> list[Texture] | None:
        """Take one hop (leads, n), mV, without NaN; None in the first second."""
        leads, n = x.shape
        if not self._bins or n != self._n:
            self._prepare(n)
        half, gap = self._half, self._gap
        reach = 2 * half + 2 * gap
        if not self._carry.shape[1]:
            self._carry = np.repeat(x[:, :1], reach, axis=1)
        y = np.concatenate((self._carry, x), axis=1)  # (leads, reach + n)
        self._carry = y[:, n:]
        self.last_mv = x[:, -1]
        total = (y - y[:, :1]).cumsum(axis=1)
        smooth = np.empty((leads, n + 2 * gap))
        smooth[:, 0] = total[:, 2 * half]
        np.subtract(total[:, 2 * half + 1 :], total[:, : -2 * half - 1], out=smooth[:, 1:])
        smooth /= 2 * half + 1
        smooth += y[:, :1]
        now = smooth[:, 2 * gap :]
        curve = smooth[:, gap:-gap] * -2.0
        curve += now
        curve += smooth[:, : -2 * gap]
        np.abs(curve, out=curve)
        fine = y[:, 2 * gap + half : 2 * gap + half + n] - now
        np.abs(fine, out=fine)
        window, bins, edges = self._window, self._bins, self._edges
        window[:, :, :-bins] = window[:, :, bins:]
        np.maximum.reduceat(curve, edges, axis=1, out=window[0, :, -bins:])
        np.add.reduceat(fine, edges, axis=1, out=window[1, :, -bins:])
        np.maximum.reduceat(now, edges, axis=1, out=window[2, :, -bins:])
        np.minimum.reduceat(now, edges, axis=1, out=window[3, :, -bins:])
        self._filled = min(self._filled + bins, self._length)
        if self._filled < self._need:
            return None
        recent = window[:, :, self._length - self._filled :]
        ordered = recent[:2].copy()
        ordered.sort()
        middle = self._filled // 2
        texture = np.empty((5, leads))
        texture[0] = ordered[0, :, -1]
        texture[1] = ordered[0, :, middle]
        texture[2] = ordered[1, :, middle] * self._share
        texture[3] = np.maximum.reduce(recent[2], 1) - np.minimum.reduce(recent[3], 1)
        middles = recent[2] + recent[3]
        texture[4] = 0.5 * np.add.reduce(np.abs(middles[:, 1:] - middles[:, :-1]), 1)
        return [Texture(*figures) for figures in texture.T.tolist()]
