"""Measures P waves: how much of the signal before the QRS repeats from beat to beat.

A P wave precedes each QRS at the same distance and in the same shape. The waves of fibrillating
atria do not follow the beats. So the signal before the QRS is compared over several beats. The
share of its power that is common to all of them is the intraclass correlation (P. E. Shrout and
J. L. Fleiss, Psychol Bull 86:420 (1979), doi:10.1037/0033-2909.86.2.420). It measures the likeness
of the P waves and the steadiness of the PR interval together. Both are evidence against
fibrillation in S. Babaeizadeh et al., J Electrocardiol 42:522 (2009).

Notes
-----
* The signal from 280 to 100 ms before the R peak is compared, less a straight line. Even a broad
  QRS has not begun there.
* Beats after short intervals are left out: a premature beat has the T wave before it, or the P wave
  of another focus. So are ventricular beats.
* Of two leads, the one with more in common counts.
* Flutter waves follow the beats while the conduction is regular. Else they look like fibrillation.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np
from numpy.typing import NDArray

from monitor.messages import AamiClass, Beat
from monitor.stages.band import BandSignal

_FROM_S, _TO_S = -0.28, -0.10  # from the R peak
_BEATS = 16
_LEAST = 6
_LONG = 0.9  # of the median of the last _RR intervals
_RR = 16


class PWaves:
    """Follows the labelled beats of one stream.

    ``coherence`` is the common share of power, about 0 without P waves (it may be below), 1 if
    all are equal; None while there are too few beats. ``middle_sample`` is the R peak in the
    middle of the beats compared.
    """

    def __init__(self, rate_hz: float, band: BandSignal) -> None:
        self._rate_hz = rate_hz
        self._band = band
        self._length = round((_TO_S - _FROM_S) * band.rate_hz)
        line = np.stack((np.ones(self._length), np.linspace(-1.0, 1.0, self._length)), axis=1)
        basis = np.linalg.qr(line)[0]
        self._straighten = np.eye(self._length) - basis @ basis.T
        self.forget()

    def forget(self) -> None:
        """Start anew, as after a hole."""
        self._windows = np.empty((_BEATS, self._length, self._band.leads))  # the first so many
        self._samples: deque[int] = deque(maxlen=_BEATS)
        self._rr: deque[int] = deque(maxlen=_RR)
        self._last: int | None = None
        self.coherence: float | None = None
        self.middle_sample = 0

    def skip(self) -> None:
        """Leave out the interval now open."""
        self._last = None

    def push(self, beat: Beat) -> None:
        """Take the next labelled beat."""
        last, self._last = self._last, beat.sample
        if last is None:
            return
        rr = beat.sample - last
        self._rr.append(rr)
        if beat.label is AamiClass.V or rr < _LONG * median(self._rr):
            return
        window = self._band.piece(beat.sample + _FROM_S * self._rate_hz, self._length)
        if window is None:
            return
        count = len(self._samples)
        if count == _BEATS:
            count -= 1
            self._windows[:-1] = self._windows[1:]
        self._windows[count] = self._straighten @ window
        self._samples.append(beat.sample)
        self.middle_sample = self._samples[len(self._samples) // 2]
        if count + 1 >= _LEAST:
            self.coherence = coherence(self._windows[: count + 1])


def coherence(windows: NDArray[np.float64]) -> float:
    """Share of power that is common to all windows, of the lead where it is largest.

    Parameters
    ----------
    windows
        Shape (windows, samples, leads), at least two windows.

    Examples
    --------
    >>> wave = np.sin(np.arange(20.0))[:, np.newaxis]
    >>> round(coherence(np.stack([wave] * 6)), 6)
    1.0
    """
    count = len(windows)
    each = (windows**2).sum(axis=(0, 1))
    together = (windows.sum(axis=0) ** 2).sum(axis=0)
    common = (together - each) / ((count - 1) * each + 1e-9)
    return float(common.max())
