"""Searches the signal for pulses of a pacemaker, for many streams at once.

A pulse is a moment of steepness, shorter than any QRS, after which the signal is back where it was;
see :mod:`monitor.stages.pacing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_WORK_HZ = 250.0  # slopes are taken at about this rate, whatever the stream has
_HALF_S = 0.028  # a pulse that passed a low-pass of 40 Hz reaches so far to both sides
_WIDTH_S = 0.0077  # spread of its slope energy
_LEAST_MV = 0.15
_LONGEST_ROWS = 4  # a pulse rises in fewer rows at the work rate
_RETURN = 0.35  # of the height, how far the levels right before and after may differ


class PulseSearch:
    """Finds pulses in signals of one rate; equal to any other of that rate.

    Parameters
    ----------
    rate_hz
        Sampling rate.

    Attributes
    ----------
    rows
        Rows at the work rate that belong to a pulse.
    reach
        Samples before it that belong to it.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._mean_of = max(1, round(rate_hz / _WORK_HZ))
        self._half = round(_HALF_S * rate_hz / self._mean_of)
        self._around = np.arange(-self._half, self._half + 1)
        t = self._around * self._mean_of / rate_hz
        self._moments = np.stack((np.ones(len(t)), t, t * t), axis=1)
        self.rows = 2 * self._half + 2
        self.reach = (self._half + 1) * self._mean_of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PulseSearch) and other._rate_hz == self._rate_hz

    def __hash__(self) -> int:
        return hash(self._rate_hz)

    def __call__(
        self, inputs: Sequence[Array | SearchInputs]
    ) -> list[list[tuple[int, int, float]]]:
        """Find the pulses in signals, but for their ends.

        Parameters
        ----------
        inputs
            Signals, shape (n, leads) each, mV, without NaN.

        Returns
        -------
        For each signal its pulses: by how many samples its surroundings are complete, its place
        and its height, mV.
        """
        pieces = [
            self.at_work_rate(each.signal if isinstance(each, SearchInputs) else each)
            for each in inputs
        ]
        found: list[list[tuple[int, int, float]]] = [[] for _ in pieces]
        alike: dict[tuple[int, ...], list[int]] = {}
        for k, piece in enumerate(pieces):
            if piece.shape[1] and len(piece) >= self.rows:
                alike.setdefault(piece.shape, []).append(k)
        for members in alike.values():
            for k, energy, places in self._tops([pieces[k] for k in members]):
                found[members[k]] = self._pulses(pieces[members[k]], energy, places)
        return found

    def advance(self, length: int) -> int:
        """Give how many samples of a signal of a length have been searched afterwards."""
        return max(length // self._mean_of - self.rows + 1, 0) * self._mean_of

    def at_work_rate(self, signal: Array) -> Array:
        """Give a signal, shape (n, leads), averaged to the work rate."""
        step = self._mean_of
        if step == 1 or not signal.shape[1]:
            return signal
        whole = np.ascontiguousarray(signal[: len(signal) - len(signal) % step])
        return np.asarray(whole.reshape(-1, step, signal.shape[1]).mean(axis=1))

    def _tops(self, pieces: list[Array]) -> list[tuple[int, Array, NDArray[np.intp]]]:
        """Give the pieces that have tops of slope energy: which, the energy, and where they are."""
        half = self._half
        joined = pieces[0][None] if len(pieces) == 1 else np.stack(pieces)
        slope = joined[:, 1:] - joined[:, :-1]
        square = slope * slope
        energy = square[:, :, 0] + square[:, :, 1] if square.shape[2] > 1 else square[:, :, 0]
        end = energy.shape[1] - half
        middles = energy[:, half:end]
        tops = middles >= (_LEAST_MV / _LONGEST_ROWS) ** 2
        tops &= middles >= energy[:, half - 1 : end - 1]
        tops &= middles >= energy[:, half + 1 : end + 1]
        found = []
        for k in np.flatnonzero(np.logical_or.reduce(tops, 1)).tolist():
            places = np.flatnonzero(tops[k]) + half
            highest = np.maximum.reduce(energy[k][places[:, None] + self._around], 1)
            found.append((k, energy[k], places[energy[k][places] >= highest]))
        return found

    def _pulses(
        self, piece: Array, energy: Array, places: NDArray[np.intp]
    ) -> list[tuple[int, int, float]]:
        half, step = self._half, self._mean_of
        found = []
        for middle in places.tolist():
            around = energy[middle - half : middle + half + 1]
            total, mean, square = (around @ self._moments).tolist()
            if square / total - (mean / total) ** 2 > _WIDTH_S**2:
                continue
            height = _height_of_pulse(piece[middle - half : middle + half + 2])
            if height is not None:
                found.append(((middle + half + 2) * step, middle * step, height))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class SearchInputs:
    """The signal of one stream that is to be searched, shape (n, leads), mV, without NaN."""

    network: PulseSearch
    signal: Array


def _height_of_pulse(piece: Array) -> float | None:
    """Give the height of what returns to where it was, mV; None for a step or a small one."""
    heights = np.ptp(piece, axis=0)
    lead = int(heights.argmax())
    height = float(heights[lead])
    if height < _LEAST_MV or abs(piece[-1, lead] - piece[0, lead]) > _RETURN * height:
        return None
    return height
