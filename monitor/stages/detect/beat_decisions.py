"""Decides which candidates are beats.

Rules that hold here:

1. Each candidate is decided once, in time order. A second look is taken only by search-back, and
   after a change of leads when a beat is overdue; neither takes a beat back.
2. A clear candidate is decided at once. An uncertain one is pending until the next candidate comes
   or 0.4 s have passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from monitor.messages import RPeak
from monitor.stages.detect.deferred_decision import DeferredDecision, shipped_deferred_network
from monitor.stages.detect.envelope import Envelope
from monitor.stages.detect.features import Candidate, CandidateFeatures
from monitor.stages.detect.history import HISTORY_S, History
from monitor.stages.detect.lead_comparison import LeadComparison
from monitor.stages.detect.levels import LEAST_HEIGHT, Levels
from monitor.stages.detect.networks import QrsNetwork, shipped
from monitor.stages.detect.noise_penalty import NoisePenalty
from monitor.stages.detect.r_peak_refinement import RPeakFinder, RPeakRefinement
from monitor.stages.detect.rejected import LONGEST_S, Rejected
from monitor.stages.detect.rr_statistics import RrStatistics
from monitor.stages.detect.templates import Templates

_CLEAR = 2.5  # log odds from which on a decision does not wait
_WAIT_S = 0.4  # longest wait of an uncertain candidate
_OVERDUE_RR = 1.5  # mean RR without a beat, after which one is searched for
_REPEATS = 0.75  # correlation with the candidate before; noise seldom has it twice in a row
_CONTEXT_S = 1.5  # a candidate needs a second of history before it, and a margin
_NEVER = -(2**62)


class BeatDecisions:
    """Decides on the candidates of one stream, and locates the R peaks of the beats.

    Parameters
    ----------
    stream
        Name of the stream.
    rate_hz
        Sampling rate.
    history, front, levels
        The parts of the detector that this reads; it teaches ``levels`` the accepted beats.
    false_cost
        Cost of a false beat, in missed beats.
    penalty
        How much more evidence is needed in noise.

    Attributes
    ----------
    network, deferred
        The network that weighs candidates, and the decision on uncertain ones. A fit replaces them.
    on_weighed
        Called with every candidate that is weighed; a fit collects its features here.
    """

    def __init__(
        self,
        stream: str,
        rate_hz: float,
        history: History,
        front: Envelope,
        levels: Levels,
        false_cost: float,
        penalty: NoisePenalty,
    ) -> None:
        self._stream = stream
        self._rate_hz = rate_hz
        self._history = history
        self._delay = front.delay
        self._levels = levels
        self._penalty = penalty
        self._templates = Templates(rate_hz, levels.leads)
        self._rr = RrStatistics(rate_hz, levels.leads)
        self._features = CandidateFeatures(
            rate_hz, history, front, levels, self._templates, self._rr
        )
        self._comparison = LeadComparison(rate_hz, history, self._features, levels, self._templates)
        self._r_peak = RPeakFinder(rate_hz, history, levels, front.delay)
        self._refinement = RPeakRefinement(rate_hz, levels.leads)
        self.network = QrsNetwork(shipped()["qrs"].layers)
        self.deferred = DeferredDecision(rate_hz, shipped_deferred_network(), false_cost)
        self.on_weighed: Callable[[Candidate], None] | None = None
        self.apart = self._features.apart
        self._reach = round((HISTORY_S - _CONTEXT_S) * rate_hz)
        self._decided_until = history.end  # stream index; candidates before it are decided
        self._quiet_from = history.end  # no beat since
        self._last: int | None = None  # stream index of the last beat, as in Candidate
        self._last_height = 1.0
        self._last_peak = _NEVER
        self._rejected = Rejected(rate_hz, history, front.delay)
        self._pending: Candidate | None = None
        self._two_alike = False  # the last two candidates

    @property
    def quiet(self) -> int:
        """Samples since the last beat."""
        return self._history.end - self._quiet_from

    @property
    def _overdue(self) -> bool:
        return self.quiet > _OVERDUE_RR * self._rr.mean

    def begin_anew(self, start_sample: int) -> None:
        """Go on after a gap as if there had been no beat before."""
        self._quiet_from = start_sample
        self._last = None
        self._rejected.forget()

    def drop_candidates(self, end_sample: int) -> None:
        """Skip the candidates before a stream index."""
        self._decided_until = end_sample

    def forget_shape(self) -> None:
        """Forget slopes, sizes and templates: they were not learnt from a QRS."""
        self._levels.forget_shape()
        self._templates.forget()

    def select_leads(self) -> bool:
        """Take over the leads that count now.

        If a beat is overdue and there is no noise, the time since the last beat is searched again.

        Returns
        -------
        bool
            Whether it is searched again.
        """
        levels, history = self._levels, self._history
        again = self._overdue and levels.live.count(True) > 1 and not levels.restless
        self._rr.select_leads(levels.counted)
        if again:
            history.rescale(levels.scale)
            if self._last is not None:
                horizon = history.end - round(LONGEST_S * self._rate_hz)
                since = max(self._last + self.apart, horizon)
                self._decided_until = min(self._decided_until, since + self._delay)
                self._pending = None
                self._rejected.forget()
        return again

    def decide_until(self, until: int) -> list[RPeak]:
        """Decide the candidates before the place ``until``."""
        peaks: list[RPeak] = []
        history = self._history
        start = max(history.place(self._decided_until), history.at - self._reach)
        if self._levels.known and until > start:
            for place in history.tops_apart(start, until, self.apart, LEAST_HEIGHT):
                peaks += self._decide(place)
            if self._levels.live.count(True) > 1:
                self._compare_leads(start, until)
            start = until
        self._decided_until = history.index(start)
        now = self._sample(start)
        if self._pending is not None and now - self._pending.sample > _WAIT_S * self._rate_hz:
            peaks += self.settle()
        if self._rejected.open:
            peaks += self._search_back(now)
        return peaks

    def settle(self, following: Candidate | None = None, after: float = 0.0) -> list[RPeak]:
        """Decide on the pending candidate, if there is one.

        ``following`` is the next candidate, if it came in time; ``after`` its log odds if the
        pending one is a beat.
        """
        pending, self._pending = self._pending, None
        if pending is None:
            return []
        noise_level = self._noise_level(pending.repeats)
        is_beat, log_odds = self.deferred.decide(pending, noise_level, following, after)
        return self._resolve(pending._replace(log_odds=log_odds), is_beat)

    def _decide(self, place: int) -> list[RPeak]:
        """Decide a clear candidate; keep an uncertain one pending."""
        peaks: list[RPeak] = []
        candidate = self._weigh(place)
        if self._pending is not None:
            after = self._weigh(place, after=self._pending).log_odds
            peaks += self.settle(candidate, after)
            if peaks:
                candidate = self._weigh(place)
        if abs(candidate.log_odds) < _CLEAR:
            self._pending = candidate
        else:
            peaks += self._resolve(candidate, candidate.log_odds > 0.0)
        if self._levels.leads > 1:
            self._comparison.compare_candidate(candidate.match, candidate.tops, self.quiet)
        self._two_alike = candidate.match.like_previous > _REPEATS
        self._templates.see(self._features.piece(place))
        return peaks

    def _weigh(
        self, place: int, after: Candidate | None = None, again: Candidate | None = None
    ) -> Candidate:
        """Compute features and log odds of the candidate at ``place``.

        Parameters
        ----------
        place
            Index of its peak in the history.
        after
            A candidate that is assumed to be a beat.
        again
            The same candidate as weighed before, while it was pending.
        """
        sample = self._sample(place)
        last, height = self._last, self._last_height
        if after is not None:
            last, height = after.sample, math.exp(after.features.height)
        features, match, *found = self._features.collect(place, sample, last, height)
        repeats = self._two_alike and match.like_previous > _REPEATS
        if again is not None:
            # the candidate before is now this one itself
            match = match._replace(like_previous=again.match.like_previous)
            repeats = again.repeats
        penalty = self._penalty.odds * self._noise_level(repeats)
        log_odds = self.network.log_odds(features) - penalty
        candidate = Candidate(sample, log_odds, features, match, repeats, *found)
        if self.on_weighed is not None:
            self.on_weighed(candidate)
        return candidate

    def _noise_level(self, repeats: bool) -> float:
        """Noise level, 0 to 1; 0 for a candidate that repeats, as in tachycardia."""
        return 0.0 if repeats else self._penalty.noise_level(self._rr.noise)

    def _resolve(self, candidate: Candidate, is_beat: bool) -> list[RPeak]:
        """Accept or reject a candidate; one in a regular train is accepted."""
        if is_beat or self._rejected.in_train(candidate):
            return [self._accept(candidate, searched_back=False)]
        heights = [top / v for top, v in zip(candidate.tops, self._levels.level, strict=True)]
        self._rr.reject(candidate.sample, candidate.features.height, heights)
        least = self._penalty.least_for_search_back(self._noise_level(candidate.repeats))
        self._rejected.add(candidate, least, self._last, self._last_height)
        return []

    def _accept(self, beat: Candidate, searched_back: bool) -> RPeak:
        """Learn from a beat and locate its R peak."""
        levels, history, match = self._levels, self._history, beat.match
        place, lead = history.place(beat.sample + self._delay), self._r_peak.lead(beat)
        levels.learn_beat(beat.tops, beat.slope, beat.span)
        noise_level = self._noise_level(beat.repeats)
        new = noise_level < self._penalty.new_kind
        piece = self._features.piece(place)
        kind = self._templates.learn(piece, match, levels.live, levels.counted, new)
        self._rr.accept(None if self._last is None else beat.sample - self._last)
        self._last = self._quiet_from = beat.sample
        self._last_height = math.exp(beat.features.height)
        self._rejected.forget()
        found = history.index(self._r_peak.find(place, lead))
        fits = beat.sample + match.start - self._templates.shift
        at = self._refinement.refine(found, fits, lead, match, noise_level)
        self._refinement.learn(found, fits, lead, match, kind)
        if at - self._last_peak < self.apart // 2:
            at = max(beat.sample, self._last_peak + 1)
        # a beat cut off by a gap or the end of the stream rises to the last valid sample
        at = max(min(at, history.valid_end - 1), self._last_peak + 1)
        self._last_peak = at
        return RPeak(self._stream, at, history.end - 1, lead, searched_back)

    def _search_back(self, now: int) -> list[RPeak]:
        """If a beat is overdue, accept the best candidate rejected since the last beat."""
        rejected, pending = self._rejected, self._pending
        rejected.expire(now)
        # a pending candidate may end the time without a beat
        until = now if pending is None else pending.sample
        if self._last is None or until - self._last <= _OVERDUE_RR * self._rr.mean:
            return []
        best = rejected.best()
        if best is None:
            return []
        later = [candidate for candidate in rejected.open if candidate.sample > best.sample]
        peak = self._accept(best, searched_back=True)
        rejected.open = later
        if pending is not None:
            place = self._history.place(pending.sample + self._delay)
            self._pending = self._weigh(place, again=pending)
        return [peak]

    def _compare_leads(self, start: int, until: int) -> None:
        """Compare the leads at peaks in places [start, until) that are no candidates."""
        last = start
        if self._last is not None:
            last = self._history.place(self._last + self.apart + self._delay)
        since = max(last, self._history.at - self._reach)
        self._comparison.compare_leads(start, until, since, self.quiet, self._overdue)

    def _sample(self, place: int) -> int:
        """Stream index of the signal that the envelope shows at ``place``."""
        return self._history.index(place) - self._delay
