"""Can this signal be analysed? One verdict per lead and hop.

Rules that hold here:

1. A lead is judged by what its samples look like, never by what the detector made of them:
   the two share nothing, so that one cannot hide the failure of the other.
2. Low amplitude is not a fault. A heart that has stopped leaves a small, restless baseline; a
   lead that has come off leaves a constant, a railed input or bare mains hum. Only those are
   called off or flat, so that asystole can alarm.
3. No limit is an absolute amplitude unless its name says so: gain, offset and polarity of the
   converter are unknown.
4. ``usable`` is exactly "at least one lead is ok".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.config import QualitySettings
from monitor.messages import LeadState, Quality, Samples, StreamInfo


class QualityGate:
    """Judges every lead of one stream, hop by hop.

    Parameters
    ----------
    info
        The stream; its rate and number of leads are used.
    settings
        Limits; see :class:`monitor.config.QualitySettings`.
    """

    def __init__(self, info: StreamInfo, settings: QualitySettings) -> None:
        self._info = info
        self._leads = [_Lead(info.rate_hz, settings) for _ in info.leads]
        self._end_sample: int | None = None

    def push(self, block: Samples) -> Quality:
        """Judge one hop; ``block.values_mv`` has shape (n, leads), mV, NaN where missing."""
        if block.start_sample != self._end_sample and self._end_sample is not None:
            for lead in self._leads:
                lead.forget()
        self._end_sample = block.end_sample
        columns = np.ascontiguousarray(block.values_mv.T, dtype=np.float64)
        states = tuple(lead.push(column) for lead, column in zip(self._leads, columns, strict=True))
        return Quality(
            stream=block.stream,
            sample=block.start_sample,
            end_sample=block.end_sample,
            leads=states,
            usable=LeadState.OK in states,
        )


class _Lead:
    """One lead: the last two seconds of it, its rails, and the state it is in."""

    def __init__(self, rate_hz: float, settings: QualitySettings) -> None:
        self._settings = settings
        self._rate_hz = rate_hz
        self._length = round(settings.window_s * rate_hz)
        self._taper = np.hanning(self._length)
        frequencies_hz = np.fft.rfftfreq(self._length, 1.0 / rate_hz)
        self._whole = slice(*np.searchsorted(frequencies_hz, (1.0, 100.0)).tolist())
        self._high = slice(*np.searchsorted(frequencies_hz, (20.0, 100.0)).tolist())
        self._forget = 0.5 ** (0.25 / 60.0)
        self._top = -np.inf
        self._bottom = np.inf
        self._height = 0.0  # of the QRS complexes: what asystole does not reach, noise does
        self.forget()

    def forget(self) -> None:
        """Drop what a hole in the samples invalidates; the rails of the converter stay known."""
        self._state = LeadState.OK
        self._window = np.empty(0)
        self._last = np.nan
        self._run = 0  # samples equal to their predecessor, up to now
        self._missing_s = 0.0
        self._pinned_s = 0.0
        self._suspect_s = 0.0
        self._good_s = 0.0

    def push(self, x: NDArray[np.float64]) -> LeadState:
        settings = self._settings
        hop_s = len(x) / self._rate_hz
        finite = np.isfinite(x)
        n_finite = int(np.count_nonzero(finite))
        keep = max(0.0, 1.0 - hop_s / settings.hold_s)
        self._missing_s = self._missing_s * keep + (len(x) - n_finite) / self._rate_hz
        if n_finite < len(x):
            x = x[finite]
        raw = self._judge(x, hop_s, keep) if n_finite else None
        if self._missing_s > settings.missing_s:
            raw = LeadState.INVALID
        return self._settle(raw, hop_s)

    def _judge(self, x: NDArray[np.float64], hop_s: float, keep: float) -> LeadState:
        settings = self._settings
        changed = np.flatnonzero(np.diff(x, prepend=self._last))
        self._run = len(x) - 1 - int(changed[-1]) if len(changed) else self._run + len(x)
        self._last = x[-1]
        high, low = x.max(), x.min()
        self._top, self._bottom = max(self._top, high), min(self._bottom, low)
        pinned = 0
        if high == self._top or low == self._bottom:
            at_rail = (x == self._top) | (x == self._bottom)
            pinned = int(np.count_nonzero(at_rail[1:] & at_rail[:-1]))
        self._pinned_s = self._pinned_s * keep + pinned / self._rate_hz
        self._window = np.concatenate((self._window, x))[-self._length :]
        constant_s = self._run / self._rate_hz
        railed = self._bottom < self._top and self._last in (self._top, self._bottom)
        if constant_s >= settings.lead_off_s and railed:
            return LeadState.LEAD_OFF
        if self._pinned_s >= settings.pinned_fraction * settings.hold_s and railed:
            return LeadState.SATURATED
        if constant_s >= settings.constant_s:
            return LeadState.FLAT
        if len(self._window) == self._length and self._is_noisy():
            return LeadState.NOISY
        return LeadState.OK

    def _is_noisy(self) -> bool:
        spectrum = np.fft.rfft((self._window - self._window.mean()) * self._taper)
        power = spectrum.real**2 + spectrum.imag**2
        whole, high = float(power[self._whole].sum()), float(power[self._high].sum())
        height = float(np.sqrt(high)) / self._length
        self._height = max(height, self._height * self._forget)
        if height < max(self._settings.noise_mv, 0.3 * self._height):
            return False
        return high > self._settings.noise_fraction * whole

    def _settle(self, raw: LeadState | None, hop_s: float) -> LeadState:
        """Hysteresis in time: a fault counts when it lasts, and so does its end."""
        settings = self._settings
        if raw is None:
            return self._state
        if raw is LeadState.OK:
            self._suspect_s = 0.0
            self._good_s += hop_s
            if self._good_s >= settings.recover_s:
                self._state = LeadState.OK
        else:
            self._good_s = 0.0
            self._suspect_s += hop_s
            if raw is not LeadState.NOISY or self._suspect_s >= settings.noise_s:
                self._state = raw
        return self._state
