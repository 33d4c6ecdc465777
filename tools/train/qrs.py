"""Fit the network that weighs the candidates of the QRS detector.

    python -m tools.train.qrs --data DIR --workers 2                   write the shipped weights
    python -m tools.train.qrs --data DIR --workers 2 --out FILE.npz    write them elsewhere

Rules that hold here:

1. Labels come from DS1 alone [1]_, with the noise records ``bw`` and ``ma`` of NSTDB and made
   noise (:mod:`tools.data.variants`). Records 118 and 119 get no added noise, so NSTDB, which is
   made from them with the recorded noise ``em``, stays a test. (Ventricular beats of 119 are used
   in made runs, some with noise.)
2. ``vfdb``, ``cinc2015`` and the simulator have no labels here. There the network learns the log
   odds of the teacher: the network that is shipped when the fit begins. From the fourth round on
   these candidates count twice, and in later rounds those that the teacher accepts soon after the
   last beat count more. One round learns from the network of the round before, not the teacher.
3. The running detector collects the features. A network that decides otherwise meets other
   candidates, so there are rounds: each collects with the teacher and with the network of the
   round before, and fits a new network on all examples so far.
4. Each signal has its own seed: the same data, detector and teacher give the same weights. The
   shipped weights belong to the detector and teacher of an older commit; the tool of that commit
   fits them again. ``python -m tools.train.weights`` shows commit, command, and SHA-256 of data.
5. A new fit gives other weights. Before you ship them, measure on DS1 with one lead and two, in
   made noise, on the tachycardias of ``vfdb`` and on CinC 2015, where single alarms change with
   the seed of the last fit. Then fit the second network (:mod:`tools.train.deferred`) again.

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
from monitor.stages.detect import QrsDetector, networks
from monitor.stages.detect.deferred_decision import DeferredDecision
from monitor.stages.detect.features import Candidate, Features
from monitor.stages.detect.networks import Layers, QrsNetwork
from tools.commands import run as run_command
from tools.data.variants import Array
from tools.train.candidates import (
    Examples,
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
    """Variants of DS1, and sources without labels, that the detector runs on with one seed."""

    seed: int
    by_teacher: bool  # else by the network of the round before
    variants: tuple[str, ...]
    unlabelled: tuple[str, ...] = ()


class Round(NamedTuple):
    """The collections of one round, and how the network is fitted on all so far."""

    collects: tuple[Collect, ...]
    how: Fit
    by_last: bool = False  # without labels, learn from the last round, not from the teacher


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


def teacher() -> Layers:
    """Give the network that is shipped."""
    return networks.shipped()["qrs"].layers


def run(signal: Array, rate_hz: float, network: Layers) -> list[tuple[int, Features]]:
    """Detect beats with a network; give sample and features each time a candidate is weighed."""
    rows: list[tuple[int, Features]] = []

    def note(candidate: Candidate) -> None:
        rows.append((candidate.sample, candidate.features))

    info = StreamInfo("fit", rate_hz, ("I", "II")[: signal.shape[1]])
    detector = QrsDetector(info, DetectSettings())
    detector.decisions.network = QrsNetwork(network)
    # the second network belongs to the shipped first one
    detector.decisions.deferred = DeferredDecision(rate_hz, None, 1.0)
    detector.decisions.on_weighed = note
    stream(detector, signal, rate_hz)
    return rows


def labelled(data: Path, record: str, variant: str, seed: int, network: Layers) -> Examples:
    """Run on one variant of a record; the candidate nearest to a beat is labelled as this beat."""
    rng = generator(record, variant, seed)
    signal, beats, vf, rate_hz = variants(data).make(record, variant, rng)
    rows: list[tuple[int, int, Features]] = []
    if variant in BEGINNINGS:
        for start, stop in _pieces(len(signal), 13.0, rate_hz, rng):
            inside = beats[(beats >= start) & (beats < stop)]
            if len(inside):
                edge = EDGE_S * rate_hz
                for sample, features in run(signal[start:stop], rate_hz, network):
                    if edge < sample < stop - start - edge:
                        rows.append(
                            (start + sample, nearest_beat(inside, start + sample), features)
                        )
    else:
        for sample, features in run(signal, rate_hz, network):
            rows.append((sample, nearest_beat(beats, sample), features))
    found = labels([(sample, beat) for sample, beat, _ in rows], rate_hz)
    kept = [
        (features, label)
        for (sample, _, features), label in zip(rows, found, strict=True)
        if np.searchsorted(vf, sample) % 2 == 0
    ]
    return _examples([features for features, _ in kept], [label for _, label in kept], False)


def _pieces(
    n: int, least_s: float, rate_hz: float, rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Cut a signal into pieces of 4 to 12 s, while ``least_s`` is left."""
    at = 0
    while at < n - int(least_s * rate_hz):
        length = int(rng.uniform(4, 12) * rate_hz)
        yield at, at + length
        at += length


def unlabelled(data: Path, source: str, name: str, seed: int, network: Layers) -> Examples:
    """Run on a recording, or a scenario of the simulator, without labels."""
    signals = _simulated(name, seed) if source == "simulator" else [_recording(data, source, name)]
    rows = [features for x, rate_hz in signals for _, features in run(x, rate_hz, network)]
    return _examples(rows, [0.0] * len(rows), True)


def _recording(data: Path, source: str, name: str) -> tuple[Array, float]:
    """Read up to two ECG leads of a record; of the Challenge the first five minutes."""
    read = wfdb.rdrecord(str(data / source / name))
    signal = read.p_signal.astype(np.float32)
    if source == "cinc2015":
        ecg = [i for i, n in enumerate(read.sig_name) if n not in ("PLETH", "ABP", "RESP", "ART")]
        signal = signal[: int(300 * read.fs), ecg[:2]]
    if not np.isfinite(signal).all():
        signal = np.nan_to_num(signal)
    return signal, float(read.fs)


def _simulated(scenario: str, seed: int) -> Iterator[tuple[Array, float]]:
    """Simulate a scenario at a random rate: both leads, the first one, and short pieces."""
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


def _examples(features: list[Features], labels: list[float], is_unlabelled: bool) -> Examples:
    rows = np.array(features, np.float32).reshape(-1, len(Features._fields))
    return Examples(rows, np.array(labels, np.float32), np.full(len(labels), is_unlabelled))


def collect(pool: ProcessPoolExecutor, data: Path, what: Collect, network: Layers) -> Examples:
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
    args = fit_arguments(str(__doc__), argv, "train.qrs")
    data_sha256 = data_digest(args.data)
    torch.set_num_threads(1)
    started = time.monotonic()
    network, parts = teacher(), []
    with ProcessPoolExecutor(args.workers, get_context("spawn")) as pool:
        for number, step in enumerate(ROUNDS, 1):
            for what in step.collects:
                by = teacher() if what.by_teacher else network
                parts.append(collect(pool, args.data, what, by))
            examples = joined(parts)
            took_s = time.monotonic() - started
            print(f"round {number}: {len(examples.labels)} candidates, {took_s:.0f} s", flush=True)
            network = fit(examples, step.how, network if step.by_last else teacher())
    seeds = [what.seed for step in ROUNDS for what in step.collects]
    told = provenance("python -m tools.train.qrs --data DIR", seeds, data_sha256)
    write(args.out, "qrs", network, told)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, "qrs"))
