"""Drops a lead that misses beats which are clear in the other lead.

Two missed beats in a row are enough, or a low mean over more beats. The lead stays out until it
shows beats again, so it does not come and go while the other lead has trouble of its own.
"""

from __future__ import annotations

_RATE = 0.25
_LEAST_MEAN = 0.4  # mean correlation with the templates; noise has less, beats have more
_AFTER_DROP = 0.3  # mean of a dropped lead; one or two good beats raise it above the least mean
_MISSED, _CLEAR = 0.5, 0.9  # correlation of a beat missed in one lead, and clear in another
_IN_A_ROW = 2  # in the DS1 records a good lead seldom misses two in a row


class LeadConfidence:
    """How well each lead shows the beats that are clear in at least one lead.

    Parameters
    ----------
    leads
        Number of leads.
    """

    def __init__(self, leads: int) -> None:
        self._mean = [1.0] * leads  # correlation of clear beats
        self._missed = [0] * leads  # in a row
        self._dropped = [False] * leads

    def update(self, correlations: list[float], live: list[bool]) -> None:
        """Take in the correlation per lead of a clear beat; only live leads are updated."""
        for lead, correlation in enumerate(correlations):
            if live[lead]:
                missed = correlation < _MISSED and max(correlations) > _CLEAR
                self._missed[lead] = self._missed[lead] + 1 if missed else 0
                self._mean[lead] += _RATE * (max(correlation, 0.0) - self._mean[lead])

    def drop(self, lead: int) -> None:
        """Drop a lead until it shows beats again."""
        self._dropped[lead] = True
        self._mean[lead] = min(self._mean[lead], _AFTER_DROP)

    def holds(self, lead: int, other_restless: bool) -> bool:
        """Whether a lead counts. A restless other lead cannot have it dropped."""
        if self._dropped[lead]:
            self._dropped[lead] = self._mean[lead] < _LEAST_MEAN
        elif not other_restless and (
            self._mean[lead] < _LEAST_MEAN or self._missed[lead] >= _IN_A_ROW
        ):
            self.drop(lead)
        return not self._dropped[lead]
