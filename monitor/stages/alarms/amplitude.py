"""Checks that the signal has the size of an ECG in millivolts.

The QRS complex at the skin is some tenths to some millivolts high; monitors must take 0.5 to 5 mV
(IEC 60601-2-27). A thousand times that, or a thousandth of it, is a wrong unit.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from monitor.messages import Samples
from monitor.stages.alarms.engine import Finding

MOST_QRS_MV = 20.0  # of a dozen complexes at least one is smaller, artefacts or not
QRS_BEATS = 12
LEAST_SWING_MV = 0.01  # of a signal that is not constant
SWING_S = 10.0


class Amplitude:
    """Follows the heights of the QRS complexes, and the swing of the last seconds of signal."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._qrs: deque[tuple[int, float]] = deque(maxlen=QRS_BEATS)
        self._large = 0  # of them in a row, up to the newest, are too large
        self._hops: deque[Samples] = deque()
        self._moves_from: int | None = None  # from this hop on the signal has swung enough

    def forget(self) -> None:
        """Begin anew, as after a hole."""
        self._hops.clear()
        self._moves_from = None

    def push(self, block: Samples) -> None:
        """Take the next hop."""
        self._hops.append(block)
        longest = SWING_S * self._rate_hz + len(block.values_mv)
        while block.end_sample - self._hops[0].start_sample > longest:
            self._hops.popleft()

    def take(self, rpeak_sample: int, height_mv: float) -> None:
        """Take the height of the next QRS complex, in the lead where it is highest."""
        self._qrs.append((rpeak_sample, height_mv))
        self._large = min(self._large + 1, QRS_BEATS) if height_mv > MOST_QRS_MV else 0

    def finding(self, end_sample: int) -> Finding | None:
        """Give the finding while the signal is too large or too small."""
        if self._large == QRS_BEATS:
            height_mv = median(height for _, height in self._qrs)
            beats = tuple(sample for sample, _ in self._qrs)
            text = f"CHECK UNIT: QRS {height_mv:.0f} mV (uV sent as mV?). Alarms unreliable"
            return Finding(beats[0], text, height_mv, MOST_QRS_MV, beats)
        if not self._hops or end_sample - self._hops[0].start_sample < SWING_S * self._rate_hz:
            return None
        first = self._hops[0].start_sample
        if self._moves_from is not None and self._moves_from >= first:
            return None
        swing_mv = self._swing_mv()
        if 0.0 < swing_mv < LEAST_SWING_MV:
            text = (
                f"CHECK UNIT: signal only {1000 * swing_mv:.2g} uV "
                "(V sent as mV, or no electrode?). Alarms unreliable"
            )
            return Finding(first, text, swing_mv, LEAST_SWING_MV)
        return None

    def _swing_mv(self) -> float:
        """Swing of the lead that moves most, over as many of the newest hops as prove enough."""
        low = high = self._hops[-1].values_mv[-1]
        swing_mv = 0.0
        for block in reversed(self._hops):
            low = np.fmin(low, np.fmin.reduce(block.values_mv, axis=0))
            high = np.fmax(high, np.fmax.reduce(block.values_mv, axis=0))
            swing_mv = float(np.nan_to_num(high - low).max())
            if swing_mv > LEAST_SWING_MV:
                self._moves_from = block.start_sample
                break
        return swing_mv
