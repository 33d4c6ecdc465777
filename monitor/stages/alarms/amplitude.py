"""How large the signal is: whether it can be an ECG in millivolts at all.

The QRS complex at the skin is some tenths to some millivolts high; monitors must take 0.5 to 5 mV
(IEC 60601-2-27). A thousand times that, or a thousandth of it, is a wrong unit.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from monitor.messages import FloatArray, Samples
from monitor.stages.alarms.engine import Finding

MOST_QRS_MV = 20.0  # never the least of so many complexes, artefacts and all
QRS_BEATS = 12
LEAST_SWING_MV = 0.01  # of a signal that is not constant
SWING_S = 10.0


class Amplitude:
    """Heights of the last QRS complexes, and the swing of the last seconds of signal."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._qrs: deque[tuple[int, float]] = deque(maxlen=QRS_BEATS)
        self._hops: deque[tuple[int, FloatArray, FloatArray]] = deque()
        self._moved: int | None = None  # where the last hop began that swung enough by itself

    def forget(self) -> None:
        """Begin anew, as after a hole."""
        self._hops.clear()
        self._moved = None

    def push(self, block: Samples) -> None:
        """Take the next hop."""
        values = block.values_mv
        low = np.fmin.reduce(values, axis=0)
        high = np.fmax.reduce(values, axis=0)
        self._hops.append((block.start_sample, low, high))
        if (high - low > LEAST_SWING_MV).any():
            self._moved = block.start_sample
        while block.end_sample - self._hops[0][0] > SWING_S * self._rate_hz + len(values):
            self._hops.popleft()

    def take(self, rpeak_sample: int, height_mv: float) -> None:
        """Take the height of the next QRS complex, in the lead where it is highest."""
        self._qrs.append((rpeak_sample, height_mv))

    def finding(self, end_sample: int) -> Finding | None:
        """Give what is impossible about the size of the signal."""
        if len(self._qrs) == QRS_BEATS:
            heights_mv = [height for _, height in self._qrs]
            if min(heights_mv) > MOST_QRS_MV:
                height_mv = median(heights_mv)
                beats = tuple(sample for sample, _ in self._qrs)
                text = (
                    f"UNIT? QRS of {height_mv:.3g} mV is impossible; uV given as mV? "
                    "Alarms cannot be relied on"
                )
                return Finding(beats[0], text, height_mv, MOST_QRS_MV, beats)
        if not self._hops or end_sample - self._hops[0][0] < SWING_S * self._rate_hz:
            return None
        if self._moved is not None and self._moved >= self._hops[0][0]:
            return None
        low = np.fmin.reduce([low for _, low, _ in self._hops], axis=0)
        high = np.fmax.reduce([high for _, _, high in self._hops], axis=0)
        swing_mv = float(np.nan_to_num(high - low).max())
        if 0.0 < swing_mv < LEAST_SWING_MV:
            text = (
                f"UNIT? Signal of only {1000 * swing_mv:.2g} uV; V given as mV, or no electrode? "
                "Alarms cannot be relied on"
            )
            return Finding(self._hops[0][0], text, swing_mv, LEAST_SWING_MV)
        return None
