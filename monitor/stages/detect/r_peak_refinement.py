"""Locates the R peak of a beat, and corrects it in noise.

Rules that hold here:

1. The correction learns from R peaks as :class:`RPeakFinder` locates them, never from corrected
   ones, so an error does not feed itself.
2. Both change only the sample of a beat that is already found.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from monitor.stages.detect.features import Candidate
from monitor.stages.detect.history import History
from monitor.stages.detect.levels import Levels
from monitor.stages.detect.templates import SAME, SURE, Match

_FIRST = 0.5  # of the later deflection; the earlier one is the R wave if it is at least so high
_SEEN = 0.2  # of the typical height: enough to locate the R peak in that lead
_UNLIKE = 0.5  # correlation below which a lead does not show a beat that is clear in another
_MEAN_S = 0.0083  # half of the moving mean, which is one 60 Hz period long
_LIKE = 0.6  # least correlation with its kind in full noise; without noise it is SAME
_BEATS = 32  # remembered per kind; noise may spoil half of them
_LEAST = 4
_AGREE = 0.7  # of them must agree, or the first main deflection is not one and the same
_OFF_S = 0.015  # an R peak nearer to its usual place than this stays where it is


class RPeakFinder:
    """Chooses the lead, and locates the R peak in it.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    history, levels
        The parts of the detector that it reads.
    delay
        Samples by which the envelope lags behind the signal.
    """

    def __init__(self, rate_hz: float, history: History, levels: Levels, delay: int) -> None:
        self._history = history
        self._levels = levels
        self._delay = delay
        self._near, self._before = round(0.08 * rate_hz), round(0.2 * rate_hz)
        self._half = max(1, round(_MEAN_S * rate_hz))

    def lead(self, beat: Candidate) -> int:
        """Give the primary lead if it shows the beat, else the lead that shows it best."""
        levels = self._levels
        seen = [
            top / level if counts else 0.0
            for top, level, counts in zip(beat.tops, levels.level, levels.counted, strict=True)
        ]
        lead = 0 if seen[0] > _SEEN else seen.index(max(seen))
        each = beat.match.each
        if lead == 0 and each[0] < _UNLIKE and max(each) > SURE:
            best = each.index(max(each))
            lead = best if levels.counted[best] else 0
        return lead

    def find(self, place: int, lead: int) -> int:
        """Give the place of the R peak in ``lead`` near the candidate at ``place``.

        It is the earlier of the highest and the lowest point of the complex, unless that is less
        than half as far from the baseline before the QRS as the later one. So it is the first
        main deflection, whatever the polarity of the lead.
        """
        w, wide, half = self._near, self._before, self._half
        if self._levels.leads > 1:
            # the complex may come earlier or later in the other lead
            own = self._history.envelope[lead, place - w : place + w + 1]
            place += int(own.argmax()) - w
        centre = place - self._delay
        size = 2 * half + 1
        signal = self._history.signal
        total = signal[lead, centre - wide - half - 1 : centre + w + half + 1].cumsum()
        smooth = (total[size:] - total[:-size]) / size  # smooth[wide] is at centre
        smooth -= np.sort(smooth[: wide - w])[(wide - w) // 2]
        inner = smooth[wide - w :]
        highest, lowest = int(inner.argmax()), int(inner.argmin())
        first, second = min(highest, lowest), max(highest, lowest)
        main = first if abs(inner[first]) >= _FIRST * abs(inner[second]) else second
        return centre - w + main


class RPeakRefinement:
    """Corrects the R peak by its usual time after the template, per kind of beat and lead.

    In noise another deflection of a complex may be the highest, or the first. The R peak would
    move by 20 to 80 ms, and the beat would look like no other of the patient. The template fits
    the whole complex in all leads, so noise moves it much less.

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

    def refine(self, found: int, fits: int, lead: int, match: Match, noise_level: float) -> int:
        """Give the corrected R peak.

        Without noise, a beat that is not quite like its kind is another kind and keeps its R peak:
        the first beat of a tachycardia must not be placed like a normal one.

        Parameters
        ----------
        found
            Where the R peak is located in the beat alone.
        fits
            Where the template fits.
        lead
            The lead it is located in.
        match
            The template.
        noise_level
            0 to 1.
        """
        usual = self._usual[match.kind][lead] if match.kind in self._usual else ()
        like = SAME - (SAME - _LIKE) * noise_level
        if match.correlation < like or len(usual) < _LEAST:
            return found
        # the median ignores a few beats with noise
        middle = sorted(usual)[len(usual) // 2]
        agreeing = sum(abs(offset - middle) <= self._off for offset in usual)
        if abs(found - fits - middle) <= self._off or agreeing < _AGREE * len(usual):
            return found
        return fits + middle

    def learn(self, found: int, fits: int, lead: int, match: Match, kind: int) -> None:
        """Take in a beat that the templates took as one of ``kind``, -1 for none."""
        if kind < 0:
            return
        if match.correlation <= SAME:  # a new kind; it may replace another
            self._usual[kind] = [deque(maxlen=_BEATS) for _ in range(self._leads)]
        else:
            self._usual[kind][lead].append(found - fits)
