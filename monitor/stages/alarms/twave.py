"""Where the T wave of the patient's usual beat peaks.

The last normal beats are averaged in up to two leads and smoothed. The peak is where the average
is farthest from the straight line between the ST segment and the end of the T wave, so T waves that
are upside down have one too. What is too flat has none: then Bazett's rule stands in for it.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

_FROM_S, _TO_S = 0.10, 0.55  # after the R peak
_EARLIEST_S = 0.16  # before this it is the ST segment
_SHARE = 0.65  # of the RR interval: then the T wave is over
_SMOOTH_S = 0.04
_BEATS = 8
_LEAST_MV = 0.05
# peak at 60 bpm; grows with the root of RR as QT does (H. C. Bazett, Heart 7, 1920)
_BAZETT_S = 0.3


class TWave:
    """Keeps what follows the last normal beats of one stream.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self.reach = round(_FROM_S * rate_hz), round(_TO_S * rate_hz)
        self._pieces: deque[NDArray[np.float64]] = deque(maxlen=_BEATS)
        self._smooth: NDArray[np.float64] | None = None  # their smoothed mean, once asked for

    def forget(self) -> None:
        """Begin anew."""
        self._pieces.clear()

    def take(self, piece: NDArray[np.float64]) -> None:
        """Take the signal in ``reach`` after the R peak of a normal beat, shape (n, leads), mV."""
        self._pieces.append(piece)
        self._smooth = None

    def peak_s(self, rr_s: float) -> float:
        """Give the time from the R peak to that of the T wave, at the RR interval there is."""
        measured = self._measured_s(rr_s) if len(self._pieces) == _BEATS else None
        return _BAZETT_S * math.sqrt(rr_s) if measured is None else measured

    def _measured_s(self, rr_s: float) -> float | None:
        width = max(1, round(_SMOOTH_S * self._rate_hz))
        if self._smooth is None:
            total = np.cumsum(np.mean(np.stack(self._pieces), axis=0), axis=0)
            self._smooth = (total[width:] - total[:-width]) / width
        smooth = self._smooth
        offset = self.reach[0] + (1 + width) / 2.0  # of its first row, from the R peak
        last = round(min(_TO_S, _SHARE * rr_s) * self._rate_hz - offset)
        first = round(_EARLIEST_S * self._rate_hz - offset)
        smooth = smooth[: max(last, 0)]
        if len(smooth) - first < width:
            return None
        line = np.linspace(smooth[0], smooth[-1], len(smooth))
        away = np.abs(smooth - line).max(axis=1)
        at = first + int(away[first:].argmax())
        return (at + offset) / self._rate_hz if away[at] >= _LEAST_MV else None
