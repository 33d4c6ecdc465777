"""The pulse wave at the finger that follows the beats of the heart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.sources.simulator.events import BEAT_CODES, BeatEvent
from monitor.sources.simulator.noise import ShapedNoise, band

NAME = "PLETH"
_DELAY_S = 0.25  # from the QRS to the upstroke at the finger
_UPSTROKE_S = 0.16
_DECAY_S = 0.28
_NOTCH = (0.42, 0.07, 0.18)  # the dicrotic wave: when, how wide, how high
_LASTS_S = 2.5
_EMPTY_S, _FULL_S = 0.25, 0.65  # after so short a filling nothing is ejected, after so long all
_VENTRICULAR = 0.6  # of a normal beat: the atria did not fill the ventricle
_NOISE = 0.01


class PulseWave:
    """Draws the wave that follows the beats; a usual beat has height 1.

    A ventricle that has had no time to fill ejects nothing: an early beat has a small pulse, fast
    tachycardia, fibrillation and asystole have none.

    Parameters
    ----------
    seed
        Chooses the noise.
    """

    def __init__(self, seed: int) -> None:
        self._beats: list[tuple[float, float]] = []  # time of the upstroke, height
        self._last_s = -_FULL_S
        self._noise = ShapedNoise((seed, 37), band(0.3, 10.0))

    def take(self, beat: BeatEvent) -> None:
        """Take the next beat; a P wave alone makes no pulse."""
        if beat.kind not in BEAT_CODES:
            return
        filling_s = beat.time_s - self._last_s
        height = float(np.clip((filling_s - _EMPTY_S) / (_FULL_S - _EMPTY_S), 0.0, 1.0))
        if beat.kind in ("pvc", "escape"):
            height *= _VENTRICULAR
        self._last_s = beat.time_s
        self._beats.append((beat.time_s + _DELAY_S, height))

    def at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the wave at increasing times, shape (n,)."""
        wave = _NOISE * self._noise.at(time_s)
        for begin_s, height in self._beats:
            wave += height * _shape(time_s - begin_s)
        self._beats = [beat for beat in self._beats if beat[0] + _LASTS_S > time_s[-1]]
        return wave


def _shape(after_s: NDArray[np.float64]) -> NDArray[np.float64]:
    rising = 0.5 - 0.5 * np.cos(np.pi * np.clip(after_s / _UPSTROKE_S, 0.0, 1.0))
    falling = np.exp(-np.maximum(after_s - _UPSTROKE_S, 0.0) / _DECAY_S)
    at_s, width_s, height = _NOTCH
    wave: NDArray[np.float64] = rising * falling
    return wave + height * np.exp(-0.5 * ((after_s - at_s) / width_s) ** 2) * (after_s > 0.0)
