"""What speaks for and against a candidate being a QRS complex.

Rules that hold here:

1. Every figure is dimensionless, or a time: heights, slopes and sizes are in units of the
   typical QRS of the lead. Gain, offset, polarity and sampling rate do not enter.
2. Leads are put together by weighted means, lowest and highest, so that one model serves any
   number of leads, and a dead lead does not count.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.stages.detect.envelope import Envelope
from monitor.stages.detect.history import History, top_of
from monitor.stages.detect.levels import Levels
from monitor.stages.detect.rhythm import Rhythm
from monitor.stages.detect.templates import Match, Templates

Array = NDArray[np.float64]

_total = np.add.reduce  # the methods of an array go through a layer of Python

NAMES = (
    "height",  # log envelope top over typical
    "height_low",  # the same, in the lead where it is lowest
    "height_high",  # ... and highest
    "slope",  # log steepest raw slope over typical
    "correlation",  # best template correlation
    "correlation_low",  # the same, in the lead where it is lowest
    "size",  # log size over the template's
    "familiar",  # log of how often the template was seen
    "background",  # log mean height of the last second
    "noise",  # log running height of what was rejected
    "ahead",  # highest just after, over the candidate's height
    "behind",  # highest since the last beat, over the candidate's height
    "width",  # share of the neighbourhood above half the height
    "step",  # shift of the baseline across the candidate, over the typical size
    "since_s",  # log time since the last beat
    "since_rr",  # log time since the last beat, in mean RR
    "irregular",  # log of the running RR deviation
    "last_height",  # log height of the last beat
    "rejected",  # rejected candidates, fading within seconds
    "learnt",  # beats taken in since the start, up to ten
)

APART_S = 0.14  # a candidate is the highest point of the envelope this far on both sides
_FIRST = 0.5  # of the later deflection, for the earlier one to be the R wave


class Candidate(NamedTuple):
    """One top of the envelope and the evidence on it."""

    sample: int  # stream index, filter delay taken off
    log_odds: float
    figures: list[float]
    match: Match
    repeats: bool  # like the candidate before, as that was like the one before it
    tops: list[float]  # envelope top per lead, mV/s
    slope: list[float]  # steepest slope per lead, mV
    span: list[float]  # size per lead, mV


class Evidence:
    """Collects the figures of a candidate, and finds the R peak in it.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    history, front, levels, templates, rhythm
        The parts of the detector that it looks at.
    """

    def __init__(
        self,
        rate_hz: float,
        history: History,
        front: Envelope,
        levels: Levels,
        templates: Templates,
        rhythm: Rhythm,
    ) -> None:
        self._rate_hz = rate_hz
        self._history = history
        self._levels = levels
        self._templates = templates
        self._rhythm = rhythm
        self._delay = front.delay
        self._band_lag = front.delay - front.band_delay
        self.apart = round(APART_S * rate_hz)
        self._w50, self._w60, self._w80 = (round(s * rate_hz) for s in (0.05, 0.06, 0.08))
        self._w100, self._w200 = round(0.1 * rate_hz), round(0.2 * rate_hz)
        self._second = round(rate_hz)
        self._mean_of, self._lag = (max(1, round(rate_hz / hz)) for hz in (50, 60))

    def piece(self, place: int) -> Array:
        """Band-passed complex around the candidate at ``place``, as the templates want it."""
        centre = place - self._band_lag
        reach = self._templates.half + self._templates.shift
        return self._history.band[:, centre - reach : centre + reach + 1]

    def figures(
        self, place: int, sample: int, last: int | None, last_height: float
    ) -> tuple[list[float], Match, list[float], list[float], list[float]]:
        """Collect the evidence on the candidate at ``place``.

        Parameters
        ----------
        place
            Where in the history its top is.
        sample
            Stream index, filter delay taken off.
        last, last_height
            Stream index and height of the beat before it, None if there was none.

        Returns
        -------
        figures : list of float
            In the order of :data:`NAMES`.
        match : Match
            The template it is nearest to.
        tops, slope, span : list of float
            As in :class:`Candidate`.
        """
        levels, rhythm, rate_hz = self._levels, self._rhythm, self._rate_hz
        h, apart, w = self._history.height, self.apart, self._w50
        tops: list[float] = []
        slope: list[float] = []
        span: list[float] = []
        height = steep = step = 0.0
        lowest, highest = math.inf, -math.inf
        for lead, weight in enumerate(levels.weights):
            tops.append(top_of(self._history.envelope[lead, place - w : place + w + 1]))
            steepest, size, moved = self._shape(place - self._delay, lead)
            slope.append(steepest)
            span.append(size)
            typical = levels.slope[lead] or steepest  # a first beat is as it is
            steep += weight * math.log(steepest / typical + 1e-3)
            step += weight * abs(moved) / (levels.span[lead] or size)
            relative = math.log(tops[lead] / levels.level[lead] + 1e-3)
            height += weight * relative
            if levels.counted[lead]:
                lowest, highest = min(lowest, relative), max(highest, relative)
        if 0.0 in levels.slope:
            levels.size_up(slope, span)
        here = float(h[place]) + 1e-9
        match = self._templates.match(self.piece(place), levels.weights, levels.counted)
        recent = h[place - self._second : place + apart]
        since = 2.5 * rate_hz if last is None else min(sample - last, 2.5 * rate_hz)
        since = max(since, 0.05 * rate_hz)
        behind = 0.0
        reach = int(min(since, self._second)) - self._w100
        if reach > self._w100:
            behind = top_of(h[place - reach : place - self._w100]) / here
        wide = np.count_nonzero(h[place - apart : place + apart + 1] > 0.5 * here)
        figures = [
            height,
            lowest,
            highest,
            steep,
            match.correlation,
            match.worst,
            max(-3.0, min(3.0, match.size)),
            self._templates.familiarity(match.kind),
            math.log(float(_total(recent)) / len(recent) + 1e-3),
            math.log(rhythm.noise + 1e-2),
            top_of(h[place + self._w80 : place + apart]) / here,
            min(behind, 3.0),
            wide / (2 * apart + 1),
            min(step, 3.0),
            math.log(since / rate_hz),
            max(-2.0, min(1.5, math.log(since / rhythm.rr))),
            math.log(rhythm.deviation + 0.01),
            math.log(last_height + 1e-2),
            rhythm.rejected(sample),
            min(rhythm.beats, 10) / 10.0,
        ]
        return figures, match, tops, slope, span

    def _shape(self, centre: int, lead: int) -> tuple[float, float, float]:
        """Steepest slope, size and baseline shift of a lead around ``centre``, free of mains.

        A mean over 1/50 s has no 50 Hz in it, a difference over 1/60 s no 60 Hz.
        """
        mean_of, lag, reach, w = self._mean_of, self._lag, self._w200, self._w60
        total = self._history.signal[lead, centre - reach - mean_of : centre + self.apart].cumsum()
        smooth = (total[mean_of:] - total[:-mean_of]) / mean_of
        # smooth[j] is centred at centre - reach + j - mean_of / 2 + 1/2
        mid = reach + mean_of // 2
        w += lag // 2
        inner = smooth[mid - w : mid + w + 1]
        slopes = inner[lag:] - inner[:-lag]
        slope = top_of(np.abs(slopes))
        span = top_of(inner) - float(inner[inner.argmin()])
        edge = self._w50
        step = float(_total(smooth[-edge:]) - _total(smooth[:edge])) / edge
        return slope + 1e-6, span + 1e-6, step

    def r_peak(self, place: int, lead: int) -> int:
        """Place of the R peak in ``lead`` near the candidate at ``place``.

        Of the highest and the lowest point of the complex the earlier one, unless it is less
        than half as far from the baseline before the QRS as the later one: the first main
        deflection, whatever the polarity of the lead.
        """
        w, wide = self._w80, self._w200
        if self._levels.leads > 1:
            # the other lead's part of the complex may be earlier or later
            own = self._history.envelope[lead, place - w : place + w + 1]
            place += int(own.argmax()) - w
        centre = place - self._delay
        half = max(1, round(0.0083 * self._rate_hz))
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
