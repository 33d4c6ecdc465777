"""The monitor's own QRS detector: NeuroKit2's gradient method, made incremental.

Rules that hold here:

1. Filters run on whole hops; the rules run per candidate, of which there are a few a second.
2. Heights are in units of the typical QRS, so gain never matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.config import DetectSettings
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.stages.detect.envelope import Envelope

_HISTORY_S = 6.0
_APART_S = 0.15  # a candidate is the highest point of the envelope this far on both sides
_T_WAVE_S = 0.36
_LEARN_S = 2.0
_FLOOR_MV_S = 0.3  # envelope of a QRS of about 0.02 mV
_USABLE = frozenset({LeadState.OK, LeadState.NOISY})


@dataclass(slots=True)
class _Candidate:
    sample: int  # in the envelope's time, delay taken off
    height: float  # envelope over the learnt height of a QRS


class GradientDetector:
    """Gradient-magnitude QRS detector with thresholds that learn and forget."""

    def __init__(self, info: StreamInfo, settings: DetectSettings) -> None:
        self._stream = info.stream
        self._rate_hz = info.rate_hz
        self._leads = min(len(info.leads), 2)
        self._front = Envelope(info.rate_hz, self._leads)
        self._cap = round(_HISTORY_S * info.rate_hz)
        self._apart = round(_APART_S * info.rate_hz)
        self._raw = np.zeros((self._cap, self._leads))
        self._env = np.zeros((self._cap, self._leads))
        self._end = info.start_sample
        self._done = info.start_sample  # candidates before this are judged
        self._settled = info.start_sample
        self._level = np.full(self._leads, np.nan)  # envelope of a typical QRS, mV/s
        self._recent = [np.empty(0)] * self._leads
        self._noise = 0.1
        self._rr = 0.8 * info.rate_hz
        self._last: int | None = None
        self._last_height = 1.0
        self._missed: list[_Candidate] = []
        self._learn_until = info.start_sample + round(_LEARN_S * info.rate_hz)

    @property
    def settled_sample(self) -> int:
        """No peak before this sample will come any more."""
        return self._settled

    def push(self, block: Samples, quality: Quality) -> list[RPeak]:
        """Take one hop, give the R peaks that can be decided now."""
        if block.start_sample != self._end:
            hole = min(block.start_sample - self._end, self._cap)
            self._front.forget()
            blank = np.zeros((hole, self._leads))
            self._raw = np.concatenate((self._raw[hole:], blank))
            self._env = np.concatenate((self._env[hole:], blank))
            self._missed.clear()
        values = block.values_mv[:, : self._leads].astype(np.float64)
        valid = np.isfinite(values)
        for lead in range(self._leads):
            if quality.leads[lead] not in _USABLE:
                valid[:, lead] = False
        _, envelope = self._front.push(values, valid)
        values[~valid] = 0.0
        n = len(values)
        self._raw = np.concatenate((self._raw[n:], values))
        self._env = np.concatenate((self._env[n:], envelope))
        self._end = block.end_sample
        if self._end < self._learn_until:
            return []
        if np.isnan(self._level[0]):
            self._learn()
        return self._judge(self._end - self._front.delay - self._apart)

    def flush(self) -> list[RPeak]:
        """Give the peaks still waiting when the stream ends."""
        if np.isnan(self._level[0]):
            self._learn()
        pad = self._front.delay + self._apart
        return self._judge(self._end - pad)

    def _learn(self) -> None:
        n = round(_LEARN_S * self._rate_hz)
        recent = self._env[-n:]
        top = np.maximum(recent[: n // 2].max(axis=0), recent[n // 2 :].max(axis=0)) * 0.8
        self._level = np.maximum(top, _FLOOR_MV_S)
        self._recent = [np.full(8, v) for v in self._level]

    def _judge(self, until: int) -> list[RPeak]:
        """Judge the candidates in [done, until), in the signal's time."""
        if until <= self._done:
            return []
        start = self._end - self._cap - self._front.delay  # signal time of the envelope's first
        height = (self._env / self._level).mean(axis=1)
        a = max(self._done - start, self._apart + 1)
        b = until - start
        peaks: list[RPeak] = []
        part = height[a - 1 : b + 1]
        for i in np.flatnonzero((part[1:-1] > part[:-2]) & (part[1:-1] >= part[2:])) + a:
            around = height[i - self._apart : i + self._apart + 1]
            if height[i] < 0.02 or height[i] < around.max():
                continue
            peaks += self._decide(_Candidate(int(i) + start, float(height[i])))
        self._done = until
        peaks += self._search_back(until)
        self._settled = min([until, *(c.sample for c in self._missed)]) - self._apart
        return peaks

    def _threshold(self) -> float:
        return self._noise + 0.3 * max(1.0 - self._noise, 0.1)

    def _decide(self, c: _Candidate) -> list[RPeak]:
        last = self._last
        since = self._rate_hz * 10 if last is None else c.sample - last
        threshold = self._threshold()
        t_wave = since < _T_WAVE_S * self._rate_hz and c.height < 0.5 * self._last_height
        if c.height > threshold and not t_wave and since > 0.18 * self._rate_hz:
            return [self._accept(c, searched_back=False)]
        if not t_wave:
            self._noise += 0.125 * (min(c.height, 1.0) - self._noise)
            self._missed.append(c)
        return []

    def _search_back(self, until: int) -> list[RPeak]:
        if self._last is None or until - self._last < 1.6 * self._rr or not self._missed:
            return []
        best = max(self._missed, key=lambda c: c.height)
        if best.height > 0.5 * self._threshold() and best.height > 0.2:
            later = [c for c in self._missed if c.sample > best.sample]
            found = self._accept(best, searched_back=True)
            self._missed = later
            return [found]
        horizon = until - 3 * self._rate_hz
        self._missed = [c for c in self._missed if c.sample > horizon]
        return []

    def _accept(self, c: _Candidate, searched_back: bool) -> RPeak:
        start = self._end - self._cap
        i = c.sample - start + self._front.delay
        w = round(0.06 * self._rate_hz)
        for lead in range(self._leads):
            top = self._env[max(i - w, 0) : i + w + 1, lead].max(initial=0.0)
            recent = np.append(self._recent[lead][1:], max(top, _FLOOR_MV_S))
            self._recent[lead] = recent
            self._level[lead] = np.median(recent)
        sample = self._locate(c.sample - start)
        if self._last is not None:
            rr = c.sample - self._last
            if 0.2 * self._rate_hz < rr < 2.0 * self._rate_hz:
                self._rr += 0.125 * (rr - self._rr)
        self._last = c.sample
        self._last_height = c.height
        self._missed = []
        return RPeak(self._stream, sample + start, self._end - 1, 0, searched_back)

    def _locate(self, i: int) -> int:
        """R peak near the envelope's top ``i``: the extremum of the lightly smoothed lead 0."""
        w = round(0.08 * self._rate_hz)
        wide = round(0.2 * self._rate_hz)
        size = max(1, round(0.0167 * self._rate_hz)) | 1
        lo = max(i - wide, 0)
        piece = self._raw[lo : i + wide + 1, 0]
        smooth = np.convolve(piece - np.median(piece), np.ones(size) / size, "same")
        a = max(i - w - lo, 0)
        return lo + a + int(np.argmax(np.abs(smooth[a : i + w + 1 - lo])))
