"""What the beats of this patient look like: a few running templates, all leads together."""

from __future__ import annotations

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
        self._shapes = np.zeros((leads, self._width, _KINDS))  # unit norm each
        self._sizes = np.zeros((_KINDS, leads))
        self._seen = np.zeros(_KINDS)
        self._known: Array = self._shapes[:, :, :0]
        self._which = np.empty(0, np.int64)

    def familiarity(self, kind: int) -> float:
        """How much of what was seen lately is of this kind, as log of 1 + faded count."""
        return float(np.log1p(self._seen[kind])) if kind >= 0 else 0.0

    def match(
        self, piece: Array, weights: Array, live: NDArray[np.bool_]
    ) -> tuple[float, float, float, int, int]:
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
        correlation : float
            Best weighted correlation; 0 where there is no template yet.
        worst : float
            Of the best match, the correlation in the lead where it is lowest.
        size : float
            Of the best match, log of the candidate's size over the template's.
        kind, start : int
            Which template, and where in ``piece`` it fits best.
        """
        mid = int(self._starts[len(self._starts) // 2])
        if not len(self._which):
            return 0.0, 0.0, 0.0, -1, mid
        pieces = piece[:, self._index]  # (leads, shifts, width)
        norms = np.sqrt(np.einsum("lsw,lsw->ls", pieces, pieces)) + _TINY
        single = (pieces @ self._known) / norms[:, :, None]  # (leads, shifts, kinds)
        joint = np.tensordot(weights, single, 1) if self._leads > 1 else single[0]
        best = int(joint.argmax())
        s, k = divmod(best, joint.shape[1])
        kind = int(self._which[k])
        sizes = np.log(norms[:, s] / (self._sizes[kind] + _TINY) + 1e-3)
        return (
            float(joint[s, k]),
            float(joint[s, k] if self._leads == 1 else single[live, s, k].min()),
            float(sizes @ weights),
            kind,
            int(self._starts[s]),
        )

    def learn(
        self, piece: Array, correlation: float, kind: int, start: int, live: NDArray[np.bool_]
    ) -> None:
        """Take in an accepted beat, as :meth:`match` placed it."""
        part = piece[:, start : start + self._width]
        sizes = np.sqrt((part * part).sum(axis=1))
        shape = part / (sizes[:, None] + _TINY)
        self._seen *= _FADE
        if kind >= 0 and correlation > SAME:
            rate = max(_RATE, 1.0 / (self._seen[kind] + 1.0))
            mean = self._shapes[:, :, kind] + rate * (shape - self._shapes[:, :, kind])
            norm = np.sqrt((mean * mean).sum(axis=1))
            self._shapes[live, :, kind] = (mean / (norm[:, None] + _TINY))[live]
            self._sizes[kind, live] += rate * (sizes - self._sizes[kind])[live]
            self._seen[kind] += 1.0
        else:
            rarest = int(self._seen.argmin())
            self._shapes[:, :, rarest] = shape
            self._sizes[rarest] = sizes
            self._seen[rarest] = 1.0
        which = np.flatnonzero(self._seen > 0.0)
        self._which = which
        self._known = self._shapes[:, :, which]
