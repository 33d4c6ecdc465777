"""Compares two leads: a lead that misses beats which are clear in the other one is dropped.

A lead may lose its beats without being flat: the electrode picks up muscle noise, or only the
noise of the amplifier. A lead with little between its beats weighs more, so a lead without beats
would hide those of the other lead.
"""

from __future__ import annotations

import math

from monitor.stages.detect.features import CandidateFeatures
from monitor.stages.detect.history import History, top_of
from monitor.stages.detect.levels import LEAST_HEIGHT, Levels
from monitor.stages.detect.templates import SURE, Match, Templates

_OFTEN = math.log1p(4.0)  # familiarity of a kind of beat that is trusted
_ANY_KIND_S = 2.0  # after this time without a beat, a kind seen once is trusted
_TALL = 0.5  # of its level; a beat must be so tall in the lead where it is clear
_SILENT_S = 3.0  # after this time without a beat, a silent lead is compared with the other
_SILENT = 0.15  # of its level; a silent lead stays below
_LEAST_TALL = 3  # tall peaks in the other lead, that look somewhat like beats
_RESEMBLES = 0.75  # correlation that noise may leave of a beat


class LeadComparison:
    """Compares the leads at candidates, and at beats too low in both together to be candidates.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    history, features, levels, templates
        The parts of the detector that it reads. It updates the confidence in ``levels``.
    """

    def __init__(
        self,
        rate_hz: float,
        history: History,
        features: CandidateFeatures,
        levels: Levels,
        templates: Templates,
    ) -> None:
        self._history = history
        self._features = features
        self._levels = levels
        self._templates = templates
        self._any_kind = round(_ANY_KIND_S * rate_hz)
        self._silent = round(_SILENT_S * rate_hz)
        self._was_overdue = False  # at the last comparison

    def compare_candidate(self, match: Match, tops: list[float], quiet: int) -> None:
        """Compare the leads at a candidate: a beat clear in one lead should show in the other.

        Parameters
        ----------
        match
            How it fits the templates.
        tops
            Its envelope peak per lead, mV/s.
        quiet
            Samples since the last beat.
        """
        shown = self._shown(match, tops, 0.0 if quiet > self._any_kind else _OFTEN)
        if shown is not None:
            self._levels.confidence.update(shown, self._levels.live)

    def compare_leads(self, start: int, until: int, since: int, quiet: int, overdue: bool) -> None:
        """Compare the leads at peaks that are no candidates.

        If a beat is overdue, every lead is searched for peaks; else only leads that are dropped.

        Parameters
        ----------
        start, until
            The new places.
        since
            Place just after the last beat; the search begins here when a beat becomes overdue.
        quiet
            Samples since the last beat.
        overdue
            Whether a beat is overdue.
        """
        levels = self._levels
        begin = start if self._was_overdue or not overdue else min(since, start)
        self._was_overdue = overdue
        for lead in range(levels.leads):
            if overdue or (levels.live[lead] and not levels.counted[lead]):
                self._compare_peaks(lead, begin, until, quiet, overdue)
        if quiet > self._silent and min(levels.run) > self._silent:
            self._drop_silent(max(since, until - self._silent), until)

    def _compare_peaks(self, lead: int, start: int, until: int, quiet: int, overdue: bool) -> None:
        """Compare at the peaks of one lead. If no beat is overdue, include candidates."""
        history, levels, reach = self._history, self._levels, self._features.apart
        for place in history.tops_apart(start, until, reach, _TALL * levels.level[lead], lead):
            around = slice(place - reach, place + reach + 1)
            if overdue and top_of(history.height[around]) > LEAST_HEIGHT:
                continue
            piece = self._features.piece(place)
            match = self._templates.match(piece, levels.weights, levels.counted)
            tops = [top_of(envelope[around]) for envelope in history.envelope]
            self.compare_candidate(match, tops, quiet)

    def _drop_silent(self, start: int, until: int) -> None:
        """Drop a lead that is silent in places [start, until) where the other has some beats.

        The beats need not be clear in the other lead: in noise they never are.
        """
        history, levels = self._history, self._levels
        for lead, other in (0, 1), (1, 0):
            if not (levels.counted[lead] and levels.live[other]):
                continue
            if top_of(history.envelope[lead, start:until]) < _SILENT * levels.level[lead]:
                least = _TALL * levels.level[other]
                tall = history.tops_apart(start, until, self._features.apart, least, other)
                if sum(self._resembles(place, other) for place in tall) >= _LEAST_TALL:
                    levels.confidence.drop(lead)

    def _resembles(self, place: int, lead: int) -> bool:
        """Whether a lead looks somewhat like a usual beat at ``place``."""
        levels = self._levels
        match = self._templates.match(self._features.piece(place), levels.weights, levels.counted)
        best = match.fits[lead].max(axis=0)
        return any(
            fit > _RESEMBLES and self._templates.familiarity(kind) >= _OFTEN
            for kind, fit in enumerate(best.tolist())
        )

    def _shown(self, match: Match, tops: list[float], often: float) -> list[float] | None:
        """Correlation per lead of a beat that is clear in a lead; None if it is clear in none.

        Each lead is compared with the templates by itself: noise in one of them may have chosen
        the nearest template of both together.
        """
        if min(match.each) > SURE:
            return match.each
        levels = self._levels
        tall = [
            is_live and top > _TALL * level
            for is_live, top, level in zip(levels.live, tops, levels.level, strict=True)
        ]
        if True not in tall:
            return None
        kinds = range(match.fits[0].shape[1])
        known = [kind for kind in kinds if self._templates.familiarity(kind) >= often]
        if not known:
            return None
        fits = [fit[:, known].ravel() for fit in match.fits]
        best = [int(fit.argmax()) for fit in fits]
        own = [float(fit[at]) for fit, at in zip(fits, best, strict=True)]
        clear = [is_tall and fit > SURE for is_tall, fit in zip(tall, own, strict=True)]
        if True not in clear:
            return None
        # a lead that is not clear is read where the clearest one fits best
        at = best[max(range(len(own)), key=lambda lead: own[lead] if clear[lead] else -1.0)]
        return [
            fit if is_clear else float(of[at])
            for fit, is_clear, of in zip(own, clear, fits, strict=True)
        ]
