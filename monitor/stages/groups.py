"""Groups the beats of a patient by shape, and learns the usual one, without labels.

Beats are grouped by the shape of their QRS as they come, and the largest group that is not
premature is the dominant beat. The idea of grouping beats and comparing to the dominant group
is that of the EP Limited analyser (P. S. Hamilton, Open source ECG analysis, Computers in
Cardiology 2002).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

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
NO_LAG = LAGS.index(0)
P_LAGS = range(-4, 5)  # samples by which a P wave moves as PR changes with the rate


class BeatGroups:
    """Running templates of the patient's beats, by lead; the leads of a beat are compared together.

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

        def lagged(part: slice, lags: Sequence[int]) -> NDArray[np.intp]:
            place = np.arange(part.start, part.stop)
            return np.stack([np.clip(place + lag, 0, length - 1) for lag in lags])

        self._qrs_lagged = lagged(self._qrs, LAGS)
        self._p_lagged = lagged(self._p, P_LAGS)
        self._all_lagged = lagged(slice(0, length), LAGS)
        count = self._qrs.stop - self._qrs.start
        self._time_s = (np.arange(count - 1) - (r_index - self._qrs.start)) / rate_hz
        self._rows: dict[int, int] = {}  # of the arrays, by lead
        self.templates = np.zeros((0, GROUPS, length))
        self._shapes = np.zeros((0, GROUPS, count))  # their QRS, mean removed
        self._energy = np.zeros((0, GROUPS))
        self._log_rr = np.zeros((0, GROUPS))
        self._seen = np.zeros((0, GROUPS))
        self._leads: list[_Lead] = []

    def push(
        self, leads: Sequence[int], values: NDArray[np.float64], log_rr: float
    ) -> list[list[float]]:
        """Give the nineteen shape features of a beat in each lead; then learn it.

        Parameters
        ----------
        leads
            The leads that there are.
        values
            Their signal, shape (leads, length).
        log_rr
            Log of the RR interval against the long-run mean.
        """
        rows = [self._row(lead) for lead in leads]
        known = [self._leads[row].dominant >= 0 for row in rows]
        if len(rows) > 1 and not all(known):
            return [self.push([lead], values[k, None], log_rr)[0] for k, lead in enumerate(leads)]
        lagged = values[:, self._qrs_lagged]  # (leads, lags, samples)
        lagged -= _total(lagged, axis=2, keepdims=True) / lagged.shape[2]
        energy = _total(lagged * lagged, axis=2)
        if not known[0]:
            self._leads[rows[0]].dominant = 0
            self._learn(rows, [None], values, [NO_LAG], log_rr)
            alike = np.full((1, len(LAGS), GROUPS), energy[0, NO_LAG])
            return self._features(rows, values, alike, alike[:, :, 0], [0], [1.0])
        product = lagged @ self._shapes[rows].transpose(0, 2, 1)  # (leads, lags, groups)
        likeness = 2.0 * product / (energy[:, :, None] + self._energy[rows, None] + 1e-9)
        best = np.maximum.reduce(likeness, 1)
        best[self._seen[rows] <= 0.0] = -2.0
        likest = best.argmax(axis=1).tolist()
        how = [float(best[k, group]) for k, group in enumerate(likest)]
        joined = [g if h >= JOIN_LIKENESS else None for g, h in zip(likest, how, strict=True)]
        lag_indices = [
            NO_LAG if group is None else int(likeness[k, :, group].argmax())
            for k, group in enumerate(joined)
        ]
        features = self._features(rows, values, product, energy, joined, how)
        self._learn(rows, joined, values, lag_indices, log_rr)
        return features

    def dominant(self, lead: int) -> NDArray[np.float64]:
        """Template of the dominant beat in a lead, (length,)."""
        row = self._row(lead)
        return np.asarray(self.templates[row, self._leads[row].dominant])

    def joined_dominant(self, lead: int) -> bool:
        """Whether the last beat joined the dominant group."""
        return self._leads[self._row(lead)].joined_dominant

    def scale(self, lead: int) -> float:
        """Signed peak-to-peak of the dominant QRS; negative if it points down."""
        return self._leads[self._row(lead)].scale

    def _row(self, lead: int) -> int:
        """Row of the arrays; a new one for a new lead."""
        row = self._rows.get(lead)
        if row is None:
            row = self._rows[lead] = len(self._rows)
            for name in ("templates", "_shapes", "_energy", "_log_rr", "_seen"):
                array = getattr(self, name)
                setattr(self, name, np.concatenate((array, np.zeros((1, *array.shape[1:])))))
            self._leads.append(_Lead())
            for each, seen in zip(self._leads, self._seen, strict=True):
                each.counts.seen = seen
        return row

    def _features(
        self,
        rows: list[int],
        values: NDArray[np.float64],
        product: NDArray[np.float64],
        energy: NDArray[np.float64],
        joined: Sequence[int | None],
        likeness: list[float],
    ) -> list[list[float]]:
        usual = self.templates[rows, [self._leads[row].dominant for row in rows]]
        widths = self._widths(np.concatenate((values, usual)))
        p = _compare(values[:, self._p], usual[:, self._p])
        p_moved = self._moved_p(values, usual[:, self._p])
        t = _compare(values[:, self._t], usual[:, self._t])
        out = []
        for k, row in enumerate(rows):
            lead, group = self._leads[row], joined[k]
            lag = int(product[k, :, lead.dominant].argmax())
            own = float(energy[k, lag]) + 1e-9
            typical = float(self._energy[row, lead.dominant]) + 1e-9
            correlation = float(product[k, lag, lead.dominant]) / math.sqrt(own * typical)
            size, seen = abs(lead.scale), self._seen[row]
            width, usual_width = widths[k], widths[len(rows) + k]
            (p_corr, p_diff), (t_corr, t_diff), (p_best, p_best_diff) = p[k], t[k], p_moved[k]
            out.append(
                [
                    correlation,
                    0.5 * math.log(own / typical),
                    p_corr,
                    p_diff / size,
                    t_corr,
                    t_diff / size,
                    0.0 if group is None else float(seen[group] / _total(seen)),
                    0.0 if group is None else float(self._log_rr[row, group]),
                    float(group == lead.dominant),
                    likeness[k],
                    math.log(width),
                    math.log(width / usual_width),
                    *lead.correlations,
                    *lead.state,
                    p_best,
                    p_best_diff / size,
                ]
            )
            lead.follow(group == lead.dominant, correlation, p_corr, p_diff / size)
        return out

    def _moved_p(
        self, values: NDArray[np.float64], usual: NDArray[np.float64]
    ) -> list[tuple[float, float]]:
        """Correlation and rms difference of the P wave part at the lag where it is most alike."""
        lagged = values[:, self._p_lagged]
        lagged -= _total(lagged, axis=2, keepdims=True) / lagged.shape[2]
        usual = usual - _total(usual, axis=1, keepdims=True) / usual.shape[1]
        energy = _total(lagged * lagged, axis=2)
        product = (lagged @ usual[:, :, None])[:, :, 0]
        correlation = product / (np.sqrt(energy * _dot(usual, usual)[:, None]) + 1e-9)
        best = correlation.argmax(axis=1).tolist()
        difference = lagged[range(len(best)), best] - usual
        apart = _dot(difference, difference).tolist()
        return [
            (float(correlation[k, lag]), math.sqrt(apart[k] / usual.shape[1]))
            for k, lag in enumerate(best)
        ]

    def _widths(self, values: NDArray[np.float64]) -> list[float]:
        """Duration of the QRS of each row: the spread of its slope energy."""
        qrs = values[:, self._qrs]
        slope = qrs[:, 1:] - qrs[:, :-1]
        energy = slope * slope
        total = _total(energy, axis=1) + 1e-12
        centre = _total(energy * self._time_s, axis=1) / total
        spread = _total(energy * (self._time_s - centre[:, None]) ** 2, axis=1) / total
        return [math.sqrt(each) + 0.004 for each in spread.tolist()]

    def _learn(
        self,
        rows: list[int],
        joined: Sequence[int | None],
        values: NDArray[np.float64],
        lag_indices: list[int],
        log_rr: float,
    ) -> None:
        leads = [self._leads[row] for row in rows]
        if any(lag != NO_LAG for lag in lag_indices):
            values = values[np.arange(len(rows))[:, None], self._all_lagged[lag_indices]]
        groups, rates = [], []
        for row, lead, joins in zip(rows, leads, joined, strict=True):
            group, rate = lead.counts.join(joins)
            groups.append(group)
            rates.append(rate)
            if rate == 1.0:
                self._log_rr[row, group] = log_rr
            else:
                self._log_rr[row, group] += rate * (log_rr - self._log_rr[row, group])
        template = self.templates[rows, groups]
        template += np.array(rates)[:, None] * (values - template)
        self.templates[rows, groups] = template
        shape = template[:, self._qrs]
        shape = shape - _total(shape, axis=1, keepdims=True) / shape.shape[1]
        self._shapes[rows, groups] = shape
        self._energy[rows, groups] = _total(shape * shape, axis=1)
        weight = self._seen[rows]
        weight[self._log_rr[rows] < PREMATURE_LOG_RR] *= PREMATURE_WEIGHT
        weight[range(len(rows)), [lead.dominant for lead in leads]] *= HYSTERESIS
        dominant = weight.argmax(axis=1).tolist()
        usual = self.templates[rows, dominant][:, self._qrs]
        high, low = np.maximum.reduce(usual, 1).tolist(), np.minimum.reduce(usual, 1).tolist()
        for k, lead in enumerate(leads):
            lead.dominant = dominant[k]
            size = max(high[k] - low[k], MIN_SCALE_MV)
            lead.scale = size if high[k] + low[k] >= 0.0 else -size


class _Lead:
    """What is followed of one lead besides its templates."""

    def __init__(self) -> None:
        self.counts = TemplateCounts(GROUPS, FORGET, 1.0 / ADAPT_BEATS)
        self.dominant = -1
        self.scale = MIN_SCALE_MV
        self.correlations = (1.0, 1.0)
        self.state = [1.0, 1.0, 0.0]  # running means: qrs_corr, p_corr, p_diff
        self.joined_dominant = True  # the last beat did

    def follow(self, usual: bool, correlation: float, p_corr: float, p_diff: float) -> None:
        """Take in a beat."""
        self.joined_dominant = usual
        self.state[0] += STATE_RATE * (correlation - self.state[0])
        if usual:
            self.state[1] += STATE_RATE * (p_corr - self.state[1])
            self.state[2] += STATE_RATE * (p_diff - self.state[2])
        self.correlations = (correlation, self.correlations[0])


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scalar product of each row of two arrays, to the bit that of the rows by themselves."""
    return np.asarray((a[:, None, :] @ b[:, :, None])[:, 0, 0])


def _compare(a: NDArray[np.float64], b: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Correlation, and root mean square difference, of rows with their means removed."""
    n = a.shape[1]
    a = a - _total(a, axis=1, keepdims=True) / n
    b = b - _total(b, axis=1, keepdims=True) / n
    apart = a - b
    products = [_dot(*pair).tolist() for pair in ((a, b), (a, a), (b, b), (apart, apart))]
    return [
        (ab / (math.sqrt(aa * bb) + 1e-9), math.sqrt(dd / n))
        for ab, aa, bb, dd in zip(*products, strict=True)
    ]
