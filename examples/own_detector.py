"""A streaming QRS detector of your own: band-pass, energy, an adaptive threshold.

Run it in place of the default detector; labels, rhythm and alarms work behind it::

    PYTHONPATH=examples ecg-monitor demo --scenario pvc --once --text \
        --detector own_detector:EnergyDetector
"""

import numpy as np
from scipy.signal import butter, sosfilt

from monitor.config import DetectSettings
from monitor.messages import Quality, RPeak, Samples, StreamInfo

REFRACTORY_S = 0.25  # no second QRS within this time
SHARE = 0.35  # of the usual QRS energy that a candidate must reach
FORGET = 0.875  # how slowly the usual energy follows new beats
SEARCH_S = 0.2  # the R peak lies this far back from the energy peak at most


class EnergyDetector:
    """Find R peaks in the primary lead.

    The state is the filter's memory, the last second of signal and the usual QRS energy. The same
    samples give the same peaks, because the monitor always hands over whole hops.
    """

    def __init__(self, info: StreamInfo, settings: DetectSettings) -> None:
        self.info = info
        rate_hz = info.rate_hz
        self.sos = butter(2, (5.0, 20.0), "bandpass", fs=rate_hz, output="sos")
        self.memory = np.zeros((len(self.sos), 2))
        self.smooth = np.ones(round(0.1 * rate_hz)) / round(0.1 * rate_hz)
        self.signal = np.zeros(0)  # the recent signal, and its energy
        self.energy = np.zeros(0)
        self.start = info.start_sample  # sample index of the first value kept
        self.usual = 0.0
        self.last_energy_peak = info.start_sample - round(rate_hz)
        self.last_r_peak = info.start_sample - 1

    def push(self, block: Samples, quality: Quality) -> list[RPeak]:
        """Take one hop; give the R peaks that can be decided now."""
        if block.start_sample != self.start + len(self.signal):  # samples are missing: start anew
            self.memory[:] = 0.0
            self.signal, self.energy, self.start = np.zeros(0), np.zeros(0), block.start_sample
        raw = np.nan_to_num(block.values_mv[:, 0].astype(float))
        filtered, self.memory = sosfilt(self.sos, raw, zi=self.memory)
        self.signal = np.append(self.signal, filtered)
        self.energy = np.append(self.energy, filtered**2)
        peaks = self._decide(block.end_sample)
        excess = len(self.signal) - round(self.info.rate_hz)
        if excess > 0:
            self.signal, self.energy = self.signal[excess:], self.energy[excess:]
            self.start += excess
        return peaks

    def flush(self) -> list[RPeak]:
        """Nothing waits for later samples but the last 0.1 s, which are let go."""
        return []

    def _decide(self, end: int) -> list[RPeak]:
        """Look for energy peaks that have 0.1 s of signal after them."""
        envelope = np.convolve(self.energy, self.smooth, "same")
        margin = len(self.smooth)
        quiet = round(REFRACTORY_S * self.info.rate_hz)
        peaks = []
        for i in range(margin, len(envelope) - margin):
            at = self.start + i
            if at - self.last_energy_peak < quiet or envelope[i] < SHARE * self.usual:
                continue
            if envelope[i] <= 0.0 or envelope[i] < envelope[i - margin : i + margin].max():
                continue
            self.last_energy_peak = at
            first = not self.usual
            self.usual = (
                envelope[i]
                if first
                else (FORGET * self.usual + (1.0 - FORGET) * min(envelope[i], 4.0 * self.usual))
            )
            low = max(0, i - round(SEARCH_S / 2 * self.info.rate_hz))
            sample = self.start + low + int(np.argmax(np.abs(self.signal[low : i + margin])))
            if sample > self.last_r_peak:
                self.last_r_peak = sample
                peaks.append(RPeak(self.info.stream, sample, end - 1))
        return peaks
