"""Fit the network that decides on uncertain candidates of the QRS detector in noise.

    python -m tools.train.deferred --data DIR --workers 2                   the shipped weights
    python -m tools.train.deferred --data DIR --workers 2 --out FILE.npz    write them elsewhere

Rules that hold here:

1. It learns from DS1 with made noise (:mod:`tools.data.noise`), with the records ``bw`` and ``ma``
   of NSTDB, and with signals that resemble noise: tall T waves, faults, steps, runs of ventricular
   beats, and asystole (:mod:`tools.data.variants`). Records 118 and 119 get no added noise, so
   NSTDB, which is made from them, stays a test.
2. An example is an uncertain candidate when it is decided. It is a beat if it is the candidate
   nearest to a reference beat, and near enough (:mod:`tools.train.candidates`).
3. A decision changes which candidates are uncertain later, so there are two rounds: in the first
   the log odds decide, in the second the network of the first. The last fit uses both.
4. The fit maximises likelihood. The cost of a false beat is a setting (``detect.false_cost``), not
   part of the fit.
5. The weights belong to the detector and first network of one commit, which
   ``python -m tools.train.weights`` shows. A new first network needs a new fit.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from monitor.config import DetectSettings
from monitor.messages import StreamInfo
from monitor.stages.detect import QrsDetector
from monitor.stages.detect.deferred_decision import (
    NAMES,
    DeferredDecision,
    network_decides,
    network_inputs,
)
from monitor.stages.detect.features import Candidate
from monitor.stages.detect.networks import Layers, QrsNetwork
from monitor.stages.detect.noise_penalty import NoisePenalty
from tools.commands import run
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

NOISES = (
    *("motion 12", "motion 6", "motion 0", "motion 0 b", "motion -6", "motion -6 b"),
    *("muscle6 6", "muscle6 0", "muscle6 0 b", "muscle6 -6", "muscle 6", "muscle 0", "wander 0"),
    *("bad0 0", "bad1 0", "bad0 -6", "bad1 -6", "out0 muscle", "out1 muscle", "out0 faint"),
    *("first motion 6", "first motion 0", "first motion -6", "first muscle6 0", "first muscle6 6"),
    *("second motion 6", "second motion 0", "vt motion", "vt muscle6"),
)
OTHERS = (
    *("clean", "first", "second", "gains", "faults", "steps", "vt", "vt one", "silence"),
    *("silence b", "first silence", "first silence b", "second silence", "second silence b"),
    *("speed 1.6", "speed 2.4", "rate 200", "tall", "slow", "slow tall", "tall one"),
)
SEEDS = (61, 62)  # one a round
# used while collecting; the shipped weights were fitted with these values
FALSE_COST = 2.0
PENALTY = NoisePenalty(-1.6, -0.3, odds=1.0, search_back=-3.0, search_back_noise=2.25, new_kind=0.5)
HOW = Fit((32, 16), 14)


class Recorder(DeferredDecision):
    """The decision by a network of choice; keeps the inputs of the uncertain candidates."""

    def __init__(self, rate_hz: float, network: QrsNetwork | None) -> None:
        super().__init__(rate_hz, network, FALSE_COST)
        self._hz = rate_hz
        self.rows: list[tuple[int, list[float]]] = []  # sample and inputs

    def decide(
        self,
        pending: Candidate,
        noise_level: float,
        following: Candidate | None = None,
        after: float = 0.0,
    ) -> tuple[bool, float]:
        """Decide, and keep the inputs of the network."""
        if network_decides(pending, noise_level, following):
            inputs = network_inputs(pending, noise_level, self._hz, following, after)
            self.rows.append((pending.sample, inputs))
        return super().decide(pending, noise_level, following, after)


def collect(data: Path, record: str, variant: str, seed: int, layers: Layers | None) -> Examples:
    """Run on one variant of a record; give the uncertain candidates in noise."""
    made = variants(data).make(record, variant, generator(record, variant, seed))
    network = None if layers is None else QrsNetwork(layers, len(NAMES))
    info = StreamInfo("fit", made.rate_hz, ("I", "II")[: made.signal.shape[1]])
    detector = QrsDetector(info, DetectSettings(), PENALTY)
    recorder = detector.decisions.deferred = Recorder(made.rate_hz, network)
    weighed: list[int] = []
    detector.decisions.on_weighed = lambda candidate: weighed.append(candidate.sample)
    stream(detector, made.signal, made.rate_hz)
    uncertain = [sample for sample, _ in recorder.rows]
    both = [(s, nearest_beat(made.beats, s)) for s in (*uncertain, *weighed)]
    found = np.array(labels(both, made.rate_hz)[: len(uncertain)], np.float32)
    inputs = np.array([row for _, row in recorder.rows], np.float32)
    # within VF no beats are annotated
    counts = np.searchsorted(made.vf, np.array(uncertain, np.int64)) % 2 == 0
    kept = inputs.reshape(-1, len(NAMES))[counts]
    return Examples(kept, found[counts], np.zeros(len(kept), bool))


def main(argv: Sequence[str] | None = None) -> int:
    """Collect and fit round by round, with the detector as it is now; write the last weights."""
    args = fit_arguments(str(__doc__), argv, "train.deferred")
    data_sha256 = data_digest(args.data)
    torch.set_num_threads(1)
    started = time.monotonic()
    network: Layers | None = None
    parts: list[Examples] = []
    with ProcessPoolExecutor(args.workers, get_context("spawn")) as pool:
        for number, seed in enumerate(SEEDS, 1):
            jobs = [
                pool.submit(collect, args.data, record, variant, seed, network)
                for record, variant in pairs((*NOISES, *OTHERS))
            ]
            parts += [job.result() for job in jobs]
            examples = joined(parts)
            took_s = time.monotonic() - started
            print(f"round {number}: {len(examples.labels)} uncertain, {took_s:.0f} s", flush=True)
            network = fit(examples, HOW)
    if network is not None:
        told = provenance("python -m tools.train.deferred --data DIR", SEEDS, data_sha256)
        write(args.out, "deferred", network, told)
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "deferred"))
