"""Pacing pulses: where they are, and that none of them is a beat by itself.

A pacemaker goes on in a heart that does not answer. Its pulse lasts half a millisecond to two, and
the filters of a recorder make a wave of some 20 ms of it, which a QRS detector takes for a narrow
QRS. Two things tell a pulse from a QRS. All its steepness is in a moment shorter than any QRS, and
the signal is back where it was right after it. And what follows: behind a QRS there is a T wave,
behind a pulse that captured nothing there is nothing at all.

Notes
-----
Pulses are looked for in the signal as it comes, before any filter, in up to two leads. Under 200
samples a second a pulse cannot be told from a narrow QRS: none is found then. A pulse that the
recorder has taken out, or left smaller than 0.15 mV, is not seen at any rate.

An R peak at a pulse is left out if nothing follows within 0.25 s: hardly any steepness, no wave, no
step. It waits until so much signal has come; other R peaks do not wait.

A patient is *paced* once six of the last eight pulses, within 16 s, are of one height, and until a
minute has passed without a pulse. Single spikes of noise are of any height.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.messages import FloatArray, RPeak, Samples, StreamInfo
from monitor.ring import Ring
from monitor.stages.hop import PacingPulse
from monitor.stages.hop_rows import HopRow
from monitor.stages.pulse_search import PulseSearch, SearchInputs
from monitor.stages.steps import Steps, run_alone

Array = NDArray[np.float64]

LEAST_RATE_HZ = 200.0
_LEADS = 2
_NEAR_S = 0.04  # an R peak so near is that of the pulse
_AFTER_S = 0.25  # the QRS that a pulse captures begins by then
_STEEPNESS = 0.05  # of the slope energy, what may follow a pulse that captured nothing
_WAVE = 0.11  # of the height, what may follow
_STEP = 0.2  # of the height, how far the level may have changed by then
_KEPT_S = 2.0
_ALIKE = 0.25  # pulses of one height differ from their median by less than this share
_TRAIN, _TRAIN_ALIKE, _TRAIN_S = 8, 6, 16.0
_LONGEST_S = 60.0  # without a pulse for so long the patient is not paced any more
_TO_QRS_S = (-0.05, 0.2)  # where the R peak of a captured beat lies, from its pulse on


class Pacing:
    """Finds the pacing pulses of one stream, and leaves out R peaks that are pulses and no more.

    Parameters
    ----------
    info
        The ECG of the stream.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._rate_hz = info.rate_hz
        self._sees = info.rate_hz >= LEAST_RATE_HZ
        self._search = PulseSearch(info.rate_hz)
        self._leads = min(len(info.leads), _LEADS)
        self._recent = Ring(round(_KEPT_S * info.rate_hz), self._leads, info.start_sample)
        self._next = info.start_sample  # where the next look begins
        self._pulses: deque[PacingPulse] = deque(maxlen=32)
        self._paced_at: int | None = None  # the last pulse of a paced patient
        self._waiting: deque[RPeak] = deque()
        self._row_end = info.start_sample
        self._row_is_whole = True
        self._known: list[tuple[int, PacingPulse]] = []  # in the row, and when each is told of

    def push(self, block: Samples, rpeaks: list[RPeak]) -> tuple[list[RPeak], list[PacingPulse]]:
        """Take the next hop and the R peaks found in it.

        Returns
        -------
        rpeaks : list of RPeak
            Those that are beats, in order; one at a pulse comes when it is known to be one.
        pulses : list of PacingPulse
            Those now known; a pulse is told of 30 ms after it, in whole hops.
        """
        if not self._sees:
            return rpeaks, []
        if block.start_sample != self._recent.end_sample or block.end_sample > self._row_end:
            run_alone(self.begin_row(HopRow([block])))
        self._recent.write(block.start_sample, block.values_mv[:, : self._leads])
        if not self._row_is_whole:
            kept = self._recent.span(self._next, block.end_sample)
            self._known = self._told(len(kept), self._search([_whole_leads(kept)])[0])
        found = [pulse for told_at, pulse in self._known if told_at <= block.end_sample]
        del self._known[: len(found)]
        for pulse in found:
            self._pulses.append(pulse)
            if self._paced_at is not None or self._is_train():
                self._paced_at = pulse.sample
        if (
            self._paced_at is not None
            and block.end_sample - self._paced_at > _LONGEST_S * self._rate_hz
        ):
            self._paced_at = None
        if not rpeaks and not self._waiting:
            return rpeaks, found
        self._waiting.extend(rpeaks)
        beats: list[RPeak] = []
        while self._waiting:
            answer = self._is_pulse_alone(self._waiting[0].sample, block.end_sample)
            if answer is None:
                break
            rpeak = self._waiting.popleft()
            if not answer:
                decided = max(rpeak.decided_sample, block.end_sample - 1)
                beats.append(replace(rpeak, decided_sample=decided))
        return beats, found

    def begin_row(self, row: HopRow) -> Steps[None]:
        """Look for pulses in all the hops that come next; it may be for many streams together."""
        if not self._sees:
            return
        start = row.start_sample
        if start != self._recent.end_sample:
            self._recent.forget(start)
            self._next = start
        kept = self._recent.span(self._next, start)
        values = row.values[: self._leads].reshape(self._leads, -1).T
        signal = np.concatenate((kept, values))
        # else each hop is looked at by itself, in the leads that are whole there
        self._row_is_whole = bool(np.isfinite(signal).all())
        self._row_end = row.end_sample
        self._known = []
        if self._row_is_whole:
            found = yield SearchInputs(self._search, signal)
            self._known = self._told(len(signal), found)

    def _told(
        self, length: int, found: list[tuple[int, int, float]]
    ) -> list[tuple[int, PacingPulse]]:
        """Give the pulses found since the last look, each with when it is told of."""
        first = self._next
        self._next += self._search.advance(length)
        return [(first + end, PacingPulse(first + at, height)) for end, at, height in found]

    def flush(self, rpeaks: list[RPeak]) -> list[RPeak]:
        """End of the stream: give what was waiting, and the last R peaks."""
        beats = [*self._waiting, *rpeaks]
        self._waiting.clear()
        return beats

    @property
    def paced(self) -> bool:
        """Whether the patient is paced, from the pulses seen."""
        return self._paced_at is not None

    def captured(self, sample: int) -> bool:
        """Whether the beat with this R peak follows a pulse."""
        early, late = (round(s * self._rate_hz) for s in _TO_QRS_S)
        return any(early <= sample - pulse.sample <= late for pulse in self._pulses)

    def _is_train(self) -> bool:
        """Whether the last pulses are so alike that they come from a pacemaker."""
        last = list(self._pulses)[-_TRAIN:]
        if len(last) < _TRAIN or last[-1].sample - last[0].sample > _TRAIN_S * self._rate_hz:
            return False
        heights = sorted(pulse.height_mv for pulse in last)
        usual = heights[_TRAIN // 2]
        return sum(abs(height - usual) < _ALIKE * usual for height in heights) >= _TRAIN_ALIKE

    def _is_pulse_alone(self, sample: int, end: int) -> bool | None:
        """Whether an R peak is a pulse without a beat; None while that cannot be told."""
        near = _NEAR_S * self._rate_hz
        at = [p.sample for p in self._pulses if abs(p.sample - sample) <= near]
        if not at:
            return False
        pulse = min(at, key=lambda place: abs(place - sample))
        last = pulse + round(_AFTER_S * self._rate_hz)
        if end < last:
            return None
        first = pulse - self._search.reach
        if first < self._recent.oldest_sample:
            return False
        piece = self._search.at_work_rate(_whole_leads(self._recent.span(first, last)))
        return bool(piece.shape[1]) and _nothing_follows(piece, self._search.rows)


def _whole_leads(signal: FloatArray) -> Array:
    """Give the leads without a missing sample."""
    return signal[:, np.isfinite(signal).all(axis=0)].astype(np.float64)


def _nothing_follows(piece: Array, pulse: int) -> bool:
    """Whether behind the first ``pulse`` rows of a piece there is neither QRS nor T wave."""
    slope = np.diff(piece, axis=0)
    energy = np.einsum("nl,nl->n", slope, slope)
    if float(energy[pulse:].sum()) > _STEEPNESS * float(energy[:pulse].sum()):
        return False
    height = float(np.ptp(piece[:pulse], axis=0).max())
    after = piece[pulse:]
    if np.ptp(after, axis=0).max() > _WAVE * height:
        return False
    return bool(np.abs(np.median(after, axis=0) - piece[0]).max() <= _STEP * height)
