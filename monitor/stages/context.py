"""What this patient's heart usually does: running templates of the beats, running RR statistics.

A beat is abnormal against the patient's own rhythm and the patient's own usual beat. Both are
kept here, without labels: beats are grouped by the shape of their QRS as they come, and the
largest group that is not premature is the dominant beat. Everything is a function of the
beats so far in sample order, and memory is bounded.

The idea of grouping beats and comparing to the dominant group is that of the EP Limited
analyser (P. S. Hamilton, Open source ECG analysis, Computers in Cardiology 2002); the RR
ratios to local and long-run means are those of P. de Chazal et al., IEEE Trans Biomed Eng
51:1196 (2004), doi:10.1109/TBME.2004.827359.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.manifest import Manifest
from monitor.errors import MonitorError
from monitor.messages import FloatArray
from monitor.stages.intervals import RRHistory
from monitor.stages.segment import BeatWindow

FEATURES = (
    "rr",  # log of the RR interval in s
    "rr_long",  # log RR against the long-run mean
    "rr_q90",  # ... the 90 % quantile of the last 512
    "rr_med8",  # ... the median of the last 8
    "rr_med64",  # ... the median of the last 64
    "rr_prev",  # ... the previous RR
    "prev_long",  # previous RR against the long-run mean
    "prev2_long",  # the one before
    "rr_rank",  # share of the last 64 RR intervals that are shorter
    "rr_z",  # (log RR - median of 64) in units of their spread
    "change16",  # median of |change of log RR| over the last 16
    "change64",  # ... over the last 64
    "change_mean32",  # mean of the same over 32
    "mean_rr",  # log of the long-run mean RR in s
    "qrs_corr",  # correlation of the QRS with that of the dominant beat
    "qrs_size",  # log of its size against the dominant beat
    "p_corr",  # correlation of the P wave part with the dominant beat
    "p_diff",  # rms difference there, in units of the dominant QRS
    "t_corr",  # correlation of the ST-T part
    "t_diff",  # rms difference there
    "group_share",  # share of the beats in the group that this beat joins
    "group_rr",  # mean log RR / long-run mean of that group
    "group_dominant",  # 1 if that group is the dominant one
    "group_corr",  # likeness to the group
    "width",  # log of the duration of the QRS (spread of its slope energy)
    "width_ratio",  # log of the same against the dominant beat
    "prev_corr",  # qrs_corr of the previous beat
    "prev2_corr",  # of the one before
    "rr_known",  # 0 after a start or a hole
    "beats",  # log of the number of beats seen, saturating
)
"""Names of the context features, in the order of the vector."""

GROUPS = 8
JOIN_LIKENESS = 0.70  # 2 a.b / (|a|^2 + |b|^2) of two QRS, above which they are one group
FORGET = 0.997  # decay of group counts per beat: memory of some 330 beats
ADAPT_BEATS = 32  # a template is the mean of about this many recent beats
PREMATURE_LOG_RR = -0.12  # a group earlier than this on average is not taken as dominant...
PREMATURE_WEIGHT = 0.5  # ... unless it is twice as large
HYSTERESIS = 1.25  # a group must be this much larger to become the dominant one
MIN_SCALE_MV = 0.02
TO_NEXT_RR = 1.2  # end of a window to the next R peak, in intervals to it
LAGS = (-2, -1, 0, 1, 2)  # samples (8 ms) by which R peaks may be off


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
        self._time_s = (np.arange(count - 1) - (r_index - self._qrs.start)) / rate_hz
        self.templates = np.zeros((GROUPS, length))
        self._shapes = np.zeros((GROUPS, count))  # their QRS, mean removed
        self._energy = np.zeros(GROUPS)
        self._weight = np.zeros(GROUPS)  # decayed number of beats
        self._size = np.zeros(GROUPS)  # number of beats
        self._log_rr = np.zeros(GROUPS)
        self._dominant = -1
        self._correlations = (1.0, 1.0)

    def push(self, values: NDArray[np.float64], log_rr: float) -> list[float]:
        """Give the fourteen shape features of a beat against what is known; then learn it."""
        lagged = values[self._lagged]
        lagged -= lagged.mean(axis=1, keepdims=True)
        energy = (lagged * lagged).sum(axis=1)
        used = self._weight > 0
        if not used.any():
            return self._begin(values, lagged[2], energy[2], log_rr)
        product = lagged @ self._shapes.T  # (lags, groups)
        likeness = 2.0 * product / (energy[:, None] + self._energy[None, :] + 1e-9)
        best = likeness.max(axis=0)
        best[~used] = -2.0
        group = int(best.argmax())
        likeness_of_group = float(best[group])
        lag_index = int(likeness[:, group].argmax())
        joined = likeness_of_group >= JOIN_LIKENESS
        features = self._features(
            values, product, energy, group if joined else -1, likeness_of_group
        )
        if not joined:
            group = int(self._weight.argmin())
            self._weight[group] = 0.0
            self._size[group] = 0.0
            lag_index = 2
        self._learn(group, values, LAGS[lag_index], log_rr)
        return features

    @property
    def dominant(self) -> NDArray[np.float64]:
        """Template of the dominant beat, (length,)."""
        return np.asarray(self.templates[self._dominant])

    def scale(self) -> float:
        """Signed peak-to-peak of the dominant QRS; negative if it points down."""
        shape = self.dominant[self._qrs]
        high, low = float(shape.max()), float(shape.min())
        size = max(high - low, MIN_SCALE_MV)
        return size if high + low >= 0.0 else -size

    def _begin(
        self, values: NDArray[np.float64], shape: NDArray[np.float64], energy: float, log_rr: float
    ) -> list[float]:
        self._dominant = 0
        self._learn(0, values, 0, log_rr)
        return self._features(
            values,
            np.full((len(LAGS), GROUPS), energy),
            np.full(len(LAGS), energy),
            0,
            1.0,
        )

    def _features(
        self,
        values: NDArray[np.float64],
        product: NDArray[np.float64],
        energy: NDArray[np.float64],
        group: int,
        likeness: float,
    ) -> list[float]:
        dominant = self._dominant
        reference = self.templates[dominant]
        lag = int(product[:, dominant].argmax())
        own, usual = float(energy[lag]) + 1e-9, float(self._energy[dominant]) + 1e-9
        correlation = float(product[lag, dominant]) / math.sqrt(own * usual)
        size = abs(self.scale())
        width = self._width(values)
        p_corr, p_diff = _compare(values[self._p], reference[self._p])
        t_corr, t_diff = _compare(values[self._t], reference[self._t])
        features = [
            correlation,
            0.5 * math.log(own / usual),
            p_corr,
            p_diff / size,
            t_corr,
            t_diff / size,
            float(self._weight[group] / self._weight.sum()) if group >= 0 else 0.0,
            float(self._log_rr[group]) if group >= 0 else 0.0,
            float(group == dominant),
            likeness,
            math.log(width),
            math.log(width / self._width(reference)),
            *self._correlations,
        ]
        self._correlations = (correlation, self._correlations[0])
        return features

    def _width(self, values: NDArray[np.float64]) -> float:
        slope = np.diff(values[self._qrs])
        energy = slope * slope
        total = float(energy.sum()) + 1e-12
        centre = float((energy * self._time_s).sum()) / total
        spread = float((energy * (self._time_s - centre) ** 2).sum()) / total
        return math.sqrt(spread) + 0.004

    def _learn(self, group: int, values: NDArray[np.float64], lag: int, log_rr: float) -> None:
        if lag:
            values = values[np.clip(np.arange(self._length) + lag, 0, self._length - 1)]
        self._weight *= FORGET
        self._weight[group] += 1.0
        self._size[group] = min(self._size[group] + 1.0, ADAPT_BEATS)
        rate = 1.0 / self._size[group]
        self.templates[group] += rate * (values - self.templates[group])
        self._log_rr[group] = (
            log_rr if rate == 1.0 else self._log_rr[group] + rate * (log_rr - self._log_rr[group])
        )
        shape = self.templates[group][self._qrs]
        shape = shape - shape.mean()
        self._shapes[group] = shape
        self._energy[group] = float((shape * shape).sum())
        weight = np.where(
            self._log_rr < PREMATURE_LOG_RR, PREMATURE_WEIGHT * self._weight, self._weight
        )
        weight[self._dominant] *= HYSTERESIS
        self._dominant = int(weight.argmax())


def _compare(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Correlation, and root mean square difference, of two stretches with their means removed."""
    a = a - a.mean()
    b = b - b.mean()
    difference = a - b
    norm = math.sqrt(float(a @ a) * float(b @ b)) + 1e-9
    return float(a @ b) / norm, math.sqrt(float(difference @ difference) / len(a))


class PatientContext:
    """Turns beat windows into network inputs, learning the patient as it goes.

    Parameters
    ----------
    manifest
        Which scaling, channels and features the network takes.

    Raises
    ------
    MonitorError
        If the manifest asks for a feature that is not known here.
    """

    def __init__(self, manifest: Manifest) -> None:
        for name in manifest.features:
            if name not in FEATURES:
                raise MonitorError(
                    f"model {manifest.name}: its manifest asks for the feature {name!r}; "
                    f"known: {', '.join(FEATURES)}"
                )
        self._manifest = manifest
        self._select = [FEATURES.index(name) for name in manifest.features]
        self._learns = (
            bool(manifest.features)
            or "template" in manifest.channels
            or manifest.scaling == "template"
        )
        self._rr = RRHistory()
        self._groups: dict[int, BeatGroups] = {}
        self._beats = 0

    def push(self, window: BeatWindow) -> tuple[FloatArray, FloatArray]:
        """Give (channels, length) and (features,) of one beat; windows come in sample order.

        A window that is not valid teaches the RR statistics only.
        """
        manifest = self._manifest
        values = window.values_mv.astype(np.float64)
        features: list[float] = []
        groups = None
        if self._learns:
            rr_features, log_rr = self._rr.push(window.rr_s)
            groups = self._groups.get(window.rpeak.lead)
            if groups is None:
                groups = BeatGroups(len(values), manifest.r_index, manifest.rate_hz)
                self._groups[window.rpeak.lead] = groups
            if window.valid:
                shape_features = groups.push(values, log_rr)
                known = float(window.rr_s is not None)
                beats = math.log1p(min(self._beats, 200))
                features = [*rr_features, *shape_features, known, beats]
                self._beats += 1
        rows = [values if name == "beat" or groups is None else groups.dominant
                for name in manifest.channels]  # fmt: skip
        if manifest.window == "to_next" and window.following_rr_s is not None:
            count = math.ceil(TO_NEXT_RR * window.following_rr_s * manifest.rate_hz)
            rows = [row[:count] for row in rows]
        signal = np.stack([self._scaled(row, groups) for row in rows])
        padded = np.zeros((len(rows), manifest.length), np.float32)
        padded[:, : signal.shape[1]] = signal
        chosen = [features[i] for i in self._select] if features else [0.0] * len(self._select)
        return padded, np.array(chosen, np.float32)

    def _scaled(self, row: NDArray[np.float64], groups: BeatGroups | None) -> NDArray[np.float64]:
        scaling = self._manifest.scaling
        if scaling == "template" and groups is not None:
            return np.asarray(np.clip(row / groups.scale(), -8.0, 8.0))
        if scaling == "minmax":
            return np.asarray((row - row.min()) / max(float(np.ptp(row)), 1e-6))
        if scaling == "zscore":
            return np.asarray((row - row.mean()) / max(float(row.std()), 1e-6))
        return row
