"""Fit the judge of the default QRS detector on DS1, and write its weights.

    python -m tools.fit_detect --data DIR --out FILE         # the shipped weights, byte for byte
    python -m tools.fit_detect --data DIR --out FILE --anew  # by the detector as it is now

Rules that hold here:

1. Only DS1 [1]_ is used, with the noise records ``bw`` and ``ma`` of NSTDB and noise made here.
   No record with added noise is made from 118 or 119, so that NSTDB, which is made from them
   with the recorded noise ``em``, stays a test.
2. The evidence is what the detector itself collects while it runs on a record: first with
   every decision taken from the reference, then with its own decisions.
3. Each variant of a record has its own seed: the same data and detector give the same weights.
   Those that are shipped belong to the detector of one commit, with which they are fitted again
   (``tools/shipped_detect.py``: commit and SHA-256 of data and weights).
4. Weights fitted anew are others. Measure on DS1 with one lead and two, and on the tachycardias
   of ``vfdb``, before replacing the shipped ones, their commit and their hashes.

References
----------
.. [1] de Chazal, P., O'Dwyer, M., Reilly, R. B. (2004). Automatic classification of heartbeats
   using ECG morphology and heartbeat interval features. doi:10.1109/TBME.2004.827359
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.signal
import torch
import wfdb
from numpy.typing import NDArray

from monitor.config import DetectSettings
from monitor.errors import MonitorError
from monitor.messages import LeadState, Quality, Samples, StreamInfo
from monitor.score import RECORD_SETS
from monitor.score.annotations import EC57_CLASSES
from monitor.stages.detect.evidence import Candidate
from monitor.stages.detect.gradient import GradientDetector
from monitor.stages.detect.judge import Judge
from tools.noise import motion, with_noise
from tools.shipped_detect import data_digest, fit_as_shipped

Array: TypeAlias = NDArray[np.float32]

HIDDEN = (16, 8)
EPOCHS = 14
BATCH = 2048
PEAK_RATE = 1e-2  # of the one-cycle schedule
DECAY = 1e-4
NEAR_S = 0.12  # a candidate this near to a reference beat may be it
SLICE_S = 600.0  # variants with noise use so much of a record
CLEAN_TEST = ("118", "119")  # NSTDB is made from these
WHOLE = ("clean", "first", "second")
NOISY = (
    "motion 12",
    "motion 6",
    "motion 0",
    "motion -6",
    "first motion 6",
    "first motion 0",
    "muscle 6",
    "wander 0",
    "bad0 0",
    "bad1 0",
    "gains",
    "faults",
    "silence",
    "speed 1.6",
    "speed 2.4",
    "speed 0.75",
    "rate 200",
)
NEEDS_NOISE = ("motion", "muscle", "bad")
HOP_S = 0.25


class Recorder(GradientDetector):
    """The detector, writing down its evidence; with ``teach``, decisions come from outside."""

    def __init__(self, info: StreamInfo, beats: NDArray[np.int64], teach: bool) -> None:
        super().__init__(info, DetectSettings())
        self.rows: list[tuple[int, int, list[float]]] = []  # candidate, nearest beat, figures
        self._beats_at = beats
        self._teach = teach
        self._taken: set[int] = set()

    def _weigh(
        self, place: int, after: Candidate | None = None, again: Candidate | None = None
    ) -> Candidate:
        candidate = super()._weigh(place, after, again)
        sample = candidate.sample
        i = int(np.searchsorted(self._beats_at, sample))
        around = self._beats_at[max(i - 1, 0) : i + 1]
        beat = int(around[np.abs(around - sample).argmin()])
        self.rows.append((sample, beat, candidate.figures))
        if self._teach:
            is_beat = abs(beat - sample) < NEAR_S * self._rate_hz and beat not in self._taken
            if is_beat:
                self._taken.add(beat)
            return candidate._replace(log_odds=9.0 if is_beat else -9.0)
        return candidate


class Variants:
    """DS1 records and what is made from them."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._noise = {
            "muscle": wfdb.rdrecord(str(data / "nstdb" / "ma")).p_signal.astype(np.float32),
            "wander": wfdb.rdrecord(str(data / "nstdb" / "bw")).p_signal.astype(np.float32),
        }

    def make(
        self, record: str, variant: str, rng: np.random.Generator
    ) -> tuple[Array, NDArray[np.int64], NDArray[np.int64], float]:
        """Give signal (n, leads), beats, VF bounds and rate of one variant of a record."""
        path = str(self._data / "mitdb" / record)
        read = wfdb.rdrecord(path)
        signal = read.p_signal.astype(np.float32)
        if "MLII" in read.sig_name[1:]:
            signal = signal[:, ::-1]
        rate_hz = float(read.fs)
        truth = wfdb.rdann(path, "atr")
        symbols = np.array(truth.symbol)
        beats = truth.sample[np.isin(symbols, list(EC57_CLASSES))]
        vf = truth.sample[np.isin(symbols, list("[]"))]
        if variant not in WHOLE:
            start = int(rng.integers(0, len(signal) - int(SLICE_S * rate_hz)))
            stop = start + int(SLICE_S * rate_hz)
            signal = signal[start:stop]
            beats = beats[(beats > start + rate_hz) & (beats < stop - rate_hz)] - start
            vf = np.clip(vf, start, stop) - start
        words = variant.split()
        value = float(words[-1]) if len(words) > 1 else 0.0
        n = len(signal)
        if words[0] == "first":
            signal = signal[:, :1]
        elif words[0] == "second":
            signal = signal[:, 1:]
        if "motion" in words:
            signal = with_noise(signal, beats, motion(n, rate_hz, rng), value, rate_hz)
        elif words[0] in self._noise:
            noise = np.roll(self._noise[words[0]], int(rng.integers(n)), axis=0)[:n]
            signal = with_noise(signal, beats, noise, value, rate_hz)
        elif words[0].startswith("bad"):
            noise = motion(n, rate_hz, rng)
            noise[:, 1 - int(words[0][3])] *= 1e-3
            bad = with_noise(signal, beats, noise, value, rate_hz)
            signal = signal.copy()
            signal[:, int(words[0][3])] = bad[:, int(words[0][3])]
        elif words[0] == "gains":
            signal = _gains(signal, rate_hz, rng)
        elif words[0] == "faults":
            signal = _faults(signal, rate_hz, rng)
        elif words[0] == "silence":
            signal, beats = _silence(signal, beats, rate_hz, rng)
        elif words[0] in ("speed", "rate"):
            # a record played faster has as many more beats a minute
            up, down = (100, round(100 * value)) if words[0] == "speed" else (round(value), 360)
            signal = scipy.signal.resample_poly(signal, up, down, axis=0).astype(np.float32)
            beats, vf = beats * up // down, vf * up // down
            rate_hz = rate_hz if words[0] == "speed" else value
        return signal, beats, vf, rate_hz


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
    signal = signal.copy()
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


def _silence(
    signal: Array, beats: NDArray[np.int64], rate_hz: float, rng: np.random.Generator
) -> tuple[Array, NDArray[np.int64]]:
    """Stretches without beats: a baseline with slow drift and a little noise."""
    signal = signal.copy()
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
    return signal, beats[keep]


def collect(
    variants: Variants, names: tuple[str, ...], teach: bool, seed: int
) -> tuple[Array, Array]:
    """Run the detector on variants of all DS1 records; give figures and labels."""
    figures, labels = [], []
    for i, record in enumerate(RECORD_SETS["ds1"]):
        for variant in names:
            if record in CLEAN_TEST and any(word in variant for word in NEEDS_NOISE):
                continue
            rng = np.random.default_rng([seed, i, *variant.encode()])
            signal, beats, vf, rate_hz = variants.make(record, variant, rng)
            rows = _run(signal, beats, rate_hz, teach)
            nearest: dict[int, int] = {}
            for sample, beat, _ in rows:
                distance = abs(sample - beat)
                if distance < NEAR_S * rate_hz:
                    nearest[beat] = min(nearest.get(beat, distance), distance)
            for sample, beat, row in rows:
                if np.searchsorted(vf, sample) % 2 == 0:
                    figures.append(row)
                    labels.append(float(abs(sample - beat) == nearest.get(beat, -1)))
        print(f"{record}: {len(labels)} candidates", file=sys.stderr, flush=True)
    return np.array(figures, np.float32), np.array(labels, np.float32)


def _run(
    signal: Array, beats: NDArray[np.int64], rate_hz: float, teach: bool
) -> list[tuple[int, int, list[float]]]:
    leads = signal.shape[1]
    hop = round(HOP_S * rate_hz)
    detector = Recorder(StreamInfo("fit", rate_hz, ("I", "II")[:leads]), beats, teach)
    for at in range(0, len(signal) - hop + 1, hop):
        block = Samples("fit", at, signal[at : at + hop])
        states = (LeadState.OK,) * leads
        detector.push(block, Quality("fit", at, at + hop, states, usable=True))
    detector.flush()
    return detector.rows


def fit(figures: Array, labels: Array) -> list[NDArray[np.float64]]:
    """Fit the network by cross entropy; give its numbers layer by layer, scaling folded in."""
    torch.manual_seed(0)
    mean, spread = figures.mean(axis=0), figures.std(axis=0) + 1e-3
    layers: list[torch.nn.Module] = []
    for inputs, outputs in zip((figures.shape[1], *HIDDEN), (*HIDDEN, 1), strict=True):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers[:-1])
    x, y = torch.from_numpy((figures - mean) / spread), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=DECAY)
    batches = -(-len(y) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE, total_steps=EPOCHS * batches
    )
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in torch.split(torch.randperm(len(y)), BATCH):
            log_odds = net(x[batch])[:, 0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(log_odds, y[batch])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
        print(f"epoch {epoch}: loss {total / len(y):.5f}", file=sys.stderr, flush=True)
    numbers = []
    for i, layer in enumerate(m for m in net if isinstance(m, torch.nn.Linear)):
        matrix = layer.weight.detach().numpy().astype(np.float64)
        bias = layer.bias.detach().numpy().astype(np.float64)
        if i == 0:
            bias = bias - matrix @ (mean / spread)
            matrix = matrix / spread
        numbers.append(np.append(matrix.ravel(), bias))
    return numbers


def write(numbers: list[NDArray[np.float64]], path: Path) -> str:
    """Write the weights as a Python module; give the numbers as text."""
    flat = np.concatenate(numbers)
    text = "\n" + textwrap.fill(" ".join(f"{v:.5g}" for v in flat), 98) + "\n"
    path.write_text(
        '"""Weights of the judge, written by ``tools/fit_detect.py``: not for editing."""\n\n'
        f'LAYERS = {(*HIDDEN, 1)}\nNUMBERS = """{text}"""\n',
        encoding="ascii",
    )
    return text


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb/ and nstdb/")
    parser.add_argument("--out", type=Path, required=True, help="Python module to write")
    parser.add_argument(
        "--anew", action="store_true", help="collect the evidence with the detector as it is now"
    )
    options = parser.parse_args(argv)
    try:
        if not options.anew:
            return 0 if fit_as_shipped(options.data, options.out) else 1
        print(f"data {data_digest(options.data)}")
    except MonitorError as error:
        print(f"fit_detect: {error}", file=sys.stderr)
        return 1
    torch.set_num_threads(1)
    started = time.monotonic()
    variants = Variants(options.data)
    figures, labels = collect(variants, ("first", "motion 6", "gains", "bad1 0"), True, seed=0)
    text = write(fit(figures, labels), options.out)
    Judge.numbers = text
    own, own_labels = collect(variants, WHOLE + NOISY, False, seed=1)
    write(fit(np.concatenate((figures, own)), np.concatenate((labels, own_labels))), options.out)
    print(f"{len(labels) + len(own_labels)} candidates, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
