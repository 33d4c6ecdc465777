"""Whether a fast run of beats is ventricular tachycardia: one score, learned from patients.

The labels of single beats are not enough: in a lasting tachycardia the patient's usual beat is
not seen any more, and in noise normal beats get every label. So the run is judged as a whole, by
logistic regression on what is known of it: the labels' probabilities, rate and evenness, how wide
and steep the complexes are, how alike each other and the beats before, and how much of the signal
is no complex at all.

Notes
-----
``python -m tools.train runs`` fits the weights and names the recordings. Complexes are looked at
150 ms to both sides of the R peak, in up to two leads together, at 125 Hz whatever the stream has.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from monitor.messages import Beat
from monitor.stages.alarms.run_weights import BIAS, TABLE

Array = NDArray[np.float64]

WORK_HZ = 125.0
REACH_S = 0.152  # signal of a complex, to both sides of the R peak
SIGNAL_S = 4.0  # the last seconds
CLIP = 4.0  # a scaled feature is kept within this
FEATURES = (
    "v_mean",  # probability of V, mean of the run
    "v_least",  # ... least
    "v_second",  # ... second least
    "vf_mean",  # of V or F, mean
    "n_most",  # of N, most
    "n_mean",
    "s_mean",
    "v_before",  # of V, mean of up to 30 beats before
    "rate",  # log of the rate over 100 bpm
    "uneven",  # log of longest over shortest interval
    "rate_change",  # log of the usual interval over that of the run
    "onset",  # log of the interval before the run over that of the run
    "irregular",  # mean change of log RR from beat to beat, of up to 16 before
    "width",  # log of the mean width (spread of the slope energy)
    "width_least",
    "width_change",  # log of mean width over that of the beats before
    "size_change",
    "slope_change",
    "alike",  # correlation with the median complex of the run, mean
    "alike_least",
    "usual",  # correlation with the median complex of the beats before, mean
    "usual_most",
    "slow",  # median over peak slope of the last seconds
    "period",  # log of the mean period of the waves, s
    "steep",  # mean of second over first differences
)
"""Names of what is known of a run, in the order of the weights."""

_MEAN = np.array([mean for _, mean, _, _ in TABLE])
_SCALE = np.array([scale for _, _, scale, _ in TABLE])
_WEIGHTS = np.array([weight for _, _, _, weight in TABLE])
_LEAST_WIDTH_S = 0.004
_SHIFTS = 3
_STILL = 0.25  # of the usual steepest slope
_KEPT = 24
_LEAST_BEFORE = 4  # complexes before the run, from which they are known


def at_work_rate(x: Array, rate_hz: float) -> Array:
    """Give a signal (n, leads) at :data:`WORK_HZ`: means over the time of each new sample."""
    step = rate_hz / WORK_HZ
    if abs(step - 1.0) < 0.01:
        return x
    total = np.concatenate((np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)))
    at = np.arange(int(len(x) / step) + 1) * step
    low = np.minimum(at.astype(np.intp), len(x) - 1)
    share = (at - low)[:, np.newaxis]
    return np.asarray(np.diff(total[low] * (1.0 - share) + total[low + 1] * share, axis=0) / step)


def _measured(piece: Array) -> tuple[float, float, float]:
    """Give the logs of width (s), steepest slope and size of a complex."""
    slope = np.diff(piece, axis=0)
    energy = np.einsum("nl,nl->n", slope, slope)
    total = float(energy.sum()) + 1e-12
    t = np.arange(len(energy)) / WORK_HZ
    centre = float(energy @ t) / total
    width = math.sqrt(max(float(energy @ (t - centre) ** 2) / total, 0.0))
    size = math.sqrt(float((np.ptp(piece, axis=0) ** 2).sum()))
    return (
        math.log(width + _LEAST_WIDTH_S),
        0.5 * math.log(float(energy.max()) + 1e-8),
        math.log(size + 1e-3),
    )


def _likeness(pieces: Array, model: Array) -> Array:
    """Highest correlation over small shifts of each of ``pieces`` (k, n, leads) with a model."""
    n = pieces.shape[1] - 2 * _SHIFTS
    stretches = np.lib.stride_tricks.sliding_window_view(pieces, n, axis=1)  # (k, s, leads, n)
    middle = model[_SHIFTS : _SHIFTS + n].T
    middle = middle - middle.mean(axis=1, keepdims=True)
    products = np.einsum("ksln,ln->ks", stretches, middle)
    energy = np.einsum("ksln,ksln->ks", stretches, stretches)
    energy = energy - n * np.einsum("ksl,ksl->ks", stretches.mean(axis=3), stretches.mean(axis=3))
    scale = np.sqrt(np.maximum(energy, 0.0) * float((middle * middle).sum())) + 1e-12
    return np.asarray((products / scale).max(axis=1))


class Runs:
    """Remembers the complexes of the last beats of one stream, for judging runs of them."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._known: deque[tuple[int, Array, tuple[float, float, float]]] = deque(maxlen=_KEPT)

    def forget(self) -> None:
        """Drop everything, as after a hole."""
        self._known.clear()

    def take(self, sample: int, piece: Array) -> None:
        """Take the signal around the next R peak, shape (n, leads), mV."""
        x = at_work_rate(piece, self._rate_hz)
        if self._known and self._known[-1][1].shape != x.shape:
            self._known.clear()
        self._known.append((sample, x, _measured(x)))

    def features(self, run: Sequence[Beat], before: Sequence[Beat], signal: Array) -> Array:
        """Give what is known of a run.

        Parameters
        ----------
        run
            The beats judged.
        before
            Beats before them, in order.
        signal
            The last seconds, shape (n, leads), mV.

        Returns
        -------
        Shape (len(FEATURES),); NaN where the complexes are not known.
        """
        return np.array(
            [
                *_of_labels(run, before),
                *_of_intervals(run, before, self._rate_hz),
                *self._of_complexes(run),
                *_texture(at_work_rate(signal, self._rate_hz)),
            ]
        )

    def log_odds(self, run: Sequence[Beat], before: Sequence[Beat], signal: Array) -> float:
        """Log odds that a run is ventricular; see :meth:`features`."""
        scaled = (self.features(run, before, signal) - _MEAN) / _SCALE
        scaled = np.minimum(np.maximum(np.nan_to_num(scaled, nan=0.0), -CLIP), CLIP)
        return float((scaled * _WEIGHTS).sum()) + BIAS

    def still(self, signal: Array) -> bool:
        """Whether a signal (n, leads) is everywhere flatter than the complexes known by far."""
        if len(self._known) < _LEAST_BEFORE or not len(signal):
            return False
        slope = np.diff(at_work_rate(signal, self._rate_hz), axis=0)
        steepest = float(np.einsum("nl,nl->n", slope, slope).max(initial=0.0))
        usual = sorted(steepness for _, _, (_, steepness, _) in self._known)[len(self._known) // 2]
        return steepest < (_STILL * math.exp(usual)) ** 2

    def _of_complexes(self, run: Sequence[Beat]) -> list[float]:
        first, last = run[0].sample, run[-1].sample
        own = [item for item in self._known if first <= item[0] <= last]
        usual = [item for item in self._known if item[0] < first]
        if 2 * len(own) <= len(run):
            return [math.nan] * 9
        pieces = np.stack([piece for _, piece, _ in own])
        sizes = np.array([measures for _, _, measures in own])
        alike = _likeness(pieces, np.median(pieces, axis=0))
        change, like_usual = np.full(3, math.nan), np.full(1, math.nan)
        if len(usual) >= _LEAST_BEFORE:
            like_usual = _likeness(pieces, np.median([piece for _, piece, _ in usual], axis=0))
            change = np.median(sizes, axis=0) - np.median([m for _, _, m in usual], axis=0)
        return [
            float(sizes[:, 0].mean()),
            float(sizes[:, 0].min()),
            float(change[0]),
            float(change[2]),
            float(change[1]),
            float(alike.mean()),
            float(alike.min()),
            float(like_usual.mean()),
            float(like_usual.max()),
        ]


def _of_labels(run: Sequence[Beat], before: Sequence[Beat]) -> list[float]:
    p = np.array([beat.probabilities for beat in run])
    v = np.sort(p[:, 2])
    earlier = [beat.probabilities[2] for beat in before[-30:]]
    return [
        float(v.mean()),
        float(v[0]),
        float(v[1]),
        float((p[:, 2] + p[:, 3]).mean()),
        float(p[:, 0].max()),
        float(p[:, 0].mean()),
        float(p[:, 1].mean()),
        sum(earlier) / len(earlier) if earlier else 0.3,
    ]


def _of_intervals(run: Sequence[Beat], before: Sequence[Beat], rate_hz: float) -> list[float]:
    rr = [math.log(max(1, b.sample - a.sample) / rate_hz) for a, b in pairwise(run)]
    mean = math.log((run[-1].sample - run[0].sample) / (len(run) - 1) / rate_hz)
    earlier = [
        math.log(max(1, b.sample - a.sample) / rate_hz) for a, b in pairwise([*before[-17:]])
    ]
    usual = sorted(earlier)[len(earlier) // 2] if len(earlier) >= 3 else mean
    onset = mean
    if before:
        onset = math.log(min(max(1, run[0].sample - before[-1].sample) / rate_hz, 3.0))
    changes = [abs(b - a) for a, b in pairwise(earlier)]
    irregular = sum(min(change, 1.0) for change in changes) / len(changes) if changes else 0.1
    return [
        math.log(0.6) - mean,
        max(rr) - min(rr),
        usual - mean,
        onset - mean,
        irregular,
    ]


def _texture(x: Array) -> list[float]:
    """Slowness, log period and steepness of the leads that have a signal, averaged."""
    found = []
    for lead in range(x.shape[1]):
        z = x[:, lead]
        slope = np.abs(np.diff(z))
        height = float(slope.max(initial=0.0))
        if height <= 0.0:
            continue
        slope.sort()
        total = float(slope.sum())
        away = float(np.abs(z - np.median(z)).sum())
        found.append(
            (
                float(slope[len(slope) // 2]) / (float(slope[int(0.98 * (len(slope) - 1))]) + 1e-9),
                math.log(2.0 * math.pi * away / total / WORK_HZ + 1e-3),
                float(np.abs(np.diff(z, 2)).sum()) / total,
            )
        )
    return np.mean(found, axis=0).tolist() if found else [math.nan] * 3
