"""The monitor's own QRS detector: NeuroKit2's gradient method, made incremental.

Rules that hold here:

1. Filters run on whole hops; the rules run per candidate, of which there are a few a second.
2. Heights are in units of the typical QRS, so gain never matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.config import DetectSettings
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.stages.detect.envelope import Envelope
from monitor.stages.detect.judge import Judge
from monitor.stages.detect.templates import Templates

Array = NDArray[np.float64]

MAX_LEADS = 2
_HISTORY_S = 6.0
_APART_S = 0.14  # a candidate is the highest point of the envelope this far on both sides
_LEARN_S = (2.0, 4.0, 5.5)  # the first level is taken from the first of these that agrees
_ALIKE = 0.4
_FLOOR_MV_S = 0.15  # envelope of a QRS of about 0.01 mV
_LEAST_HEIGHT = 0.12
_USABLE = frozenset({LeadState.OK, LeadState.NOISY})
_LONGEST_S = 3.0
_HIGHEST = 6.0  # heights are cut here, so that a spike does not reign over its surroundings
_QUIET_S = 4.0  # without a beat for so long, the level is looked for again
_LONG_QUIET_S = 20.0
_PEAKY = 4.0  # and must stand out so far from the median: noise reaches 2 to 3
_SEARCH_BACK = -3.0  # log odds that a missed beat must have had
_SURE = 2.5  # log odds from which on a decision does not wait
_DOUBT_S = 0.4  # how long it waits below that
_FIRST = 0.5  # of the later deflection


@dataclass(frozen=True, slots=True)
class _Candidate:
    sample: int  # stream index of the envelope's top, delay taken off
    log_odds: float
    figures: list[float]
    match: tuple[float, int, int]  # correlation, kind and start, as Templates places it


class GradientDetector:
    """Gradient-magnitude QRS detector with thresholds that learn and forget."""

    def __init__(self, info: StreamInfo, settings: DetectSettings) -> None:
        rate_hz = info.rate_hz
        self._stream = info.stream
        self._rate_hz = rate_hz
        self._leads = min(len(info.leads), MAX_LEADS)
        self._front = Envelope(rate_hz, self._leads)
        self._templates = Templates(rate_hz, self._leads)
        self._judge = Judge()
        self._keep = round(_HISTORY_S * rate_hz)
        self._apart = round(_APART_S * rate_hz)
        self._judged = round((_HISTORY_S - 1.5) * rate_hz)  # older candidates lack a second before
        self._samples_of = {s: round(s * rate_hz) for s in (0.05, 0.06, 0.08, 0.1, 0.25, 0.5, 1.0)}
        # history: signal, band, envelope of all leads, and the height of all leads together;
        # the newest sample is at _at - 1, and its index in the stream is _end - 1
        size = 4 * self._keep
        self._signal = np.zeros((self._leads, size))
        self._band = np.zeros((self._leads, size))
        self._envelope = np.zeros((self._leads, size))
        self._height = np.zeros(size)
        self._at = self._keep
        self._end = info.start_sample
        self._done = self._keep  # candidates before this place are judged
        self._settled = info.start_sample
        # typical envelope top of a QRS, mV/s; infinite while not known, so that nothing is high
        self._level = np.full(self._leads, np.inf)
        self._proven = np.zeros(self._leads)  # the level when beats were last found in a row
        self._run = np.zeros(self._leads, np.int64)  # samples since the last invalid one
        self._live = np.ones(self._leads, bool)
        self._quiet_from = info.start_sample  # no beat since
        self._hop = 0
        self._slope = np.zeros(self._leads)  # typical steepest slope, mV
        self._span = np.zeros(self._leads)  # typical size, mV
        self._recent = np.full((8, self._leads), np.inf)
        self._background = np.full(self._leads, 0.2)
        self._weights = np.full(self._leads, 1.0 / self._leads)
        self._noise = 0.1
        self._rejected = 0.0  # faded count
        self._rejected_at = info.start_sample
        self._rr = 0.8 * rate_hz
        self._deviation = 0.1
        self._beats = 0
        self._last: int | None = None  # stream index of the last beat
        self._last_height = 1.0
        self._last_peak = -(2**62)
        self._missed: list[_Candidate] = []  # rejected, but open to search-back
        self._doubt: _Candidate | None = None

    @property
    def settled_sample(self) -> int:
        """No peak before this sample will come any more."""
        return self._settled

    def push(self, block: Samples, quality: Quality) -> list[RPeak]:
        """Take one hop, give the R peaks that can be decided now."""
        peaks = [] if block.start_sample == self._end else self._skip(block.start_sample)
        self._hop = len(block.values_mv)
        values = block.values_mv.T[: self._leads].astype(np.float64, order="C")
        valid: NDArray[np.bool_] | None = None
        states = quality.leads
        if not (
            math.isfinite(values.sum()) and all(states[i] in _USABLE for i in range(self._leads))
        ):
            valid = np.isfinite(values)
            for lead in range(self._leads):
                if states[lead] not in _USABLE:
                    valid[lead] = False
        self._store(values, valid)
        self._end = block.end_sample
        self._learn()
        return peaks + self._judge_until(self._at - self._apart)

    def flush(self) -> list[RPeak]:
        """Give the peaks still waiting when the stream ends."""
        # a complex that the end cuts off is none
        cut_off = self._end - self._samples_of[0.06]
        return [peak for peak in self._close() if peak.sample < cut_off]

    # --- signal -----------------------------------------------------------------------

    def _store(self, values: Array, valid: NDArray[np.bool_] | None) -> None:
        """Filter one hop and append it to the history."""
        signal, band, envelope = self._front.push(values, valid)
        n = signal.shape[1]
        if self._at + n > len(self._height):
            self._compact()
        place = slice(self._at, self._at + n)
        self._signal[:, place] = signal
        self._band[:, place] = band
        self._envelope[:, place] = envelope
        self._at += n
        self._run += n
        if valid is not None:
            self._run[~valid.all(axis=1)] = 0
        if self._leads > 1:
            self._weigh(envelope)
        np.minimum((self._weights / self._level) @ envelope, _HIGHEST, out=self._height[place])

    def _weigh(self, envelope: Array) -> None:
        """Weigh the leads by how quiet they are between beats; a dead lead weighs nothing."""
        known = self._level < np.inf
        live = known & (self._run > self._samples_of[0.5])
        if not live.any():
            live = known if known.any() else ~known
        self._live = live
        self._background += 0.15 * (envelope.mean(axis=1) / self._level - self._background)
        weights = live / (self._background + 0.1) ** 2
        self._weights = weights / weights.sum()

    def _compact(self) -> None:
        shift = self._at - self._keep
        for array in (self._signal, self._band, self._envelope, self._height):
            array[..., : self._keep] = array[..., shift : self._at]
        self._at = self._keep
        self._done -= shift

    def _skip(self, start_sample: int) -> list[RPeak]:
        """Step over missing samples: what was seen is decided, the rhythm starts anew."""
        peaks = self._close()
        self._front.forget()
        self._end = self._settled = start_sample
        self._done = self._at
        self._last = None
        self._quiet_from = start_sample
        self._missed.clear()
        return peaks

    def _close(self) -> list[RPeak]:
        """Decide everything seen so far, as if the signal went on without change."""
        end = self._end
        n = self._front.delay + self._apart + 1
        self._store(np.zeros((self._leads, n)), np.zeros((self._leads, n), bool))
        self._end += n
        peaks = self._judge_until(self._at - self._apart)
        if self._doubt is not None:
            peaks += self._resolve(self._doubt, self._doubt.log_odds > 0.0)
        self._end = self._settled = end
        return [replace(peak, decided_sample=end - 1) for peak in peaks if peak.sample < end]

    # --- levels -----------------------------------------------------------------------

    def _learn(self) -> None:
        """Learn the level of a lead that has none, or of all when no beat came for long."""
        rate_hz = self._rate_hz
        for seconds in _LEARN_S if self._level.max() == np.inf else ():
            new = (self._level == np.inf) & (self._run >= seconds * rate_hz)
            if new.any():
                halves = self._tops(round(seconds * rate_hz))
                tops = halves.max(axis=0)
                # a beat in both halves, rather than a beat and a step, or nothing at all
                new &= (halves.min(axis=0) > _ALIKE * tops) | (seconds == _LEARN_S[-1])
                new &= tops > _FLOOR_MV_S
                if new.any():
                    self._set_level(new, tops)
                    if seconds == _LEARN_S[-1]:  # only what comes is judged, not what was odd
                        self._done = self._at - self._apart
        quiet = self._end - self._quiet_from
        if quiet < _QUIET_S * rate_hz or quiet % round(_QUIET_S * rate_hz) >= self._hop:
            return
        tops = self._tops(round(_QUIET_S * rate_hz)).min(axis=0)
        middle = np.median(self._envelope[:, self._at - self._keep // 2 : self._at], axis=1)
        share = _LEAST_HEIGHT if quiet < _LONG_QUIET_S * rate_hz else _LEAST_HEIGHT / 2
        real = (tops > _PEAKY * middle) & (tops > share * self._proven) & (self._level < np.inf)
        change = real & ((tops < 0.6 * self._level) | (tops > 1.5 * self._level))
        if change.any():
            self._set_level(change, tops)

    def _tops(self, n: int) -> Array:
        """Highest envelope in the two halves of the last ``n`` samples, shape (2, leads)."""
        recent = self._envelope[:, self._at - n : self._at]
        tops = np.stack((recent[:, : n // 2].max(axis=1), recent[:, n // 2 :].max(axis=1)))
        return 0.8 * tops

    def _set_level(self, which: NDArray[np.bool_], tops: Array) -> None:
        self._level = np.where(which, np.maximum(tops, _FLOOR_MV_S), self._level)
        self._recent[:, which] = self._level[which]
        self._weigh(self._envelope[:, self._at - 1 : self._at])
        heights = (self._weights / self._level) @ self._envelope[:, : self._at]
        self._height[: self._at] = np.minimum(heights, _HIGHEST)

    # --- candidates -------------------------------------------------------------------

    def _judge_until(self, until: int) -> list[RPeak]:
        """Judge the candidates at places [done, until)."""
        peaks: list[RPeak] = []
        if not (self._level < np.inf).any():
            # nothing is known yet: what lies within the learning time can still be judged
            self._done = max(self._done, self._at - self._judged)
            known = self._end - (self._at - self._done) - self._front.delay
            self._settled = max(self._settled, known - self._samples_of[0.1])
            return peaks
        a = max(self._done, self._at - self._judged)
        if until > a:
            part = self._height[a - 1 : until + 1]
            if part.max() > _LEAST_HEIGHT:
                inner = part[1:-1]
                tops = (inner > part[:-2]) & (inner >= part[2:]) & (inner > _LEAST_HEIGHT)
                for place in (np.flatnonzero(tops) + a).tolist():
                    around = self._height[place - self._apart : place + self._apart + 1]
                    if self._height[place] >= around.max():
                        peaks += self._decide(place)
            self._done = until
        now = self._end - (self._at - until) - self._front.delay
        doubt = self._doubt
        if doubt is not None and now - doubt.sample > _DOUBT_S * self._rate_hz:
            peaks += self._resolve(doubt, doubt.log_odds > 0.0)
        peaks += self._search_back(now)
        waiting = self._missed if self._doubt is None else [*self._missed, self._doubt]
        settled = min([now, *(c.sample for c in waiting)]) - self._samples_of[0.1]
        self._settled = max(self._settled, settled)
        return peaks

    def _decide(self, place: int) -> list[RPeak]:
        """Decide a candidate at once where it is clear, else keep it in doubt for a while."""
        peaks: list[RPeak] = []
        candidate = self._candidate(place)
        doubt = self._doubt
        if doubt is not None:
            # of the four ways to decide both, the one with the most evidence
            both = doubt.log_odds + self._candidate(place, after=doubt).log_odds
            alone = max(doubt.log_odds, both)
            peaks += self._resolve(doubt, alone > max(0.0, candidate.log_odds))
            if peaks:
                candidate = self._candidate(place)
        if abs(candidate.log_odds) < _SURE:
            self._doubt = candidate
        else:
            peaks += self._resolve(candidate, candidate.log_odds > 0.0)
        return peaks

    def _resolve(self, candidate: _Candidate, is_beat: bool) -> list[RPeak]:
        if candidate is self._doubt:
            self._doubt = None
        if is_beat:
            return [self._accept(candidate, searched_back=False)]
        sample = candidate.sample
        seconds = max(sample - self._rejected_at, 0) / self._rate_hz
        self._rejected = self._rejected * math.exp(-seconds / 2.0) + 1.0
        self._rejected_at = sample
        self._noise += 0.1 * (min(math.exp(candidate.figures[0]), 1.5) - self._noise)
        if candidate.log_odds > _SEARCH_BACK:
            self._missed.append(candidate)
        return []

    def _search_back(self, now: int) -> list[RPeak]:
        if not self._missed or self._doubt is not None:
            return []
        if self._last is not None and now - self._last > 1.5 * self._rr:
            best = max(self._missed, key=lambda m: m.log_odds)
            later = [m for m in self._missed if m.sample > best.sample]
            peak = self._accept(best, searched_back=True)
            self._missed = later
            return [peak]
        horizon = now - _LONGEST_S * self._rate_hz
        self._missed = [m for m in self._missed if m.sample > horizon]
        return []

    def _candidate(self, place: int, after: _Candidate | None = None) -> _Candidate:
        """Weigh the candidate at ``place``, as if ``after`` had been taken for a beat."""
        sample = place - self._at + self._end - self._front.delay
        if after is None:
            return _Candidate(sample, *self._evidence(place))
        last, height = self._last, self._last_height
        self._last, self._last_height = after.sample, math.exp(after.figures[0])
        candidate = _Candidate(sample, *self._evidence(place))
        self._last, self._last_height = last, height
        return candidate

    def _evidence(self, place: int) -> tuple[float, list[float], tuple[float, int, int]]:
        """Log odds that there is a QRS at ``place``, the figures behind it, and the template."""
        of = self._samples_of
        weights = self._weights
        rate_hz = self._rate_hz
        sample = place - self._at + self._end - self._front.delay
        w = of[0.05]
        near = self._envelope[:, place - w : place + w + 1].max(axis=1)
        tops = np.log(near / self._level + 1e-3)
        if self._leads == 1:
            height = lowest = highest = float(tops[0])
        else:
            height = float(tops @ weights)
            live = tops[self._live]
            lowest, highest = float(live.min()), float(live.max())
        here = float(self._height[place]) + 1e-9

        centre = place - self._front.delay
        slope, span, step = self._raw(centre)
        if not self._slope.all():
            self._slope = np.where(self._slope > 0.0, self._slope, slope)
            self._span = np.where(self._span > 0.0, self._span, span)
        slope_figure = float(np.log(slope / self._slope + 1e-3) @ weights)
        size_step = float((np.abs(step) / self._span) @ weights)

        t = self._templates
        reach = t.half + t.shift
        centre = place - self._front.delay + self._front.band_delay
        piece = self._band[:, centre - reach : centre + reach + 1]
        correlation, worst, size, kind, start = t.match(piece, weights, self._live)

        h = self._height
        second = h[place - of[1.0] : place + self._apart]
        neighbourhood = h[place - self._apart : place + self._apart + 1]
        since = 2.5 * rate_hz if self._last is None else min(sample - self._last, 2.5 * rate_hz)
        since = max(since, 0.05 * rate_hz)
        since_place = int(min(since, of[1.0])) - of[0.1]
        behind = 0.0
        if since_place > of[0.1]:
            behind = float(h[place - since_place : place - of[0.1]].max()) / here
        seconds = max(sample - self._rejected_at, 0) / rate_hz
        figures = [
            height,
            lowest,
            highest,
            slope_figure,
            correlation,
            worst,
            max(-3.0, min(3.0, size)),
            t.familiarity(kind),
            math.log(float(second.sum()) / len(second) + 1e-3),
            math.log(self._noise + 1e-2),
            float(h[place + of[0.08] : place + self._apart].max()) / here,
            min(behind, 3.0),
            np.count_nonzero(neighbourhood > 0.5 * here) / len(neighbourhood),
            min(size_step, 3.0),
            math.log(since / rate_hz),
            max(-2.0, min(1.5, math.log(since / self._rr))),
            math.log(self._deviation + 0.01),
            math.log(self._last_height + 1e-2),
            min(self._rejected * math.exp(-seconds / 2.0), 6.0),
            min(self._beats, 10) / 10.0,
        ]
        return self._judge.log_odds(figures), figures, (correlation, kind, start)

    def _raw(self, centre: int) -> tuple[Array, Array, Array]:
        """Steepest slope, size and baseline shift around ``centre``, free of mains.

        A mean over 1/50 s has no 50 Hz, a difference over 1/60 s no 60 Hz.
        """
        rate_hz = self._rate_hz
        mean_of = max(1, round(rate_hz / 50))
        lag = max(1, round(rate_hz / 60))
        reach = round(0.2 * rate_hz)
        total = self._signal[:, centre - reach - mean_of : centre + self._apart].cumsum(axis=1)
        smooth = (total[:, mean_of:] - total[:, :-mean_of]) / mean_of
        # smooth[:, j] is centred at centre - reach + j - mean_of / 2 + 1/2
        mid = reach + mean_of // 2
        w = self._samples_of[0.06] + lag // 2
        inner = smooth[:, mid - w : mid + w + 1]
        slope = np.abs(inner[:, lag:] - inner[:, :-lag]).max(axis=1)
        span = inner.max(axis=1) - inner.min(axis=1)
        edge = self._samples_of[0.05]
        step = (smooth[:, -edge:].sum(axis=1) - smooth[:, :edge].sum(axis=1)) / edge
        return slope + 1e-6, span + 1e-6, step

    # --- beats ------------------------------------------------------------------------

    def _accept(self, candidate: _Candidate, searched_back: bool) -> RPeak:
        rate_hz = self._rate_hz
        sample = candidate.sample
        place = sample + self._front.delay + self._at - self._end
        w = self._samples_of[0.05]
        live = self._live
        tops = self._envelope[:, place - w : place + w + 1].max(axis=1)
        oldest = self._recent[self._beats % 8]
        self._recent[self._beats % 8] = np.where(live, np.maximum(tops, _FLOOR_MV_S), oldest)
        self._level = np.sort(self._recent, axis=0)[3:5].sum(axis=0) / 2
        if self._beats >= 8:
            self._proven = self._level
        slope, span, _ = self._raw(place - self._front.delay)
        # one artefact must not spoil what is typical
        change = np.minimum(np.maximum(slope / self._slope, 0.5), 2.0)
        self._slope = np.where(live, self._slope * change**0.12, self._slope)
        change = np.minimum(np.maximum(span / self._span, 0.5), 2.0)
        self._span = np.where(live, self._span * change**0.12, self._span)
        t = self._templates
        centre = place - self._front.delay + self._front.band_delay
        reach = t.half + t.shift
        t.learn(self._band[:, centre - reach : centre + reach + 1], *candidate.match, live)
        if self._last is not None:
            rr = sample - self._last
            if 0.2 * rate_hz < rr < 2.5 * rate_hz:
                self._deviation += 0.1 * (min(abs(rr / self._rr - 1.0), 1.0) - self._deviation)
                self._rr += 0.125 * (rr - self._rr)
        self._last = self._quiet_from = sample
        self._last_height = math.exp(candidate.figures[0])
        self._beats += 1
        self._missed = []
        lead = 0 if self._weights[0] > 1e-3 else int(self._weights.argmax())
        peak = self._locate(place - self._front.delay, lead) - self._at + self._end
        if peak - self._last_peak < self._samples_of[0.1]:
            peak = max(sample, self._last_peak + 1)
        self._last_peak = peak
        return RPeak(self._stream, peak, self._end - 1, lead, searched_back)

    def _locate(self, centre: int, lead: int) -> int:
        """R peak near ``centre``: the first main deflection of either sign.

        Of the highest and the lowest point of the QRS the earlier one, unless it is less than
        half as far from the baseline before the QRS as the later one.
        """
        w = self._samples_of[0.08]
        wide = round(0.2 * self._rate_hz)
        half = max(1, round(0.0083 * self._rate_hz))
        size = 2 * half + 1
        total = self._signal[lead, centre - wide - half - 1 : centre + w + half + 1].cumsum()
        smooth = (total[size:] - total[:-size]) / size  # smooth[wide] is at centre
        smooth -= np.sort(smooth[: wide - w])[(wide - w) // 2]
        inner = smooth[wide - w :]
        highest, lowest = int(inner.argmax()), int(inner.argmin())
        first, second = min(highest, lowest), max(highest, lowest)
        main = first if abs(inner[first]) >= _FIRST * abs(inner[second]) else second
        return centre - w + main
