"""Signals to fit the QRS network on: DS1, and signals made from it.

A variant is named by words: what is done, then by how much. All but ``clean``, ``first`` and
``second`` are 10 min from a random place.

clean                both leads; ``first``, ``second``: one of them, also before other words
motion, muscle6 DB   noise of electrodes, of muscles, of :mod:`tools.data.noise`, one minute of two
muscle, wander DB    the records ``ma`` and ``bw`` of NSTDB
bad0, bad1 DB        made motion in one lead
out0, out1 KIND      every other minute one lead holds noise and nothing else
gains, faults, steps, silence
                     changes of amplitude, faults of a lead, steps of the baseline, no beats
holes                nothing for a while: missing, flat or at the rail, in all leads
begin                as recorded; it is for pieces of a few seconds
speed X, rate HZ     played faster or slower, resampled
slow, tall           played slower by chance; T waves 1.5 to 6 times as tall
vt                   runs of ventricular beats, fast, of any record of DS1; also with noise
one                  (last) only one of the leads
b                    (last) another draw

This file is long because it is the list of all variants, a small function each.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import scipy.signal
import wfdb
from numpy.typing import NDArray

from monitor.score import RECORD_SETS
from monitor.score.annotations import EC57_CLASSES
from tools.data.noise import motion, muscle, with_noise

Array: TypeAlias = NDArray[np.float32]
Waves: TypeAlias = NDArray[np.float64]

SLICE_S = 600.0
WHOLE = ("clean", "first", "second")
BEFORE_V_S, AFTER_V_S = 0.14, 0.36  # of a ventricular beat that is moved elsewhere
V_PER_RECORD = 25
VT_NOISE_DB = 12.0


class Variant(NamedTuple):
    """A signal, mV, shape (n, leads), its beats and the bounds of its VF as sample numbers."""

    signal: Array
    beats: NDArray[np.int64]
    vf: NDArray[np.int64]
    rate_hz: float


class Variants:
    """DS1 records and what is made from them.

    Parameters
    ----------
    data
        Folder with ``mitdb`` and ``nstdb``.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._noise = {
            "muscle": wfdb.rdrecord(str(data / "nstdb" / "ma")).p_signal.astype(np.float32),
            "wander": wfdb.rdrecord(str(data / "nstdb" / "bw")).p_signal.astype(np.float32),
        }

    def make(self, record: str, name: str, rng: np.random.Generator) -> Variant:
        """Give one variant of a record; what is random in it comes from ``rng``."""
        words = name.removesuffix(" b").split()
        made = self._read(record)
        if name not in WHOLE:
            made = _part(made, rng)
        lead = WHOLE.index(words[0]) - 1 if words[0] in WHOLE else -1
        rest = words[1:] if lead >= 0 else words
        if rest:
            made = self._change(made, rest, rng)
        if lead >= 0:
            made = made._replace(signal=made.signal[:, lead : lead + 1])
        if words[-1] == "one":
            lead = int(rng.integers(2))
            made = made._replace(signal=made.signal[:, [lead]])
        if words[0] == "vt" and len(words) > 1 and words[1] != "one":
            source = motion if words[1] == "motion" else muscle
            noise = source(len(made.signal), made.rate_hz, rng)
            made = made._replace(signal=_noisy(made, noise, VT_NOISE_DB))
        return made

    def _read(self, record: str) -> Variant:
        path = str(self._data / "mitdb" / record)
        read = wfdb.rdrecord(path)
        signal = read.p_signal.astype(np.float32)
        if "MLII" in read.sig_name[1:]:
            signal = signal[:, ::-1]
        truth = wfdb.rdann(path, "atr")
        symbols = np.array(truth.symbol)
        beats = truth.sample[np.isin(symbols, list(EC57_CLASSES))]
        return Variant(signal, beats, truth.sample[np.isin(symbols, list("[]"))], float(read.fs))

    def _change(self, made: Variant, words: list[str], rng: np.random.Generator) -> Variant:
        what, signal, rate_hz = words[0], made.signal, made.rate_hz
        n = len(signal)
        if what in ("motion", "muscle6"):
            noise = (motion if what == "motion" else muscle)(n, rate_hz, rng)
            return made._replace(signal=_noisy(made, noise, float(words[1])))
        if what in self._noise:
            noise = np.roll(self._noise[what], int(rng.integers(n)), axis=0)[:n]
            return made._replace(signal=_noisy(made, noise, float(words[1])))
        if what.startswith("bad"):
            lead = int(what[3])
            noise = motion(n, rate_hz, rng)
            noise[:, 1 - lead] *= 1e-3
            both = signal.copy()
            both[:, lead] = _noisy(made, noise, float(words[1]))[:, lead]
            return made._replace(signal=both)
        if what.startswith("out"):
            return made._replace(signal=_out(signal, rate_hz, int(what[3]), words[1], rng))
        if what == "gains":
            return made._replace(signal=_gains(signal, rate_hz, rng))
        if what == "faults":
            return made._replace(signal=_faults(signal, rate_hz, rng))
        if what == "steps":
            return made._replace(signal=_steps(made, rng))
        if what == "silence":
            return _silence(made, rng)
        if what == "holes":
            return _with_holes(made, rng)
        if what == "vt":
            return _with_runs(made, self._ventricular, rng)
        if "tall" in words:
            made = made._replace(signal=_tall_t(made, rng))
        if what == "slow":
            # a record played slower has as many fewer beats a minute
            return _resampled(made, 100, round(100 * rng.uniform(0.5, 0.8)))
        if what == "speed":
            return _resampled(made, 100, round(100 * float(words[1])))
        if what == "rate":
            to_hz = float(words[1])
            return _resampled(made, round(to_hz), 360)._replace(rate_hz=to_hz)
        if what not in ("clean", "begin", "tall"):
            raise ValueError(f"no variant is called {what!r}")
        return made

    @cached_property
    def _ventricular(self) -> list[Waves]:
        """Ventricular beats of all DS1, in units of the usual beat, ending at their baseline."""
        waves = []
        for record in RECORD_SETS["ds1"]:
            path = str(self._data / "mitdb" / record)
            read, truth = wfdb.rdrecord(path), wfdb.rdann(path, "atr")
            signal, rate_hz = read.p_signal, read.fs
            if "MLII" in read.sig_name[1:]:
                signal = signal[:, ::-1]
            symbols = np.array(truth.symbol)
            usual = truth.sample[symbols == "N"]
            if len(usual) <= 50:
                usual = truth.sample[np.isin(symbols, list("NLRV"))]
            size = _size(signal, usual)
            rng = np.random.default_rng(int(record))
            for at in rng.permutation(truth.sample[symbols == "V"])[:V_PER_RECORD]:
                wave = signal[at - int(BEFORE_V_S * rate_hz) : at + int(AFTER_V_S * rate_hz)]
                if len(wave) < int(BEFORE_V_S * rate_hz) + int(AFTER_V_S * rate_hz):
                    continue
                t = np.linspace(0, 1, len(wave))[:, None]
                wave = (wave - (wave[0] * (1 - t) + wave[-1] * t)) / size
                waves.append(wave * np.minimum(1, 10 * np.minimum(t, 1 - t)))
        return waves


def _part(made: Variant, rng: np.random.Generator) -> Variant:
    signal, beats, vf, rate_hz = made
    start = int(rng.integers(0, len(signal) - int(SLICE_S * rate_hz)))
    stop = start + int(SLICE_S * rate_hz)
    beats = beats[(beats > start + rate_hz) & (beats < stop - rate_hz)] - start
    return Variant(signal[start:stop].copy(), beats, np.clip(vf, start, stop) - start, rate_hz)


def _noisy(made: Variant, noise: Array, snr_db: float) -> Array:
    return with_noise(made.signal, made.beats, noise, snr_db, made.rate_hz)


def _resampled(made: Variant, up: int, down: int) -> Variant:
    signal = scipy.signal.resample_poly(made.signal, up, down, axis=0).astype(np.float32)
    return Variant(signal, made.beats * up // down, made.vf * up // down, made.rate_hz)


def _size(signal: NDArray[np.floating], beats: NDArray[np.int64]) -> Waves:
    """Median size of the QRS per lead, within 50 ms at 360 Hz."""
    sizes = [np.ptp(signal[at - 18 : at + 18], axis=0) for at in beats[5:200]]
    return np.asarray(np.median(sizes, axis=0))


def _out(signal: Array, rate_hz: float, lead: int, kind: str, rng: np.random.Generator) -> Array:
    """Replace one lead by noise, every other minute."""
    n = len(signal)
    bad = ((np.arange(n) / rate_hz + 30) // 60) % 2 == 1
    if kind == "faint":
        fill = 0.02 * rng.standard_normal(int(bad.sum()))
    elif kind == "white":
        fill = rng.uniform(0.1, 0.5) * rng.standard_normal(int(bad.sum()))
    else:
        noise = muscle(n, rate_hz, rng)[:, lead]
        fill = (noise / noise.std() * rng.uniform(0.1, 0.5))[bad]
    signal[bad, lead] = fill
    return signal


def _steps(made: Variant, rng: np.random.Generator) -> Array:
    """Shift the baseline by up to three QRS sizes, in one lead or both."""
    signal, size = made.signal, _size(made.signal, made.beats)
    at = int(5 * made.rate_hz)
    while at < len(signal):
        both, only = rng.random() < 0.5, int(rng.integers(2))
        for lead in (0, 1):
            if both or lead == only:
                signal[at:, lead] += rng.choice([-1, 1]) * rng.uniform(0.3, 3.0) * size[lead]
        at += int(rng.uniform(2, 8) * made.rate_hz)
    return signal


def _tall_t(made: Variant, rng: np.random.Generator) -> Array:
    """T waves of another height: what is 0.17 s behind each R peak and before the next beat."""
    signal, beats, _, rate_hz = made
    gain = rng.uniform(1.5, 6.0, 2)
    for i, at in enumerate(beats):
        rr = beats[i + 1] - at if i + 1 < len(beats) else rate_hz
        start = at + int(0.17 * rate_hz)
        stop = min(at + int(min(0.55 * rate_hz, 0.7 * rr)), len(signal) - 1)
        if stop - start < 0.1 * rate_hz:
            continue
        t = np.linspace(0, 1, stop - start)[:, None]
        base = signal[start] * (1 - t) + signal[stop] * t
        taller = 1 + (gain - 1) * np.minimum(1, 6 * np.minimum(t, 1 - t))
        signal[start:stop] = base + (signal[start:stop] - base) * taller
    return signal


def _with_runs(made: Variant, waves: list[Waves], rng: np.random.Generator) -> Variant:
    """Replace stretches by runs of 3 to 13 ventricular beats at 120 to 270 bpm."""
    signal, truth, vf, rate_hz = made
    size, beats = _size(signal, truth), list(truth)
    at = int(12 * rate_hz)
    while at < len(signal) - 20 * rate_hz:
        count, rr_s = int(rng.integers(3, 14)), rng.uniform(0.22, 0.5)
        kinds = [waves[int(rng.integers(len(waves)))] for _ in range(int(rng.integers(1, 3)))]
        gains = [rng.choice([-1, 1], 2) * rng.uniform(0.5, 1.8, 2) for _ in kinds]
        squeeze = rng.uniform(0.7, 1.0)
        before = int(np.searchsorted(beats, at))
        if before >= len(beats):
            break
        first = beats[before] + int(rng.uniform(0.3, 0.6) * rate_hz)
        spread = rng.normal(0, rng.choice([0.02, 0.1]), count)
        rrs_s = np.maximum(rr_s * (1 + spread), 0.2)
        peaks = first + np.concatenate(([0], np.cumsum(rrs_s[:-1]))) * rate_hz
        peaks = peaks.astype(int)
        end = peaks[-1] + int(0.35 * rate_hz)
        later = [beat for beat in beats if beat > end + int(0.25 * rate_hz)]
        if not later:
            break
        start, stop = first - int(0.15 * rate_hz), max(end, later[0] - int(0.2 * rate_hz))
        t = np.linspace(0, 1, stop - start)[:, None]
        noise = rng.standard_normal((stop - start, 2)) * 0.01 * size
        signal[start:stop] = signal[start] * (1 - t) + signal[stop] * t + noise
        for i, peak in enumerate(peaks):
            kind = i % len(kinds)
            wave = kinds[kind] * size * gains[kind] * rng.uniform(0.85, 1.15)
            length = int(len(wave) * min(squeeze, 1.15 * rrs_s[i] / 0.5))
            places = np.linspace(0, len(wave) - 1, length)
            shrunk = [np.interp(places, np.arange(len(wave)), of_lead) for of_lead in wave.T]
            begin = peak - int(BEFORE_V_S * rate_hz * length / len(wave))
            signal[begin : begin + length] += np.stack(shrunk, axis=1).astype(np.float32)
        beats = sorted([beat for beat in beats if beat < start or beat >= stop] + list(peaks))
        at = stop + int(rng.uniform(6, 15) * rate_hz)
    return Variant(signal, np.array(beats), vf, rate_hz)


def _gains(signal: Array, rate_hz: float, rng: np.random.Generator) -> Array:
    """Sudden changes of amplitude, mains hum, and the noise of an amplifier."""
    gain = np.ones(len(signal))
    at = int(20 * rate_hz)
    while at < len(signal):
        gain[at:] = rng.choice([1.0, 0.3, 0.4, 0.5, 2.0])
        at += int(rng.uniform(20, 60) * rate_hz)
    t = np.arange(len(signal)) / rate_hz
    hum = 0.05 * np.sin(2 * np.pi * rng.choice([50.0, 60.0]) * t)
    hiss = 0.01 * rng.standard_normal(len(signal))
    out: Array = (signal * gain[:, None] + (hum + hiss)[:, None]).astype(np.float32)
    return out


def _faults(signal: Array, rate_hz: float, rng: np.random.Generator) -> Array:
    """Spikes, steps of the baseline, clipped stretches and missing samples, one every 10 s."""
    for at in range(int(10 * rate_hz), len(signal) - int(2 * rate_hz), int(10 * rate_hz)):
        lead = int(rng.integers(signal.shape[1]))
        kind = rng.integers(4)
        length = int(rng.uniform(0.2, 1.5) * rate_hz)
        if kind == 0:
            signal[at : at + max(1, int(0.004 * rate_hz)), lead] += rng.choice([-10.0, 10.0])
        elif kind == 1:
            signal[at:, lead] += rng.normal(0.0, 2.0)
        elif kind == 2:
            signal[at : at + length, lead] = 5.0
        else:
            signal[at : at + length, lead] = np.nan
    return signal


def _with_holes(made: Variant, rng: np.random.Generator) -> Variant:
    """All leads missing, flat or at the rail for 0.7 to 4 s."""
    signal, beats, vf, rate_hz = made
    at = int(10 * rate_hz)
    while at < len(signal) - int(8 * rate_hz):
        n = int(rng.uniform(0.7, 4) * rate_hz)
        kind = int(rng.integers(3))
        signal[at : at + n] = (np.nan, signal[at].copy(), 5.12)[kind]
        beats = beats[(beats < at) | (beats >= at + n)]
        at += n + int(rng.uniform(4, 10) * rate_hz)
    return Variant(signal, beats, vf, rate_hz)


def _silence(made: Variant, rng: np.random.Generator) -> Variant:
    """Stretches without beats: a baseline with slow drift and a little noise."""
    signal, beats, _, rate_hz = made
    drift = scipy.signal.butter(1, 1.0, fs=rate_hz)
    keep = np.ones(len(beats), bool)
    margin = int(0.3 * rate_hz)
    for at in range(int(20 * rate_hz), len(signal) - int(20 * rate_hz), int(30 * rate_hz)):
        n = int(rng.uniform(3.0, 12.0) * rate_hz)
        noise = rng.standard_normal((n, signal.shape[1]))
        slow = scipy.signal.lfilter(*drift, noise, axis=0) / drift[0][0] * 0.02
        hiss = rng.choice([0.002, 0.005, 0.01, 0.02]) * noise
        signal[at : at + n] = signal[at] + rng.uniform(0.0, 1.0) * slow + hiss
        keep &= (beats < at - margin) | (beats > at + n + margin)
        # what is cut in the middle counts neither way; there are few
    return made._replace(beats=beats[keep])
