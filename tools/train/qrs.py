"""Fit the judge of the default QRS detector, and write its weights.

    python -m tools.train.qrs --data DIR --out FILE --workers 2   # the shipped weights
    python -m tools.train.qrs --data DIR --out FILE --anew        # by the detector as it is now

Rules that hold here:

1. What is a beat is learnt from DS1 alone [1]_, with the noise records ``bw`` and ``ma`` of NSTDB
   and noise made here (:mod:`tools.data.variants`). No record with added noise is made from 118
   or 119, so that NSTDB, which is made from them with the recorded noise ``em``, stays a test.
   (Ventricular beats of 119 are among those that runs are made of, some with noise.)
2. ``vfdb``, ``cinc2015`` and the simulator have no labels here. On them the log odds of the teacher
   are learnt: the judge fitted before this one, of 16 and 8 units, by the tool of commit 0e26c12.
   It has fewer T waves and more of tachycardia right there than one that sees DS1 alone.
   From the fourth round on they count twice, and later more what it takes for a beat soon after
   the last one. One round learns from the judge of the round before in the teacher's place.
3. The evidence is what the detector itself collects while it runs. A judge that errs otherwise
   meets other evidence, so there are rounds: each collects with the judge of the one before, and
   with the teacher, and fits a new one on all that was collected so far.
4. Each signal has its own seed: the same data and detector give the same weights. Those that are
   shipped belong to the detector of one commit, with which they are fitted again
   (``tools/shipped_detect.py``: commit and SHA-256 of data and weights).
5. Weights fitted anew are others. Measure on DS1 with one lead and two, in made noise, on the
   tachycardias of ``vfdb`` and on CinC 2015, before replacing the shipped ones: on the last, single
   alarms come and go with the seed of the last fit.

References
----------
.. [1] de Chazal, P., O'Dwyer, M., Reilly, R. B. (2004). Automatic classification of heartbeats
   using ECG morphology and heartbeat interval features. doi:10.1109/TBME.2004.827359
"""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
import wfdb
from numpy.typing import NDArray

from monitor.config import DetectSettings
from monitor.messages import LeadState, Quality, Samples, StreamInfo
from monitor.score import RECORD_SETS
from monitor.sources.simulator import SCENARIOS, Simulator
from monitor.stages.detect.doubt import Doubt
from monitor.stages.detect.evidence import NAMES, Candidate
from monitor.stages.detect.gradient import GradientDetector
from monitor.stages.detect.judge import Judge
from tools.data.variants import Array, Variants
from tools.shipped_detect import JUDGE, command

Layers: TypeAlias = tuple[int, ...]

TEACHER = Path(__file__).with_name("judge_teacher.txt")
BATCH = 2048
PEAK_RATE = 1e-2  # of the one-cycle schedule
DECAY = 1e-4
NEAR_S = 0.12  # a candidate this near to a reference beat may be it
HOP_S = 0.25
EDGE_S = 0.1  # at the ends of a short piece, where a beat may be cut off
CLEAN_TEST = ("118", "119")  # NSTDB is made from these
NEEDS_NOISE = ("motion", "muscle", "bad")
SINCE = NAMES.index("since_s")

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
    """What is collected, and how the judge is fitted on all that is collected so far."""

    collects: tuple[Collect, ...]
    hidden: Layers
    epochs: int
    unlabelled: float = 1.0  # how much a candidate counts in a source without labels
    fast: float = 1.0  # how much more if the teacher takes it, and it is near to the last beat
    fast_s: float = 0.0
    by_last: bool = False  # without labels, learn from the round before and not from the teacher


ROUNDS = (
    Round((Collect(11, True, ALL, ("vfdb",)),), (32, 16), 14),
    Round((Collect(12, False, ALL, ("vfdb",)),), (32, 16), 12),
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
        (32, 16),
        10,
    ),
    Round((), (64, 32), 16, unlabelled=2.0, by_last=True),
    Round(
        (
            Collect(31, True, RUNS),
            Collect(32, False, (*RUNS, "tall", "slow tall"), ("cinc2015",)),
        ),
        (64, 32),
        16,
        unlabelled=2.0,
        fast=5.0,
        fast_s=0.45,
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
        (64, 32),
        14,
        unlabelled=2.0,
        fast=5.0,
        fast_s=0.6,
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
        (64, 32),
        14,
        unlabelled=2.0,
        fast=4.0,
        fast_s=0.6,
    ),
)


class Weights(NamedTuple):
    """Weights of a judge: the size of its layers, and all numbers as text."""

    layers: Layers
    numbers: str

    def judge(self, inputs: int = len(NAMES)) -> Judge:
        """Give the judge that has them."""
        return Judge(self.layers, self.numbers, inputs)


class Evidence(NamedTuple):
    """Figures (n, k), labels (n,), and where there are none but the teacher's log odds."""

    figures: Array
    labels: Array
    unlabelled: NDArray[np.bool_]


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


def teacher() -> Weights:
    """Give the judge before this one."""
    layers, numbers = TEACHER.read_text(encoding="ascii").split("\n", 1)
    return Weights(tuple(int(size) for size in layers.split(",")), numbers)


def run(signal: Array, rate_hz: float, judge: Judge) -> list[tuple[int, list[float]]]:
    """Stream a signal; give each candidate's sample and figures, as often as it was weighed."""
    detector = Recorder(StreamInfo("fit", rate_hz, ("I", "II")[: signal.shape[1]]), judge)
    stream(detector, signal, rate_hz)
    return detector.rows


def stream(detector: GradientDetector, signal: Array, rate_hz: float) -> None:
    """Give a detector a whole signal, (n, leads), hop by hop, all of it usable."""
    hop = round(HOP_S * rate_hz)
    states = (LeadState.OK,) * signal.shape[1]
    for at in range(0, len(signal) - hop + 1, hop):
        block = Samples("fit", at, signal[at : at + hop])
        detector.push(block, Quality("fit", at, at + hop, states, usable=True))
    detector.flush()


@cache
def variants(data: Path) -> Variants:
    """Give what makes variants, once a process."""
    return Variants(data)


def generator(record: str, variant: str, seed: int) -> np.random.Generator:
    """Give a variant of a record its own chance."""
    return np.random.default_rng([seed, RECORD_SETS["ds1"].index(record), *variant.encode()])


def labelled(data: Path, record: str, variant: str, seed: int, weights: Weights) -> Evidence:
    """Run on one variant of a record; of the candidates near a beat the nearest one is it."""
    rng = generator(record, variant, seed)
    signal, beats, vf, rate_hz = variants(data).make(record, variant, rng)
    judge = weights.judge()
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


def labels(candidates: list[tuple[int, int]], rate_hz: float) -> list[float]:
    """Label candidates, each with the beat next to it: 1 for the nearest one to a beat, if near."""
    nearest: dict[int, int] = {}
    for sample, beat in candidates:
        distance = abs(sample - beat)
        if distance < NEAR_S * rate_hz:
            nearest[beat] = min(nearest.get(beat, distance), distance)
    return [float(abs(sample - beat) == nearest.get(beat, -1)) for sample, beat in candidates]


def nearest_beat(beats: NDArray[np.int64], sample: int) -> int:
    """Give the beat next to a sample."""
    i = int(np.searchsorted(beats, sample))
    around = beats[max(i - 1, 0) : i + 1]
    return int(around[np.abs(around - sample).argmin()])


def _pieces(
    n: int, least_s: float, rate_hz: float, rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Give pieces of 4 to 12 s, one behind the other, as long as so much is left."""
    at = 0
    while at < n - int(least_s * rate_hz):
        length = int(rng.uniform(4, 12) * rate_hz)
        yield at, at + length
        at += length


def unlabelled(data: Path, source: str, name: str, seed: int, weights: Weights) -> Evidence:
    """Run on a recording, or on what the simulator makes, without knowing its beats."""
    judge = weights.judge()
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


def joined(parts: list[Evidence]) -> Evidence:
    """Put evidence together, in order."""
    return Evidence(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def collect(pool: ProcessPoolExecutor, data: Path, what: Collect, weights: Weights) -> Evidence:
    """Run the detector on all signals of a collection."""
    jobs = [
        pool.submit(labelled, data, record, variant, what.seed, weights)
        for record in RECORD_SETS["ds1"]
        for variant in what.variants
        if not (record in CLEAN_TEST and any(word in variant for word in NEEDS_NOISE))
    ]
    for source in what.unlabelled:
        recordings = sorted(path.stem for path in (data / source).glob("*.hea"))
        jobs += [
            pool.submit(unlabelled, data, source, name, what.seed, weights)
            for name in (SCENARIOS if source == "simulator" else recordings)
        ]
    return joined([job.result() for job in jobs])


def log_odds(weights: Weights, figures: Array) -> NDArray[np.float64]:
    """Log odds of many candidates at once, (n, 20) to (n,)."""
    x = figures.astype(np.float64)
    *layers, (matrix, bias) = weights.judge().layers
    for hidden, offset in layers:
        x = np.tanh(x @ hidden.T + offset)
    return np.asarray((x @ matrix.T + bias)[:, 0])


def fit(evidence: Evidence, how: Round, known: Weights | None = None) -> Weights:
    """Fit a network by cross entropy, scaling folded in; ``known`` is learnt without labels."""
    figures, labels, soft = evidence
    if known is not None:
        labels = labels.copy()
        labels[soft] = 1 / (1 + np.exp(-log_odds(known, figures[soft])))
    mean, spread = figures[~soft].mean(axis=0), figures[~soft].std(axis=0) + 1e-3
    counts = np.where(soft, how.unlabelled, 1.0)
    if how.fast_s:
        counts[soft & (figures[:, SINCE] < np.log(how.fast_s)) & (labels > 0.5)] *= how.fast
    x, y = torch.from_numpy((figures - mean) / spread), torch.from_numpy(labels)
    weight = torch.from_numpy(counts.astype(np.float32))
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    sizes = (figures.shape[1], *how.hidden, 1)
    for inputs, outputs in pairwise(sizes):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
    steps = how.epochs * -(-len(y) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    for epoch in range(how.epochs):
        total = 0.0
        for batch in torch.split(torch.randperm(len(y)), BATCH):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                net(x[batch])[:, 0], y[batch], weight=weight[batch]
            )
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
    flat = np.concatenate(numbers)
    return Weights(sizes[1:], " ".join(f"{v:.5g}" for v in flat))


def write(weights: Weights, path: Path, what: str = "the judge", tool: str = "fit_detect") -> None:
    """Write the weights as a Python module, saying what they are of and which tool wrote them."""
    text = "\n" + textwrap.fill(weights.numbers, 98) + "\n"
    path.write_text(
        f'"""Weights of {what}, written by ``tools/{tool}.py``: not for editing."""\n\n'
        f'LAYERS = {weights.layers}\nNUMBERS = """{text}"""\n',
        encoding="ascii",
    )


def fit_anew(data: Path, out: Path, workers: int) -> None:
    """Collect and fit round by round, with the detector as it is now; write the last weights."""
    torch.set_num_threads(1)
    started = time.monotonic()
    weights, parts = teacher(), []
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for number, how in enumerate(ROUNDS, 1):
            for what in how.collects:
                judge = teacher() if what.by_teacher else weights
                parts.append(collect(pool, data, what, judge))
            evidence = joined(parts)
            print(
                f"round {number}: {len(evidence.labels)} candidates,"
                f" {time.monotonic() - started:.0f} s",
                flush=True,
            )
            weights = fit(evidence, how, weights if how.by_last else teacher())
            write(weights, out)


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    return command(JUDGE, str(__doc__), fit_anew, argv)


if __name__ == "__main__":
    sys.exit(main())
