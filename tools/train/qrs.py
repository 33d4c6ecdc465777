"""Fit the network that weighs the candidates of the QRS detector.

    python -m tools.train.qrs --data DIR --workers 2                   write the shipped weights
    python -m tools.train.qrs --data DIR --workers 2 --out FILE.npz    write them elsewhere

Rules that hold here:

1. What is a beat is learnt from DS1 alone [1]_, with the noise records ``bw`` and ``ma`` of NSTDB
   and noise made here (:mod:`tools.data.variants`). No record with added noise is made from 118
   or 119, so that NSTDB, which is made from them with the recorded noise ``em``, stays a test.
   (Ventricular beats of 119 are among those that runs are made of, some with noise.)
2. ``vfdb``, ``cinc2015`` and the simulator have no labels here. On them the log odds of the teacher
   are learnt: the network that is shipped when the fit begins. From the fourth round on they count
   twice, and later more what it takes for a beat soon after the last one. One round learns from
   the network of the round before in the teacher's place.
3. The evidence is what the detector itself collects while it runs. A network that errs otherwise
   meets other evidence, so there are rounds: each collects with the network of the one before, and
   with the teacher, and fits a new one on all that was collected so far.
4. Each signal has its own seed: the same data, detector and teacher give the same weights. The
   shipped weights belong to the detector and teacher of an older commit, and its tool fits them
   again: ``python -m tools.train.weights`` names commit, command, and SHA-256 of data and weights.
5. A new fit gives other weights. Before shipping them, measure on DS1 with one lead and two, in
   made noise, on the tachycardias of ``vfdb`` and on CinC 2015: there single alarms come and go
   with the seed of the last fit. Fit the deferred decision (:mod:`tools.train.deferred`) again.

References
----------
.. [1] de Chazal, P., O'Dwyer, M., Reilly, R. B. (2004). Automatic classification of heartbeats
   using ECG morphology and heartbeat interval features. doi:10.1109/TBME.2004.827359
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import wfdb

from monitor.config import DetectSettings
from monitor.messages import StreamInfo
from monitor.sources.simulator import SCENARIOS, Simulator
from monitor.stages.detect import weights
from monitor.stages.detect.doubt import Doubt
from monitor.stages.detect.evidence import NAMES, Candidate
from monitor.stages.detect.gradient import GradientDetector
from monitor.stages.detect.judge import Judge
from monitor.stages.detect.weights import Layers
from tools.commands import run as run_command
from tools.data.variants import Array
from tools.train.candidates import (
    Evidence,
    generator,
    joined,
    labels,
    nearest_beat,
    pairs,
    stream,
    variants,
)
from tools.train.network import Fit, fit
from tools.train.weights import data_digest, fit_arguments, provenance, write

EDGE_S = 0.1  # at the ends of a short piece, where a beat may be cut off

ALL = (
    *("clean", "first", "second", "motion 24", "motion 18", "motion 12", "motion 6", "motion 0"),
    *("motion -6", "motion 0 b", "motion -6 b", "muscle6 6", "muscle6 0", "muscle6 -6"),
    *("first motion 6", "first motion 0", "first motion -6", "first muscle6 0", "muscle 6"),
    *("wander 0", "bad0 0", "bad1 0", "gains", "faults", "silence"),
    *("speed 1.6", "speed 2.4", "speed 0.75", "rate 200"),
    *("out0 faint", "out0 muscle", "out0 white", "out1 muscle", "steps"),
)
T_WAVES = ("tall", "slow", "slow tall", "tall one", "slow tall one")
RUNS = ("vt", "vt one", "vt motion", "vt muscle6")
BEGINNINGS = ("begin", "begin one")


class Collect(NamedTuple):
    """Variants of DS1, and sources without labels, to run the detector on with one seed."""

    seed: int
    by_teacher: bool  # or by the judge of the round before
    variants: tuple[str, ...]
    unlabelled: tuple[str, ...] = ()


class Round(NamedTuple):
    """What is collected, and how the network is fitted on all that is collected so far."""

    collects: tuple[Collect, ...]
    how: Fit
    by_last: bool = False  # without labels, learn from the round before and not from the teacher


ROUNDS = (
    Round((Collect(11, True, ALL, ("vfdb",)),), Fit((32, 16), 14)),
    Round((Collect(12, False, ALL, ("vfdb",)),), Fit((32, 16), 12)),
    Round(
        (
            Collect(21, True, T_WAVES, ("cinc2015",)),
            Collect(
                22,
                False,
                (
                    *T_WAVES,
                    *("motion -6", "motion 0", "muscle6 0", "muscle6 -6", "first muscle6 0"),
                    *("first motion -6", "second", "steps", "silence"),
                ),
                ("cinc2015",),
            ),
        ),
        Fit((32, 16), 10),
    ),
    Round((), Fit((64, 32), 16, unlabelled=2.0), by_last=True),
    Round(
        (
            Collect(31, True, RUNS),
            Collect(32, False, (*RUNS, "tall", "slow tall"), ("cinc2015",)),
        ),
        Fit((64, 32), 16, unlabelled=2.0, fast=5.0, fast_s=0.45),
    ),
    Round(
        (
            Collect(40, True, BEGINNINGS, ("simulator",)),
            Collect(
                41,
                False,
                (*BEGINNINGS, "vt", "vt one", "clean", "rate 200"),
                ("vfdb", "cinc2015", "simulator"),
            ),
        ),
        Fit((64, 32), 14, unlabelled=2.0, fast=5.0, fast_s=0.6),
    ),
    Round(
        (
            Collect(
                51,
                False,
                (
                    *("holes", "holes one", "begin", "motion 0", "motion -6", "muscle6 0"),
                    "first motion 0",
                ),
                ("cinc2015", "simulator"),
            ),
        ),
        Fit((64, 32), 14, unlabelled=2.0, fast=4.0, fast_s=0.6),
    ),
)


class Recorder(GradientDetector):
    """The detector with a judge of choice, writing down its evidence."""

    def __init__(self, info: StreamInfo, judge: Judge) -> None:
        super().__init__(info, DetectSettings())
        self.rows: list[tuple[int, list[float]]] = []  # candidate and figures
        self._judge = judge
        self._second = Doubt(info.rate_hz, None, 1.0)  # it belongs to one judge alone

    def _weigh(
        self, place: int, after: Candidate | None = None, again: Candidate | None = None
    ) -> Candidate:
        candidate = super()._weigh(place, after, again)
        self.rows.append((candidate.sample, candidate.figures))
        return candidate


def teacher() -> Layers:
    """Give the network that is shipped."""
    return weights.shipped()["qrs"].layers


def run(signal: Array, rate_hz: float, judge: Judge) -> list[tuple[int, list[float]]]:
    """Stream a signal; give each candidate's sample and figures, as often as it was weighed."""
    detector = Recorder(StreamInfo("fit", rate_hz, ("I", "II")[: signal.shape[1]]), judge)
    stream(detector, signal, rate_hz)
    return detector.rows


def labelled(data: Path, record: str, variant: str, seed: int, network: Layers) -> Evidence:
    """Run on one variant of a record; of the candidates near a beat the nearest one is it."""
    rng = generator(record, variant, seed)
    signal, beats, vf, rate_hz = variants(data).make(record, variant, rng)
    judge = Judge(network)
    rows: list[tuple[int, int, list[float]]] = []
    if variant in BEGINNINGS:
        for start, stop in _pieces(len(signal), 13.0, rate_hz, rng):
            inside = beats[(beats >= start) & (beats < stop)]
            if len(inside):
                edge = EDGE_S * rate_hz
                for sample, figures in run(signal[start:stop], rate_hz, judge):
                    if edge < sample < stop - start - edge:
                        rows.append((start + sample, nearest_beat(inside, start + sample), figures))
    else:
        for sample, figures in run(signal, rate_hz, judge):
            rows.append((sample, nearest_beat(beats, sample), figures))
    found = labels([(sample, beat) for sample, beat, _ in rows], rate_hz)
    kept = [
        (figures, label)
        for (sample, _, figures), label in zip(rows, found, strict=True)
        if np.searchsorted(vf, sample) % 2 == 0
    ]
    return _evidence([figures for figures, _ in kept], [label for _, label in kept], False)


def _pieces(
    n: int, least_s: float, rate_hz: float, rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Give pieces of 4 to 12 s, one behind the other, as long as so much is left."""
    at = 0
    while at < n - int(least_s * rate_hz):
        length = int(rng.uniform(4, 12) * rate_hz)
        yield at, at + length
        at += length


def unlabelled(data: Path, source: str, name: str, seed: int, network: Layers) -> Evidence:
    """Run on a recording, or on what the simulator makes, without knowing its beats."""
    judge = Judge(network)
    signals = _simulated(name, seed) if source == "simulator" else [_recording(data, source, name)]
    rows = [figures for x, rate_hz in signals for _, figures in run(x, rate_hz, judge)]
    return _evidence(rows, [0.0] * len(rows), True)


def _recording(data: Path, source: str, name: str) -> tuple[Array, float]:
    """Up to two ECG leads of a record; of the Challenge its first five minutes."""
    read = wfdb.rdrecord(str(data / source / name))
    signal = read.p_signal.astype(np.float32)
    if source == "cinc2015":
        ecg = [i for i, n in enumerate(read.sig_name) if n not in ("PLETH", "ABP", "RESP", "ART")]
        signal = signal[: int(300 * read.fs), ecg[:2]]
    if not np.isfinite(signal).all():
        signal = np.nan_to_num(signal)
    return signal, float(read.fs)


def _simulated(scenario: str, seed: int) -> Iterator[tuple[Array, float]]:
    """Give a scenario at a rate by chance: both leads, the first one, and short pieces."""
    rng = np.random.default_rng([seed, *scenario.encode()])
    rate_hz = float(rng.choice([125, 250, 360, 500]))
    source = Simulator(scenario, rate_hz=rate_hz, seed=int(rng.integers(1000)))
    signal = np.concatenate([chunk.values_mv for chunk in source.chunks()])[:, :2]
    signal = signal.astype(np.float32)
    yield signal, rate_hz
    yield signal[:, :1], rate_hz
    at = 0
    while at < len(signal) - int(6 * rate_hz) and at < 120 * rate_hz:
        n = int(rng.uniform(4, 12) * rate_hz)
        yield signal[at : at + n, : int(rng.integers(1, 3))], rate_hz
        at += n


def _evidence(figures: list[list[float]], labels: list[float], is_unlabelled: bool) -> Evidence:
    rows = np.array(figures, np.float32).reshape(-1, len(NAMES))
    return Evidence(rows, np.array(labels, np.float32), np.full(len(labels), is_unlabelled))


def collect(pool: ProcessPoolExecutor, data: Path, what: Collect, network: Layers) -> Evidence:
    """Run the detector on all signals of a collection."""
    jobs = [
        pool.submit(labelled, data, record, variant, what.seed, network)
        for record, variant in pairs(what.variants)
    ]
    for source in what.unlabelled:
        recordings = sorted(path.stem for path in (data / source).glob("*.hea"))
        jobs += [
            pool.submit(unlabelled, data, source, name, what.seed, network)
            for name in (SCENARIOS if source == "simulator" else recordings)
        ]
    return joined([job.result() for job in jobs])


def main(argv: Sequence[str] | None = None) -> int:
    """Collect and fit round by round, with the detector as it is now; write the last weights."""
    args = fit_arguments(str(__doc__), argv, "tools.train.qrs")
    data_sha256 = data_digest(args.data)
    torch.set_num_threads(1)
    started = time.monotonic()
    network, parts = teacher(), []
    with ProcessPoolExecutor(args.workers, get_context("spawn")) as pool:
        for number, step in enumerate(ROUNDS, 1):
            for what in step.collects:
                by = teacher() if what.by_teacher else network
                parts.append(collect(pool, args.data, what, by))
            evidence = joined(parts)
            took_s = time.monotonic() - started
            print(f"round {number}: {len(evidence.labels)} candidates, {took_s:.0f} s", flush=True)
            network = fit(evidence, step.how, network if step.by_last else teacher())
    seeds = [what.seed for step in ROUNDS for what in step.collects]
    told = provenance("python -m tools.train.qrs --data DIR", seeds, data_sha256)
    write(args.out, "qrs", network, told)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, "qrs"))
