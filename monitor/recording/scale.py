"""Millivolts to 16-bit numbers and back. Pure.

Rules that hold here:

1. Only a sample that is not finite becomes WFDB's invalid sample (-32768).
2. A value beyond the range becomes the end of the range, as in a converter, and is counted.

Reference: WFDB Applications Guide, signal(5), header(5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.messages import FloatArray

INVALID = -32768
TOP = 32767
GAINS = (1000.0, 500.0, 200.0)  # per mV: ranges of 66, 131 and 328 mV
_MAX_BASELINE = 2**31 - 1

Digital = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Scale:
    """``digital = gain * mV + baseline``."""

    gain: float = GAINS[0]
    baseline: int = 0

    @property
    def range_mv(self) -> tuple[float, float]:
        """Least and largest value that can be stored."""
        return (-TOP - self.baseline) / self.gain, (TOP - self.baseline) / self.gain


def choose_scale(values_mv: FloatArray) -> Scale:
    """Choose the finest scale with twice the range that a lead uses.

    Values about 0 keep a baseline of 0; an electrode offset moves it.

    >>> choose_scale(np.array([-1.0, 2.5], np.float32))
    Scale(gain=1000.0, baseline=0)
    >>> choose_scale(np.array([290.0, 293.0], np.float32))
    Scale(gain=1000.0, baseline=-291500)
    """
    finite = values_mv[np.isfinite(values_mv)].astype(np.float64)
    if not len(finite):
        return Scale()
    low, high = float(finite.min()), float(finite.max())
    middle = (low + high) / 2
    for gain in GAINS:
        room_mv = TOP / gain / 2
        if max(-low, high) <= room_mv:
            return Scale(gain)
        if high - middle <= room_mv:
            break
    else:  # no scale has room for all values: fit most of them
        middle = float(np.median(finite))
    baseline = -round(max(min(middle * gain, _MAX_BASELINE), -_MAX_BASELINE))
    return Scale(gain, baseline)


def digitize(values_mv: FloatArray, scales: tuple[Scale, ...]) -> tuple[Digital, list[int]]:
    """Give the digital samples, shape (n, leads), and how many of each lead were cut off."""
    gains = np.array([scale.gain for scale in scales])
    exact = values_mv * gains + np.array([float(scale.baseline) for scale in scales])
    missing = ~np.isfinite(exact)
    exact[missing] = 0.0
    rounded = np.rint(exact)
    cut = (np.abs(rounded) > TOP).sum(axis=0)
    digital = np.clip(rounded, -TOP, TOP).astype(np.int16)
    digital[missing] = INVALID
    return digital, [int(count) for count in cut]


def millivolts(digital: Digital, scales: tuple[Scale, ...]) -> FloatArray:
    """Give digital samples, shape (n, leads), in mV; NaN where they are invalid."""
    gains = np.array([scale.gain for scale in scales])
    exact = (digital - np.array([float(scale.baseline) for scale in scales])) / gains
    exact[digital == INVALID] = np.nan
    values: FloatArray = exact.astype(np.float32)
    return values
