"""Random functions of time, for any times and any sampling rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_GRID_HZ = 1000.0
_HALF = 4096  # samples of the inner grid between the starts of two blocks
_FREQUENCY_HZ = np.fft.rfftfreq(2 * _HALF, 1.0 / _GRID_HZ)
_FADE = np.sin(0.5 * np.pi * (np.arange(2 * _HALF) + 0.5) / _HALF)

Spectrum = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def band(low_hz: float, high_hz: float, edge: float = 4.0) -> Spectrum:
    """Amplitude spectrum that is flat between two frequencies, with soft edges."""

    def amplitude(f: NDArray[np.float64]) -> NDArray[np.float64]:
        rise = 1.0 / np.sqrt(1.0 + (low_hz / np.maximum(f, 1e-9)) ** edge) if low_hz else 1.0
        fall = 1.0 / np.sqrt(1.0 + (f / high_hz) ** edge)
        return np.asarray(rise * fall * (f > 0.0))

    return amplitude


class ShapedNoise:
    """Stationary Gaussian noise of unit variance with a given spectrum, as a function of time.

    Blocks of 8.192 s are shaped by FFT, each from a generator of its own (seed and block
    number), and cross-faded at constant power. The inner grid has 1000 Hz; between its
    points the function is linear. Only the last few blocks are kept.
    """

    def __init__(self, key: tuple[int, ...], spectrum: Spectrum) -> None:
        self._key = key
        amplitude = spectrum(np.asarray(_FREQUENCY_HZ, dtype=np.float64))
        power = 2.0 * float(np.sum(amplitude[1:-1] ** 2)) + float(amplitude[-1] ** 2)
        self._amplitude = amplitude * (2 * _HALF / np.sqrt(power))
        self._halves: dict[int, NDArray[np.float64]] = {}
        self._blocks: dict[int, NDArray[np.float64]] = {}

    def at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at increasing times from 0 on, shape (n,)."""
        grid = time_s * _GRID_HZ
        first = int(grid[0]) // _HALF
        last = (int(grid[-1]) + 1) // _HALF
        stretch = np.concatenate([self._half(k) for k in range(first, last + 1)])
        position = grid - first * _HALF
        index = position.astype(np.int64)
        fraction = position - index
        out: NDArray[np.float64] = stretch[index] * (1.0 - fraction)
        return out + stretch[np.minimum(index + 1, len(stretch) - 1)] * fraction

    def _half(self, k: int) -> NDArray[np.float64]:
        """Give stretch k of the inner grid: the end of block k and the start of block k + 1."""
        if k not in self._halves:
            while len(self._halves) > 3:
                del self._halves[min(self._halves)]
            self._halves[k] = self._block(k)[_HALF:] + self._block(k + 1)[:_HALF]
        return self._halves[k]

    def _block(self, k: int) -> NDArray[np.float64]:
        if k not in self._blocks:
            while len(self._blocks) > 2:
                del self._blocks[min(self._blocks)]
            rng = np.random.default_rng([*self._key, k])
            white = rng.standard_normal((2, len(self._amplitude))).view()
            spectrum = (white[0] + 1j * white[1]) * (self._amplitude * np.sqrt(0.5))
            self._blocks[k] = np.fft.irfft(spectrum, 2 * _HALF) * _FADE
        return self._blocks[k]
