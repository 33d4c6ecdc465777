"""Whether a fast run of beats is ventricular tachycardia: one score, learned from patients.

The labels of single beats are not enough: in a lasting tachycardia the patient's usual beat is not
seen any more, and in noise normal beats get every label. So the run is judged as a whole, by
logistic regression on what its labels are sure of, how it compares with the patient's other beats,
and how much of the signal is noise.

Notes
-----
``python -m tools.train runs`` fits the weights and names the recordings. These few were left of 32
by taking out the least weight again and again, while the cross-validated loss fell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.messages import AamiClass, Beat
from monitor.stages.alarms.run_weights import BIAS, TABLE
from monitor.stages.alarms.shapes import Shapes

Row = NDArray[np.float64]

FEATURES = (
    "v_least",  # probability of V, the least of the run
    "v_second",  # ... the second least
    "n_most",  # probability of N, the most of the run
    "n_mean",
    "v_row",  # beats labelled V in a row up to the newest, 12 at most
    "usual",  # correlation with the usual beat before the run, mean
    "slope_change",  # log of the steepest slope over that of the usual beat
    "steep",  # second over first differences of the last seconds: noise
)
"""Names of what is known of a run, in the order of the weights."""

CLIP = 4.0  # a scaled feature is kept within this
LONGEST_ROW = 12
_N, _V = AamiClass.N, AamiClass.V


def features(run: Sequence[Beat], v_row: int, shapes: Shapes) -> Row:
    """Give what is known of a run that ends with the newest beat.

    Parameters
    ----------
    run
        The beats judged.
    v_row
        So many beats labelled V in a row end with the newest.
    shapes
        Of the beats up to the newest.

    Returns
    -------
    Shape (len(FEATURES),); NaN where the usual beat or the signal is not known.
    """
    return np.array([*_of_labels(run, v_row), *(find(run, shapes) for find in _OF_SIGNAL.values())])


def _of_labels(run: Sequence[Beat], v_row: int) -> list[float]:
    v = sorted(beat.probability(_V) for beat in run)
    n = [beat.probability(_N) for beat in run]
    return [v[0], v[1], max(n), sum(n) / len(n), min(v_row, LONGEST_ROW)]


_OF_SIGNAL: dict[str, Callable[[Sequence[Beat], Shapes], float]] = {
    "usual": lambda run, shapes: shapes.likeness_to_usual(run),
    "slope_change": lambda run, shapes: shapes.slope_change(run),
    "steep": lambda run, shapes: shapes.roughness(),
}


def is_ventricular(run: Sequence[Beat], v_row: int, shapes: Shapes, least: float) -> bool:
    """Whether a run is ventricular tachycardia with a probability of at least ``least``.

    As :func:`probability` of its :func:`features`; but what takes long to find is found only where
    it can decide.
    """
    known = dict(zip(FEATURES, _of_labels(run, v_row), strict=False))
    for name in _QUICKEST_FIRST:
        odds = BIAS + sum(_part(of, known[of]) if of in known else _MOST[of] for of in FEATURES)
        if _share(odds + _ROUNDING) < least:
            return False
        known[name] = _OF_SIGNAL[name](run, shapes)
    return probability(np.array([known[of] for of in FEATURES])) >= least


def probability(known: Row) -> float:
    """Probability that a run is ventricular tachycardia, from :func:`features`."""
    odds = BIAS
    for name, value in zip(FEATURES, known.tolist(), strict=True):
        odds += _part(name, value)
    return _share(odds)


def _part(name: str, value: float) -> float:
    """Log odds that a feature adds; none if it is not known."""
    if math.isnan(value):
        return 0.0
    mean, scale, weight = _WEIGHTS[name]
    return weight * min(max((value - mean) / scale, -CLIP), CLIP)


_WEIGHTS = {name: (mean, scale, weight) for name, mean, scale, weight in TABLE}
_QUICKEST_FIRST = ("slope_change", "steep", "usual")
_RANGES = {"slope_change": (-math.inf, math.inf), "steep": (0.0, math.inf), "usual": (-1.01, 1.01)}
_MOST = {
    name: max(0.0, *(_part(name, end) for end in ends)) for name, ends in _RANGES.items()
}  # log odds that a feature can add
_ROUNDING = 1e-6


def _share(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))
