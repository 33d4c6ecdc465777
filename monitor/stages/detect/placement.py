"""Where the R peak is in a beat of a known kind: noise must not move it.

Rules that hold here:

1. The R peak of a beat alone (:meth:`monitor.stages.detect.evidence.Evidence.r_peak`) is what is
   learnt, never what is made of it here: an error does not feed itself.
2. Nothing is decided by it but the place of a beat that has been found already.
"""

from __future__ import annotations

from collections import deque

from monitor.stages.detect.templates import SAME, Match

_LIKE = 0.6  # correlation from which on a beat in full noise may be of a kind; in quiet, SAME
_BEATS = 32  # of a kind that are remembered: noise may spoil half of them
_LEAST = 4
_AGREE = 0.7  # of them, or the first main deflection is now one thing and now another
_OFF_S = 0.015  # nearer to the usual place than this, the R peak of the beat alone is right


class Placement:
    """The time from where a template fits to the R peak, per kind of beat and lead.

    In noise another deflection may be the highest, or the first, of a complex, and the R peak
    would be put 20 to 80 ms aside, where the beat looks like no other of the patient. The template
    fits the whole complex and on all leads, so that it is moved much less.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._off = round(_OFF_S * rate_hz)
        self._leads = leads
        self._usual: dict[int, list[deque[int]]] = {}  # by kind, then lead

    def place(self, found: int, fits: int, lead: int, match: Match, noise: float) -> int:
        """Give the place of the R peak.

        What is not quite like its kind is another one where it is quiet, and has its R peak
        elsewhere: the first beat of a tachycardia is not to be placed as a normal one.

        Parameters
        ----------
        found
            Where it is by the beat alone.
        fits
            Where the template fits.
        lead
            In which it is located.
        match
            The template.
        noise
            How much there is, 0 to 1.
        """
        usual = self._usual[match.kind][lead] if match.kind in self._usual else ()
        like = SAME - (SAME - _LIKE) * noise
        if match.correlation < like or len(usual) < _LEAST:
            return found
        # the median, so that noise in some of them does not count
        middle = sorted(usual)[len(usual) // 2]
        agreeing = sum(abs(offset - middle) <= self._off for offset in usual)
        if abs(found - fits - middle) <= self._off or agreeing < _AGREE * len(usual):
            return found
        return fits + middle

    def learn(self, found: int, fits: int, lead: int, match: Match, kind: int) -> None:
        """Take in a beat that the templates took for one of ``kind``, -1 for none."""
        if kind < 0:
            return
        if match.correlation <= SAME:  # a new kind, maybe in place of another
            self._usual[kind] = [deque(maxlen=_BEATS) for _ in range(self._leads)]
        else:
            self._usual[kind][lead].append(found - fits)
