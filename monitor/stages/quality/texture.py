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
# of a bin, for curve, fine grain, top and bottom of the average
_REDUCE = (np.maximum.reduceat, np.add.reduceat, np.maximum.reduceat, np.minimum.reduceat)


class Texture(NamedTuple):
    """The texture of one lead, mV."""

    peak: float  # of the curve
    median: float  # of the curve
    fine: float  # median of the fine grain
    swing: float  # of the average
    way: float  # that the average went up and down in all


class Grid:
    """The averages and bins for hops of one length.

    The signal is averaged over 20 ms; its second difference over 2 x 40 ms answers to QRS
    complexes and hardly to P, T and baseline; what the averaging took away is the fine grain.
    Both are gathered in bins of a sixteenth of a second.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    n
        Samples of a hop.

    Attributes
    ----------
    reach
        Samples before a hop that its averages reach back to.
    bins, length, need
        Bins of a hop, bins of a window, and bins of the first window that is judged.
    """

    def __init__(self, rate_hz: float, n: int) -> None:
        self._half = max(1, int(SMOOTH_S * rate_hz / 2.0))
        self._gap = max(1, round(CURVE_S * rate_hz))
        self.reach = 2 * self._half + 2 * self._gap
        self.bins = max(1, round(n / rate_hz / BIN_S))
        self._edges = np.arange(self.bins) * n // self.bins
        # a wider average, as few samples a second enforce, leaves more of smooth waves as grain
        width_s = (2 * self._half + 1) / rate_hz
        self._share = min(1.0, SMOOTH_S / width_s) * self.bins / n
        self.length = max(1, round(WINDOW_S * rate_hz / n)) * self.bins
        self.need = max(1, round(MIN_WINDOW_S * rate_hz / n)) * self.bins

    def fill(self, y: FloatArray, out: FloatArray) -> None:
        """Put the bins of hops into ``out``: curve, fine grain, top and bottom of the average.

        Parameters
        ----------
        y
            Shape (leads, hops, reach + n), mV: each hop and what its averages reach back to. A
            result is that of its own hop alone.
        out
            Shape (4, leads, hops, bins).
        """
        leads, hops, width = y.shape
        half, gap, n = self._half, self._gap, width - self.reach
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
        for row, reduce, values in zip(out, _REDUCE, (curve, fine, now, now), strict=True):
            reduce(values, self._edges, axis=2, out=row)

    def textures(self, recent: FloatArray) -> list[list[Texture]]:
        """Give the texture of each lead after each hop, from its last bins.

        ``recent`` has shape (4, leads, hops, bins), newest bins last.
        """
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
