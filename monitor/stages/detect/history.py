"""The last seconds of the signal and of what the filters make of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HISTORY_S = 6.0


class History:
    """Signal, band, envelope (per lead) and height (all leads together) of the last seconds.

    A *place* is an index into these arrays; the newest sample is at ``at - 1`` and has the
    stream index ``end - 1``.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.
    start_sample
        Stream index of the first sample that will come.
    """

    def __init__(self, rate_hz: float, leads: int, start_sample: int) -> None:
        self.keep = round(HISTORY_S * rate_hz)
        size = 4 * self.keep
        self.signal = np.zeros((leads, size))  # mV
        self.band = np.zeros((leads, size))  # mV
        self.envelope = np.zeros((leads, size))  # mV/s
        self.height = np.zeros(size)  # in units of the typical QRS
        self.at = self.keep
        self.end = start_sample

    def append(self, signal: Array, band: Array, envelope: Array) -> tuple[slice, int]:
        """Append one hop, each array of shape (leads, n).

        Returns
        -------
        place : slice
            Where it is; ``height`` is for the caller to fill in.
        moved : int
            By how much all earlier places became smaller.
        """
        n = signal.shape[1]
        moved = 0
        if self.at + n > len(self.height):
            moved = self.at - self.keep
            for array in (self.signal, self.band, self.envelope, self.height):
                array[..., : self.keep] = array[..., moved : self.at]
            self.at = self.keep
        place = slice(self.at, self.at + n)
        self.signal[:, place] = signal
        self.band[:, place] = band
        self.envelope[:, place] = envelope
        self.at += n
        self.end += n
        return place, moved

    def tops(self, n: int) -> Array:
        """Highest envelope in the two halves of the last ``n`` samples, shape (2, leads)."""
        recent = self.envelope[:, self.at - n : self.at]
        return np.stack((recent[:, : n // 2].max(axis=1), recent[:, n // 2 :].max(axis=1)))
