"""The extra log odds that the QRS detector asks for in noise.

Noise has many peaks that look a little like a beat. The values were chosen on DS1 with added
noise: they give the fewest missed and false beats, weighted by ``detect.false_cost``, and no more
of them in the clean records.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoisePenalty:
    """How much more evidence is needed in noise.

    The noise level is read from the mean height of rejected candidates, relative to a typical
    beat. It is 0 up to ``quiet`` and 1 from ``loud`` on. Log odds are natural logarithms.

    Parameters
    ----------
    quiet, loud
        Log height at noise level 0 and 1.
    odds
        Log odds taken off at noise level 1.
    search_back
        Least log odds for search-back at noise level 0.
    search_back_noise
        Added to ``search_back`` at noise level 1, where the log odds come from the second network
        (:mod:`monitor.stages.detect.deferred_decision`).
    new_kind
        Noise level from which on one beat alone does not make a new template: three alike in a
        row are needed.
    """

    quiet: float = -1.6
    loud: float = -0.3
    odds: float = 1.0
    search_back: float = -3.0
    search_back_noise: float = 2.25
    new_kind: float = 0.5

    def noise_level(self, height: float) -> float:
        """Give the noise level, 0 to 1, from the mean height of rejected candidates."""
        level = (math.log(height) - self.quiet) / (self.loud - self.quiet)
        return min(1.0, max(0.0, level))

    def least_for_search_back(self, noise_level: float) -> float:
        """Give the log odds above which a rejected candidate stays open for search-back."""
        return self.search_back + self.search_back_noise * noise_level
