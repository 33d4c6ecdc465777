"""Heart-rate variability of the N-N intervals, by NeuroKit2 [1]_.

Time domain over the whole recording; frequency domain as the mean over windows of five minutes,
as the Task Force [2]_ asks for short-term components. A window counts if N-N intervals cover 80 %
of it. Intervals that end or begin at an ectopic beat, or at a gap, are left out.

References
----------
.. [1] Makowski, D., et al. (2021). NeuroKit2: A Python toolbox for neurophysiological signal
   processing. Behavior Research Methods, 53, 1689-1696. doi:10.3758/s13428-020-01516-y
.. [2] Task Force of the ESC and NASPE (1996). Heart rate variability: standards of measurement.
   Circulation 93, 1043-1065. doi:10.1161/01.CIR.93.5.1043
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from monitor.report.beat_table import BeatTable

WINDOW_S = 300.0
COVERED = 0.8
MIN_INTERVALS = 30
INTERPOLATED_HZ = 4.0  # of the tachogram; NeuroKit2's own default, 100 Hz, gives the same bands


@dataclass(frozen=True, slots=True)
class Variability:
    """Time domain in milliseconds and percent, power in ms²; None where it is not defined.

    ``windows`` is the number of five-minute windows in the frequency domain.
    """

    intervals: int
    mean_nn_ms: float | None
    sdnn_ms: float | None
    sdann_ms: float | None
    sdnn_index_ms: float | None
    rmssd_ms: float | None
    pnn50_percent: float | None
    triangular_index: float | None
    vlf_ms2: float | None
    lf_ms2: float | None
    hf_ms2: float | None
    lf_hf: float | None
    windows: int


def load_neurokit() -> ModuleType:
    """Import NeuroKit2, which takes seconds."""
    import neurokit2

    found: ModuleType = neurokit2
    return found


def variability(table: BeatTable) -> Variability | None:
    """Measure the variability; None with fewer than :data:`MIN_INTERVALS` N-N intervals."""
    nn = table.is_nn
    if int(nn.sum()) < MIN_INTERVALS:
        return None
    neurokit = load_neurokit()
    at_s, ms = table.at_s[nn], table.rr_s[nn] * 1000.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on windows too short for one of the many indices
        row = neurokit.hrv_time({"RRI": ms, "RRI_Time": at_s}, sampling_rate=1000).iloc[0]
        bands = [
            neurokit.hrv_frequency(
                {"RRI": ms[part], "RRI_Time": at_s[part]},
                sampling_rate=1000,
                normalize=False,
                interpolation_rate=INTERPOLATED_HZ,
            ).iloc[0]
            for part in _windows(at_s, ms)
        ]

    def of(name: str) -> float | None:
        return _known(float(row[f"HRV_{name}"]))

    def power(name: str) -> float | None:
        values = [float(band[f"HRV_{name}"]) for band in bands]
        known = [value for value in values if math.isfinite(value)]
        return sum(known) / len(known) if known else None

    lf, hf = power("LF"), power("HF")
    return Variability(
        len(ms),
        of("MeanNN"),
        of("SDNN"),
        of("SDANN5"),
        of("SDNNI5"),
        of("RMSSD"),
        of("pNN50"),
        of("HTI"),
        power("VLF"),
        lf,
        hf,
        lf / hf if lf is not None and hf else None,
        len(bands),
    )


def _windows(at_s: NDArray[np.float64], ms: NDArray[np.float64]) -> list[slice]:
    """Give the five-minute windows that N-N intervals cover well enough."""
    found = []
    for number in range(int(at_s[-1] // WINDOW_S) + 1):
        low, high = np.searchsorted(at_s, (number * WINDOW_S, (number + 1) * WINDOW_S))
        if float(ms[low:high].sum()) >= COVERED * WINDOW_S * 1000.0:
            found.append(slice(int(low), int(high)))
    return found


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
