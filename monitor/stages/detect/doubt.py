"""What becomes of a candidate in doubt, once the next one is there or it has waited long enough.

Rules that hold here:

1. Without noise the odds of the two decide: whatever has the most evidence.
2. So they do in noise for what repeats itself or looks like its neighbour, as tachycardia does, and
   where 2 s are without a beat: noise on an asystole is not to be taken for beats.
3. Otherwise, in noise, a second network does, fitted by ``tools/train/deferred.py`` on DS1 with
   made noise. It is told what the judge was told, what the judge says of both, and what the next
   one is like.
4. A false beat may count for more than a missed one, and then more is asked for. Search-back knows
   what was not taken by what the second network said of it, less that.
"""

from __future__ import annotations

import math

from monitor.stages.detect import evidence, weights
from monitor.stages.detect.evidence import Candidate
from monitor.stages.detect.judge import Judge

NAMES = (
    *evidence.NAMES,
    "log_odds",  # as weighed, with what is asked for in noise taken off
    "like_previous",  # correlation with the candidate before
    "loud",  # how much noise there is, 0 to 1
    "followed",  # 1 if there is a next one in time; if not, what follows is 0
    "next_s",  # time to it
    "next_log_odds",  # of the next one if this is a beat
    "next_alone",  # of the next one if this is none
    "next_height",  # log height over typical
    "next_correlation",  # with the best template
    "next_like_previous",  # with this one
)
_NO_NEXT = [0.0] * 7
_HEIGHT = evidence.NAMES.index("height")
_SINCE = evidence.NAMES.index("since_s")
_LATE = math.log(2.0)  # log time without a beat from which on asystole is likelier than two missed
ALIKE = 0.85  # correlation of two neighbours from which on they do not rule each other out


def figures(
    doubt: Candidate, noise: float, rate_hz: float, following: Candidate | None, after: float
) -> list[float]:
    """Collect what the second network is told, in the order of :data:`NAMES`.

    Parameters
    ----------
    doubt
        The candidate in doubt.
    noise
        How much noise there is, 0 to 1.
    rate_hz
        Sampling rate.
    following
        The next candidate, weighed as if ``doubt`` were no beat; None if none came in time.
    after
        Its log odds if ``doubt`` is a beat.
    """
    told = [*doubt.figures, doubt.log_odds, doubt.match.like_previous, noise]
    if following is None:
        return told + _NO_NEXT
    return [
        *told,
        1.0,
        (following.sample - doubt.sample) / rate_hz,
        after,
        following.log_odds,
        following.figures[_HEIGHT],
        following.match.correlation,
        following.match.like_previous,
    ]


def by_network(doubt: Candidate, noise: float, following: Candidate | None) -> bool:
    """Whether the second network decides on it, and not the odds; parameters as above."""
    alike = max(doubt.match.like_previous, following.match.like_previous if following else 0.0)
    return noise > 0.0 and doubt.figures[_SINCE] < _LATE and alike < ALIKE


class Doubt:
    """Decides on what was in doubt.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    network
        Gives log odds by :func:`figures`; None: the odds decide in noise as well.
    false_cost
        How many missed beats a false one counts for.
    """

    def __init__(self, rate_hz: float, network: Judge | None, false_cost: float) -> None:
        self._rate_hz = rate_hz
        self._network = network
        self._asked = math.log(false_cost)

    def decide(
        self, doubt: Candidate, noise: float, following: Candidate | None = None, after: float = 0.0
    ) -> tuple[bool, float]:
        """Decide; parameters as of :func:`figures`.

        Returns
        -------
        is_beat : bool
            Whether it is a beat.
        log_odds : float
            By which it is one, and by which search-back knows it if it is none.
        """
        if self._network is None or not by_network(doubt, noise, following):
            return _by_odds(doubt, following, after), doubt.log_odds
        told = figures(doubt, noise, self._rate_hz, following, after)
        log_odds = self._network.log_odds(told) - self._asked
        return log_odds > 0.0, log_odds


def shipped() -> Judge:
    """Give the network that belongs to the shipped judge."""
    return Judge(weights.shipped()["deferred"].layers, len(NAMES))


def _by_odds(doubt: Candidate, following: Candidate | None, after: float) -> bool:
    if following is None:
        return doubt.log_odds > 0.0
    # of the four ways to decide both, the one with the most evidence
    alone = doubt.log_odds + max(0.0, after)
    if alone > max(0.0, following.log_odds):
        return True
    if following.match.like_previous <= ALIKE:
        return False
    # how sure the decisions are one after the other: being two counts for nothing
    taken = _log_likely(doubt.log_odds) + _log_likely(abs(after))
    return taken > _log_likely(-doubt.log_odds) + _log_likely(abs(following.log_odds))


def _log_likely(log_odds: float) -> float:
    """Log of the probability that has these log odds."""
    return min(log_odds, 0.0) - math.log1p(math.exp(-abs(log_odds)))
