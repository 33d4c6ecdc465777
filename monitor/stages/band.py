"""The ECG in the band of its slow waves, 1 to 30 Hz, at about 125 Hz.

The detectors of P waves and of fibrillation share it. It is filtered only when one of them reads.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from monitor.messages import FloatArray, Samples, StreamInfo
from monitor.ring import Ring
from monitor.stages.bridging import bridged

Array = NDArray[np.float64]

BAND_HZ = (1.0, 30.0)
WORK_HZ = 125.0
LEADS = 2
_KEEP_S = 5.0  # a window of fibrillation, or the P wave of a beat labelled at last


@lru_cache(maxsize=32)  # many streams begin at once
def _designed(rate_hz: float) -> tuple[Array, Array, Array]:
    """Give the filter (b, a) for a sampling rate, and its state at rest at 1."""
    b, a = signal.butter(2, BAND_HZ, "bandpass", fs=rate_hz)
    return b, a, signal.lfilter_zi(b, a)


class BandSignal:
    """Keeps the last seconds of up to two leads, filtered forward only.

    Invalid samples are bridged by a straight line.

    Parameters
    ----------
    info
        The stream.
    """

    def __init__(self, info: StreamInfo) -> None:
        self.leads = min(len(info.leads), LEADS)
        self.stride = max(1, round(info.rate_hz / WORK_HZ))
        self.rate_hz = info.rate_hz / self.stride
        self._keep = round(_KEEP_S * self.rate_hz)
        self._b, self._a, self._rest = _designed(info.rate_hz)
        self._end: int | None = None
        # row k is sample k * stride of the stream
        self._kept = Ring(self._keep, self.leads, dtype=np.float64)
        self.forget()

    def forget(self) -> None:
        """Start anew, as after a hole."""
        self._zi: Array | None = None
        self._pending: list[FloatArray] = []
        self._pending_from = 0
        self._kept.forget(0)

    def push(self, block: Samples) -> None:
        """Take the signal of the next hop."""
        if self._end is not None and block.start_sample != self._end:
            self.forget()
        self._end = block.end_sample
        if not self._pending:
            self._pending_from = block.start_sample
        self._pending.append(block.values_mv[:, : self.leads])

    def latest(self, length: int) -> Array:
        """Give the newest ``length`` rows, or as many as there are; shape (n, leads), mV."""
        self._filter()
        return self._kept.read(length)[1]

    def piece(self, start_sample: float, length: int) -> Array | None:
        """Give ``length`` rows from a sample of the stream on; None where they are not kept."""
        first = round(start_sample / self.stride)
        oldest = -(-(self._end or 0) // self.stride) - self._keep
        last = first + length
        if last > self._kept.end_sample or first < oldest:  # most are filtered already
            self._filter()
        return self._kept.span(first, last) if self._kept.holds(first, last) else None

    def _filter(self) -> None:
        if not self._pending:
            return
        x = np.concatenate(self._pending).astype(np.float64)
        self._pending.clear()
        if not len(x):
            return
        if not np.isfinite(x).all():
            x = np.stack([bridged(lead) for lead in x.T], axis=1)
        if self._zi is None:
            self._zi = self._rest * x[0][:, np.newaxis]
        y, self._zi = signal.lfilter(self._b, self._a, x.T, zi=self._zi)
        row = -(-self._pending_from // self.stride)
        if not self._kept.end_sample:
            self._kept.forget(row)
        self._kept.write(row, y[:, row * self.stride - self._pending_from :: self.stride].T)
