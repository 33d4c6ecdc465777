"""From millivolts to the steepness envelope in which QRS complexes stand out.

Rules that hold here:

1. All filters carry their state from hop to hop; all leads go through in one call.
2. An invalid sample is replaced by the last valid one, and the step to the next valid one is
   taken out as an offset, so that neither NaN nor a step ever enters a filter.
3. Every filter is designed for the stream's own rate, so the envelope is the same at any rate.
"""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

Array = NDArray[np.float64]

BAND_HZ = (5.0, 18.0)
SMOOTH_S = 0.1
NOTCHES_HZ = (50.0, 60.0)
NOTCH_Q = 4.0


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
    delay
        Samples by which a QRS appears later in the envelope than in the signal.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._rate_hz = rate_hz
        sections = [scipy.signal.butter(1, BAND_HZ, "bandpass", fs=rate_hz, output="sos")]
        for notch_hz in NOTCHES_HZ:
            if notch_hz < 0.45 * rate_hz:
                b, a = scipy.signal.iirnotch(notch_hz, NOTCH_Q, fs=rate_hz)
                sections.append(np.hstack([b, a])[None, :])
        self._sos = np.ascontiguousarray(np.vstack(sections))
        self._state = np.zeros((len(self._sos), 2, leads))
        self._held = np.zeros(leads)  # what the filters saw last, per lead
        self._offset = np.zeros(leads)
        self._broken = np.ones(leads, bool)  # the next valid sample continues from the held one
        size = max(3, round(SMOOTH_S * rate_hz))
        kernel = np.hanning(size + 2)[1:-1]
        self._kernel = kernel / kernel.sum()
        self._slopes = np.zeros((size, leads))  # the last slopes, for the smoothing
        self._last_band = np.zeros(leads)
        self.delay = round((size - 1) / 2 + 0.5 + self._band_delay())

    def _band_delay(self) -> float:
        """Group delay of the filters at the middle of the QRS band, in samples."""
        w = 2 * np.pi * 12.0 / self._rate_hz
        step = 1e-4
        _, h = scipy.signal.freqz_sos(self._sos, worN=[w - step, w + step])
        return float(-np.diff(np.unwrap(np.angle(h)))[0] / (2 * step))

    def forget(self) -> None:
        """Continue without a step after a hole in the stream."""
        self._broken[:] = True

    def push(self, values_mv: Array, valid: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Filter one hop.

        Parameters
        ----------
        values_mv
            Shape (n, leads), mV; anything where invalid.
        valid
            Shape (n, leads).

        Returns
        -------
        band : ndarray, shape (n, leads)
            Band-passed signal, mV.
        envelope : ndarray, shape (n, leads)
            Smoothed gradient magnitude, mV/s.
        """
        if self._broken.any() or not valid.all():
            signal = self._bridge(values_mv, valid)
        else:
            signal = values_mv - self._offset
        self._held = signal[-1].copy()
        band, self._state = scipy.signal.sosfilt(self._sos, signal, axis=0, zi=self._state)
        slopes = np.abs(np.diff(band, axis=0, prepend=self._last_band[None, :])) * self._rate_hz
        self._last_band = band[-1]
        slopes = np.concatenate((self._slopes, slopes))
        self._slopes = slopes[-len(self._kernel) :]
        envelope = np.empty_like(band)
        for lead in range(band.shape[1]):
            envelope[:, lead] = np.convolve(slopes[1:, lead], self._kernel, "valid")
        return band, envelope

    def _bridge(self, values_mv: Array, valid: NDArray[np.bool_]) -> Array:
        signal = np.empty_like(values_mv)
        for lead in range(values_mv.shape[1]):
            held, offset = self._held[lead], self._offset[lead]
            broken = bool(self._broken[lead])
            for i in range(len(values_mv)):
                if not valid[i, lead]:
                    broken = True
                else:
                    if broken:
                        offset = values_mv[i, lead] - held
                        broken = False
                    held = values_mv[i, lead] - offset
                signal[i, lead] = held
            self._offset[lead], self._broken[lead] = offset, broken
        return signal
