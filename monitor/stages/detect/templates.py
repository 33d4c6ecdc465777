"""What the beats of this patient look like: a few running templates, all leads together.

Beside them the candidate before is kept, beat or not: the beats of a tachycardia look like each
other before they look like what is usual in this patient; a T wave does not look like its QRS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HALF_S = 0.08
SHIFT_S = 0.025
SAME = 0.85  # correlation from which on a beat is of a template's kind
_KINDS = 4
_RATE = 0.12
_FADE = 0.97
_TINY = 1e-9
_PREVIOUS = 0  # column of the candidate before
_FIRST = 1  # of the templates


@dataclass(frozen=True, slots=True)
class Match:
    """How well a candidate fits the nearest template.

    ``correlation`` is the weighted mean over the leads, ``worst`` the lowest of them,
    ``size`` the log of the candidate's size over the template's; ``kind`` is the template
    (-1: none), ``start`` where in the piece it fits. ``like_previous`` is the
    correlation with the candidate before; 0 where there is none.
    """

    correlation: float
    worst: float
    size: float
    kind: int
    start: int
    like_previous: float


class Templates:
    """Up to four kinds of beat, each the running mean of band-passed complexes.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self.half = round(HALF_S * rate_hz)
        self.shift = round(SHIFT_S * rate_hz)
        self._step = max(1, round(0.005 * rate_hz))
        self._width = 2 * self.half + 1
        self._starts = np.arange(0, 2 * self.shift + 1, self._step)
        self._index = self._starts[:, None] + np.arange(self._width)
        self._leads = leads
        self._shapes = np.zeros((leads, self._width, _FIRST + _KINDS))  # unit norm each
        self._sizes = np.zeros((_KINDS, leads))
        self._seen = np.zeros(_KINDS)
        self._kinds = 0

    def familiarity(self, kind: int) -> float:
        """How much of what was seen lately is of this kind, as log of 1 + faded count."""
        return float(np.log1p(self._seen[kind])) if kind >= 0 else 0.0

    def match(self, piece: Array, weights: Array, live: NDArray[np.bool_]) -> Match:
        """Compare a candidate with all templates, over small shifts.

        Parameters
        ----------
        piece
            Shape (leads, 2 * (half + shift) + 1), band-passed, mV.
        weights
            Shape (leads,), sum 1.
        live
            Shape (leads,): the leads that count.

        Returns
        -------
        Match
            The best, weighted over the leads; of correlation 0 where there is no template yet.
        """
        mid = int(self._starts[len(self._starts) // 2])
        pieces = piece[:, self._index]  # (leads, shifts, width)
        norms = np.sqrt(np.einsum("lsw,lsw->ls", pieces, pieces)) + _TINY
        single = (pieces @ self._shapes[:, :, : _FIRST + self._kinds]) / norms[
            :, :, None
        ]  # (leads, shifts, 1 + kinds)
        joint = np.tensordot(weights, single, 1) if self._leads > 1 else single[0]
        previous = float(joint[:, _PREVIOUS].max())
        if not self._kinds:
            return Match(0.0, 0.0, 0.0, -1, mid, previous)
        single, joint = single[:, :, _FIRST:], joint[:, _FIRST:]
        best = int(joint.argmax())
        s, kind = divmod(best, self._kinds)
        sizes = np.log(norms[:, s] / (self._sizes[kind] + _TINY) + 1e-3)
        return Match(
            float(joint[s, kind]),
            float(joint[s, kind] if self._leads == 1 else single[live, s, kind].min()),
            float(sizes @ weights),
            kind,
            int(self._starts[s]),
            previous,
        )

    def see(self, piece: Array) -> None:
        """Keep a candidate, beat or not, to compare the next one with."""
        part = piece[:, self.shift : self.shift + self._width]
        norm = np.sqrt((part * part).sum(axis=1))
        self._shapes[:, :, _PREVIOUS] = part / (norm[:, None] + _TINY)

    def learn(self, piece: Array, match: Match, live: NDArray[np.bool_]) -> None:
        """Take in an accepted beat, placed by :meth:`match`; leads not ``live`` learn nothing."""
        kind, start = match.kind, match.start
        part = piece[:, start : start + self._width]
        sizes = np.sqrt((part * part).sum(axis=1))
        shape = part / (sizes[:, None] + _TINY)
        self._seen *= _FADE
        if kind >= 0 and match.correlation > SAME:
            rate = max(_RATE, 1.0 / (self._seen[kind] + 1.0))
            column = _FIRST + kind
            mean = self._shapes[:, :, column] + rate * (shape - self._shapes[:, :, column])
            norm = np.sqrt((mean * mean).sum(axis=1))
            mean /= norm[:, None] + _TINY
            change = rate * (sizes - self._sizes[kind])
            if self._leads == 1:
                self._shapes[:, :, column] = mean
                self._sizes[kind] += change
            else:
                self._shapes[live, :, column] = mean[live]
                self._sizes[kind, live] += change[live]
            self._seen[kind] += 1.0
        else:
            rarest = int(self._seen.argmin())  # those never used come first, in order
            self._kinds = max(self._kinds, rarest + 1)
            self._shapes[:, :, _FIRST + rarest] = shape
            self._sizes[rarest] = sizes
            self._seen[rarest] = 1.0
