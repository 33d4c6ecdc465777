"""The monitor's own QRS detector: NeuroKit2's gradient method, made incremental.

Rules that hold here:

1. Filters run once per hop on all leads; rules run once per candidate, a few a second.
2. Each candidate is decided once, in time order. Second looks are search-back, and that at what
   lies since the last beat when other leads count than before; neither takes a beat back.
3. Nothing depends on when a hop was pushed.
4. After a hole in all leads the rhythm starts anew; what has been learnt of the patient stays.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.config import DetectSettings
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.stages.detect.caution import Caution
from monitor.stages.detect.doubt import ALIKE, Doubt, shipped
from monitor.stages.detect.envelope import Envelope
from monitor.stages.detect.evidence import Candidate, Evidence
from monitor.stages.detect.history import HISTORY_S, History
from monitor.stages.detect.judge import shipped_judge
from monitor.stages.detect.jumps import Jumps
from monitor.stages.detect.levels import LEARN_S, LEAST_HEIGHT, SOON_S, Levels
from monitor.stages.detect.placement import Placement
from monitor.stages.detect.rejected import LONGEST_S, Rejected
from monitor.stages.detect.rhythm import Rhythm
from monitor.stages.detect.templates import SURE, Templates
from monitor.stages.detect.witness import Witness

Array = NDArray[np.float64]

MAX_LEADS = 2
_USABLE = frozenset({LeadState.OK, LeadState.NOISY})
_SURE = 2.5  # log odds from which on a decision does not wait
_DOUBT_S = 0.4  # how long it waits below that
_SEARCH_BACK_RR = 1.5  # mean RR without a beat, after which one is searched for
_T_WAVE_S = 0.36  # after Pan and Tompkins
_REPEATS = 0.75  # correlation of one with the next, twice in a row, that noise seldom has
_CUT_OFF_S = 0.015  # an R peak this near to the end of the stream may not be the highest point
_SEEN = 0.2  # of the typical height: enough to locate the R peak in that lead
_UNLIKE = 0.5  # correlation below which a beat that another lead is sure of is not seen in a lead
_BLIND_S = 0.7  # without a valid sample in any lead; what was before it is decided by then
_NEVER = -(2**62)
_CAUTION = Caution()


class GradientDetector:
    """QRS detector on the gradient magnitude of the ECG.

    Parameters
    ----------
    info
        The stream. The first two leads are used; R peaks are located in the first, or in the
        second while the first is not usable or the beat not seen in it.
    settings
        Of it, ``false_cost``.
    caution
        How much more evidence is asked for in noise.

    Notes
    -----
    The method of NeuroKit2 [1]_ finds a QRS where the gradient magnitude of the cleaned ECG,
    smoothed over 0.1 s, exceeds 1.5 times its mean over 0.75 s, and in it the most prominent
    peak; two are at least 0.3 s apart. What is different here:

    - It is incremental: causal filters with carried state, one hop at a time.
    - Cleaning is a 5 to 18 Hz band pass, where the energy of the QRS is [2]_ [3]_ and that of T
      waves, wander and muscle is not, with notches at 50 and at 60 Hz both: it need not be
      told, nor find out, which mains there is. The smoothing window is a Hann window.
    - A jump by three QRS sizes within 3 ms is taken out before, as spikes and steps are: the
      signal goes on at its old level (:mod:`monitor.stages.detect.jumps`).
    - A candidate is a top of the envelope (highest within 0.14 s), not a threshold crossing:
      so two complexes 0.2 s apart are two.
    - The short and the long mean, here of a second, are two figures of twenty
      (``evidence.NAMES``), each over the median height of the last eight beats [4]_. Among the
      others: slope, correlation with up to four running templates of the patient's beats [5]_,
      time since the last beat in seconds and in mean RR, the running height of what was rejected
      (the noise level of [2]_), width, baseline shift, and what lies just before and after. A
      network with 64 and 32 units, fitted on DS1 with noise, faults and made runs of VT
      (``tools/train/qrs.py``), turns them into log odds. T waves, pacing pulses and motion
      artefacts are told from beats by it, not by rule.
    - A candidate of clear odds is decided at once. One in doubt waits up to 0.4 s for the next,
      and the two are decided together: neither, one or both, whatever has the most evidence.
      There a QRS speaks against what is just before it, for a T wave mostly is. Not so where
      the two look alike, as in ventricular tachycardia from its second beat on, where every
      other beat would be given up for its neighbours: a T wave does not look like a QRS. There
      the first is taken as well where P(first) P(second | first) says so.
    - In noise a second network decides on what is in doubt, told of both candidates, for what
      comes after a beat tells it from noise as well as it does itself; not where 2 s are without
      a beat, as in asystole, or the two look alike (:mod:`monitor.stages.detect.doubt`).
    - A fifth candidate in a regular train of alike ones, tall in one lead and faster than 110
      a minute, none of them taken, is a beat whatever its odds: T waves have a QRS between
      them, noise does not repeat, and tachycardia may start with a QRS unlike any before.
    - In noise the odds must be better, those of search-back most of all
      (:mod:`monitor.stages.detect.caution`). Nor is a new kind of beat learnt
      there from what is seen but once. Three alike in a row, as tachycardia has and noise has
      not, are free of both, and of the second network.
    - Search-back [2]_: after 1.5 mean RR without a beat the best of the rejected, if it was
      not too bad nor, within 0.36 s of a beat, less than half as high and unlike it: after a
      tachycardia the mean RR is still short, and every T wave would be found. Nor may it
      be low and under 2.3 times the median height around it, as tops of noise
      are: an asystole is not searched for beats. Nothing lower than 0.12 of the typical QRS
      is looked at at all. One in doubt does not put it off, or where all is in doubt, as in
      noise and at the onset of tachycardia, nothing would ever be searched for; it is weighed
      anew. Nothing older than 3 s is taken.
    - A second lead, where there is one, adds to the height by weight, which is the smaller the
      more there is between its beats; a lead that is not usable weighs nothing, nor does one
      that two beats in a row which the other is sure of do not show in, whether it holds noise
      or nothing, unless the other is as restless as noise; it stays out until it shows beats.
      So does one with nothing at all for 3 s in which the other has what resembles beats.
      Where that is found out when a beat is late, but not in noise, what lies since the last
      one is looked at anew.
    - The R peak is the first main deflection of the primary lead, up or down, not the most
      prominent peak up; it is the same point on an inverted lead. A beat that is known in the
      second lead and unlike itself in the primary one is located in the second. In noise the
      first main deflection may be another: over 15 ms from where the R peak is in the beats of
      its kind, it is put there (:mod:`monitor.stages.detect.placement`).

    Latency is 0.14 s plus the delay of the filters (0.09 s) and up to one hop; in doubt 0.4 s
    more. The first beats come together when the level of the lead is learnt: after 1 s where
    one top stands out clearly, else after up to 1.5, and 2 to 5.5 s where that is less clear.
    Those of them that are older than 1 s then are ``searched_back``.

    References
    ----------
    .. [1] Makowski et al. (2021), doi:10.3758/s13428-020-01516-y; the method:
       Brammer (2020), doi:10.21105/joss.02621
    .. [2] Pan and Tompkins (1985), doi:10.1109/TBME.1985.325532
    .. [3] Elgendi et al. (2010), frequency bands effects on QRS detection;
       Elgendi (2013), doi:10.1371/journal.pone.0073557
    .. [4] Hamilton (2002), doi:10.1109/CIC.2002.1166717
    .. [5] Krasteva and Jekova (2007), doi:10.1007/s10439-007-9359-9
    """

    def __init__(
        self, info: StreamInfo, settings: DetectSettings, caution: Caution = _CAUTION
    ) -> None:
        rate_hz = info.rate_hz
        self._stream = info.stream
        self._rate_hz = rate_hz
        self._leads = min(len(info.leads), MAX_LEADS)
        self._jumps = Jumps(rate_hz, self._leads)
        self._front = Envelope(rate_hz, self._leads)
        self._history = History(rate_hz, self._leads, info.start_sample)
        self._levels = Levels(rate_hz, self._leads)
        self._templates = Templates(rate_hz, self._leads)
        self._placement = Placement(rate_hz, self._leads)
        self._rhythm = Rhythm(rate_hz, self._leads)
        self._evidence = Evidence(
            rate_hz, self._history, self._front, self._levels, self._templates, self._rhythm
        )
        self._witness = Witness(
            rate_hz, self._history, self._evidence, self._levels, self._templates
        )
        self._judge = shipped_judge()
        self._second = Doubt(rate_hz, shipped(), settings.false_cost)
        self._caution = caution
        self._apart = self._evidence.apart
        # candidates older than this lack the second before them
        self._reach = round((HISTORY_S - 1.5) * rate_hz)
        self._done = self._history.at  # candidates before this place are decided
        self._states: tuple[LeadState, ...] = ()
        self._usable = np.ones(self._leads, bool)
        self._all_usable = True
        self._valid_end = info.start_sample  # just past the last valid sample of any lead
        self._quiet_from = info.start_sample  # no beat since
        self._last: int | None = None  # stream index of the last beat, as Candidate has it
        self._last_height = 1.0
        self._last_peak = _NEVER
        self._rejected = Rejected(rate_hz, self._history, self._front.delay)
        self._doubt: Candidate | None = None
        self._alike = False  # the last two candidates

    def push(self, block: Samples, quality: Quality) -> list[RPeak]:
        """Take one hop, give the R peaks that can be decided now."""
        history, levels = self._history, self._levels
        peaks = [] if block.start_sample == history.end else self._skip(block.start_sample)
        values = block.values_mv.T[: self._leads].astype(np.float64, order="C")
        valid: NDArray[np.bool_] | None = None
        if quality.leads != self._states:
            self._states = quality.leads
            self._usable = np.array([s in _USABLE for s in quality.leads[: self._leads]])
            self._all_usable = bool(self._usable.all())
        # a sum of squares that is not finite shows NaN in one cheap call
        if not (self._all_usable and math.isfinite(np.vdot(values, values))):
            valid = np.isfinite(values) & self._usable[:, None]
        jumps = self._jumps.find(values, levels.span)
        if jumps is not None:
            valid = ~jumps if valid is None else valid & ~jumps
        if valid is None or valid.any():
            if block.start_sample - self._valid_end > _BLIND_S * self._rate_hz:
                self._begin_anew(block.start_sample)
            self._valid_end = block.end_sample
            if valid is not None:
                self._valid_end -= int(np.logical_or.reduce(valid)[::-1].argmax())
        counted = levels.counted
        self._store(values, valid)
        looks_again = levels.counted != counted and self._may_look_again()
        if levels.counted != counted:
            self._rhythm.hear(levels.counted)
        if looks_again:
            self._look_again()
        knew, before = levels.known, levels.level.copy()
        learnt = levels.learn_first(history)
        if learnt is not None and any(
            old != new and old < math.inf for old, new in zip(before, levels.level, strict=True)
        ):
            # the one top that the first level was from was no QRS, nor is what was learnt by it
            levels.forget_shape()
            self._templates.forget()
        if learnt == LEARN_S[-1] and not knew:
            # nothing agreed for so long: what was so odd is not judged any more
            self._done = history.at - self._apart
        levels.learn_again(self._quiet, history)
        found = self._decide_until(history.at - self._apart)
        if learnt is not None or looks_again:
            soon = history.end - round(SOON_S[0][0] * self._rate_hz)
            found = [
                replace(peak, searched_back=peak.searched_back or peak.sample < soon)
                for peak in found
            ]
        return peaks + found

    def flush(self) -> list[RPeak]:
        """Give the peaks still waiting when the stream ends."""
        # where the last samples rise to, nobody knows
        cut_off = self._valid_end - round(_CUT_OFF_S * self._rate_hz)
        return [peak for peak in self._close() if peak.sample < cut_off]

    # --- signal ---------------------------------------------------------------------------

    def _store(self, values: Array, valid: NDArray[np.bool_] | None) -> None:
        """Filter one hop and append it to the history."""
        n, history = values.shape[1], self._history
        self._done -= history.grow(n)
        self._front.push(values, valid, history)
        self._levels.follow(history.envelope[:, history.at - n : history.at], valid)
        history.rescale(self._levels.scale, n)

    def _may_look_again(self) -> bool:
        """Whether a beat is late, and would not be sought in noise."""
        levels = self._levels
        late = self._quiet > _SEARCH_BACK_RR * self._rhythm.rr
        return late and levels.live.count(True) > 1 and not levels.restless

    def _look_again(self) -> None:
        """Look anew at what lies since the last beat: other leads count than before."""
        self._history.rescale(self._levels.scale)
        if self._last is not None:
            horizon = self._history.end - round(LONGEST_S * self._rate_hz)
            since = max(self._last + self._apart, horizon)
            self._done = min(self._done, since - self._sample(0))
            self._doubt = None
            self._rejected.forget()

    def _skip(self, start_sample: int) -> list[RPeak]:
        """Step over missing samples: what was seen is decided, the rhythm starts anew."""
        peaks = self._close()
        self._front.forget()
        self._jumps.forget()
        self._history.end = start_sample
        self._done = self._history.at
        self._begin_anew(start_sample)
        return peaks

    def _begin_anew(self, start_sample: int) -> None:
        """Go on from here as if there had been no beat: it was not seen if there was one."""
        self._quiet_from = start_sample
        self._last = None
        self._rejected.forget()

    def _close(self) -> list[RPeak]:
        """Decide everything seen so far, as if the signal went on without change."""
        end = self._history.end
        n = self._front.delay + self._apart + 1
        self._store(np.zeros((self._leads, n)), np.zeros((self._leads, n), bool))
        peaks = self._decide_until(self._history.at - self._apart)
        if self._doubt is not None:
            peaks += self._settle(self._doubt)
        self._history.end = end
        return [replace(peak, decided_sample=end - 1) for peak in peaks]

    @property
    def _quiet(self) -> int:
        """Samples since the last beat."""
        return self._history.end - self._quiet_from

    # --- decisions ------------------------------------------------------------------------

    def _decide_until(self, until: int) -> list[RPeak]:
        """Decide the candidates at places [done, until)."""
        peaks: list[RPeak] = []
        start = max(self._done, self._history.at - self._reach)
        if self._levels.known and until > start:
            for place in self._history.tops_apart(start, until, self._apart, LEAST_HEIGHT):
                peaks += self._decide(place)
            if self._levels.live.count(True) > 1:
                self._ask_witness(start, until)
            start = until
        self._done = start
        now = self._sample(start)
        doubt = self._doubt
        if doubt is not None and now - doubt.sample > _DOUBT_S * self._rate_hz:
            peaks += self._settle(doubt)
        if self._rejected.open:
            peaks += self._search_back(now)
        return peaks

    def _ask_witness(self, start: int, until: int) -> None:
        """Have the leads compared at what is no candidate in places [start, until)."""
        late = self._quiet > _SEARCH_BACK_RR * self._rhythm.rr
        last = start if self._last is None else self._last + self._apart - self._sample(0)
        since = max(last, self._history.at - self._reach)
        self._witness.attend(start, until, since, self._quiet, late)

    def _decide(self, place: int) -> list[RPeak]:
        """Decide a candidate at once where it is clear, else keep it in doubt for a while."""
        peaks: list[RPeak] = []
        candidate = self._weigh(place)
        doubt = self._doubt
        if doubt is not None:
            after = self._weigh(place, after=doubt).log_odds
            peaks += self._settle(doubt, candidate, after)
            if peaks:
                candidate = self._weigh(place)
        if abs(candidate.log_odds) < _SURE:
            self._doubt = candidate
        else:
            peaks += self._resolve(candidate, candidate.log_odds > 0.0)
        if self._leads > 1:
            self._witness.compare(candidate.match, candidate.tops, self._quiet)
        self._alike = candidate.match.like_previous > _REPEATS
        self._templates.see(self._evidence.piece(place))
        return peaks

    def _weigh(
        self, place: int, after: Candidate | None = None, again: Candidate | None = None
    ) -> Candidate:
        """Weigh the candidate at ``place``, as if ``after`` had been taken for a beat.

        ``again`` is what it was when it was weighed and kept in doubt before.
        """
        sample = self._sample(place)
        last, height = self._last, self._last_height
        if after is not None:
            last, height = after.sample, math.exp(after.figures[0])
        figures, match, *found = self._evidence.figures(place, sample, last, height)
        repeats = self._alike and match.like_previous > _REPEATS
        if again is not None:
            # what it would be compared with by now is itself
            match = match._replace(like_previous=again.match.like_previous)
            repeats = again.repeats
        log_odds = self._judge.log_odds(figures) - self._caution.odds * self._noise(repeats)
        return Candidate(sample, log_odds, figures, match, repeats, *found)

    def _noise(self, repeats: bool) -> float:
        """How much noise there is; none for what repeats itself, as tachycardia does."""
        return 0.0 if repeats else self._caution.noise(self._rhythm.noise)

    def _settle(
        self, doubt: Candidate, following: Candidate | None = None, after: float = 0.0
    ) -> list[RPeak]:
        """Decide on the candidate in doubt, by the next one if there is one in time."""
        self._doubt = None
        noise = self._noise(doubt.repeats)
        is_beat, log_odds = self._second.decide(doubt, noise, following, after)
        return self._resolve(doubt._replace(log_odds=log_odds), is_beat)

    def _resolve(self, candidate: Candidate, is_beat: bool) -> list[RPeak]:
        if is_beat or self._rejected.in_train(candidate):
            return [self._accept(candidate, searched_back=False)]
        heights = [top / v for top, v in zip(candidate.tops, self._levels.level, strict=True)]
        self._rhythm.reject(candidate.sample, candidate.figures[0], heights)
        caution = self._caution
        noise = self._noise(candidate.repeats)
        least = caution.search_back + caution.search_back_noise * noise
        if candidate.log_odds > least and not self._as_t_wave(candidate):
            self._rejected.open.append(candidate)
        return []

    def _as_t_wave(self, candidate: Candidate) -> bool:
        """Whether it is where a T wave would be, lower than half the beat before, and unlike it."""
        if self._last is None or candidate.sample - self._last > _T_WAVE_S * self._rate_hz:
            return False
        lower = math.exp(candidate.figures[0]) < 0.5 * self._last_height
        return lower and candidate.match.like_previous < ALIKE

    def _search_back(self, now: int) -> list[RPeak]:
        """After a long time without a beat, take the best of what was rejected in it."""
        rejected, doubt = self._rejected, self._doubt
        rejected.age(now)
        # what is in doubt may end the time without a beat, but does not shorten it
        until = now if doubt is None else doubt.sample
        if self._last is None or until - self._last <= _SEARCH_BACK_RR * self._rhythm.rr:
            return []
        best = rejected.best()
        if best is None:
            return []
        later = [candidate for candidate in rejected.open if candidate.sample > best.sample]
        peak = self._accept(best, searched_back=True)
        rejected.open = later
        if doubt is not None:
            self._doubt = self._weigh(doubt.sample - self._sample(0), again=doubt)
        return [peak]

    def _accept(self, candidate: Candidate, searched_back: bool) -> RPeak:
        """Take a candidate for a beat: learn from it and locate its R peak."""
        sample, levels = candidate.sample, self._levels
        place = sample - self._sample(0)
        # the primary lead, if the beat can be seen in it
        seen = [
            top / level if counts else 0.0
            for top, level, counts in zip(candidate.tops, levels.level, levels.counted, strict=True)
        ]
        lead = 0 if seen[0] > _SEEN else seen.index(max(seen))
        each = candidate.match.each
        if lead == 0 and each[0] < _UNLIKE and max(each) > SURE:
            best = each.index(max(each))
            lead = best if levels.counted[best] else 0
        levels.learn_beat(candidate.tops, candidate.slope, candidate.span)
        match, noise = candidate.match, self._noise(candidate.repeats)
        kind = self._templates.learn(
            self._evidence.piece(place),
            match,
            levels.live,
            levels.counted,
            noise < self._caution.new_kind,
        )
        self._rhythm.accept(None if self._last is None else sample - self._last)
        self._last = self._quiet_from = sample
        self._last_height = math.exp(candidate.figures[0])
        self._rejected.forget()
        alone = self._evidence.r_peak(place, lead) - self._history.at + self._history.end
        fits = sample + match.start - self._templates.shift
        at = self._placement.place(alone, fits, lead, match, noise)
        self._placement.learn(alone, fits, lead, match, kind)
        if at - self._last_peak < self._apart // 2:
            at = max(sample, self._last_peak + 1)
        # what a hole or the end of the stream cuts off rises to the last sample
        at = max(min(at, self._valid_end - 1), self._last_peak + 1)
        self._last_peak = at
        return RPeak(self._stream, at, self._history.end - 1, lead, searched_back)

    def _sample(self, place: int) -> int:
        """Stream index of what the envelope shows at ``place``."""
        return place - self._history.at + self._history.end - self._front.delay
