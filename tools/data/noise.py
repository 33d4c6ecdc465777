"""Noise of moving electrodes: recorded, to measure at a stated level; simulated, to train.

Muscle noise is simulated too.

The recording ``em`` of the noise stress test database is the difference between its record
118 at -6 dB and record 118 itself. It is used for measuring only, never for training.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.signal
import wfdb
from numpy.typing import NDArray

Float32: TypeAlias = NDArray[np.float32]

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


def with_noise(
    signal: Float32,
    beats: NDArray[np.int64],
    noise: Float32,
    snr_db: float,
    rate_hz: float,
) -> Float32:
    """Add noise from 30 s on, on and off by the minute, scaled per lead.

    SNR as in NSTDB: squared mean QRS peak-to-peak over 8, over the noise's variance within
    one second, extremes left out of both (doi:10.13026/C2HS3T).
    """
    out = signal.copy()
    second, reach = int(rate_hz), int(0.05 * rate_hz)
    on = (np.arange(len(signal)) / rate_hz - 30.0) // 60.0 % 2 == 0
    for lead in range(signal.shape[1]):
        spans = np.sort([np.ptp(signal[b - reach : b + reach, lead]) for b in beats[20:320]])
        spans = spans[len(spans) // 20 : -len(spans) // 20]
        whole = noise[: len(noise) // second * second, lead].reshape(-1, second)
        powers = np.sort(whole.var(axis=1))
        powers = powers[len(powers) // 20 : -len(powers) // 20]
        wanted = np.mean(spans) ** 2 / 8 * 10 ** (-snr_db / 10)
        out[:, lead] += noise[:, lead] * on * np.sqrt(wanted / np.mean(powers))
    return out


def motion(n: int, rate_hz: float, rng: np.random.Generator) -> Float32:
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
    noise: Float32 = (mixing @ np.stack(sources)).T.astype(np.float32)
    return noise


def muscle(n: int, rate_hz: float, rng: np.random.Generator) -> Float32:
    """Noise like that of tense muscles, shape (n, 2): white, swelling and fading together."""
    slow = scipy.signal.butter(1, 0.3, fs=rate_hz)
    settle = 2000
    swell = scipy.signal.lfilter(*slow, rng.standard_normal(n + settle))[settle:]
    strength = np.minimum(np.exp(swell / swell.std()), 4.0)
    noise: Float32 = (strength[:, None] * rng.standard_normal((n, 2))).astype(np.float32)
    return noise
