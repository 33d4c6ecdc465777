"""From evidence to log odds."""

from __future__ import annotations


class Judge:
    """Log odds of a candidate."""

    search_back = -3.0

    def log_odds(self, figures: list[float]) -> float:
        """Log odds that the candidate is a QRS complex."""
        height, since_s = figures[0], figures[14]
        if since_s < -1.7 or (since_s < -1.02 and height < -0.7 + figures[17]):
            return -9.0
        return 6.0 * (height + 0.9) + 2.0 * (figures[4] - 0.8) * min(figures[7], 2)
