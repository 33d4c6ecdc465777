"""The signal as slow waves show in it: 1 to 30 Hz, at about 125 Hz.

For what looks at P waves and fibrillation rather than at QRS complexes. Filtered once for all,
and only when somebody looks.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import signal

from monitor.messages import FloatArray, Samples, StreamInfo
from monitor.stages.filtering import Array, filter_on

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
        self.forget()

    def forget(self) -> None:
        """Start anew, as after a hole."""
        self._zi: Array | None = None
        self._pending: list[FloatArray] = []
        self._pending_from = 0
        self._kept = np.empty((0, self.leads))
        self._kept_end = 0  # just past the last one kept, in steps of ``stride`` samples

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
        return self._kept[-length:]

    def piece(self, start_sample: float, length: int) -> Array | None:
        """Give ``length`` rows from a sample of the stream on; None where they are not kept."""
        first = round(start_sample / self.stride)
        oldest = -(-(self._end or 0) // self.stride) - self._keep
        if first + length > self._kept_end or first < oldest:  # most are filtered already
            self._filter()
        at = first - (self._kept_end - len(self._kept))
        return self._kept[at : at + length] if 0 <= at <= len(self._kept) - length else None

    def _filter(self) -> None:
        if not self._pending:
            return
        x = np.concatenate(self._pending).astype(np.float64)
        self._pending.clear()
        if not len(x):
            return
        _bridge(x)
        if self._zi is None:
            self._zi = self._rest * x[0][:, np.newaxis]
        y, self._zi = filter_on(self._b, self._a, x.T, self._zi)
        first = -self._pending_from % self.stride
        self._kept = np.concatenate((self._kept, y[:, first :: self.stride].T))[-self._keep :]
        self._kept_end = -(-(self._pending_from + len(x)) // self.stride)


def _bridge(x: Array) -> None:
    invalid = ~np.isfinite(x)
    if not invalid.any():
        return
    for lead in range(x.shape[1]):
        bad = np.flatnonzero(invalid[:, lead])
        if len(bad):
            good = np.flatnonzero(~invalid[:, lead])
            x[bad, lead] = np.interp(bad, good, x[good, lead]) if len(good) else 0.0
