"""Groups the beats of a patient by shape, and learns the usual one, without labels.

Beats are grouped by the shape of their QRS as they come, and the largest group that is not
premature is the dominant beat. The idea of grouping beats and comparing to the dominant group
is that of the EP Limited analyser (P. S. Hamilton, Open source ECG analysis, Computers in
Cardiology 2002).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from monitor.stages.templates import TemplateCounts

GROUPS = 8
JOIN_LIKENESS = 0.70  # 2 a.b / (|a|^2 + |b|^2) of two QRS, above which they are one group
FORGET = 0.997  # decay of group counts per beat: memory of some 330 beats
ADAPT_BEATS = 32  # a template is the mean of about this many of its last beats
PREMATURE_LOG_RR = -0.12  # a group earlier than this on average is not taken as dominant...
PREMATURE_WEIGHT = 0.5  # ... unless it is twice as large
HYSTERESIS = 1.25  # a group must be this much larger to become the dominant one
MIN_SCALE_MV = 0.02
STATE_RATE = 1 / 16  # of the running means of likeness
_total = np.add.reduce  # the methods of an array go through a layer of Python
LAGS = (-2, -1, 0, 1, 2)  # samples (8 ms) by which R peaks may be off
P_LAGS = range(-4, 5)  # samples by which a P wave moves as PR changes with the rate


class BeatGroups:
    """Running templates of the patient's beats on one lead.

    Parameters
    ----------
    length, r_index, rate_hz
        The window: its samples, the position of the R peak, the rate.
    """

    def __init__(self, length: int, r_index: int, rate_hz: float) -> None:
        def part(start_s: float, stop_s: float) -> slice:
            low = max(r_index + round(start_s * rate_hz), 0)
            return slice(low, min(max(r_index + round(stop_s * rate_hz), low + 4), length))

        self._length = length
        self._qrs = part(-0.10, 0.14)
        self._p = part(-0.26, -0.07)
        self._t = part(0.14, 0.42)
        count = self._qrs.stop - self._qrs.start
        self._lagged = np.stack(
            [np.clip(np.arange(count) + self._qrs.start + lag, 0, length - 1) for lag in LAGS]
        )
        p_place = np.arange(self._p.start, self._p.stop)
        self._p_lagged = np.stack([np.clip(p_place + lag, 0, length - 1) for lag in P_LAGS])
        self._time_s = (np.arange(count - 1) - (r_index - self._qrs.start)) / rate_hz
        self.templates = np.zeros((GROUPS, length))
        self._shapes = np.zeros((GROUPS, count))  # their QRS, mean removed
        self._energy = np.zeros(GROUPS)
        self._counts = TemplateCounts(GROUPS, FORGET, 1.0 / ADAPT_BEATS)
        self._log_rr = np.zeros(GROUPS)
        self._dominant = -1
        self._scale: float | None = None  # of the dominant beat, once asked for
        self._correlations = (1.0, 1.0)
        self._state = [1.0, 1.0, 0.0]  # running means: qrs_corr, p_corr, p_diff
        self.joined_dominant = True  # the last beat did

    def push(self, values: NDArray[np.float64], log_rr: float) -> list[float]:
        """Give the nineteen shape features of a beat against the templates; then learn it."""
        lagged = values[self._lagged]
        lagged -= _total(lagged, axis=1, keepdims=True) / lagged.shape[1]
        energy = _total(lagged * lagged, axis=1)
        used = self._counts.seen > 0
        if not used.any():
            return self._begin(values, energy[2], log_rr)
        product = lagged @ self._shapes.T  # (lags, groups)
        likeness = 2.0 * product / (energy[:, None] + self._energy[None, :] + 1e-9)
        best = likeness.max(axis=0)
        best[~used] = -2.0
        group = int(best.argmax())
        likeness_of_group = float(best[group])
        lag_index = int(likeness[:, group].argmax())
        joined = group if likeness_of_group >= JOIN_LIKENESS else None
        features = self._features(values, product, energy, joined, likeness_of_group)
        self._learn(joined, values, 0 if joined is None else LAGS[lag_index], log_rr)
        return features

    @property
    def dominant(self) -> NDArray[np.float64]:
        """Template of the dominant beat, (length,)."""
        return np.asarray(self.templates[self._dominant])

    def scale(self) -> float:
        """Signed peak-to-peak of the dominant QRS; negative if it points down."""
        if self._scale is None:
            shape = self.templates[self._dominant, self._qrs]
            high, low = float(np.maximum.reduce(shape)), float(np.minimum.reduce(shape))
            size = max(high - low, MIN_SCALE_MV)
            self._scale = size if high + low >= 0.0 else -size
        return self._scale

    def _begin(self, values: NDArray[np.float64], energy: float, log_rr: float) -> list[float]:
        self._dominant = 0
        self._learn(None, values, 0, log_rr)
        alike = np.full((len(LAGS), GROUPS), energy)
        return self._features(values, alike, alike[:, 0], 0, 1.0)

    def _features(
        self,
        values: NDArray[np.float64],
        product: NDArray[np.float64],
        energy: NDArray[np.float64],
        group: int | None,
        likeness: float,
    ) -> list[float]:
        dominant = self._dominant
        reference = self.templates[dominant]
        lag = int(product[:, dominant].argmax())
        own, usual = float(energy[lag]) + 1e-9, float(self._energy[dominant]) + 1e-9
        correlation = float(product[lag, dominant]) / math.sqrt(own * usual)
        size, seen = abs(self.scale()), self._counts.seen
        width = self._width(values)
        p_corr, p_diff, p_best, p_best_diff = self._compare_p(values, reference[self._p])
        t_corr, t_diff = _compare(_centred(values[self._t]), _centred(reference[self._t]))
        features = [
            correlation,
            0.5 * math.log(own / usual),
            p_corr,
            p_diff / size,
            t_corr,
            t_diff / size,
            0.0 if group is None else float(seen[group] / seen.sum()),
            0.0 if group is None else float(self._log_rr[group]),
            float(group == dominant),
            likeness,
            math.log(width),
            math.log(width / self._width(reference)),
            *self._correlations,
            *self._state,
            p_best,
            p_best_diff / size,
        ]
        self.joined_dominant = group == dominant
        self._state[0] += STATE_RATE * (correlation - self._state[0])
        if self.joined_dominant:
            self._state[1] += STATE_RATE * (p_corr - self._state[1])
            self._state[2] += STATE_RATE * (p_diff / size - self._state[2])
        self._correlations = (correlation, self._correlations[0])
        return features

    def _compare_p(
        self, values: NDArray[np.float64], usual: NDArray[np.float64]
    ) -> tuple[float, float, float, float]:
        """Correlation and rms difference of the P wave part, as it is, and where most alike."""
        lagged = values[self._p_lagged]
        lagged -= _total(lagged, axis=1, keepdims=True) / lagged.shape[1]
        usual = _centred(usual)
        energy = _total(lagged * lagged, axis=1)
        correlation = (lagged @ usual) / (np.sqrt(energy * float(usual @ usual)) + 1e-9)
        best = int(correlation.argmax())
        difference = lagged[best] - usual
        best_diff = math.sqrt(float(difference @ difference) / len(usual))
        return *_compare(lagged[P_LAGS.index(0)], usual), float(correlation[best]), best_diff

    def _width(self, values: NDArray[np.float64]) -> float:
        qrs = values[self._qrs]
        slope = qrs[1:] - qrs[:-1]
        energy = slope * slope
        total = float(_total(energy)) + 1e-12
        centre = float(_total(energy * self._time_s)) / total
        spread = float(_total(energy * (self._time_s - centre) ** 2)) / total
        return math.sqrt(spread) + 0.004

    def _learn(
        self, joined: int | None, values: NDArray[np.float64], lag: int, log_rr: float
    ) -> None:
        if lag:
            values = values[np.clip(np.arange(self._length) + lag, 0, self._length - 1)]
        group, rate = self._counts.join(joined)
        self.templates[group] += rate * (values - self.templates[group])
        self._log_rr[group] = (
            log_rr if rate == 1.0 else self._log_rr[group] + rate * (log_rr - self._log_rr[group])
        )
        shape = self.templates[group][self._qrs]
        shape = shape - _total(shape) / len(shape)
        self._shapes[group] = shape
        self._energy[group] = float(_total(shape * shape))
        weight = self._counts.seen.copy()
        weight[self._log_rr < PREMATURE_LOG_RR] *= PREMATURE_WEIGHT
        weight[self._dominant] *= HYSTERESIS
        self._dominant = int(weight.argmax())
        self._scale = None


def _centred(row: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(row - _total(row) / len(row))


def _compare(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Correlation, and root mean square difference, of two stretches without their means."""
    difference = a - b
    norm = math.sqrt(float(a @ a) * float(b @ b)) + 1e-9
    return float(a @ b) / norm, math.sqrt(float(difference @ difference) / len(a))
