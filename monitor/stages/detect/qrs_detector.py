"""The monitor's own QRS detector: NeuroKit2's gradient method, made incremental.

Rules that hold here:

1. Filters run once per hop on all leads; decisions run once per candidate, a few a second.
2. The events do not depend on how the signal is cut into hops.
3. After a gap in all leads the rhythm starts anew; what was learnt of the patient stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.config import DetectSettings
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.stages.detect.beat_decisions import BeatDecisions
from monitor.stages.detect.envelope import Envelope
from monitor.stages.detect.front import Front, FrontInputs
from monitor.stages.detect.history import History
from monitor.stages.detect.levels import LEARN_S, SOON_S, Levels
from monitor.stages.detect.noise_penalty import NoisePenalty
from monitor.stages.detect.step_blanking import StepBlanking
from monitor.stages.hop_rows import HopRow
from monitor.stages.steps import Steps, run_alone

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAX_LEADS = 2
_USABLE = frozenset({LeadState.OK, LeadState.NOISY})
_CUT_OFF_S = 0.015  # an R peak this near to the end of the stream may still rise
_BLIND_S = 0.7  # without a valid sample in any lead; candidates before it are decided by then
_PENALTY = NoisePenalty()


class QrsDetector:
    """QRS detector on the gradient magnitude of the ECG.

    Parameters
    ----------
    info
        The stream. The first two leads are used. R peaks are located in the first lead, or in the
        second if the first is not usable or does not show the beat.
    settings
        Only ``false_cost`` is used.
    penalty
        How much more evidence is needed in noise.

    Notes
    -----
    The method of NeuroKit2 [1]_ finds a QRS where the gradient magnitude of the cleaned ECG,
    smoothed over 0.1 s, exceeds 1.5 times its mean over 0.75 s, and takes the most prominent peak
    in it; two are at least 0.3 s apart. This detector differs:

    - It is incremental: causal filters with carried state, one hop at a time.
    - The band is 5 to 18 Hz, where the QRS has its energy [2]_ [3]_, with notches at 50 and 60 Hz.
      The smoothing window is a Hann window (:mod:`~monitor.stages.detect.envelope`).
    - Spikes and steps of three QRS sizes within 3 ms are removed before
      (:mod:`~monitor.stages.detect.step_blanking`).
    - A candidate is a peak of the envelope, highest within 0.14 s, not a threshold crossing. So
      two complexes 0.2 s apart are two.
    - A network with 64 and 32 units turns 20 features
      (:class:`~monitor.stages.detect.features.Features`) into log odds. They include the short
      and the long mean of the original method, relative to the median height of the last eight
      beats [4]_, and the correlation with up to four running templates [5]_. The network is fitted
      on DS1 with noise, faults and made runs of VT (``python -m tools.train qrs``). It tells T
      waves, pacing pulses and motion artefacts from beats; there are no rules for them.
    - A clear candidate is decided at once. An uncertain one waits up to 0.4 s for the next, and
      the two are decided together; in noise a second network decides
      (:mod:`~monitor.stages.detect.deferred_decision`).
    - In noise the log odds must be higher (:mod:`~monitor.stages.detect.noise_penalty`), and one
      beat alone does not make a new template. Three candidates alike in a row, as in tachycardia,
      are free of both, and of the second network.
    - The fifth candidate in a regular train of alike, tall ones faster than 110 bpm is a beat,
      whatever its log odds. T waves have a QRS between them and noise does not repeat, but
      tachycardia may begin with a QRS unlike any before.
    - Search-back [2]_: after 1.5 mean RR without a beat the best rejected candidate of the last
      3 s is taken. It must stand out from the noise around it, so an asystole is not searched for
      beats, and must not look like a T wave (:mod:`~monitor.stages.detect.rejected`).
    - Two leads are added by weight. The weight is smaller the more there is between the beats of a
      lead. A lead is dropped if it misses beats that are clear in the other
      (:mod:`~monitor.stages.detect.lead_comparison`). If a lead is dropped while a beat is
      overdue, and there is no noise, the time since the last beat is searched again.
    - The R peak is the first main deflection, up or down. In noise it is corrected by its usual
      place in beats of its kind (:mod:`~monitor.stages.detect.r_peak_refinement`).

    The latency is 0.14 s plus the filter delay (0.09 s) and up to one hop; 0.4 s more for an
    uncertain candidate. The first beats come together when the level of the lead is known: after
    1 to 1.5 s if one peak stands out clearly, else after 2 to 5.5 s. Those older than 1 s by then
    are marked ``searched_back``.

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
        self, info: StreamInfo, settings: DetectSettings, penalty: NoisePenalty = _PENALTY
    ) -> None:
        rate_hz = info.rate_hz
        self._rate_hz = rate_hz
        self._leads = min(len(info.leads), MAX_LEADS)
        self._blanking = StepBlanking(rate_hz, self._leads)
        self._front = Envelope(rate_hz, self._leads)
        self._history = History(rate_hz, self._leads, info.start_sample)
        self._levels = Levels(rate_hz, self._leads)
        self.decisions = BeatDecisions(
            info.stream,
            rate_hz,
            self._history,
            self._front,
            self._levels,
            settings.false_cost,
            penalty,
        )
        self._states: tuple[LeadState, ...] = ()
        self._usable = np.ones(self._leads, bool)
        self._all_usable = True

    def push(self, block: Samples, quality: Quality) -> list[RPeak]:
        """Take one hop, give the R peaks that can be decided now."""
        return self.push_row(HopRow([block]), [quality])[0]

    def push_row(self, row: HopRow, qualities: Sequence[Quality]) -> list[list[RPeak]]:
        """Take hops in order; give the R peaks of each, which are those of each hop by itself."""
        return run_alone(self.steps(row, qualities))

    def steps(self, row: HopRow, qualities: Sequence[Quality]) -> Steps[list[list[RPeak]]]:
        """Like :meth:`push_row`, but hops may be filtered for many streams together."""
        start = row.start_sample
        before = self._skip_to(start) if start != self._history.end else []
        values = row.values[: self._leads]
        front = Front(self._rate_hz, *values.shape[1:])
        state = self._front.state(self._history)
        reaches, ahead = yield FrontInputs(front, values, self._blanking.before, state)
        self._front.begin_row(values, ahead)
        found: list[list[RPeak]] = []
        for k, block in enumerate(row.blocks):
            here = values[:, k]
            valid = self._find_valid(here, qualities[k], row.whole[k], reaches[k])
            found.append(before + self._push(block, here, valid))
            before = []
        return found

    def _push(self, block: Samples, values: Array, valid: Mask | None) -> list[RPeak]:
        self._follow_valid(block, valid)
        leads_changed = self._filter(values, valid)
        searches_again = leads_changed and self.decisions.select_leads()
        first_level = self._learn_levels()
        found = self._decide()
        return self._mark_late(found) if first_level or searches_again else found

    def flush(self) -> list[RPeak]:
        """Give the R peaks still pending when the stream ends."""
        cut_off = self._history.valid_end - round(_CUT_OFF_S * self._rate_hz)
        return [peak for peak in self._close() if peak.sample < cut_off]

    def _find_valid(
        self, values: Array, quality: Quality, whole: bool, reach: list[float]
    ) -> Mask | None:
        """Find the samples to use, shape (leads, n); None if all are."""
        if quality.leads != self._states:
            self._states = quality.leads
            self._usable = np.array([s in _USABLE for s in quality.leads[: self._leads]])
            self._all_usable = bool(self._usable.all())
        valid: Mask | None = None
        if not (self._all_usable and (whole or np.isfinite(values).all())):
            valid = np.isfinite(values) & self._usable[:, None]
        steps = self._blanking.find(values, self._levels.span, reach)
        if steps is not None:
            valid = ~steps if valid is None else valid & ~steps
        return valid

    def _follow_valid(self, block: Samples, valid: Mask | None) -> None:
        """Note where the valid signal ends; after a long time without any, begin anew."""
        if valid is not None and not valid.any():
            return
        history = self._history
        if block.start_sample - history.valid_end > _BLIND_S * self._rate_hz:
            self.decisions.begin_anew(block.start_sample)
        history.valid_end = block.end_sample
        if valid is not None:
            history.valid_end -= int(np.logical_or.reduce(valid)[::-1].argmax())

    def _filter(self, values: Array, valid: Mask | None) -> bool:
        """Filter one hop into the history; tell whether other leads count now."""
        n, history, counted = values.shape[1], self._history, self._levels.counted
        history.grow(n)
        sums = self._front.push(values, valid, history)
        self._levels.follow(sums, n, valid)
        history.rescale(self._levels.scale, n)
        return self._levels.counted != counted

    def _learn_levels(self) -> bool:
        """Learn the level of leads without one, or again; tell whether a first one was learnt."""
        history, levels = self._history, self._levels
        knew, before = levels.known, levels.level.copy()
        seconds = levels.learn_first(history)
        if seconds is not None and any(
            old != new and old < math.inf for old, new in zip(before, levels.level, strict=True)
        ):
            # the first guess was from a peak that is no QRS, and so is all learnt with it
            self.decisions.forget_shape()
        if seconds == LEARN_S[-1] and not knew:
            # skip candidates from before the level was known: no two halves agreed
            self.decisions.drop_candidates(history.end - self.decisions.apart)
        levels.learn_again(self.decisions.quiet, history)
        return seconds is not None

    def _decide(self) -> list[RPeak]:
        """Decide all candidates that have enough signal behind them."""
        return self.decisions.decide_until(self._history.at - self.decisions.apart)

    def _mark_late(self, peaks: list[RPeak]) -> list[RPeak]:
        """Mark the peaks that are older than a second as searched back."""
        soon = self._history.end - round(SOON_S[0][0] * self._rate_hz)
        return [
            replace(peak, searched_back=peak.searched_back or peak.sample < soon) for peak in peaks
        ]

    def _skip_to(self, start_sample: int) -> list[RPeak]:
        """Step over missing samples: decide everything before them, then begin anew."""
        peaks = self._close()
        self._front.forget()
        self._blanking.forget()
        self._history.end = start_sample
        self.decisions.drop_candidates(start_sample)
        self.decisions.begin_anew(start_sample)
        return peaks

    def _close(self) -> list[RPeak]:
        """Decide everything seen so far, as if the signal went on without change."""
        end = self._history.end
        n = self._front.delay + self.decisions.apart + 1
        self._filter(np.zeros((self._leads, n)), np.zeros((self._leads, n), bool))
        peaks = self._decide() + self.decisions.settle()
        self._history.end = end
        return [replace(peak, decided_sample=end - 1) for peak in peaks]
