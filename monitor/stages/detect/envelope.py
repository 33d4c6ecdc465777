"""Computes the steepness envelope, in which QRS complexes stand out.

Rules that hold here:

1. All filters carry their state from hop to hop; all leads, and all hops of a row
   (:mod:`monitor.stages.hop_rows`), go through in one call.
2. An invalid sample is replaced by the last valid one. The step to the next valid sample is
   removed: history and filter states are moved to the new level. So neither NaN nor a step enters
   a filter, and offsets do not add up.
3. Every filter is designed for the stream's own rate, so the envelope is the same at any rate.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from monitor.stages.detect.history import History
from monitor.stages.hop_rows import LONGEST

Array = NDArray[np.float64]

BAND_HZ = (5.0, 18.0)  # most of the QRS, little of P waves, T waves and muscle noise
SMOOTH_S = 0.1  # as NeuroKit2
NOTCHES_HZ = (50.0, 60.0)  # always both: the QRS has little left there in this band
NOTCH_Q = 4.0
QRS_HZ = 12.0  # middle of the energy of a QRS in this band; the delay is taken here


class _Design(NamedTuple):
    """The filters for one rate."""

    b: Array
    a: Array
    rest: Array  # state after a constant 1 mV
    delay: float  # in the QRS band, samples
    kernel: Array  # of the smoothing
    size: int  # of the kernel


@lru_cache(maxsize=32)  # many streams have the same rate
def _designed(rate_hz: float) -> _Design:
    """Design band pass and notches as one filter, and the smoothing."""
    sections = [scipy.signal.butter(1, BAND_HZ, "bandpass", fs=rate_hz, output="sos")]
    for notch_hz in NOTCHES_HZ:
        if notch_hz < 0.45 * rate_hz:
            b, a = scipy.signal.iirnotch(notch_hz, NOTCH_Q, fs=rate_hz)
            sections.append(np.hstack([b, a])[None, :])
    # one polynomial: at this low order as exact as sections, at a seventh of the cost
    b, a = scipy.signal.sos2tf(np.vstack(sections))
    w = 2 * np.pi * QRS_HZ / rate_hz
    step = 1e-4
    _, h = scipy.signal.freqz(b, a, worN=[w - step, w + step])
    delay = float(-np.diff(np.unwrap(np.angle(h)))[0] / (2 * step))
    size = max(3, round(SMOOTH_S * rate_hz))
    kernel = np.hanning(size + 2)[1:-1]
    return _Design(
        b, a, scipy.signal.lfilter_zi(b, a), delay, kernel / kernel.sum() * rate_hz, size
    )


class Filtered(NamedTuple):
    """Some hops of one or more leads, filtered."""

    band: Array  # (leads, samples)
    envelope: Array
    sums: list[list[float]]  # of the envelope, per hop and lead
    state: Array  # of the filter, after them


def filtered(rate_hz: float, signal: Array, hop: int, state: Array, before: Array) -> Filtered:
    """Filter whole hops, shape (leads, samples), as if all were valid.

    ``state`` is that of the filter, ``before`` the band just before them. What is found of a lead
    does not depend on the others, that of a hop not on how many come together.
    """
    design = _designed(rate_hz)
    band, state = scipy.signal.lfilter(design.b, design.a, signal, zi=state)
    envelope = _steepness(np.concatenate((before, band), axis=1), design.kernel)
    each = envelope.reshape(len(signal), -1, hop)
    return Filtered(band, envelope, np.add.reduce(each, axis=2).T.tolist(), state)


def _steepness(band: Array, kernel: Array) -> Array:
    """Give the smoothed gradient magnitude of the band, but for its first samples."""
    slopes = band[:, 1:] - band[:, :-1]
    np.abs(slopes, out=slopes)
    # the kernel is symmetric, so correlation is convolution
    return np.stack([np.correlate(steepness, kernel, "valid") for steepness in slopes])


class Envelope:
    """Band pass, mains notches, gradient magnitude, smoothing: per lead, with carried state.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.

    Attributes
    ----------
    band_delay, delay
        Samples by which a QRS appears later in the band-passed signal, and in the envelope.
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._rate_hz = rate_hz
        self._design = _designed(rate_hz)
        self._state = np.zeros((leads, len(self._design.a) - 1))
        self._broken = np.ones(leads, bool)  # the next valid sample continues at the held level
        self._any_broken = True
        self.band_delay = round(self._design.delay)
        self.delay = round(self._design.delay + self._design.size / 2)
        self.begin_row(np.empty((leads, 0, 1)))

    def forget(self) -> None:
        """Continue without a step after a gap in the stream."""
        self._broken[:] = True
        self._any_broken = True

    def state(self, history: History) -> tuple[Array, Array] | None:
        """Give the state of the filter, and the band just before the next hop.

        None after an invalid sample: the next hop is not filtered in advance.
        """
        if self._any_broken:
            return None
        return self._state, history.band[:, history.at - self._design.size : history.at]

    def begin_row(self, values_mv: Array, ahead: Filtered | None = None) -> None:
        """Take the signal of the hops that come next, shape (leads, hops, n), mV.

        ``ahead`` is that signal filtered, if it was before.
        """
        leads, _, self._hop = values_mv.shape
        self._row = values_mv.reshape(leads, -1)
        self._at = 0  # where the next hop begins in the row
        self._seen_from = self._seen_to = 0  # what is filtered of the row
        self._look_ahead = LONGEST  # hops
        if ahead is not None:
            self._take_ahead(0, ahead)

    def push(
        self, values_mv: Array, valid: NDArray[np.bool_] | None, history: History
    ) -> list[float]:
        """Take one hop; write signal, band and envelope to the end of the history.

        The hops of a row are filtered together, as long as they are valid.

        Parameters
        ----------
        values_mv
            Shape (leads, n), mV; anything where invalid. If a row was begun, its next hop.
        valid
            Shape (leads, n); None where all are.
        history
            Grown by n samples.

        Returns
        -------
        list of float
            Sum of the envelope over the hop, per lead.
        """
        if self._at >= self._row.shape[1]:
            self.begin_row(values_mv[:, None])
        start, end = history.at - values_mv.shape[1], history.at
        at, self._at = self._at, self._at + self._hop
        if valid is not None or self._any_broken:
            self._rewind(at)
            return self._push_broken(values_mv, valid, history)
        if at >= self._seen_to:
            signal = self._row[:, at : at + self._look_ahead * self._hop]
            self._look_ahead *= 2
            before = history.band[:, start - self._design.size : start]
            ahead = filtered(self._rate_hz, signal, self._hop, self._state, before)
            self._take_ahead(at, ahead)
        first = at - self._seen_from
        here = slice(first, first + self._hop)
        history.signal[:, start:end] = values_mv
        history.band[:, start:end] = self._ahead.band[:, here]
        history.envelope[:, start:end] = self._ahead.envelope[:, here]
        return self._ahead.sums[first // self._hop]

    def _take_ahead(self, at: int, ahead: Filtered) -> None:
        """Go by what was filtered of the row from a place on."""
        self._ahead = ahead
        self._state_before, self._state = self._state, ahead.state
        self._seen_from, self._seen_to = at, at + ahead.band.shape[1]

    def _rewind(self, at: int) -> None:
        """Take the filters back to a place in the row; what lies behind it is another signal."""
        if at < self._seen_to:
            self._state = self._state_before
            if at > self._seen_from:
                seen = self._row[:, self._seen_from : at]
                b, a = self._design.b, self._design.a
                _, self._state = scipy.signal.lfilter(b, a, seen, zi=self._state)
            self._seen_to = at
        self._look_ahead = 1  # trouble seldom comes alone

    def _push_broken(
        self, values_mv: Array, valid: NDArray[np.bool_] | None, history: History
    ) -> list[float]:
        start, end = history.at - values_mv.shape[1], history.at
        signal = history.signal[:, start:end]
        held = history.signal[:, start - 1]  # what the filters saw last
        signal[:], step = self._bridge(values_mv, valid, held)
        design = self._design
        band, self._state = scipy.signal.lfilter(design.b, design.a, signal, zi=self._state)
        history.band[:, start:end] = band
        if step.any():
            history.signal[:, :end] += step[:, None]
            self._state += step[:, None] * design.rest
        envelope = _steepness(history.band[:, start - design.size : end], design.kernel)
        history.envelope[:, start:end] = envelope
        return [float(np.add.reduce(each)) for each in envelope]

    def _bridge(
        self, values_mv: Array, valid: NDArray[np.bool_] | None, before: Array
    ) -> tuple[Array, Array]:
        """Give the hop moved to the level before it, and the step per lead that was removed."""
        if valid is None:
            valid = np.ones(values_mv.shape, bool)
        signal = np.empty_like(values_mv)
        step = np.zeros(len(values_mv))
        for lead in range(len(values_mv)):
            held, offset = before[lead], 0.0
            broken = bool(self._broken[lead])
            for i in range(values_mv.shape[1]):
                if not valid[lead, i]:
                    broken = True
                else:
                    if broken:
                        offset = values_mv[lead, i] - held
                        broken = False
                    held = values_mv[lead, i] - offset
                signal[lead, i] = held
            step[lead], self._broken[lead] = offset, broken
        self._any_broken = bool(self._broken.any())
        return signal, step
