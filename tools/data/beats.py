"""Build the beats to train and test on: WFDB records through the monitor's own stages.

Every record is streamed, with its reference R peaks, through the very Segmenter and
PatientContext of the monitor; what comes out, with the reference labels, is kept as arrays.

Streams of one record, of both leads: ``clean`` (as it is) and ``rough`` (random mixtures of
the leads, with recorded baseline wander and muscle noise of the noise stress test database, a
slow change of gain, and R peaks moved by up to 20 ms), so that the context features are those
of rough signal too. And the made rhythms of :mod:`tools.data.rhythms`, roughened likewise.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy.signal import resample_poly

from monitor.errors import MonitorError
from monitor.messages import RPeak, Samples, StreamInfo
from monitor.models.manifest import Manifest
from monitor.score import RECORD_SETS
from monitor.stages.context import PatientContext
from monitor.stages.segment import BeatWindow, Segmenter
from tools.data.noise import motion
from tools.data.rhythms import RHYTHMS, make

DS1 = list(RECORD_SETS["ds1"])
DS2 = list(RECORD_SETS["ds2"])
HOP_S = 0.25
BUILD_HOP_S = 2.0  # windows do not depend on the hop; long ones are built faster
EXCERPT_S = 720.0  # of a roughened record; where it begins is drawn
JITTER_S = 0.02
AROUND_S = 0.083  # of the R peak, where the size of the QRS is taken
SLOWER_HZ = (128, 250)  # to which some of the rough streams are resampled
RESAMPLED = ("-2", "-4")  # ends of their names
NOISES = ("bw", "ma")  # of the noise stress test database: baseline wander, muscle
MIX = 0.6  # largest share of the other lead in a lead of a made stream
NOISE_DB = (6.0, 24.0)  # signal to noise of the rough streams, over the QRS amplitude
MOTION_DB = (0.0, 18.0)  # ... of those with electrode motion


@dataclass(frozen=True, slots=True)
class Beats:
    """Network inputs and labels of one stream: (n, channels, length), (n, features), (n,)."""

    signal: NDArray[np.float32]
    features: NDArray[np.float32]
    label: NDArray[np.int64]
    symbol: NDArray[np.str_]
    sample: NDArray[np.int64]


def given_folder(given: Path | None) -> Path:
    """Give the data folder: that of ``--data``, else that of ECG_MONITOR_DATA."""
    return given or Path(os.environ.get("ECG_MONITOR_DATA", "data"))


def data_folder(given: Path | None) -> Path:
    """Find the recordings of MIT-BIH."""
    folder = given_folder(given)
    if not (folder / "mitdb" / "101.dat").exists():
        raise MonitorError(f"no mitdb/ in {folder}: give --data or set ECG_MONITOR_DATA")
    return folder


def read(folder: Path, record: str) -> tuple[Any, Any]:
    """Read a record, ``svdb/800``, and its reference annotations; a bare number is of mitdb."""
    path = str(folder / (record if "/" in record else f"mitdb/{record}"))
    found = wfdb.rdrecord(path, physical=True)
    return found, wfdb.rdann(path, "atr")


def leads(found: Any) -> NDArray[np.float64]:
    """Signals of a record in mV, the primary lead first."""
    order = list(range(found.n_sig))
    order.sort(key=lambda i: found.sig_name[i] != "MLII")
    return np.asarray(found.p_signal[:, order], np.float64)


def stream_windows(
    signal: NDArray[np.float64], rate_hz: float, peaks: NDArray[np.int64], manifest: Manifest
) -> list[BeatWindow]:
    """Cut the windows of given R peaks out of a signal (samples, leads), by streaming it."""
    info = StreamInfo("training", rate_hz, tuple(f"L{k}" for k in range(signal.shape[1])))
    segmenter = Segmenter(info, manifest)
    values = signal.astype(np.float32)
    hop = round(BUILD_HOP_S * rate_hz)
    windows: list[BeatWindow] = []
    at = 0
    for start in range(0, len(values), hop):
        block = Samples("training", start, values[start : start + hop])
        due = []
        while at < len(peaks) and peaks[at] < block.end_sample:
            due.append(RPeak("training", int(peaks[at]), block.end_sample - 1))
            at += 1
        windows += segmenter.push(block, due)
    return windows + segmenter.flush()


def build(
    signal: NDArray[np.float64],
    rate_hz: float,
    peaks: NDArray[np.int64],
    symbols: list[str],
    manifest: Manifest,
) -> Beats:
    """Make the inputs of one stream; beats of no class, and windows refused, are left out."""
    class_of = {s: i for i, c in enumerate(manifest.classes) for s in manifest.label_map[c]}
    context = PatientContext(manifest)
    rows = []
    for window, symbol in zip(
        stream_windows(signal, rate_hz, peaks, manifest), symbols, strict=True
    ):
        inputs = context.push(window)
        if window.valid and symbol in class_of:
            rows.append((*inputs, class_of[symbol], symbol, window.rpeak.sample))
    columns = list(zip(*rows, strict=True))
    return Beats(
        np.stack(columns[0]).astype(np.float32),
        np.stack(columns[1]).astype(np.float32),
        np.array(columns[2], np.int64),
        np.array(columns[3]),
        np.array(columns[4], np.int64),
    )


def reference(annotation: Any, manifest: Manifest) -> tuple[NDArray[np.int64], list[str]]:
    """R peaks and symbols of the beats of a reference annotation."""
    known = set("".join(manifest.label_map.values()))
    keep = [i for i, s in enumerate(annotation.symbol) if s in known]
    return np.asarray(annotation.sample)[keep].astype(np.int64), [
        annotation.symbol[i] for i in keep
    ]


@cache
def _recorded(folder: Path, name: str, rate_hz: float) -> NDArray[np.float64]:
    found = wfdb.rdrecord(str(folder / "nstdb" / name))
    return resampled(np.nan_to_num(found.p_signal), float(found.fs), rate_hz)


def resampled(signal: NDArray[np.float64], old_hz: float, new_hz: float) -> NDArray[np.float64]:
    """Take a signal (samples, leads) to another rate."""
    ratio = Fraction(new_hz).limit_denominator(1000) / Fraction(old_hz).limit_denominator(1000)
    if ratio == 1:
        return signal
    return np.asarray(resample_poly(signal, ratio.numerator, ratio.denominator, axis=0))


def _noise(folder: Path, rate_hz: float, length: int, rng: np.random.Generator) -> Any:
    total = np.zeros(length)
    for name in NOISES:
        both = _recorded(folder, name, rate_hz)
        noise = both[:, int(rng.integers(both.shape[1]))]
        noise = (noise - noise.mean()) / noise.std()
        total += 0.7 * np.resize(np.roll(noise, int(rng.integers(len(noise)))), length)
    return total


def roughen(
    folder: Path,
    signal: NDArray[np.float64],
    rate_hz: float,
    peaks: NDArray[np.int64],
    rng: np.random.Generator,
    moving: NDArray[np.floating] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Make a rough stream of signals (samples, leads): noise and gain by lead, moved R peaks.

    The noise is recorded, or that of ``moving`` electrodes, (samples, leads), which is stronger.
    """
    reach = round(AROUND_S * rate_hz)
    around = signal[np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 0, len(signal) - 1)]
    sizes = np.median(np.ptp(around, axis=1), axis=0)
    # the level of noise changes every minute or so, as it does on a ward
    knots = np.arange(0, len(signal) + rate_hz * 60, rate_hz * 60)
    time = np.arange(len(signal))
    rough = np.empty_like(signal)
    for k, size in enumerate(sizes.tolist()):
        levels_db = rng.uniform(*(NOISE_DB if moving is None else MOTION_DB), len(knots))
        level_db = np.interp(time, knots, levels_db)
        if moving is None:
            noise = _noise(folder, rate_hz, len(signal), rng)
        else:
            noise = moving[:, k] / moving[:, k].std()
        noise = noise * size * 0.35 * 10 ** (-level_db / 20)
        gain = np.exp(np.interp(time, knots, rng.normal(0, 0.15, len(knots))))
        rough[:, k] = signal[:, k] * gain + noise
    moved = peaks + np.round(rng.uniform(-JITTER_S, JITTER_S, len(peaks)) * rate_hz).astype(int)
    return rough, np.maximum.accumulate(np.clip(moved, 0, len(signal) - 1))


def excerpt(
    signal: NDArray[np.float64],
    rate_hz: float,
    peaks: NDArray[np.int64],
    symbols: list[str],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[str]]:
    """Take :data:`EXCERPT_S` of a record, anywhere in it."""
    count = round(EXCERPT_S * rate_hz)
    begin = int(rng.integers(max(len(signal) - count, 0) + 1))
    inside = np.flatnonzero((peaks >= begin) & (peaks < begin + count))
    kept = [symbols[k] for k in inside.tolist()]
    return signal[begin : begin + count], peaks[inside] - begin, kept


def mix(signal: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Mix two leads at random, either first: other electrode places, in a way."""
    shares = rng.uniform(-MIX, MIX, 2)
    mixed = np.asarray(signal @ np.array([[1.0, shares[0]], [shares[1], 1.0]]))
    return mixed[:, ::-1] if rng.random() < 0.5 else mixed


def build_record(folder: Path, record: str, kind: str, manifest: Manifest) -> Beats:
    """Build one stream (``clean``, ``rough``, a made rhythm) of a record.

    Streams whose name ends in an even number are resampled, where that is to a lower rate.
    """
    record = record if "/" in record else f"mitdb/{record}"
    found, annotation = read(folder, record)
    peaks, symbols = reference(annotation, manifest)
    signal, rate_hz = leads(found), float(found.fs)
    inside = int(np.searchsorted(peaks, len(signal)))  # some annotations lie behind the end
    peaks, symbols = peaks[:inside], symbols[:inside]
    if kind != "clean":
        seed = int.from_bytes(hashlib.sha256(f"{record}{kind}".encode()).digest()[:4], "big")
        rng = np.random.default_rng(seed)
        rhythm = kind.split("-")[0]
        signal = mix(signal, rng)
        lower_hz = float(rng.choice(SLOWER_HZ))
        if kind.endswith(RESAMPLED) and lower_hz < rate_hz:
            signal = resampled(signal, rate_hz, lower_hz)
            peaks = np.round(peaks * (lower_hz / rate_hz)).astype(np.int64)
            peaks, rate_hz = np.minimum(peaks, len(signal) - 1), lower_hz
        made = make(rhythm, signal, rate_hz, peaks, symbols, rng) if rhythm in RHYTHMS else None
        if made is not None:  # else too few normal beats: a rough stream serves
            signal, peaks, symbols = made
        else:
            signal, peaks, symbols = excerpt(signal, rate_hz, peaks, symbols, rng)
        moving = motion(len(signal), rate_hz, rng) if rhythm == "motion" else None
        signal, peaks = roughen(folder, signal, rate_hz, peaks, rng, moving)
    return build(signal, rate_hz, peaks, symbols, manifest)


def cached(folder: Path, record: str, kind: str, manifest: Manifest, work: Path) -> Beats:
    """Like :func:`build_record`, kept as a file in ``work``."""
    record = record if "/" in record else f"mitdb/{record}"
    path = work / f"{record.replace('/', '-')}-{kind}.npz"
    if not path.exists():
        beats = build_record(folder, record, kind, manifest)
        work.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(
            part,
            signal=beats.signal,
            features=beats.features,
            label=beats.label,
            symbol=beats.symbol,
            sample=beats.sample,
        )
        part.rename(path)
    with np.load(path, allow_pickle=False) as held:
        return Beats(
            held["signal"], held["features"], held["label"], held["symbol"], held["sample"]
        )


def data_sha256(folder: Path, names: Sequence[str]) -> str:
    """Hash every file that goes into training: records, annotations, recorded noise."""
    paths = [folder / f"{name}.{end}" for name in names for end in ("hea", "dat", "atr")]
    paths += [folder / "nstdb" / f"{name}.{end}" for name in NOISES for end in ("hea", "dat")]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
