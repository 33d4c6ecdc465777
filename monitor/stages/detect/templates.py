"""Running templates of the patient's beats, all leads together.

The candidate before is kept as well, beat or not: the beats of a tachycardia look like each other
before they look like a template; a T wave does not look like its QRS.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.stages.detect.history import top_of
from monitor.stages.templates import TemplateCounts

Array = NDArray[np.float64]

HALF_S = 0.08
SHIFT_S = 0.025
SURE = 0.85  # correlation from which on a beat is clear in a lead
SAME = 0.85  # correlation from which on a beat is of a template's kind
_KINDS = 4
_RATE = 0.12
_SLOWLY = 0.25  # of that rate, where a lead does not count
_FADE = 0.97
_TINY = 1e-9
_PREVIOUS = 0  # column of the candidate before
_FIRST = 1  # of the templates


class Match(NamedTuple):
    """How well a candidate fits the nearest template.

    ``correlation`` is the weighted mean over the leads, ``worst`` the lowest of them,
    ``size`` the log of the candidate's size over the template's; ``kind`` is the template
    (-1: none), ``start`` where in the piece it fits. ``like_previous`` is the
    correlation with the candidate before; 0 where there is none. ``each`` is the
    correlation per lead, ``fits`` those of all shifts and templates, (shifts, templates) each.
    """

    correlation: float
    worst: float
    size: float
    kind: int
    start: int
    like_previous: float
    each: list[float]
    fits: list[Array]


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
        self.forget()

    def forget(self) -> None:
        """Forget all templates: they were not learnt from a QRS."""
        self._shapes = np.zeros((self._leads, self._width, _FIRST + _KINDS))  # unit norm each
        self._sizes = [[0.0] * self._leads for _ in range(_KINDS)]
        self._counts = TemplateCounts(_KINDS, _FADE, _RATE)
        self._kinds = 0

    def familiarity(self, kind: int) -> float:
        """How often this kind was seen lately, as log of 1 + fading count."""
        return math.log1p(self._counts.seen[kind]) if kind >= 0 else 0.0

    def match(self, piece: Array, weights: list[float], counted: list[bool]) -> Match:
        """Compare a candidate with all templates, over small shifts.

        Parameters
        ----------
        piece
            Shape (leads, 2 * (half + shift) + 1), band-passed, mV.
        weights
            One per lead, sum 1.
        counted
            The leads that count.

        Returns
        -------
        Match
            The best one, weighted over the leads; correlation 0 while there is no template.
        """
        count = _FIRST + self._kinds
        pieces = piece.take(self._index, axis=1)  # (leads, shifts, width)
        norms = np.sqrt(np.einsum("lsw,lsw->ls", pieces, pieces)) + _TINY
        single = (pieces @ self._shapes[:, :, :count]) / norms[:, :, None]
        joint = single[0]  # (shifts, 1 + kinds)
        if self._leads > 1:
            joint = weights[0] * single[0] + weights[1] * single[1]
        previous = top_of(joint[:, _PREVIOUS])
        fits = [fit[:, _FIRST:] for fit in single]
        if not self._kinds:
            mid = int(self._starts[len(self._starts) // 2])
            return Match(0.0, 0.0, 0.0, -1, mid, previous, [0.0] * self._leads, fits)
        s, kind = divmod(int(joint[:, _FIRST:].argmax()), self._kinds)
        size, worst = 0.0, math.inf
        each: list[float] = []
        for lead, weight in enumerate(weights):
            size += weight * math.log(norms[lead][s] / (self._sizes[kind][lead] + _TINY) + 1e-3)
            each.append(float(single[lead][s, _FIRST + kind]))
            if counted[lead]:
                worst = min(worst, each[lead])
        correlation = float(joint[s, _FIRST + kind])
        return Match(correlation, worst, size, kind, int(self._starts[s]), previous, each, fits)

    def see(self, piece: Array) -> None:
        """Keep a candidate, beat or not, for comparison with the next one."""
        for lead in range(self._leads):
            part = piece[lead, self.shift : self.shift + self._width]
            self._shapes[lead, :, _PREVIOUS] = part / (math.sqrt(part @ part) + _TINY)

    def learn(
        self, piece: Array, match: Match, live: list[bool], counted: list[bool], new: bool
    ) -> int:
        """Take in an accepted beat, aligned by :meth:`match`; leads not ``live`` do not learn.

        A beat of no known kind becomes a new kind, unless ``new`` is False. Leads that are not
        ``counted`` learn slowly: a minute of noise does not change them, but a moved electrode
        does in the end. Their shape of a new kind is not known; it starts as that of the most
        usual kind, so that the lead can be recognised as good again.

        Returns
        -------
        int
            The kind that was learnt; -1 if none.
        """
        start = match.start
        same = match.kind >= 0 and match.correlation > SAME
        if self._kinds and not (same or new):
            return -1
        usual = int(self._counts.seen.argmax())
        kind, rate = self._counts.join(match.kind if same else None)
        self._kinds = max(self._kinds, kind + 1)  # unused kinds come first, in order
        for lead in range(self._leads):
            if same and not live[lead]:
                continue
            part = piece[lead, start : start + self._width]
            size = math.sqrt(part @ part)
            shape = part / (size + _TINY)
            if not (same or counted[lead]) and usual != kind:
                shape = self._shapes[lead, :, _FIRST + usual]
            known = self._shapes[lead, :, _FIRST + kind]
            if same:
                pace = rate if counted[lead] else _SLOWLY * rate
                shape = known + pace * (shape - known)
                shape /= math.sqrt(shape @ shape) + _TINY
            known[:] = shape
            self._sizes[kind][lead] += rate * (size - self._sizes[kind][lead])
        return kind
