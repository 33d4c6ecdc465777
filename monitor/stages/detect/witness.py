"""Which of two leads shows the beats: each is judged by what the other, by itself, is sure of.

A lead may lose its beats without being flat: an electrode that hears muscle, or nothing but the
noise of the amplifier. As the emptier lead weighs more, it would hide the beats of the other one.
"""

from __future__ import annotations

import math

from monitor.stages.detect.evidence import Evidence
from monitor.stages.detect.history import History, top_of
from monitor.stages.detect.levels import LEAST_HEIGHT, Levels
from monitor.stages.detect.templates import SURE, Match, Templates

_OFTEN = math.log1p(4.0)  # familiarity from which on a kind of beat is believed
_AGAIN_S = 2.0  # without a beat, after which one seen but once will do
_TALL = 0.5  # of its level, which a beat must reach in the lead that is sure of it
_SILENT_S = 3.0  # without a beat, after which a lead without anything is compared with the other
_SILENT = 0.15  # of its level, which nothing in such a lead reaches
_UPON = 3  # tall tops in the other, of a correlation with beats that noise may leave
_RESEMBLES = 0.75


class Witness:
    """Compares the leads at candidates, and at beats too low in both together to be candidates.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    history, evidence, levels, templates
        The parts of the detector that it looks at; it teaches ``levels`` which leads to believe.
    """

    def __init__(
        self,
        rate_hz: float,
        history: History,
        evidence: Evidence,
        levels: Levels,
        templates: Templates,
    ) -> None:
        self._history = history
        self._evidence = evidence
        self._levels = levels
        self._templates = templates
        self._again = round(_AGAIN_S * rate_hz)
        self._silent = round(_SILENT_S * rate_hz)
        self._late = False  # the next beat, when last attended

    def compare(self, match: Match, tops: list[float], quiet: int) -> None:
        """Take in a candidate: where one lead is sure of a beat, the other should show it too.

        Parameters
        ----------
        match
            How it fits the templates.
        tops
            Its envelope top per lead, mV/s.
        quiet
            Samples since the last beat.
        """
        shown = self._shown(match, tops, 0.0 if quiet > self._again else _OFTEN)
        if shown is not None:
            self._levels.belief.compare(shown, self._levels.live)

    def attend(self, start: int, until: int, since: int, quiet: int, late: bool) -> None:
        """Compare at the tops of each lead that are no candidates, once a beat is late.

        Before that only at those of a lead that is not believed.

        Parameters
        ----------
        start, until
            The places that are new.
        since
            Place just behind the last beat: what lies there is looked at when one gets late.
        quiet
            Samples since the last beat.
        late
            Whether the next one is late.
        """
        levels = self._levels
        begin = start if self._late or not late else min(since, start)
        self._late = late
        for lead in range(levels.leads):
            if late or (levels.live[lead] and not levels.counted[lead]):
                self._listen(lead, begin, until, quiet, late)
        if quiet > self._silent and min(levels.run) > self._silent:
            self._hear_silence(max(since, until - self._silent), until)

    def _listen(self, lead: int, start: int, until: int, quiet: int, late: bool) -> None:
        """Compare at the tops of one lead; without haste at its candidates too, for it has none."""
        history, levels, reach = self._history, self._levels, self._evidence.apart
        for place in history.tops_apart(start, until, reach, _TALL * levels.level[lead], lead):
            around = slice(place - reach, place + reach + 1)
            if late and top_of(history.height[around]) > LEAST_HEIGHT:
                continue
            piece = self._evidence.piece(place)
            match = self._templates.match(piece, levels.weights, levels.counted)
            tops = [top_of(envelope[around]) for envelope in history.envelope]
            self.compare(match, tops, quiet)

    def _hear_silence(self, start: int, until: int) -> None:
        """Believe no lead with nothing in places [start, until) where the other has some beats.

        That one need not be sure of them: in noise it would never be.
        """
        history, levels = self._history, self._levels
        for lead, other in (0, 1), (1, 0):
            if not (levels.counted[lead] and levels.live[other]):
                continue
            if top_of(history.envelope[lead, start:until]) < _SILENT * levels.level[lead]:
                least = _TALL * levels.level[other]
                tall = history.tops_apart(start, until, self._evidence.apart, least, other)
                if sum(self._resembles(place, other) for place in tall) >= _UPON:
                    levels.belief.lose(lead)

    def _resembles(self, place: int, lead: int) -> bool:
        """Whether what a lead has at ``place`` looks somewhat like a usual beat."""
        levels = self._levels
        match = self._templates.match(self._evidence.piece(place), levels.weights, levels.counted)
        best = match.fits[lead].max(axis=0)
        return any(
            fit > _RESEMBLES and self._templates.familiarity(kind) >= _OFTEN
            for kind, fit in enumerate(best.tolist())
        )

    def _shown(self, match: Match, tops: list[float], often: float) -> list[float] | None:
        """How well each lead shows what one of them is sure of, as correlation; None if none is.

        The nearest template of both leads together may be what noise in one of them has chosen.
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
        sure = [is_tall and fit > SURE for is_tall, fit in zip(tall, own, strict=True)]
        if True not in sure:
            return None
        # the other where the surest has it, unless it is sure itself, were it of another kind
        at = best[max(range(len(own)), key=lambda lead: own[lead] if sure[lead] else -1.0)]
        return [
            fit if is_sure else float(of[at])
            for fit, is_sure, of in zip(own, sure, fits, strict=True)
        ]
