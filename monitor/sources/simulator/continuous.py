"""Activity without beats: fibrillation and flutter of atria and ventricles.

Frequency and amplitude wander at random, and the three axes of the heart vector run out of step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.sources.simulator.events import Background
from monitor.sources.simulator.noise import ShapedNoise, band

_TAU = 2.0 * np.pi


class Activity:
    """Continuous activity of one interval.

    ``af``: f waves of 4 to 9 Hz, saw-toothed, largest in V1, after Stridh and Sörnmo (2001),
    doi:10.1109/10.900266. ``flutter``: regular saw-tooth waves of 300/min. ``vflutter``: a
    nearly regular wide oscillation. ``vf``: coarse at first and about 5.5 Hz, then finer and
    slower, as in Clayton, Murray and Campbell (1995) for untreated fibrillation.
    """

    def __init__(self, event: Background, seed: int) -> None:
        self.event = event
        key = (seed, 11, event.key)
        drift_hz = {"af": 0.9, "flutter": 0.2, "vflutter": 0.25, "vf": 0.7}[event.kind]
        self._phase = ShapedNoise((*key, 0), band(0.0, drift_hz))
        self._size = [ShapedNoise((*key, 1 + i), band(0.0, 0.8)) for i in range(3)]
        self._rough = [ShapedNoise((*key, 4 + i), band(3.0, 7.0, 8.0)) for i in range(3)]

    def render(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heart vector in mV at times ``time_s``, shape (n, 3); zero outside the interval."""
        event = self.event
        age_s = time_s - event.time_s
        fade_s = {"af": 0.5, "flutter": 0.3, "vflutter": 0.15, "vf": 0.25}[event.kind]
        envelope = np.clip(age_s / fade_s, 0.0, 1.0) * np.clip(
            (event.end_s - time_s) / fade_s, 0.0, 1.0
        )
        draw = {
            "af": self._af,
            "flutter": self._flutter,
            "vflutter": self._vflutter,
            "vf": self._vf,
        }[event.kind]
        return draw(time_s, age_s) * (envelope * event.segment.amplitude)[:, None]

    def _af(self, time_s: NDArray[np.float64], age_s: NDArray[np.float64]) -> NDArray[np.float64]:
        phase = _TAU * 6.3 * age_s + 2.2 * self._phase.at(time_s)
        axes = ((0.016, 0.3), (0.045, 1.1), (-0.085, 0.0))
        out = [
            a * (1.0 + 0.35 * size.at(time_s)) * _sawtooth(phase + lag)
            for (a, lag), size in zip(axes, self._size, strict=True)
        ]
        return np.stack(out, axis=1)

    def _flutter(
        self, time_s: NDArray[np.float64], age_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        phase = _TAU * 5.0 * age_s + 0.15 * self._phase.at(time_s)
        saw = _sawtooth(phase)
        return np.stack([-0.02 * saw, -0.17 * saw, -0.06 * _sawtooth(phase + 0.9)], axis=1)

    def _vflutter(
        self, time_s: NDArray[np.float64], age_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        phase = _TAU * self.event.segment.rate / 60.0 * age_s + 0.5 * self._phase.at(time_s)
        size = 1.0 + 0.10 * self._size[0].at(time_s)
        wave = size * (np.sin(phase) + 0.18 * np.sin(2.0 * phase + 0.8))
        late = size * (np.sin(phase - 0.5) + 0.12 * np.sin(2.0 * phase - 0.4))
        return np.stack([0.35 * wave, 1.00 * wave, 0.85 * late], axis=1)

    def _vf(self, time_s: NDArray[np.float64], age_s: NDArray[np.float64]) -> NDArray[np.float64]:
        # 5.6 Hz falling to 4.2 Hz, amplitude to a third, with a time constant of 25 s
        aged = 1.0 - np.exp(-np.maximum(age_s, 0.0) / 25.0)
        cycles = 4.2 * age_s + 1.4 * 25.0 * aged
        phase = _TAU * cycles + 2.4 * self._phase.at(time_s)
        size = 0.62 * (1.0 - 0.68 * aged)
        out = []
        for i, (gain, lag) in enumerate(((0.45, 0.9), (0.85, 0.0), (0.75, 1.9))):
            swell = 0.8 + 0.42 * self._size[i].at(time_s)
            wave = np.sin(phase + lag) + 0.22 * np.sin(2.0 * phase + 2.1 * lag + 0.7)
            out.append(gain * size * (swell * wave + 0.38 * self._rough[i].at(time_s)))
        return np.stack(out, axis=1)


def _sawtooth(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """First three harmonics of a saw-tooth of unit size."""
    return np.sin(phase) + 0.5 * np.sin(2.0 * phase) + 0.25 * np.sin(3.0 * phase)
