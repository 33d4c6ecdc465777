"""Finds the beats of a pulse waveform: arterial pressure, or the plethysmogram of a finger.

The method is the slope-sum function of W. Zong, T. Heldt, G. B. Moody and R. G. Mark, "An
open-source algorithm to detect onset of arterial blood pressure pulses", Computers in Cardiology
30:259-262 (2003), doi:10.1109/CIC.2003.1291140: the rise of the smoothed wave within 128 ms. The
unit of the wave does not matter.

Notes
-----
Deviations from the paper: the low-pass is a Butterworth filter, the rate about 62.5 Hz. The
threshold is a share of the median rise of the last pulses, and falls while there are none. The time
of a pulse is that of crossing it; the pulse is reported about 0.2 s later.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from monitor.messages import Samples, StreamInfo
from monitor.stages.hop import Pulse

_WORK_HZ = 62.5
_LOW_PASS_HZ = 8.0
_SLOPE_S = 0.128  # the rise is summed over this time
_LEARN_S = 3.0  # looked at before the first pulse
_SHARE = 0.4  # of the usual rise: a pulse
_PEAK_S = 0.3  # a rise is over by then
_REFRACTORY_S = 0.25
_SILENT_S = 2.0  # after this time without a pulse the threshold falls ...
_FALL_PER_S = 0.5  # ... to this share each second
_REMEMBERED = 8


class PulseDetector:
    """Finds the pulses of one stream, hop by hop.

    Parameters
    ----------
    info
        The stream; its last column is the pulse waveform.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._rate_hz = rate_hz = info.rate_hz
        self._stride = max(1, round(rate_hz / _WORK_HZ))
        self._step_s = self._stride / rate_hz
        self._width = max(1, round(_SLOPE_S / self._step_s))
        self._sos = signal.butter(2, _LOW_PASS_HZ, fs=rate_hz, output="sos")
        self._rest = signal.sosfilt_zi(self._sos)
        self._end: int | None = None
        self.forget()

    def forget(self) -> None:
        """Start anew, as after a hole."""
        self._zi: NDArray[np.float64] | None = None
        self._last = 0.0
        self._rises = np.zeros(self._width - 1)
        self._learnt: list[float] | None = []
        self._heights: deque[float] = deque(maxlen=_REMEMBERED)
        self._onset: int | None = None  # of the rise that goes on
        self._top = 0.0
        self._previous = 0  # onset of the last pulse, or where looking for it began

    def push(self, block: Samples) -> list[Pulse]:
        """Take the next hop; give the pulses it completes.

        After a missing sample (NaN) everything starts anew: no sample is made up.
        """
        values, start_sample = block.values_mv[:, -1], block.start_sample
        if self._end != start_sample:
            self.forget()
        self._end = block.end_sample
        if not np.isfinite(values).all():
            self.forget()
            return []
        x = values.astype(np.float64)
        if self._zi is None:
            self._zi = self._rest * x[0]
            self._last = float(x[0])
            self._previous = start_sample
        y, self._zi = signal.sosfilt(self._sos, x, zi=self._zi)
        first = -start_sample % self._stride
        y = y[first :: self._stride]
        rises = np.maximum(np.diff(y, prepend=self._last), 0.0)
        if len(y):
            self._last = float(y[-1])
        rises = np.concatenate((self._rises, rises))
        sums = np.convolve(rises, np.ones(self._width), "valid")
        self._rises = rises[len(rises) - self._width + 1 :]
        found: list[Pulse] = []
        for i, rise in enumerate(sums.tolist()):
            self._look(start_sample + first + i * self._stride, rise, found)
        return found

    def _look(self, sample: int, rise: float, found: list[Pulse]) -> None:
        if self._learnt is not None:
            self._learnt.append(rise)
            if len(self._learnt) * self._step_s >= _LEARN_S:
                self._heights.append(max(self._learnt))
                self._learnt = None
                self._previous = sample
            return
        if self._onset is None:
            silent_s = (sample - self._previous) / self._rate_hz
            if silent_s >= _REFRACTORY_S and rise > self._threshold(silent_s):
                self._onset, self._top = sample, rise
            return
        self._top = max(self._top, rise)
        lasted_s = (sample - self._onset) / self._rate_hz
        if rise < 0.5 * self._top or lasted_s >= _PEAK_S:
            found.append(Pulse(self._onset, self._top))
            self._heights.append(self._top)
            self._previous, self._onset = self._onset, None

    def _threshold(self, silent_s: float) -> float:
        threshold: float = _SHARE * median(self._heights)
        if silent_s > _SILENT_S:
            threshold *= _FALL_PER_S ** (silent_s - _SILENT_S)
        return threshold
