"""Change a recording mildly: what the patient has stays the same.

A close decision falls the other way under some changes. The rules were shaped on the unchanged
recordings, so the mean over the changes says more about recordings that nobody has seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy import signal

from monitor.messages import FloatArray, StreamInfo
from tools.data.noise import electrode_motion

STRESS_HZ = 360  # of the recordings of the noise stress test database
WHITE_MV = 0.05
MUSCLE_DB, WANDER_DB = 18.0, 6.0


@dataclass(frozen=True, eq=False)
class Recording:
    """A whole recording in memory: ``values_mv`` has shape (samples, leads).

    ``cut_s`` of it were cut off before, ``data`` is the folder of all recordings.
    """

    info: StreamInfo
    values_mv: FloatArray
    data: Path
    cut_s: float = 0.0

    @property
    def ecg(self) -> int:
        """Number of ECG leads; what follows is a pulse waveform."""
        return len(self.info.ecg.leads)


Perturbation = Callable[[Recording], Recording]


def scaled(recording: Recording, gain: float) -> Recording:
    """Multiply the ECG."""
    values = recording.values_mv.copy()
    values[:, : recording.ecg] *= np.float32(gain)
    return replace(recording, values_mv=values)


def leads(recording: Recording, *order: int) -> Recording:
    """Give the ECG leads of those numbers, those that there are, in that order."""
    count = recording.ecg
    kept = [lead for lead in order if lead < count] or [0]
    kept += range(count, len(recording.info.leads))
    names = tuple(recording.info.leads[lead] for lead in kept)
    values = np.ascontiguousarray(recording.values_mv[:, kept])
    return replace(recording, info=replace(recording.info, leads=names), values_mv=values)


def later(recording: Recording, seconds: float) -> Recording:
    """Begin later, so that less is learnt and hops lie elsewhere."""
    first = round(seconds * recording.info.rate_hz)
    cut_s = first / recording.info.rate_hz
    return replace(recording, values_mv=recording.values_mv[first:], cut_s=cut_s)


def resampled(recording: Recording, rate_hz: int) -> Recording:
    """Sample at another rate; missing samples stay missing."""
    before = round(recording.info.rate_hz)
    values = recording.values_mv
    missing = ~np.isfinite(values)
    x = signal.resample_poly(np.where(missing, 0.0, values), rate_hz, before).astype(np.float32)
    nearest = np.minimum(np.arange(len(x)) * before // rate_hz, len(values) - 1)
    x[missing[nearest]] = np.nan
    return replace(recording, info=replace(recording.info, rate_hz=float(rate_hz)), values_mv=x)


def white(recording: Recording, rms_mv: float) -> Recording:
    """Add white noise to the ECG."""
    values = recording.values_mv.copy()
    rng = np.random.default_rng(zlib.crc32(recording.info.stream.encode()))
    values[:, : recording.ecg] += rng.normal(0.0, rms_mv, (len(values), recording.ecg))
    return replace(recording, values_mv=values)


def noisy(recording: Recording, name: str, snr_db: float, from_s: float = 0.0) -> Recording:
    """Add recorded noise to the ECG: ``bw`` (wander), ``ma`` (muscle), ``em`` (electrode motion).

    Each recording gets another part of it, from a time on. Signal power is an eighth of the
    squared median of the peak-to-peak of each second, noise power the mean square.
    """
    values, rate_hz = recording.values_mv.copy(), recording.info.rate_hz
    second, first, count = round(rate_hz), round(from_s * rate_hz), recording.ecg
    whole = values[: len(values) // second * second, :count].reshape(-1, second, count)
    size = np.nanmedian(np.ptp(whole, axis=1), axis=0)
    noise = signal.resample_poly(stress(recording.data, name), second, STRESS_HZ)
    part = zlib.crc32(recording.info.stream.encode()) % len(noise)
    at = (part + np.arange(len(values) - first)) % len(noise)
    added = noise[at][:, np.arange(count) % noise.shape[1]]
    scale = np.sqrt(size**2 / 8 * 10 ** (-snr_db / 10) / (added**2).mean(axis=0))
    values[first:, :count] += (added * scale).astype(np.float32)
    return replace(recording, values_mv=values)


@cache
def stress(data: Path, name: str) -> NDArray[np.float64]:
    """Give a noise recording of the stress test database, mean zero, at ``STRESS_HZ``."""
    if name == "em":
        return electrode_motion(data)
    noise = wfdb.rdrecord(str(data / "nstdb" / name)).p_signal
    return np.asarray(noise - noise.mean(axis=0))


PERTURBATIONS: dict[str, Perturbation] = {
    "unchanged": lambda recording: recording,
    "gain 0.7": partial(scaled, gain=0.7),
    "inverted": partial(scaled, gain=-1.0),
    "leads swapped": lambda recording: leads(recording, 1, 0),
    "first lead alone": lambda recording: leads(recording, 0),
    "second lead alone": lambda recording: leads(recording, 1),
    "7.3 s later": partial(later, seconds=7.3),
    "200 Hz": partial(resampled, rate_hz=200),
    "white noise": partial(white, rms_mv=WHITE_MV),
    "muscle": partial(noisy, name="ma", snr_db=MUSCLE_DB),
    "wander": partial(noisy, name="bw", snr_db=WANDER_DB),
}
