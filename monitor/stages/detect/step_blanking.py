"""Blanks jumps that no heart makes: a spike, a step, the way to a rail of the converter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.stages.hop_rows import with_before

Array = NDArray[np.float64]

_LAG_S = 0.003
_HIGH = 3.0  # typical QRS sizes within the lag; records of DS1 have at most 2.8, paced ones 2.4
_EVENT_S = 0.02  # the edges of one spike lie within this time
_APART_S = 2.0  # jumps that come more often may be pacing pulses, or a QRS that has grown


def reaches(before: Array, values_mv: Array) -> list[list[float]]:
    """Give how far apart the samples of hops are.

    Parameters
    ----------
    before
        Samples just before the first hop, shape (leads, lag).
    values_mv
        Shape (leads, hops, n), mV; NaN where missing.

    Returns
    -------
    For each hop, per lead, the highest less the lowest sample, with so many just before the hop.
    """
    leads, hops, n = values_mv.shape
    joined = np.concatenate((before, values_mv.reshape(leads, hops * n)), axis=1)
    signal = with_before(joined, before.shape[1] + n, hops)
    reach = np.maximum.reduce(signal, 2) - np.minimum.reduce(signal, 2)
    per_hop: list[list[float]] = reach.T.tolist()
    return per_hop


class StepBlanking:
    """Finds the samples in which a lead changes by several QRS sizes within milliseconds.

    These samples are treated as missing, so neither spike nor step remains: the signal goes on at
    its old level.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.

    Attributes
    ----------
    before
        The last samples, as many as the lag, shape (leads, lag).
    """

    def __init__(self, rate_hz: float, leads: int) -> None:
        self._lag = max(1, round(_LAG_S * rate_hz))
        self._event, self._apart = round(_EVENT_S * rate_hz), round(_APART_S * rate_hz)
        self._since = [self._apart] * leads  # samples from the last jump to the last hop
        self._begun = [self._apart] * leads  # samples since the first jump of the last event
        self.forget()

    def forget(self) -> None:
        """Go on after a gap: a new level is no jump."""
        self.before = np.full((len(self._since), self._lag), np.nan)

    def find(
        self, values_mv: Array, span: list[float], reach: list[float] | None = None
    ) -> NDArray[np.bool_] | None:
        """Give the samples to blank, shape (leads, n); None if there are none.

        Parameters
        ----------
        values_mv
            One hop, shape (leads, n), mV; NaN where missing.
        span
            Typical size of a QRS per lead, mV; 0 while not known.
        reach
            Of this hop, if it was asked for before.
        """
        n = values_mv.shape[1]
        if reach is None:
            reach = reaches(self.before, values_mv[:, None])[0]
        before = self.before
        if n >= self._lag:
            self.before = values_mv[:, n - self._lag :].copy()
        else:
            self.before = np.concatenate((before, values_mv), axis=1)[:, n:]
        if all(r <= _HIGH * size for r, size in zip(reach, span, strict=True)):
            self._since = [since + n for since in self._since]
            self._begun = [begun + n for begun in self._begun]
            return None
        signal = np.concatenate((before, values_mv), axis=1)
        change = np.abs(signal[:, self._lag :] - signal[:, :n])
        high = change > _HIGH * np.array([[size or np.inf] for size in span])
        blanked = np.zeros_like(high) if high.any() else None
        for lead in range(len(span)):
            since, begun, done = self._since[lead], self._begun[lead], 0
            for at in np.flatnonzero(high[lead]).tolist() if blanked is not None else ():
                since, begun, done = since + at - done, begun + at - done, at
                if since >= self._apart:
                    begun = 0
                if blanked is not None and begun <= self._event:
                    blanked[lead, at] = True
                since = 0
            self._since[lead], self._begun[lead] = since + n - done, begun + n - done
        return blanked
