"""Ventricular fibrillation, flutter and wide fast tachycardia, from the waveform.

In fibrillation there are no beats to count. What is left is a wave without isoelectric line,
without steep parts and with one dominant frequency. It is recognised from published
parameters of a short window, combined by logistic regression:

* leakage of the VF filter: S. Kuo and R. Dillman, Computers in Cardiology 1978; as given by
  A. Amann et al., BioMed Eng OnLine 4:60 (2005), doi:10.1186/1475-925X-4-60;
* threshold crossing sample count: M. A. Arafat et al., Signal Image Video Process 5:1
  (2011), doi:10.1007/s11760-009-0136-1;
* phase space reconstruction: A. Amann et al., IEEE Trans Biomed Eng 54:174 (2007),
  doi:10.1109/TBME.2006.880909;
* spectral moments: S. Barro et al., J Med Eng Technol 13:112 (1989),
  doi:10.3109/03091908909030187;
* share of slow samples and kurtosis of the amplitude: time at the isoelectric line, as the
  basic parameters of C. Figuera et al., PLoS ONE 11:e0159654 (2016),
  doi:10.1371/journal.pone.0159654.

Notes
-----
Deviations from the papers:

* band-pass 1 to 30 Hz, forward only, one window length for all, at 125 Hz whatever the stream has:
  most features change with the rate;
* the crossing count is taken over the whole window, against its 98 % quantile, untapered;
* the spectrum gives the dominant frequency (1 to 9 Hz) and the share of power over 12 Hz;
* coefficients are fitted by ``tools/train/fibrillation.py``, which names the recordings.

Once per ``fibrillation_step_s`` the window is looked at; the evidence of the looks, log odds
averaged over the leads and less ``fibrillation_doubt``, is summed from zero upwards (the
cumulative sum of E. S. Page, Biometrika 41:100 (1954), doi:10.1093/biomet/41.1-2.100) until it
exceeds ``fibrillation_evidence``: what never is more than likely does not add up. Clear
fibrillation is named 3 to 5 s after its onset, doubtful later.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from monitor.config import RhythmSettings
from monitor.messages import LeadState, StreamInfo
from monitor.stages.band import BAND_HZ, WORK_HZ, BandSignal
from monitor.stages.hop import Hop

FloatRow = NDArray[np.float64]

FEATURES = (
    "leakage",
    "crossing",
    "phase_space",
    "log_period",
    "log_steep",
    "slow_share",
    "log_kurtosis",
    "log_frequency",
)
_GRID = 40
_DELAY_S = 0.5
_PLAIN_SLOPE = 0.08  # median over peak slope: under it the window has an isoelectric line


class Features:
    """Computes the features of windows of one length and rate."""

    def __init__(self, samples: int, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._taper = np.hanning(samples)
        frequencies = np.fft.rfftfreq(samples, 1.0 / rate_hz)
        whole = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
        self._whole = np.flatnonzero(whole)
        self._frequencies = frequencies[self._whole]
        self._dominant = int(np.searchsorted(self._frequencies, 9.0, side="right"))
        self._steep = int(np.searchsorted(self._frequencies, 12.0))
        self._delay = round(_DELAY_S * rate_hz)
        self._box = np.zeros(_GRID * _GRID, dtype=bool)

    def of(self, x: FloatRow) -> tuple[float, float, FloatRow | None]:
        """Give amplitude (mV), regularity (0 to 1) and the features of one window.

        The features are None where an isoelectric line is plain to see, which is most of
        the time and spares the work.
        """
        n = len(x)
        slope = np.abs(np.diff(x))
        slope_sum = float(slope.sum())
        slope.sort()
        top_slope = float(slope[int(0.98 * (n - 2))])
        slow = float(slope[(n - 1) // 2]) / (top_slope + 1e-9)
        a = np.abs(x)
        total = float(a.sum())
        height = np.sort(a)
        peak = float(height[int(0.98 * (n - 1))]) + 1e-9
        if slow < _PLAIN_SLOPE:
            return peak, 0.0, None
        period = 2.0 * math.pi * total / (slope_sum + 1e-9)
        half = min(max(1, round(period / 2.0)), n // 2)
        around = float((a[half:] + a[:-half]).sum()) + 1e-9
        leakage = float(np.abs(x[half:] + x[:-half]).sum()) / around
        crossing = 1.0 - float(np.searchsorted(height, 0.2 * peak)) / n
        spectrum = np.fft.rfft(x * self._taper)[self._whole]
        power = spectrum.real**2 + spectrum.imag**2
        frequency = float(self._frequencies[int(power[: self._dominant].argmax())])
        steep = float(power[self._steep :].sum()) / (float(power.sum()) + 1e-12)
        centred = x - x.mean()
        square = centred * centred
        variance = float(square.mean()) + 1e-12
        kurtosis = float((square * square).mean()) / variance**2
        features = np.array(
            [
                leakage,
                crossing,
                self._phase_space(x),
                math.log(period / self._rate_hz),
                math.log(steep + 0.003),
                slow,
                math.log(kurtosis),
                math.log(frequency),
            ]
        )
        return peak, self._regularity(centred, variance), features

    def _phase_space(self, x: FloatRow) -> float:
        low = x.min()
        scale = (_GRID - 0.001) / (x.max() - low + 1e-9)
        at = ((x - low) * scale).astype(np.intp)
        self._box[:] = False
        self._box[at[self._delay :] * _GRID + at[: -self._delay]] = True
        return float(np.count_nonzero(self._box)) / len(self._box)

    def _regularity(self, x: FloatRow, variance: float) -> float:
        """Highest autocorrelation at lags of 0.18 to 0.6 s (100 to 330 per minute)."""
        n = len(x)
        low, high = round(0.18 * self._rate_hz), round(0.6 * self._rate_hz)
        spectrum = np.fft.rfft(x, 2 * n)
        lags = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, 2 * n)[low : high + 1]
        counts = n - np.arange(low, high + 1)
        return float((lags / counts).max() / variance)


WEIGHTS = np.array([-11.11, -17.33, 117.64, 2.12, -0.07, 23.43, -0.12, 1.19])
BIAS = -3.78
_LIMIT = 6.0  # a single lead's evidence, log odds, is kept within this
FLUTTER_REGULARITY = 0.85  # autocorrelation from which the waves are regular
_QRS_KNOWN_S = 0.5
_QRS_COUNT_S = 4.0
_LOST = frozenset({LeadState.INVALID, LeadState.LEAD_OFF, LeadState.SATURATED, LeadState.FLAT})


class Fibrillation:
    """Looks at the last seconds of up to two leads and says whether they fibrillate.

    Parameters
    ----------
    info
        The stream.
    settings
        Window, step, and limits named ``fibrillation_*``.
    band
        The signal; has been given each hop before it comes here.
    """

    def __init__(self, info: StreamInfo, settings: RhythmSettings, band: BandSignal) -> None:
        self._settings = settings
        self._rate_hz = info.rate_hz
        self._band = band
        self._leads = band.leads
        self._length = round(settings.fibrillation_window_s * band.rate_hz)
        self._points = np.arange(round(settings.fibrillation_window_s * WORK_HZ)) / WORK_HZ
        self._features = Features(len(self._points), WORK_HZ)
        self._end: int | None = None
        self.forget()

    def forget(self) -> None:
        """Start anew: the window is empty and nothing fibrillates."""
        self._lost_until = [-1] * self._leads
        self._rpeaks: deque[int] = deque(maxlen=32)
        self._step: int | None = None
        self._evidence = 0.0
        self._positive_since: int | None = None
        self._quiet_looks = 0
        self.regularity = 0.0
        self.flutters = False  # the newest window is full of large regular waves
        self.onset_sample: int | None = None

    @property
    def active(self) -> bool:
        """Whether the waveform fibrillates now."""
        return self.onset_sample is not None

    def push(self, hop: Hop) -> None:
        """Take one hop; ``active`` and ``onset_sample`` are up to date afterwards."""
        block, quality = hop.block, hop.quality
        if self._end is not None and block.start_sample != self._end:
            self.forget()
        self._end = block.end_sample
        for lead in range(self._leads):
            if quality.leads[lead] in _LOST:
                self._lost_until[lead] = block.end_sample
        self._rpeaks.extend(rpeak.sample for rpeak in hop.rpeaks)
        step = int(block.end_sample / (self._settings.fibrillation_step_s * self._rate_hz))
        if step != self._step:
            self._step = step
            self._look(block.end_sample)

    def _look(self, end: int) -> None:
        window = self._band.latest(self._length)
        if len(window) < self._length:
            return
        evidence = self._judge(window, end)
        if evidence is None:
            self._evidence = 0.0
            self._end_if_quiet(lost=True)
            return
        self._evidence = max(0.0, self._evidence + evidence - self._settings.fibrillation_doubt)
        if evidence > 0.0:
            self._quiet_looks = 0
            if self._positive_since is None:
                length = round(self._settings.fibrillation_window_s * self._rate_hz)
                self._positive_since = end - length
        enough = self._evidence > self._settings.fibrillation_evidence
        if not self.active and enough and evidence > 0.0:
            self.onset_sample = self._positive_since
        if evidence <= 0.0:
            self._end_if_quiet(lost=False)

    def _end_if_quiet(self, lost: bool) -> None:
        self._quiet_looks += 1
        if self.active and not lost:
            if self._quiet_looks < self._settings.fibrillation_end_looks:
                return
        elif self._evidence > 0.0:
            return
        self._evidence = 0.0
        self._positive_since = None
        self.onset_sample = None
        self._quiet_looks = 0

    def _judge(self, signal_mv: FloatRow, end: int) -> float | None:
        """Mean log odds of the leads that can be judged; None if none can."""
        s = self._settings
        window = s.fibrillation_window_s * self._rate_hz
        seen, large, self.flutters = False, 0.0, False
        odds: list[float] = []
        periods: list[float] = []
        regularity = 0.0
        for lead in range(self._leads):
            if self._lost_until[lead] > end - window:
                continue
            seen = True
            x = self._at_one_rate(signal_mv[:, lead])
            peak, regular, features = self._features.of(x)
            if not s.fibrillation_mv <= peak <= s.fibrillation_top_mv:
                continue
            if features is None:
                return -_LIMIT  # an isoelectric line in one lead outweighs the other
            score = float(features @ WEIGHTS) + BIAS
            odds.append(min(max(score, -_LIMIT), _LIMIT))
            periods.append(math.exp(features[3]))
            regularity = max(regularity, regular)
            if peak >= s.fibrillation_wave_mv:
                large = max(large, regular)
        if not odds:
            return -_LIMIT if seen else None
        self.regularity = regularity
        period = sum(periods) / len(periods)
        if period > s.fibrillation_period_s:
            # slow waves may also be the wide complexes of a tachycardia: then each has its QRS;
            # but fibrillation that has been found grows slow and coarse as it lasts
            if period > 1.5 * s.fibrillation_period_s:
                return -_LIMIT
            if not self.active and self._qrs_per_s(end) * period > s.fibrillation_qrs_per_wave:
                return -_LIMIT
        self.flutters = large >= FLUTTER_REGULARITY
        return sum(odds) / len(odds)

    def _at_one_rate(self, x: FloatRow) -> FloatRow:
        """Give a window at ``WORK_HZ``, about which the coefficients were fitted."""
        if self._band.rate_hz == WORK_HZ:
            return np.ascontiguousarray(x)
        return np.interp(self._points, np.arange(len(x)) / self._band.rate_hz, x)

    def _qrs_per_s(self, end: int) -> float:
        """Rate of detected QRS over the last 4 s in which all are known."""
        last = end - _QRS_KNOWN_S * self._rate_hz
        first = last - _QRS_COUNT_S * self._rate_hz
        return sum(first < rpeak <= last for rpeak in self._rpeaks) / _QRS_COUNT_S
