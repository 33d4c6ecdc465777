"""The typical height, slope and size of a QRS in each lead, and the weights of the leads.

Rules that hold here:

1. A level is learnt from accepted beats only, as the median of the last eight: noise, however
   long, never raises or lowers it.
2. Values per lead are in plain lists: for one or two numbers they are several times faster than
   arrays, and this code runs every hop or every beat.
3. After :data:`QUIET_S` without beats the level is learnt again, for the amplitude may have
   changed; but never far below the last one, so that an asystole is not searched for beats.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from monitor.stages.detect.history import History
from monitor.stages.detect.lead_confidence import LeadConfidence

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_INF = math.inf

LEARN_S = (2.0, 4.0, 5.5)  # the first level is taken from the first of these that agrees
# A first guess comes sooner: after so many seconds, from a peak so many times as high as the
# median. In DS1, cut at random, 0.4, 0.3 and 0.04 % of these peaks are no QRS.
SOON_S = ((1.0, 10.0), (1.25, 8.0), (1.5, 6.0))
_ALONE = 200.0  # times the median; a QRS has P and T waves around it, in DS1 at most 110
_END_S = 0.14  # a peak this near to the end may still rise
_LOWER, _HIGHER = 0.6, 1.5  # a level outside of these parts of the old one replaces it
LEAST_HEIGHT = 0.12  # of the level; nothing lower is a candidate
QUIET_S = 4.0
_LONG_QUIET_S = 20.0  # after this time half of the least height is enough
_ALIKE = 0.4  # ratio of the peaks of two halves that agree
_PEAKY = 3.2  # times the median around it; a QRS has more, noise has 2 to 3
_TYPICAL = 0.8  # of the highest peak
_FLOOR_MV_S = 0.15  # envelope of a QRS of about 0.01 mV
_ENOUGH = 0.9  # of the samples of a hop must be valid
_TRUSTED_S = 0.5  # a lead counts after this time without a gap
_BEATS = 8
_RESTLESS = 0.45  # mean height; noise has more, the leads of DS1 seldom do


class Levels:
    """Typical height, slope and size of a QRS per lead, and the weights of the leads.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.

    Attributes
    ----------
    level
        Typical envelope peak, mV/s; infinite while not known, so every height is 0.
    weights
        How much each lead counts; they sum to 1.
    live
        Which leads have a signal.
    counted
        Which live leads count, and learn; a dropped lead does not.
    confidence
        Which leads show the beats.
    run
        Samples of each lead since too many were invalid.
    slope, span
        Typical steepest slope and size of a QRS, mV; 0 while not known.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._rate_hz = rate_hz
        self._trusted = round(_TRUSTED_S * rate_hz)
        self.leads = leads
        self.level = [_INF] * leads
        self.weights = [1.0 / leads] * leads
        self.live = [True] * leads
        self.counted = [True] * leads
        self.scale = [0.0] * leads  # of the envelopes; their sum is the height
        self.known = False  # in one lead at least
        self._open = [True] * leads  # not known, or only a first guess
        self._any_open = True
        self.confidence = LeadConfidence(leads)
        self.slope = [0.0] * leads
        self.span = [0.0] * leads
        self._proven = [0.0] * leads  # the level when beats were last found in a row
        self._recent = [[_INF] * _BEATS for _ in range(leads)]
        self._beats = 0
        self.run = [0] * leads
        self._background = [0.2] * leads
        self._looked = 0

    def follow(self, sums: list[float], n: int, valid: Mask | None) -> None:
        """Take in one hop: update which leads are live, and how quiet they are between beats.

        Parameters
        ----------
        sums
            Of the envelope over the hop, per lead.
        n
            Samples of the hop.
        valid
            Shape (leads, n); None where all samples are.
        """
        for lead in range(self.leads):
            self.run[lead] += n
            # a few missing samples are bridged
            if valid is not None and np.count_nonzero(valid[lead]) < _ENOUGH * n:
                self.run[lead] = 0
        if self.leads > 1:
            self._weigh(sums, n)

    def _weigh(self, sums: list[float], n: int) -> None:
        level, background = self.level, self._background
        live = [v < _INF and run > self._trusted for v, run in zip(level, self.run, strict=True)]
        if True not in live:
            live = [(v < _INF) == self.known for v in level]
        counted = [
            is_live and self.confidence.holds(lead, background[1 - lead] > _RESTLESS)
            for lead, is_live in enumerate(live)
        ]
        if True not in counted:
            counted = live
        weights = []
        for lead, counts in enumerate(counted):
            mean = sums[lead] / (n * level[lead])
            if self.run[lead]:
                background[lead] += 0.15 * (mean - background[lead])
            weights.append(1.0 / (background[lead] + 0.1) ** 2 if counts else 0.0)
        total = sum(weights)
        self.live = live
        self.counted = counted
        self.weights = [weight / total for weight in weights]
        self._rescale()

    @property
    def restless(self) -> bool:
        """Whether a lead that counts is as high between its beats as noise is."""
        return any(
            counts and mean > _RESTLESS
            for counts, mean in zip(self.counted, self._background, strict=True)
        )

    def _rescale(self) -> None:
        self.scale = [w / v for w, v in zip(self.weights, self.level, strict=True)]

    def learn_first(self, history: History) -> float | None:
        """Learn the level of leads that have none yet.

        Returns
        -------
        float or None
            Seconds from which a level was learnt; None if none was.
        """
        if not self._any_open:
            return None
        for seconds in LEARN_S:
            samples = round(seconds * self._rate_hz)
            new: dict[int, float] = {}
            for lead in range(self.leads):
                if not self._open[lead] or self.run[lead] < seconds * self._rate_hz:
                    continue
                low, high = sorted(_TYPICAL * top for top in history.tops(lead, samples))
                # a beat in both halves, not a beat and a step, or no beat
                agree = low > _ALIKE * high or seconds == LEARN_S[-1]
                if agree and high > _FLOOR_MV_S:
                    self._open[lead] = False
                    if self._differs(lead, high):
                        new[lead] = high
            self._any_open = True in self._open
            if new:
                self._set(new, history)
                return seconds
        return self._learn_soon(history)

    def _learn_soon(self, history: History) -> float | None:
        """Learn a first guess of the level from one peak."""
        end = round(_END_S * self._rate_hz)
        for seconds, times in SOON_S:
            new: dict[int, float] = {}
            for lead in range(self.leads):
                if self.level[lead] < _INF or self.run[lead] < seconds * self._rate_hz:
                    continue
                envelope = history.recent(lead, round(seconds * self._rate_hz))
                top = float(envelope[:-end].max())
                middle = float(np.median(envelope))
                if times * middle < top < _ALONE * middle and top * _TYPICAL > _FLOOR_MV_S:
                    new[lead] = top * _TYPICAL
            if new:
                self._set(new, history)
                return seconds
        return None

    def _differs(self, lead: int, level: float) -> bool:
        """Whether a level is so far from the old one that it replaces it."""
        return not _LOWER * self.level[lead] <= level <= _HIGHER * self.level[lead]

    def learn_again(self, quiet: int, history: History) -> None:
        """Learn the level again, every :data:`QUIET_S` without a beat.

        Parameters
        ----------
        quiet
            Samples since the last beat.
        history
            The signal.
        """
        period = round(QUIET_S * self._rate_hz)
        looked, self._looked = self._looked, quiet // period
        if self._looked == looked or self._looked == 0:
            return
        share = LEAST_HEIGHT if quiet < _LONG_QUIET_S * self._rate_hz else LEAST_HEIGHT / 2
        new: dict[int, float] = {}
        for lead in range(self.leads):
            top = min(history.tops(lead, period)) * _TYPICAL
            real = top > _PEAKY * np.median(history.recent(lead, period))
            real &= share * self._proven[lead] < top and self.level[lead] < _INF
            if real and self._differs(lead, top):
                new[lead] = top
        if new:
            self._set(new, history)

    def _set(self, new: dict[int, float], history: History) -> None:
        for lead, level in new.items():
            self.level[lead] = max(level, _FLOOR_MV_S)
            self._recent[lead] = [self.level[lead]] * _BEATS
        self.known = True
        self._rescale()
        if self.leads > 1:
            self._weigh(history.envelope[:, history.at - 1].tolist(), 1)
        history.rescale(self.scale)

    def forget_shape(self) -> None:
        """Forget slope and size: they were not learnt from a QRS."""
        self.slope = [0.0] * self.leads
        self.span = [0.0] * self.leads

    def size_up(self, slope: list[float], span: list[float]) -> None:
        """Take slope and size of a first beat as typical, where they are not known yet."""
        for lead in range(self.leads):
            self.slope[lead] = self.slope[lead] or slope[lead]
            self.span[lead] = self.span[lead] or span[lead]

    def learn_beat(self, tops: list[float], slope: list[float], span: list[float]) -> None:
        """Take in an accepted beat: envelope peaks, steepest slopes and sizes, per lead."""
        # the beat may have been weighed before slope and size were forgotten
        self.size_up(slope, span)
        for lead in range(self.leads):
            if self.counted[lead]:
                recent = self._recent[lead]
                recent[self._beats % _BEATS] = max(tops[lead], _FLOOR_MV_S)
                ordered = sorted(recent)
                self.level[lead] = (ordered[_BEATS // 2 - 1] + ordered[_BEATS // 2]) / 2
                # limited, so that one artefact does not change the typical values
                self.slope[lead] *= min(max(slope[lead] / self.slope[lead], 0.5), 2.0) ** 0.12
                self.span[lead] *= min(max(span[lead] / self.span[lead], 0.5), 2.0) ** 0.12
        self._rescale()
        self._beats += 1
        if self._beats > _BEATS:
            self._proven = list(self.level)
