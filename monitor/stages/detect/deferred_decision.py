"""Decides on an uncertain candidate, once the next one has come or the wait is over.

Rules that hold here:

1. Without noise the log odds of both candidates decide: the pair of decisions with the most
   evidence is taken.
2. The log odds also decide in noise for candidates that repeat or look like their neighbour, as in
   tachycardia, and after 2 s without a beat: noise on an asystole must not become beats.
3. In all other noise a second network decides, fitted on DS1 with added noise
   (``python -m tools.train deferred``). Its inputs are :data:`NAMES`: log odds and features of
   both candidates.
4. A false beat may cost more than a missed one; then more is asked for. Search-back uses the log
   odds of the second network, less that cost.
"""

from __future__ import annotations

import math

from monitor.stages.detect import networks
from monitor.stages.detect.features import Candidate, Features
from monitor.stages.detect.networks import QrsNetwork

NAMES = (
    *Features._fields,
    "log_odds",  # less the noise penalty
    "like_previous",  # correlation with the candidate before
    "noise_level",  # 0 to 1
    "followed",  # 1 if the next candidate came in time; else the inputs below are 0
    "next_s",  # time to it
    "next_log_odds",  # of the next candidate if this one is a beat
    "next_alone",  # of the next candidate if this one is no beat
    "next_height",  # log height over typical
    "next_correlation",  # with the best template
    "next_like_previous",  # with this candidate
)
_NO_NEXT = [0.0] * 7
_LONG = math.log(2.0)  # log s; after this asystole is likelier than two missed beats
ALIKE = 0.85  # correlation of two neighbours from which on both can be beats


def network_inputs(
    pending: Candidate,
    noise_level: float,
    rate_hz: float,
    following: Candidate | None,
    after: float,
) -> list[float]:
    """Collect the inputs of the second network, in the order of :data:`NAMES`.

    Parameters
    ----------
    pending
        The uncertain candidate.
    noise_level
        0 to 1.
    rate_hz
        Sampling rate.
    following
        The next candidate, weighed as if ``pending`` were no beat; None if none came in time.
    after
        Its log odds if ``pending`` is a beat.
    """
    inputs = [*pending.features, pending.log_odds, pending.match.like_previous, noise_level]
    if following is None:
        return inputs + _NO_NEXT
    return [
        *inputs,
        1.0,
        (following.sample - pending.sample) / rate_hz,
        after,
        following.log_odds,
        following.features.height,
        following.match.correlation,
        following.match.like_previous,
    ]


def network_decides(pending: Candidate, noise_level: float, following: Candidate | None) -> bool:
    """Whether the second network decides, not the log odds; parameters as above."""
    alike = max(pending.match.like_previous, following.match.like_previous if following else 0.0)
    return noise_level > 0.0 and pending.features.since_s < _LONG and alike < ALIKE


class DeferredDecision:
    """Decides on the uncertain candidate.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    network
        Gives log odds from :func:`network_inputs`; None: the log odds decide in noise as well.
    false_cost
        Cost of a false beat, in missed beats.
    """

    def __init__(self, rate_hz: float, network: QrsNetwork | None, false_cost: float) -> None:
        self._rate_hz = rate_hz
        self._network = network
        self._cost = math.log(false_cost)

    def decide(
        self,
        pending: Candidate,
        noise_level: float,
        following: Candidate | None = None,
        after: float = 0.0,
    ) -> tuple[bool, float]:
        """Decide; parameters as of :func:`network_inputs`.

        Returns
        -------
        is_beat : bool
            Whether it is a beat.
        log_odds : float
            The log odds that decided; search-back compares rejected candidates by them.
        """
        if self._network is None or not network_decides(pending, noise_level, following):
            return _by_log_odds(pending, following, after), pending.log_odds
        inputs = network_inputs(pending, noise_level, self._rate_hz, following, after)
        log_odds = self._network.log_odds(inputs) - self._cost
        return log_odds > 0.0, log_odds


def shipped_deferred_network() -> QrsNetwork:
    """Give the shipped second network."""
    return QrsNetwork(networks.shipped()["deferred"].layers, len(NAMES))


def _by_log_odds(pending: Candidate, following: Candidate | None, after: float) -> bool:
    if following is None:
        return pending.log_odds > 0.0
    # there are four ways to decide both; take the one with the most evidence
    first_taken = pending.log_odds + max(0.0, after)
    if first_taken > max(0.0, following.log_odds):
        return True
    if following.match.like_previous <= ALIKE:
        return False
    # compare the probabilities of the two decisions in sequence
    taken = _log_probability(pending.log_odds) + _log_probability(abs(after))
    return taken > _log_probability(-pending.log_odds) + _log_probability(abs(following.log_odds))


def _log_probability(log_odds: float) -> float:
    return min(log_odds, 0.0) - math.log1p(math.exp(-abs(log_odds)))
