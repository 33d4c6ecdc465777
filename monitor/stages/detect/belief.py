"""Whether a lead is believed: not one without the beats that the other lead is sure of.

Two of them in a row that it lacks are enough, or a mean over more. It stays out until it shows
such beats again, so that it does not come and go while the other lead has its own troubles.
"""

from __future__ import annotations

_RATE = 0.25
_ALIEN = 0.4  # mean correlation with the templates, between that of noise and of beats
_DOUBTED = 0.3  # what is left of that of a lead that falls out: one or two good beats bring it back
_LACKED, _SURE = 0.5, 0.9  # correlations of a beat that a lead lacks, and another is sure of
_IN_A_ROW = 2  # in DS1 as recorded a lead seldom does that unless it holds noise


class Belief:
    """How well each lead shows the beats that one of them is sure of.

    Parameters
    ----------
    leads
        Number of leads.
    """

    def __init__(self, leads: int) -> None:
        self._shown = [1.0] * leads  # mean correlation of the beats that a lead is sure of
        self._lacked = [0] * leads  # in a row
        self._out = [False] * leads

    def compare(self, shown: list[float], live: list[bool]) -> None:
        """Take in how well each lead shows a beat that one is sure of; live ones are judged."""
        for lead, correlation in enumerate(shown):
            if live[lead]:
                lacked = correlation < _LACKED and max(shown) > _SURE
                self._lacked[lead] = self._lacked[lead] + 1 if lacked else 0
                self._shown[lead] += _RATE * (max(correlation, 0.0) - self._shown[lead])

    def lose(self, lead: int) -> None:
        """Believe a lead no longer, until it shows beats again."""
        self._out[lead] = True
        self._shown[lead] = min(self._shown[lead], _DOUBTED)

    def holds(self, lead: int, other_restless: bool) -> bool:
        """Whether a lead is believed; what a restless one is sure of costs no other its belief."""
        if self._out[lead]:
            self._out[lead] = self._shown[lead] < _ALIEN
        elif not other_restless and (self._shown[lead] < _ALIEN or self._lacked[lead] >= _IN_A_ROW):
            self.lose(lead)
        return not self._out[lead]
