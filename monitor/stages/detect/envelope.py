"""Computes the steepness envelope, in which QRS complexes stand out.

Rules that hold here:

1. All filters carry their state from hop to hop; all leads go through in one call.
2. An invalid sample is replaced by the last valid one. The step to the next valid sample is
   removed: history and filter states are moved to the new level. So neither NaN nor a step enters
   a filter, and offsets do not add up.
3. Every filter is designed for the stream's own rate, so the envelope is the same at any rate.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from monitor.stages.detect.history import History

Array = NDArray[np.float64]

BAND_HZ = (5.0, 18.0)  # most of the QRS, little of P waves, T waves and muscle noise
SMOOTH_S = 0.1  # as NeuroKit2
NOTCHES_HZ = (50.0, 60.0)  # always both: the QRS has little left there in this band
NOTCH_Q = 4.0
QRS_HZ = 12.0  # middle of the energy of a QRS in this band; the delay is taken here


@lru_cache(maxsize=32)  # many streams have the same rate
def _designed(rate_hz: float) -> tuple[Array, Array, Array, float]:
    """Design band pass and notches as one filter.

    Returns b, a, the state after a constant 1 mV, and the delay in the QRS band (samples).
    """
    sections = [scipy.signal.butter(1, BAND_HZ, "bandpass", fs=rate_hz, output="sos")]
    for notch_hz in NOTCHES_HZ:
        if notch_hz < 0.45 * rate_hz:
            b, a = scipy.signal.iirnotch(notch_hz, NOTCH_Q, fs=rate_hz)
            sections.append(np.hstack([b, a])[None, :])
    # one polynomial: at this low order as exact as sections, at a seventh of the cost
    b, a = scipy.signal.sos2tf(np.vstack(sections))
    w = 2 * np.pi * QRS_HZ / rate_hz
    step = 1e-4
    _, h = scipy.signal.freqz(b, a, worN=[w - step, w + step])
    delay = float(-np.diff(np.unwrap(np.angle(h)))[0] / (2 * step))
    return b, a, scipy.signal.lfilter_zi(b, a), delay


class Envelope:
    """Band pass, mains notches, gradient magnitude, smoothing: per lead, with carried state.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.

    Attributes
    ----------
    band_delay, delay
        Samples by which a QRS appears later in the band-passed signal, and in the envelope.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._b, self._a, self._rest, band_delay = _designed(rate_hz)
        self._state = np.zeros((leads, len(self._a) - 1))
        self._broken = np.ones(leads, bool)  # the next valid sample continues at the held level
        self._any_broken = True
        size = max(3, round(SMOOTH_S * rate_hz))
        kernel = np.hanning(size + 2)[1:-1]
        self._kernel = kernel / kernel.sum() * rate_hz
        self._size = size
        self.band_delay = round(band_delay)
        self.delay = round(band_delay + size / 2)

    def forget(self) -> None:
        """Continue without a step after a gap in the stream."""
        self._broken[:] = True
        self._any_broken = True

    def push(self, values_mv: Array, valid: NDArray[np.bool_] | None, history: History) -> None:
        """Filter one hop; write signal, band and envelope to the end of the history.

        Parameters
        ----------
        values_mv
            Shape (leads, n), mV; anything where invalid.
        valid
            Shape (leads, n); None where all are.
        history
            Grown by n samples.
        """
        start, end = history.at - values_mv.shape[1], history.at
        signal = history.signal[:, start:end]
        step = None
        if valid is not None or self._any_broken:
            held = history.signal[:, start - 1]  # what the filters saw last
            signal[:], step = self._bridge(values_mv, valid, held)
        else:
            signal[:] = values_mv
        filtered, self._state = scipy.signal.lfilter(self._b, self._a, signal, zi=self._state)
        history.band[:, start:end] = filtered
        if step is not None and step.any():
            history.signal[:, :end] += step[:, None]
            self._state += step[:, None] * self._rest
        band = history.band[:, start - self._size : end]
        slopes = band[:, 1:] - band[:, :-1]
        np.abs(slopes, out=slopes)
        for lead, steepness in enumerate(slopes):
            # the kernel is symmetric, so correlation is convolution
            history.envelope[lead, start:end] = np.correlate(steepness, self._kernel, "valid")

    def _bridge(
        self, values_mv: Array, valid: NDArray[np.bool_] | None, before: Array
    ) -> tuple[Array, Array]:
        """Give the hop moved to the level before it, and the step per lead that was removed."""
        if valid is None:
            valid = np.ones(values_mv.shape, bool)
        signal = np.empty_like(values_mv)
        step = np.zeros(len(values_mv))
        for lead in range(len(values_mv)):
            held, offset = before[lead], 0.0
            broken = bool(self._broken[lead])
            for i in range(values_mv.shape[1]):
                if not valid[lead, i]:
                    broken = True
                else:
                    if broken:
                        offset = values_mv[lead, i] - held
                        broken = False
                    held = values_mv[lead, i] - offset
                signal[lead, i] = held
            step[lead], self._broken[lead] = offset, broken
        self._any_broken = bool(self._broken.any())
        return signal, step
