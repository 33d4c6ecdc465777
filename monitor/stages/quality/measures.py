"""What is measured of each hop in the same way, for rows of hops of many streams at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.stages.hop_rows import with_before
from monitor.stages.quality.contact import Runs, runs_of
from monitor.stages.quality.texture import Grid, Texture

FloatArray = NDArray[np.float64]


_MOST = 128  # hops of leads at once: arrays of more would not stay in the cache


def _joined(arrays: Sequence[FloatArray], axis: int = 0) -> FloatArray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=axis)


@lru_cache(maxsize=32)  # many streams have the same rate
def _grid(rate_hz: float, n: int) -> Grid:
    return Grid(rate_hz, n)


@dataclass(frozen=True, slots=True, eq=False)
class MeasureInputs:
    """A row of hops of one stream, and what came before it.

    Parameters
    ----------
    network
        What measures it.
    before
        Shape (leads, reach), mV.
    x
        Shape (leads, hops, n), mV, without NaN.
    window
        Bins before the row, (4, leads, length).
    filled
        So many of them are known, the last ones.
    """

    network: Measures
    before: FloatArray
    x: FloatArray
    window: FloatArray
    filled: int


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The texture of each lead after each hop, None in the first second; its runs; the window now.

    ``runs`` has hops one after the other for each lead.
    """

    textures: list[list[Texture] | None]
    runs: list[Runs]
    window: FloatArray
    filled: int


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures rows of so many hops of so many samples, at one rate."""

    rate_hz: float
    hops: int
    n: int

    def __call__(self, inputs: Sequence[MeasureInputs]) -> list[Measured]:
        """Measure rows of any number of streams; each is measured as if it were alone."""
        found: list[Measured] = []
        while len(found) < len(inputs):
            fits = max(_MOST // (len(inputs[len(found)].x) * self.hops), 1)
            found += self._measure(inputs[len(found) : len(found) + fits])
        return found

    def _measure(self, inputs: Sequence[MeasureInputs]) -> list[Measured]:
        hops, n, grid = self.hops, self.n, _grid(self.rate_hz, self.n)
        bins, length = grid.bins, grid.length
        x = _joined([each.x for each in inputs])
        leads = len(x)
        before = _joined([each.before for each in inputs])
        joined = np.concatenate((before, x.reshape(leads, hops * n)), axis=1)
        window = np.empty((4, leads, length + hops * bins))
        window[:, :, :length] = _joined([each.window for each in inputs], axis=1)
        newest = window[:, :, length:].reshape(4, leads, hops, bins)
        grid.fill(with_before(joined, grid.reach + n, hops), newest)
        recent = with_before(window[:, :, bins:], length, hops)  # (4, leads, hops, length)
        textures = grid.textures(recent)
        runs = runs_of(x.reshape(leads * hops, n))
        found = []
        first = 0
        for each in inputs:
            own = slice(first, first + len(each.x))
            first = own.stop
            filled = each.filled
            row: list[list[Texture] | None] = []
            while len(row) < hops and filled < length:
                filled = min(filled + bins, length)
                part = recent[:, own, len(row) : len(row) + 1, length - filled :]
                row += grid.textures(part) if filled >= grid.need else [None]
            row += [hop[own] for hop in textures[len(row) :]]
            kept = window[:, own, hops * bins :].copy()
            found.append(Measured(row, runs[own.start * hops : own.stop * hops], kept, filled))
        return found


class Meter:
    """Keeps of one stream what its next row is measured with.

    No filter has to settle after a gap, and a result depends on the last two seconds only.

    Parameters
    ----------
    rate_hz, leads
        Of the stream.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._rate_hz = rate_hz
        self._n = 0
        self._before = self._window = np.empty((leads, 0))
        self.last_mv = np.zeros(leads)
        self.forget()

    def forget(self) -> None:
        """Start anew with the next sample."""
        self._new = True
        self._filled = 0

    def inputs(self, x: FloatArray) -> MeasureInputs:
        """Give what is to be measured of the next row, shape (leads, hops, n), mV, without NaN."""
        leads, hops, n = x.shape
        grid = _grid(self._rate_hz, n)
        if n != self._n:
            self._n, self._filled = n, 0
            self._window = np.zeros((4, leads, grid.length))
        if self._new:
            self._before, self._new = np.repeat(x[:, 0, :1], grid.reach, axis=1), False
        network = Measures(self._rate_hz, hops, n)
        return MeasureInputs(network, self._before, x, self._window, self._filled)

    def take(self, x: FloatArray, measured: Measured) -> None:
        """Take the row and what was measured of it."""
        self._window, self._filled = measured.window, measured.filled
        reach = self._before.shape[1]
        self.last_mv = x[:, -1, -1].copy()
        joined = x.reshape(len(x), -1)
        if joined.shape[1] < reach:
            joined = np.concatenate((self._before, joined), axis=1)
        self._before = joined[:, joined.shape[1] - reach :].copy()
