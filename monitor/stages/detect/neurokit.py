"""Runs any R-peak method of NeuroKit2 [1]_ on a stream.

Rules that hold here:

1. NeuroKit2 gets a window of the last ``neurokit_window_s`` seconds of the primary lead, after
   every ``neurokit_step_s`` of new signal, in mV, as float64.
2. Each sample of the stream is *owned* by one run, in which it is at least ``neurokit_edge_s``
   from the right edge of the window. A peak closer than the refractory period to the last one is
   the same peak, found twice.
3. A window without signal gives no peaks. If less than half of it is signal, or the method raises
   an error, the next window tries again while the samples are in it.

References
----------
.. [1] Makowski, D., et al. (2021). NeuroKit2: A Python toolbox for neurophysiological signal
   processing. Behavior Research Methods, 53, 1689-1696. doi:10.3758/s13428-020-01516-y
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.config import DetectSettings
from monitor.errors import USAGE, MonitorError
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.ring import Ring
from monitor.stages.bridging import bridged

METHODS = (
    *("neurokit", "pantompkins1985", "nabian2018", "gamboa2008", "ssf", "zong2003", "hamilton2002"),
    *("christov2004", "engzeemod2012", "manikandan2012", "elgendi2010", "kalidas2017"),
    *("khamis2016", "martinez2004", "rodrigues2021", "emrich2023", "promac"),
)
"""Every method of ``neurokit2.ecg_findpeaks``."""

# Methods with their own cleaning in neurokit2.ecg_clean; the others use "neurokit".
_OWN_CLEANING = frozenset(
    (
        *("pantompkins1985", "gamboa2008", "ssf", "zong2003", "hamilton2002"),
        *("christov2004", "engzeemod2012", "elgendi2010", "kalidas2017", "emrich2023"),
    )
)
# Packages that NeuroKit2 imports when the method runs.
_NEEDS = {"emrich2023": "ts2vg"}
_USABLE = frozenset({LeadState.OK, LeadState.NOISY})
_REFRACTORY_S = 0.15  # shorter than the RR interval at 300 bpm
_FLAT_MV = 1e-6  # a window with less is flat: some methods raise errors on it


class NeurokitDetector:
    """One method of NeuroKit2 on a sliding window of the primary lead.

    Parameters
    ----------
    info
        The stream.
    settings
        ``detector`` is ``neurokit:METHOD``; ``neurokit_window_s``, ``neurokit_step_s``,
        ``neurokit_edge_s`` and ``mains_hz`` say how it is run.

    Raises
    ------
    MonitorError
        If NeuroKit2 has no such method, or the method lacks a package.

    Notes
    -----
    The first peaks come when the first window is full. From then on the latency is
    ``neurokit_edge_s`` plus up to one step; after a long fault up to half a window. Gaps of up to
    one window are bridged by linear interpolation, and peaks on bridged samples are dropped; after
    a longer gap the window starts empty. ``ssf`` has an absolute threshold in a unit that its
    authors do not give; in mV it finds almost no beats.

    Every run starts the method anew, so a method that learns thresholds from the first beats does
    worse than on a whole record. After a bad start ``hamilton2002`` detects the wave before the
    QRS until the window ends: in the first 4 min of MIT-BIH 100 and 103 its +P is 89 and 93 %;
    with windows of 60 s it is 100 and 97 % (``annotate --detector neurokit:hamilton2002``,
    ``score --start 0 --end 4:00``). ``christov2004`` finds some beats twice.
    """

    def __init__(self, info: StreamInfo, settings: DetectSettings) -> None:
        method = settings.detector.partition(":")[2]
        if method not in METHODS:
            raise MonitorError(
                f"NeuroKit2 has no R-peak method {method!r}; it has {', '.join(METHODS)}", USAGE
            )
        needs = _NEEDS.get(method)
        if needs is not None and importlib.util.find_spec(needs) is None:
            raise MonitorError(
                f"detector neurokit:{method} needs the package {needs}: pip install {needs}", USAGE
            )
        self._stream = info.stream
        self._rate_hz = info.rate_hz
        self._method = method
        self._mains_hz = settings.mains_hz
        self._size = round(settings.neurokit_window_s * info.rate_hz)
        self._step = round(settings.neurokit_step_s * info.rate_hz)
        self._edge = round(settings.neurokit_edge_s * info.rate_hz)
        self._window = Ring(self._size, 1, info.start_sample)  # of the primary lead
        self._settled = info.start_sample  # peaks before it have been given
        self._last_run = info.start_sample
        self._last_peak: int | None = None

    def push(self, block: Samples, quality: Quality) -> list[RPeak]:
        """Take one hop, give the R peaks that can be decided now."""
        peaks: list[RPeak] = []
        window = self._window
        values = block.values_mv[:, :1]
        if quality.leads[0] not in _USABLE:
            values = np.full_like(values, np.nan)
        if block.start_sample - window.end_sample >= self._size:
            peaks = self._run(window.end_sample)
            window.forget(block.start_sample)
            self._settled = block.start_sample
        window.write(block.start_sample, values)
        end = window.end_sample
        if end - self._last_run >= self._step and end - window.oldest_sample == self._size:
            peaks += self._run(end - self._edge)
        return peaks

    def flush(self) -> list[RPeak]:
        """Give the R peaks still pending when the stream ends."""
        return self._run(self._window.end_sample)

    def _run(self, until: int) -> list[RPeak]:
        """Analyse the window; give its peaks in [settled, until)."""
        end = self._last_run = self._window.end_sample
        if until <= self._settled:
            return []
        start, signal = self._window.read(self._size)
        owned_from = self._settled
        places = self._analyse(signal[:, 0].astype(np.float64))
        if places is None:
            # the next run tries again while the samples are in its window
            self._settled = max(owned_from, min(until, start + self._step + self._edge))
            return []
        self._settled = until
        refractory = round(_REFRACTORY_S * self._rate_hz)
        found: list[RPeak] = []
        for sample in start + places:
            # a little further back, so that a peak that moves across the seam is not lost
            if not owned_from - refractory <= sample < until:
                continue
            if self._last_peak is not None and sample - self._last_peak < refractory:
                continue
            if sample < owned_from:
                # the window that owned this sample did not find the peak, or found it elsewhere
                sample = owned_from
            self._last_peak = int(sample)
            found.append(RPeak(self._stream, int(sample), end - 1))
        return found

    def _analyse(self, window: NDArray[np.float64]) -> NDArray[np.int64] | None:
        """Peak positions in the window, ascending; None if the next window should try again."""
        none = np.empty(0, np.int64)
        valid = np.isfinite(window)
        if len(window) < self._rate_hz or not valid.any():
            return none
        if valid.mean() < 0.5:
            return None
        if np.ptp(window[valid]) < _FLAT_MV:
            return none
        try:
            peaks = self._call(bridged(window))
        except Exception:
            # methods raise many kinds of error: IndexError without a beat, ZeroDivisionError,
            # LinAlgError
            return None
        peaks = peaks[np.isfinite(peaks)].astype(np.int64)
        peaks = np.unique(peaks[(peaks >= 0) & (peaks < len(window))])
        kept: NDArray[np.int64] = peaks[valid[peaks]]
        return kept

    def _call(self, signal: NDArray[np.float64]) -> NDArray[np.float64]:
        import neurokit2

        cleaning = self._method if self._method in _OWN_CLEANING else "neurokit"
        options: dict[str, Any] = {"powerline": self._mains_hz} if cleaning == "neurokit" else {}
        with (
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            rate_hz = round(self._rate_hz)
            clean = neurokit2.ecg_clean(signal, sampling_rate=rate_hz, method=cleaning, **options)
            found = neurokit2.ecg_findpeaks(clean, sampling_rate=rate_hz, method=self._method)
        return np.asarray(found["ECG_R_Peaks"], dtype=np.float64).reshape(-1)
