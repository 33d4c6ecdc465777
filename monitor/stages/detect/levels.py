"""What is typical of a QRS in each lead, and how far each lead can be trusted.

Rules that hold here:

1. A level is learnt from accepted beats only, as the median of the last eight: noise, however
   long, never raises or lowers it.
2. Without beats for :data:`QUIET_S` it is looked for again, for the amplitude may have changed;
   but never far below what it was, so that an asystole is not searched for beats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.stages.detect.history import History

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEARN_S = (2.0, 4.0, 5.5)  # the first level is taken from the first of these that agrees
# Or sooner, for the time being: from a top that stands so far out of the median of the time
# since the start. Of DS1, cut at random, 0.4, 0.3 and 0.04 % of these tops are no QRS.
SOON_S = ((1.0, 10.0), (1.25, 8.0), (1.5, 6.0))
_ALONE = 200.0  # a QRS has P and T waves about it: in DS1 at most 110; a lone step has nothing
_END_S = 0.14  # a top this near to the end may not be the highest yet
_LOWER, _HIGHER = 0.6, 1.5  # parts of a level from which on another one replaces it
LEAST_HEIGHT = 0.12  # of the level; nothing lower is a candidate
QUIET_S = 4.0
_LONG_QUIET_S = 20.0  # after which half of the least height will do
_ALIKE = 0.4  # the tops of two halves agree
_PEAKY = 3.2  # a QRS stands out so far from the median of its surroundings; noise 2 to 3
_TYPICAL = 0.8  # of the highest top
_FLOOR_MV_S = 0.15  # envelope of a QRS of about 0.01 mV
_ENOUGH = 0.9  # of the samples of a hop, for a lead to be alive in it
_TRUSTED_S = 0.5  # a lead counts after so long without a hole
_BEATS = 8


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
        Typical envelope top, mV/s; infinite while not known, so that nothing is high.
    weights
        How much each lead counts; they sum to 1.
    live
        Which leads count at all.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._rate_hz = rate_hz
        self._trusted = round(_TRUSTED_S * rate_hz)
        self.leads = leads
        self.level = np.full(leads, np.inf)
        self.weights = np.full(leads, 1.0 / leads)
        self.live = np.ones(leads, bool)
        self.scale = np.zeros(leads)  # envelope @ scale is the height
        self.known = False  # in one lead at least
        self._open = np.ones(leads, bool)  # not known, or only for the time being
        self._any_open = True
        self.slope = np.zeros(leads)  # typical steepest slope, mV
        self.span = np.zeros(leads)  # typical size, mV
        self._proven = np.zeros(leads)  # the level when beats were last found in a row
        self._recent = np.full((_BEATS, leads), np.inf)
        self._beats = 0
        self._run = np.zeros(leads, np.int64)  # samples since too many were invalid
        self._background = np.full(leads, 0.2)
        self._looked = 0

    def follow(self, envelope: Array, valid: Mask | None) -> None:
        """Take in one hop: which leads are alive, and how quiet they are between beats."""
        self._run += envelope.shape[1]
        if valid is not None:
            # a few missing samples are bridged, and cost nothing
            self._run[np.count_nonzero(valid, axis=1) < _ENOUGH * valid.shape[1]] = 0
        if self.leads > 1:
            self._weigh(envelope)

    def _weigh(self, envelope: Array) -> None:
        known = self.level < np.inf
        live = known & (self._run > self._trusted)
        if not live.any():
            live = known if known.any() else ~known
        self.live = live
        mean = envelope.sum(axis=1) / (envelope.shape[1] * self.level)
        self._background += 0.15 * (mean - self._background)
        weights = live / (self._background + 0.1) ** 2
        self.weights = weights / weights.sum()
        self.scale = self.weights / self.level

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
            ready = self._open & (self._run >= seconds * self._rate_hz)
            if not ready.any():
                continue
            halves = history.tops(round(seconds * self._rate_hz)) * _TYPICAL
            tops = halves.max(axis=0)
            # a beat in both halves, rather than a beat and a step, or nothing at all
            ready &= (halves.min(axis=0) > _ALIKE * tops) | (seconds == LEARN_S[-1])
            ready &= tops > _FLOOR_MV_S
            if not ready.any():
                continue
            self._open &= ~ready
            self._any_open = bool(self._open.any())
            new = ready & ((tops < _LOWER * self.level) | (tops > _HIGHER * self.level))
            if new.any():
                self._set(new, tops, history)
                return seconds
        return self._learn_soon(history)

    def _learn_soon(self, history: History) -> float | None:
        """Learn a level for the time being, from one top."""
        for seconds, times in SOON_S:
            new = (self.level == np.inf) & (self._run >= seconds * self._rate_hz)
            if not new.any():
                continue
            start = history.at - round(seconds * self._rate_hz)
            envelope = history.envelope[:, start : history.at]
            tops = envelope[:, : -round(_END_S * self._rate_hz)].max(axis=1)
            middle = np.median(envelope, axis=1)
            new &= (tops > times * middle) & (tops < _ALONE * middle)
            new &= tops * _TYPICAL > _FLOOR_MV_S
            if new.any():
                self._set(new, tops * _TYPICAL, history)
                return seconds
        return None

    def learn_again(self, quiet: int, history: History) -> None:
        """Look for another level, every :data:`QUIET_S` without a beat.

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
        tops = history.tops(period).min(axis=0) * _TYPICAL
        middle = np.median(history.envelope[:, history.at - period : history.at], axis=1)
        share = LEAST_HEIGHT if quiet < _LONG_QUIET_S * self._rate_hz else LEAST_HEIGHT / 2
        real = (tops > _PEAKY * middle) & (tops > share * self._proven) & (self.level < np.inf)
        change = real & ((tops < _LOWER * self.level) | (tops > _HIGHER * self.level))
        if change.any():
            self._set(change, tops, history)

    def _set(self, which: Mask, tops: Array, history: History) -> None:
        self.level = np.where(which, np.maximum(tops, _FLOOR_MV_S), self.level)
        self._recent[:, which] = self.level[which]
        self._update()
        if self.leads > 1:
            self._weigh(history.envelope[:, history.at - 1 : history.at])
        history.height[: history.at] = self.scale @ history.envelope[:, : history.at]
        np.minimum(history.height, HIGHEST, out=history.height)

    def _update(self) -> None:
        self.scale = self.weights / self.level
        self.known = bool((self.level < np.inf).any())

    def size_up(self, slope: Array, span: Array) -> None:
        """Take the slope and size of a first beat as typical, where nothing is yet."""
        self.slope = np.where(self.slope > 0.0, self.slope, slope)
        self.span = np.where(self.span > 0.0, self.span, span)

    def learn_beat(self, tops: Array, slope: Array, span: Array) -> None:
        """Take in an accepted beat: envelope tops, steepest slopes, sizes, shape (leads,)."""
        row = self._recent[self._beats % _BEATS]
        row[self.live] = np.maximum(tops, _FLOOR_MV_S)[self.live]
        middle = np.sort(self._recent, axis=0)[_BEATS // 2 - 1 : _BEATS // 2 + 1]
        self.level = (middle[0] + middle[1]) / 2
        self.scale = self.weights / self.level
        self._beats += 1
        if self._beats > _BEATS:
            self._proven = self.level
        # one artefact must not spoil what is typical
        change = np.minimum(np.maximum(slope / self.slope, 0.5), 2.0) ** 0.12
        self.slope = np.where(self.live, self.slope * change, self.slope)
        change = np.minimum(np.maximum(span / self.span, 0.5), 2.0) ** 0.12
        self.span = np.where(self.live, self.span * change, self.span)


HIGHEST = 6.0
"""Heights are cut here, so that a spike does not reign over its surroundings."""
