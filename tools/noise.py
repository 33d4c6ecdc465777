"""Electrode-motion noise: recorded, at a stated level, to measure with; made, to train with.

The recording ``em`` of the noise stress test database is the difference between its record
118 at -6 dB and record 118 itself. It is used for measuring only, never for training.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import scipy.signal
import wfdb
from numpy.typing import NDArray

NOISY_PART_S = 120  # noise is on and off in turn, two minutes each, from 5:00
FIRST_S = 300


@cache
def electrode_motion(folder: Path) -> NDArray[np.float64]:
    """Give the noise recording, (samples, 2), mV at 360 Hz, both signals with mean zero.

    Parameters
    ----------
    folder
        With ``mitdb/`` and ``nstdb/``.
    """
    noisy = wfdb.rdrecord(str(folder / "nstdb" / "118e_6"))
    clean = wfdb.rdrecord(str(folder / "mitdb" / "118"))
    length = min(noisy.sig_len, clean.sig_len)
    noise = noisy.p_signal[:length] - clean.p_signal[:length]
    part = round(NOISY_PART_S * noisy.fs)
    starts = range(round(FIRST_S * noisy.fs), length - part + 1, 2 * part)
    parts = [noise[start : start + part] for start in starts]
    return np.concatenate([x - x.mean(axis=0) for x in parts])


def add_noise(
    signal: NDArray[np.float64],
    peaks: NDArray[np.int64],
    noise: NDArray[np.float64],
    snr_db: float,
) -> NDArray[np.float64]:
    """Add noise to a whole record so that each lead has the wanted ratio of signal to noise.

    Signal power is that of the stress test database: an eighth of the squared peak-to-peak of
    the QRS (here its median over the beats, within 50 ms); noise power the mean square.

    Parameters
    ----------
    signal
        Shape (samples, leads), mV, at the rate of the noise.
    peaks
        R peaks.
    noise
        Shape (n, leads or more); repeated as needed.
    snr_db
        The ratio.
    """
    repeats = -(-len(signal) // len(noise))
    added = np.tile(noise, (repeats, 1))[: len(signal), : signal.shape[1]]
    inside = peaks[(peaks >= 18) & (peaks < len(signal) - 18)]
    size = np.median(np.ptp(signal[inside[:, None] + np.arange(-18, 19)], axis=1), axis=0)
    wanted = size**2 / 8 * 10 ** (-snr_db / 10)
    return np.asarray(signal + added * np.sqrt(wanted / (added**2).mean(axis=0)))


def motion(n: int, rate_hz: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise like that of moving electrodes, shape (n, 2): wander that comes and goes, bumps."""
    sources = []
    for _ in range(3):
        low = scipy.signal.butter(1, rng.uniform(0.8, 3.0), fs=rate_hz)
        high = scipy.signal.butter(1, 0.4, "highpass", fs=rate_hz)
        slow = scipy.signal.butter(1, 0.3, fs=rate_hz)
        settle = 2000
        wander = scipy.signal.lfilter(*low, rng.standard_normal(n + settle))
        wander = scipy.signal.lfilter(*high, wander)[settle:]
        swell = scipy.signal.lfilter(*slow, rng.standard_normal(n + settle))[settle:]
        wander = wander / wander.std() * np.minimum(np.exp(swell / swell.std()), 4.0)
        bumps = np.zeros(n)
        for at in rng.integers(0, n, rng.poisson(rng.uniform(0.8, 3.0) * n / rate_hz)):
            t = np.linspace(0.0, 1.0, int(rng.uniform(0.06, 0.6) * rate_hz), endpoint=False)
            rise = rng.uniform(0.05, 0.4)
            shape = (
                np.sin(np.pi * t) ** 2,
                np.sin(2 * np.pi * t) * np.sin(np.pi * t),
                np.minimum(t / rise, np.exp(-3.0 * (t - rise))) * (1.0 - t),
            )[rng.integers(3)]
            part = bumps[at : at + len(t)]
            part += (shape * rng.standard_t(3))[: len(part)]
        sources.append(wander / wander.std() + rng.uniform(0.5, 2.0) * bumps / bumps.std())
    mixing = np.array(
        [
            [1.0, rng.uniform(0.0, 0.8), rng.uniform(0.0, 0.5)],
            [rng.uniform(-0.8, 0.8), 1.0, rng.uniform(0.0, 0.5)],
        ]
    )
    noise: NDArray[np.float32] = (mixing @ np.stack(sources)).T.astype(np.float32)
    return noise
