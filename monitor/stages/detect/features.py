"""The features of a QRS candidate.

Rules that hold here:

1. Every feature is dimensionless, or a time. Heights, slopes and sizes are relative to the typical
   QRS of the lead, so gain, offset, polarity and sampling rate do not matter.
2. Leads are combined by weighted mean, lowest and highest value, so one network serves any number
   of leads, and a dead lead does not count.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.stages.detect.envelope import Envelope
from monitor.stages.detect.history import History, top_of
from monitor.stages.detect.levels import Levels
from monitor.stages.detect.rr_statistics import RrStatistics
from monitor.stages.detect.templates import Match, Templates

Array = NDArray[np.float64]

_total = np.add.reduce  # faster than the array method for so few values
_LONGEST_S, _SHORTEST_S = 2.5, 0.05  # limits of the time since the last beat
_SMALLEST = 1e-6  # mV; a flat lead has no logarithm

APART_S = 0.14  # a candidate is the highest point of the envelope within this time on both sides


class Features(NamedTuple):
    """The inputs of the first network, in its order."""

    height: float  # log envelope peak over typical
    height_low: float  # the same, in the lead where it is lowest
    height_high: float  # ... and highest
    slope: float  # log steepest raw slope over typical
    correlation: float  # with the best template
    correlation_low: float  # the same, in the lead where it is lowest
    size: float  # log size over the size of the template
    familiarity: float  # log of how often the template was seen
    background: float  # log mean height of the last second
    noise: float  # log running height of rejected candidates
    ahead: float  # highest just after, over the height of the candidate
    behind: float  # highest since the last beat, over the height of the candidate
    width: float  # part of the neighbourhood above half the height
    step: float  # baseline shift across the candidate, over the typical size
    since_s: float  # log time since the last beat, s
    since_rr: float  # log time since the last beat, in mean RR
    irregular: float  # log of the running RR deviation
    last_height: float  # log height of the last beat
    rejected: float  # count of rejected candidates, fading within seconds
    learnt: float  # beats since the start, up to ten, over ten


class Candidate(NamedTuple):
    """A peak of the envelope that may be a QRS, with its features."""

    sample: int  # stream index, filter delay taken off
    log_odds: float
    features: Features
    match: Match
    repeats: bool  # like the candidate before, which was like the one before it
    tops: list[float]  # envelope peak per lead, mV/s
    slope: list[float]  # steepest slope per lead, mV
    span: list[float]  # size per lead, mV


class CandidateFeatures:
    """Computes the features of a candidate.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    history, front, levels, templates, rr
        The parts of the detector that it reads.
    """

    def __init__(
        self,
        rate_hz: float,
        history: History,
        front: Envelope,
        levels: Levels,
        templates: Templates,
        rr: RrStatistics,
    ) -> None:
        self._rate_hz = rate_hz
        self._history = history
        self._levels = levels
        self._templates = templates
        self._rr = rr
        self._delay = front.delay
        self._band_lag = front.delay - front.band_delay
        self.apart = round(APART_S * rate_hz)
        self._w50, self._w60, self._w80 = (round(s * rate_hz) for s in (0.05, 0.06, 0.08))
        self._w100, self._w200 = round(0.1 * rate_hz), round(0.2 * rate_hz)
        self._second = round(rate_hz)
        self._mean_of, self._lag = (max(1, round(rate_hz / hz)) for hz in (50, 60))

    def piece(self, place: int) -> Array:
        """Band-passed complex around the candidate at ``place``, sized for the templates."""
        centre = place - self._band_lag
        reach = self._templates.half + self._templates.shift
        return self._history.band[:, centre - reach : centre + reach + 1]

    def collect(
        self, place: int, sample: int, last: int | None, last_height: float
    ) -> tuple[Features, Match, list[float], list[float], list[float]]:
        """Compute the features of the candidate at ``place``.

        Parameters
        ----------
        place
            Index of its peak in the history.
        sample
            Stream index, filter delay taken off.
        last, last_height
            Stream index and height of the beat before it, None if there was none.

        Returns
        -------
        features : Features
            The inputs of the network.
        match : Match
            The nearest template.
        tops, slope, span : list of float
            As in :class:`Candidate`.
        """
        levels, rr, rate_hz = self._levels, self._rr, self._rate_hz
        h, apart, w = self._history.height, self.apart, self._w50
        around = self._history.envelope[:, place - w : place + w + 1]
        tops: list[float] = np.maximum.reduce(around, 1).tolist()
        slope, span, moved = self._shapes(place - self._delay)
        height = steep = step = 0.0
        lowest, highest = math.inf, -math.inf
        for lead, weight in enumerate(levels.weights):
            typical = levels.slope[lead] or slope[lead]  # nothing is typical before the first beat
            steep += weight * math.log(slope[lead] / typical + 1e-3)
            step += weight * abs(moved[lead]) / (levels.span[lead] or span[lead])
            relative = math.log(tops[lead] / levels.level[lead] + 1e-3)
            height += weight * relative
            if levels.counted[lead]:
                lowest, highest = min(lowest, relative), max(highest, relative)
        if 0.0 in levels.slope:
            levels.size_up(slope, span)
        here = float(h[place]) + 1e-9
        match = self._templates.match(self.piece(place), levels.weights, levels.counted)
        recent = h[place - self._second : place + apart]
        longest = _LONGEST_S * rate_hz
        since = longest if last is None else min(sample - last, longest)
        since = max(since, _SHORTEST_S * rate_hz)
        behind = 0.0
        reach = int(min(since, self._second)) - self._w100
        if reach > self._w100:
            behind = top_of(h[place - reach : place - self._w100]) / here
        wide = np.count_nonzero(h[place - apart : place + apart + 1] > 0.5 * here)
        features = Features(
            height=height,
            height_low=lowest,
            height_high=highest,
            slope=steep,
            correlation=match.correlation,
            correlation_low=match.worst,
            size=max(-3.0, min(3.0, match.size)),
            familiarity=self._templates.familiarity(match.kind),
            background=math.log(float(_total(recent)) / len(recent) + 1e-3),
            noise=math.log(rr.noise + 1e-2),
            ahead=top_of(h[place + self._w80 : place + apart]) / here,
            behind=min(behind, 3.0),
            width=wide / (2 * apart + 1),
            step=min(step, 3.0),
            since_s=math.log(since / rate_hz),
            since_rr=max(-2.0, min(1.5, math.log(since / rr.mean))),
            irregular=math.log(rr.deviation + 0.01),
            last_height=math.log(last_height + 1e-2),
            rejected=rr.rejected(sample),
            learnt=min(rr.beats, 10) / 10.0,
        )
        return features, match, tops, slope, span

    def _shapes(self, centre: int) -> tuple[list[float], list[float], list[float]]:
        """Steepest slope, size and baseline shift of each lead around ``centre``, free of mains.

        A mean over 1/50 s removes 50 Hz, a difference over 1/60 s removes 60 Hz.
        """
        mean_of, lag, reach, w = self._mean_of, self._lag, self._w200, self._w60
        signal = self._history.signal[:, centre - reach - mean_of : centre + self.apart]
        total = signal.cumsum(axis=1)
        smooth = (total[:, mean_of:] - total[:, :-mean_of]) / mean_of
        # smooth[:, j] is centred at centre - reach + j - mean_of / 2 + 1/2
        mid = reach + mean_of // 2
        w += lag // 2
        inner = smooth[:, mid - w : mid + w + 1]
        slope = np.maximum.reduce(np.abs(inner[:, lag:] - inner[:, :-lag]), 1) + _SMALLEST
        span = np.maximum.reduce(inner, 1) - np.minimum.reduce(inner, 1) + _SMALLEST
        edge = self._w50
        step = (_total(smooth[:, -edge:], 1) - _total(smooth[:, :edge], 1)) / edge
        return slope.tolist(), span.tolist(), step.tolist()
