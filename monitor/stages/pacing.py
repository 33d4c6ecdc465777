"""Pacing pulses that capture nothing: a pulse is never a beat by itself.

A pacemaker goes on in a heart that does not answer. Its pulse lasts a millisecond, but the filters
of a recorder make a wave of some 20 ms of it, which a QRS detector takes for a narrow QRS. What
tells them apart is what follows: after a QRS there is a T wave, after a pulse that captured
nothing there is nothing at all.

Notes
-----
An R peak is left out where all of this holds: its steep part is narrower than any QRS that passed
the same filters, hardly any steepness follows within 0.3 s, nor any wave, and the signal is back
where it was. It waits until so much signal has come; other R peaks do not wait. Under 200 samples a
second a pulse cannot be told from a narrow QRS: nothing is left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.messages import RPeak, Samples, StreamInfo

_LEAST_RATE_HZ = 200.0
_WORK_HZ = 250.0  # slopes are taken at about this rate, whatever the stream has: noise adds to them
_BEFORE_S = 0.06  # signal looked at before the R peak
_AFTER_S = 0.30  # ... and after it
_NEAR_S = 0.04  # the steepest part lies so near the R peak
_HALF_S = 0.028  # a pulse that passed a low-pass of 40 Hz reaches so far to both sides
_WIDTH_S = 0.0077  # spread of its slope energy
_STEEPNESS = 0.05  # of the slope energy, what may follow
_WAVE = 0.11  # of the height, what may follow
_RETURN = 0.2  # of the height, how far the levels before and after may differ: else it is a step


class Pacing:
    """Leaves out the R peaks of one stream that are pacing pulses and no more.

    Parameters
    ----------
    info
        The ECG of the stream.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._rate_hz = info.rate_hz
        self._mean_of = max(1, round(info.rate_hz / _WORK_HZ))
        self._sees = info.rate_hz >= _LEAST_RATE_HZ
        self._blocks: deque[Samples] = deque()
        self._waiting: deque[RPeak] = deque()

    def push(self, block: Samples, rpeaks: list[RPeak]) -> list[RPeak]:
        """Take the next hop and the R peaks found in it; give those that are beats."""
        if not self._sees:
            return rpeaks
        if self._blocks and self._blocks[-1].end_sample != block.start_sample:
            self._blocks.clear()
        self._blocks.append(block)
        while block.end_sample - self._blocks[0].end_sample > 2.0 * self._rate_hz:
            self._blocks.popleft()
        if not rpeaks and not self._waiting:
            return rpeaks
        self._waiting.extend(rpeaks)
        beats: list[RPeak] = []
        while self._waiting:
            answer = self._is_pulse(self._waiting[0].sample, block.end_sample)
            if answer is None:
                break
            rpeak = self._waiting.popleft()
            if not answer:
                decided = max(rpeak.decided_sample, block.end_sample - 1)
                beats.append(replace(rpeak, decided_sample=decided))
        return beats

    def flush(self, rpeaks: list[RPeak]) -> list[RPeak]:
        """End of the stream: give what was waiting, and the last R peaks."""
        beats = [*self._waiting, *rpeaks]
        self._waiting.clear()
        return beats

    def _is_pulse(self, sample: int, end: int) -> bool | None:
        """Whether an R peak is a pulse without a beat; None while that cannot be told."""
        rate_hz = self._rate_hz / self._mean_of
        near = round((_BEFORE_S - _NEAR_S) * rate_hz)
        far = round((_BEFORE_S + _NEAR_S) * rate_hz)
        half = round(_HALF_S * rate_hz)
        first = sample - round(_BEFORE_S * self._rate_hz)
        if end < first + (far + half + 2) * self._mean_of:
            return None
        piece = self._signal(first, sample + round(_AFTER_S * self._rate_hz))
        if piece is None or len(piece) <= far + half:
            return False
        slope = np.diff(piece, axis=0)
        energy = np.einsum("nl,nl->n", slope, slope)
        steepest = near + int(energy[near:far].argmax())
        low, high = max(0, steepest - half), steepest + half + 1
        own = energy[low:high]
        total = float(own.sum())
        if total <= 0.0:
            return False
        t = np.arange(len(own)) / rate_hz
        centre = float(own @ t) / total
        if float(own @ (t - centre) ** 2) / total > _WIDTH_S**2:
            return False
        if end < sample + round(_AFTER_S * self._rate_hz):
            return None
        if float(energy[high:].sum()) > _STEEPNESS * total:
            return False
        height = float(np.ptp(piece[low : high + 1], axis=0).max())
        if np.ptp(piece[high + 1 :], axis=0).max() > _WAVE * height:
            return False
        step = np.abs(np.median(piece[high + 1 :], axis=0) - piece[low])
        return bool(step.max() <= _RETURN * height)

    def _signal(self, start: int, end: int) -> NDArray[np.float64] | None:
        """Give [start, end) of the whole leads, or as much as has come, at the work rate."""
        if not self._blocks or self._blocks[0].start_sample > start:
            return None
        rows = [
            block.values_mv[max(0, start - block.start_sample) : end - block.start_sample]
            for block in self._blocks
            if block.end_sample > start and block.start_sample < end
        ]
        piece = np.concatenate(rows).astype(np.float64)
        piece = piece[: len(piece) - len(piece) % self._mean_of, np.isfinite(piece).all(axis=0)]
        if not piece.shape[1]:
            return None
        return np.asarray(piece.reshape(-1, self._mean_of, piece.shape[1]).mean(axis=1))
