"""How running templates of beats are learnt: one rule, wherever beats are grouped by shape."""

from __future__ import annotations

import numpy as np


class TemplateCounts:
    """Counts the beats that joined each template; older beats count less.

    A template is the mean of its beats at first, and a running mean later. A beat that joins none
    takes the place of the template with the smallest count: an unused one, or the rarest.

    Parameters
    ----------
    size
        Number of templates.
    fade
        Every count is multiplied by this at each beat.
    least_rate
        A beat changes its template by at least this part of their difference.

    Attributes
    ----------
    seen
        The counts, shape (size,); 0 for a template that is not used.
    """

    def __init__(self, size: int, fade: float, least_rate: float) -> None:
        self._fade = fade
        self._least_rate = least_rate
        self.seen = np.zeros(size)

    def join(self, kind: int | None) -> tuple[int, float]:
        """Count a beat that joins the template ``kind``, or begins a new one (None).

        Returns
        -------
        kind : int
            The template.
        rate : float
            Part of the difference by which the beat changes it; 1 if it is new.
        """
        seen = self.seen
        if kind is None:
            kind = int(seen.argmin())
            seen[kind] = 0.0
        seen *= self._fade
        seen[kind] += 1.0
        return kind, max(self._least_rate, 1.0 / float(seen[kind]))
