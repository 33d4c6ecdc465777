"""How much more evidence the QRS detector asks for in noise.

Noise has many tops that look a little like a beat.
These values were chosen on DS1 with made noise: the fewest missed and false beats, at the cost
that ``detect.false_cost`` gives a false one, without any more of them in the records as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caution:
    """What is asked for in noise.

    Noise is told by the mean height of what was rejected, over that of a typical beat: none up
    to ``quiet``, full from ``loud`` on, both as logarithms. Log odds are natural ones.

    Parameters
    ----------
    quiet, loud
        Log height of no noise and of full noise.
    odds
        Log odds asked for on top, in full noise.
    search_back
        Log odds that a missed beat must have had without noise.
    search_back_noise
        More of them in full noise, where they are those of the second network
        (:mod:`monitor.stages.detect.doubt`).
    new_kind
        Noise, 0 to 1, from which on a new kind of beat must be one of three alike in a row.
    """

    quiet: float = -1.6
    loud: float = -0.3
    odds: float = 1.0
    search_back: float = -3.0
    search_back_noise: float = 2.25
    new_kind: float = 0.5

    def noise(self, height: float) -> float:
        """How much noise there is, 0 to 1, by the mean height of what was rejected."""
        loud = (math.log(height) - self.quiet) / (self.loud - self.quiet)
        return min(1.0, max(0.0, loud))
