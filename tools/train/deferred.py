"""Fit the network that decides, in noise, on what the QRS detector is in doubt about.

    python -m tools.train.deferred --data DIR --workers 2                   the shipped weights
    python -m tools.train.deferred --data DIR --workers 2 --out FILE.npz    write them elsewhere

Rules that hold here:

1. It learns from DS1 with noise of :mod:`tools.data.noise`, with the records ``bw`` and ``ma`` of
   NSTDB, and with what else may seem noise: tall T waves, faults, steps, runs of ventricular
   beats, and with asystole (:mod:`tools.data.variants`). No record with added noise is made
   from 118 or 119: NSTDB, made from them, stays a test.
2. A row is a candidate in doubt at the moment it is decided on. It is a beat if of all candidates
   it is the nearest to one, and near enough (:mod:`tools.train.candidates`).
3. What is decided changes what is in doubt later, so there are two rounds: the first collects
   with the odds deciding, the second with the network of the first; it is fitted on both.
4. It is fitted by likelihood: what a false beat costs beside a missed one is a setting
   (``detect.false_cost``), not part of it.
5. The weights belong to the detector, and its first network, of one commit, which
   ``python -m tools.train.weights`` names. A new first network wants a new fit.
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
from monitor.messages import RPeak, StreamInfo
from monitor.stages.detect import doubt
from monitor.stages.detect.caution import Caution
from monitor.stages.detect.doubt import Doubt
from monitor.stages.detect.evidence import Candidate
from monitor.stages.detect.gradient import GradientDetector
from monitor.stages.detect.judge import Judge
from monitor.stages.detect.weights import Layers
from tools.commands import run
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
# while collecting: with these the shipped weights were fitted
FALSE_COST = 2.0
CAUTION = Caution(-1.6, -0.3, odds=1.0, search_back=-3.0, search_back_noise=2.25, new_kind=0.5)
HOW = Fit((32, 16), 14)


class Recorder(GradientDetector):
    """The detector with a second network of choice, writing down what it is told."""

    def __init__(self, info: StreamInfo, network: Judge | None) -> None:
        super().__init__(info, DetectSettings(), CAUTION)
        self._second = Doubt(info.rate_hz, network, FALSE_COST)
        self.weighed: list[int] = []  # all candidates
        self.rows: list[tuple[int, list[float]]] = []  # those in doubt, and what is told of them

    def _weigh(
        self, place: int, after: Candidate | None = None, again: Candidate | None = None
    ) -> Candidate:
        candidate = super()._weigh(place, after, again)
        self.weighed.append(candidate.sample)
        return candidate

    def _settle(
        self, candidate: Candidate, following: Candidate | None = None, after: float = 0.0
    ) -> list[RPeak]:
        noise = self._noise(candidate.repeats)
        if doubt.by_network(candidate, noise, following):
            told = doubt.figures(candidate, noise, self._rate_hz, following, after)
            self.rows.append((candidate.sample, told))
        return super()._settle(candidate, following, after)


def collect(data: Path, record: str, variant: str, seed: int, layers: Layers | None) -> Evidence:
    """Run on one variant of a record; give what was in doubt in noise."""
    made = variants(data).make(record, variant, generator(record, variant, seed))
    network = None if layers is None else Judge(layers, len(doubt.NAMES))
    leads = ("I", "II")[: made.signal.shape[1]]
    detector = Recorder(StreamInfo("fit", made.rate_hz, leads), network)
    stream(detector, made.signal, made.rate_hz)
    doubts = [sample for sample, _ in detector.rows]
    both = [(s, nearest_beat(made.beats, s)) for s in (*doubts, *detector.weighed)]
    found = np.array(labels(both, made.rate_hz)[: len(doubts)], np.float32)
    told = np.array([row for _, row in detector.rows], np.float32)
    # within VF no beats are annotated
    counts = np.searchsorted(made.vf, np.array(doubts, np.int64)) % 2 == 0
    kept = told.reshape(-1, len(doubt.NAMES))[counts]
    return Evidence(kept, found[counts], np.zeros(len(kept), bool))


def main(argv: Sequence[str] | None = None) -> int:
    """Collect and fit round by round, with the detector as it is now; write the last weights."""
    args = fit_arguments(str(__doc__), argv, "tools.train.deferred")
    data_sha256 = data_digest(args.data)
    torch.set_num_threads(1)
    started = time.monotonic()
    network: Layers | None = None
    parts: list[Evidence] = []
    with ProcessPoolExecutor(args.workers, get_context("spawn")) as pool:
        for number, seed in enumerate(SEEDS, 1):
            jobs = [
                pool.submit(collect, args.data, record, variant, seed, network)
                for record, variant in pairs((*NOISES, *OTHERS))
            ]
            parts += [job.result() for job in jobs]
            evidence = joined(parts)
            took_s = time.monotonic() - started
            print(f"round {number}: {len(evidence.labels)} in doubt, {took_s:.0f} s", flush=True)
            network = fit(evidence, HOW)
    if network is not None:
        told = provenance("python -m tools.train.deferred --data DIR", SEEDS, data_sha256)
        write(args.out, "deferred", network, told)
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "deferred"))
