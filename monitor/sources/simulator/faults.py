"""Faults of electrodes and equipment, applied to the signal of the heart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.sources.simulator.events import FaultSpan
from monitor.sources.simulator.noise import ShapedNoise, band
from monitor.sources.simulator.scenario import LEAD_OFF_MODES

_TAU = 2.0 * np.pi
_RAIL_MV = 5.0
_SPIKE_S = 0.004
_LEVEL_MV = {
    "muscle": 0.15,
    "motion": 0.6,
    "mains": 0.3,
    "wander": 0.7,
    "lead_off": _RAIL_MV,
    "saturation": _RAIL_MV,
    "spike": 10.0,
}
_ORDER = (
    "muscle",
    "motion",
    "mains",
    "wander",
    "spike",
    "inverted",
    "lead_off",
    "saturation",
    "nan",
    "gap",
)
_SPECTRA = {"muscle": band(20.0, 150.0), "motion": band(0.6, 4.0), "wander": band(0.05, 0.5)}


class FaultEffect:
    """One occurrence of a fault, at work on blocks of signal."""

    def __init__(self, span: FaultSpan, columns: tuple[int, ...], seed: int) -> None:
        self.span = span
        self.columns = columns
        fault = span.fault
        self._level_mv = _LEVEL_MV.get(fault.kind, 0.0)
        if fault.level_mv is not None:
            self._level_mv = fault.level_mv
        self._noise: dict[int, ShapedNoise] = {}
        if fault.kind in _SPECTRA:
            spectrum = _SPECTRA[fault.kind]
            self._noise = {c: ShapedNoise((seed, 23, span.key, c), spectrum) for c in columns}

    @property
    def order(self) -> int:
        """Place in the chain: noise is picked up before a lead is inverted, and so on."""
        return _ORDER.index(self.span.fault.kind)

    def apply(self, time_s: NDArray[np.float64], values_mv: NDArray[np.float64]) -> None:
        """Change ``values_mv``, shape (n, leads), in place where the fault lasts."""
        span = self.span
        # half-open on the sample grid, like every interval
        first, stop = np.searchsorted(time_s, (span.time_s - 1e-9, span.end_s - 1e-9))
        if first >= stop:
            return
        here = slice(int(first), int(stop))
        for column in self.columns:
            values_mv[here, column] = self._changed(column, time_s[here], values_mv[here, column])

    def _changed(
        self, column: int, t: NDArray[np.float64], x: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        fault, level = self.span.fault, self._level_mv
        age_s = t - self.span.time_s
        soft = np.clip(age_s / 0.2, 0.0, 1.0) * np.clip((self.span.end_s - t) / 0.2, 0.0, 1.0)
        match fault.kind:
            case "muscle" | "motion":
                return x + soft * level * self._noise[column].at(t)
            case "mains":
                return x + level * _hum(t, fault.frequency_hz or 50.0, column)
            case "wander":
                swing = np.sin(_TAU * (fault.frequency_hz or 0.25) * age_s + 0.6 * column)
                return x + soft * level * (0.85 * swing + 0.35 * self._noise[column].at(t))
            case "spike":
                return x + level * (age_s < _SPIKE_S)
            case "inverted":
                return -x
            case "lead_off":
                mode = fault.mode or LEAD_OFF_MODES[0]
                if mode == "hum":
                    return 0.3 * level * _hum(t, 50.0, column)
                return np.full_like(x, level if mode == "rail" else 0.0)
            case "saturation":
                # the input drifts beyond the range of the converter and stays there
                rail = abs(level)
                drift = np.copysign(rail, level) * 1.6 * np.clip(age_s / 0.5, 0.0, 1.0)
                return np.asarray(np.clip(x + drift, -rail, rail))
            case _:  # nan and gap: nothing is known of these samples
                return np.full_like(x, np.nan)


def _hum(t: NDArray[np.float64], frequency_hz: float, column: int) -> NDArray[np.float64]:
    """Mains hum: the fundamental and a little of the third harmonic."""
    phase = _TAU * frequency_hz * t + 0.4 * column
    return np.asarray(np.sin(phase) + 0.12 * np.sin(3.0 * phase + 0.5))
