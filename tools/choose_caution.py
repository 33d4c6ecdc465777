"""Choose on DS1 with made noise how much more evidence the QRS detector asks for in noise.

    python -m tools.choose_caution --data DIR --workers 2
    python -m tools.choose_caution --data DIR --records 101 106 203 --seed 1

Signals: for each record of DS1 and each of :data:`NOISES` 3.5 min from a random place, with noise
made by ``tools/noise.py`` in both leads from 0:30 to 1:30 and from 2:30 to 3:30. It comes and
goes, as in the noise stress test, so that noticing it, and noticing its end, count too. None has
recorded noise or is of 118 or 119: NSTDB is made of these. Besides, every record as it is.
Everything is streamed through the quality stage in hops of 0.25 s.

Cost: missed beats and false ones, these times ``detect.false_cost``, by EC57, from 0:30, of clean
records from 5:00.

Rule: from no caution on, each setting in turn takes the value of :data:`VALUES` that costs
least over all noises, the others staying as they are, until none changes. A value that costs
more on clean signal than no caution does is not taken. The shipped settings stay unless they
cost more than the chosen ones by a 95 % interval above 0 (paired bootstrap over the records).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.config import DetectSettings, QualitySettings
from monitor.errors import MonitorError
from monitor.messages import Quality, Samples, StreamInfo
from monitor.score import RECORD_SETS, Annotations, Conditions, compare_beats, read_annotations
from monitor.score.annotations import EC57_CLASSES
from monitor.stages.detect.caution import Caution
from monitor.stages.detect.gradient import GradientDetector
from monitor.stages.quality import QualityGate
from tools.bench_detect import read
from tools.noise import motion, muscle, with_noise

MADE = {"motion": motion, "muscle": muscle}
NOISES = (
    *(("motion", snr_db) for snr_db in (24.0, 18.0, 12.0, 6.0, 0.0, -6.0)),
    *(("muscle", snr_db) for snr_db in (6.0, 0.0, -6.0)),
)
NO_NOISE = ("118", "119")
PART_S = 210.0
COUNTED_FROM_S = 30.0
# full noise is as tall as a typical beat, a fifth of it is none
NONE = Caution(quiet=-1.6, loud=0.0, odds=0.0, search_back=-3.0, search_back_noise=0.0, new_kind=2)
VALUES: dict[str, tuple[float, ...]] = {
    "odds": (0.0, 0.5, 1.0, 1.5, 2.0),
    "search_back_noise": (0.0, 0.75, 1.5, 2.25, 3.0),
    "loud": (-0.6, -0.3, 0.0),
    "quiet": (-2.0, -1.6, -1.2),
    "search_back": (-3.5, -3.0, -2.5),
    "new_kind": (0.25, 0.5, 0.75, 2.0),
}
DRAWS = 2000
HOP_S = 0.25

Counts = NDArray[np.int64]  # (records, noises, 2): missed and false


class Part(NamedTuple):
    """A stretch of a record, as it reaches the detector."""

    info: StreamInfo
    hops: list[tuple[Samples, Quality]]
    truth: Annotations
    conditions: Conditions


@cache
def parts(data: Path, record: str, clean: bool, seed: int) -> list[Part]:
    """Give a whole record as it is, or a part of it with each of the noises."""
    signal, rate_hz, path = read(data, record)
    truth, _ = read_annotations(path, "atr")
    if clean:
        return [_part(signal, 0, rate_hz, truth, Conditions())]
    beats = truth.samples[np.isin(np.array(truth.symbols), list(EC57_CLASSES))]
    made = []
    for i, (kind, snr_db) in enumerate(NOISES):
        rng = np.random.default_rng([seed, int(record), i])
        n = round(PART_S * rate_hz)
        start = int(rng.integers(len(signal) - n))
        inside = beats[(beats > start + rate_hz) & (beats < start + n - rate_hz)] - start
        noise = MADE[kind](n, rate_hz, rng)
        noisy = with_noise(signal[start : start + n], inside, noise, snr_db, rate_hz)
        begin_s, end_s = start / rate_hz + COUNTED_FROM_S, (start + n) / rate_hz - 1.0
        conditions = Conditions(start_s=begin_s, end_s=end_s)
        made.append(_part(noisy, start, rate_hz, truth, conditions))
    return made


def _part(
    signal: NDArray[np.float32], start: int, rate_hz: float, truth: Annotations, rules: Conditions
) -> Part:
    info = StreamInfo("part", rate_hz, ("I", "II"), start_sample=start)
    gate, hop = QualityGate(info, QualitySettings()), round(HOP_S * rate_hz)
    blocks = [
        Samples("part", start + at, signal[at : at + hop])
        for at in range(0, len(signal) - hop + 1, hop)
    ]
    return Part(info, [(block, gate.push(block)) for block in blocks], truth, rules)


def errors(part: Part, caution: Caution, settings: DetectSettings | None = None) -> tuple[int, int]:
    """Missed and false beats."""
    detector = GradientDetector(part.info, settings or DetectSettings(), caution)
    found = [peak.sample for hop in part.hops for peak in detector.push(*hop)]
    found += [peak.sample for peak in detector.flush()]
    test = Annotations.from_arrays(found)
    length = part.hops[-1][0].end_sample
    score = compare_beats(
        part.truth, test, part.info.rate_hz, length_samples=length, conditions=part.conditions
    )
    return len(score.false_negatives), len(score.false_positives)


def _record(caution: Caution, data: Path, clean: bool, seed: int, record: str) -> Counts:
    return np.array([errors(part, caution) for part in parts(data, record, clean, seed)])


def cost(counts: Counts) -> int:
    """Missed beats and false ones, at the cost that the detector gives them."""
    return int(counts[..., 0].sum() + DetectSettings().false_cost * counts[..., 1].sum())


def choose(noisy: Callable[[Caution], Counts], clean: Callable[[Caution], Counts]) -> Caution:
    """Choose by the rule above; the two give missed and false beats of settings."""
    best, allowed = NONE, cost(clean(NONE))
    changed = True
    while changed:
        before = best
        for name, values in VALUES.items():
            start = best
            tried = [replace(start, **{name: value}) for value in values]
            tried.sort(key=lambda c: (cost(noisy(c)), c != start))
            best = next(c for c in tried if c == start or cost(clean(c)) <= allowed)
        changed = best != before
    return best


def bounds(one: Counts, other: Counts, seed: int) -> tuple[float, float]:
    """95 % interval of what one costs more than the other, records drawn with replacement."""
    more = np.array([cost(a) - cost(b) for a, b in zip(one, other, strict=True)])
    draws = np.random.default_rng(seed).choice(more, (DRAWS, len(more))).sum(axis=1)
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(low), float(high)


def describe(caution: Caution) -> str:
    """One line of settings."""
    return " ".join(f"{name} {value:g}" for name, value in asdict(caution).items())


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb/")
    ds1 = RECORD_SETS["ds1"]
    parser.add_argument("--records", nargs="+", default=ds1, choices=ds1, metavar="RECORD")
    parser.add_argument("--seed", type=int, default=0, help="of the noise and where it begins")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(argv)
    if set(options.records) <= set(NO_NOISE):
        parser.error(f"--records: one besides {' and '.join(NO_NOISE)}, which get no noise")
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:

        @cache
        def count(caution: Caution, clean: bool) -> Counts:
            run = partial(_record, caution, options.data, clean, options.seed)
            records = [r for r in options.records if clean or r not in NO_NOISE]
            counts = np.stack(list(pool.map(run, records)))
            totals = "  ".join(f"{m}/{f}" for m, f in counts.sum(axis=0))
            what = "clean" if clean else "noisy"
            print(f"{what} {describe(caution)}: {totals}  cost {cost(counts)}", flush=True)
            return counts

        try:
            print("missed/false  " + "  ".join(f"{kind} {snr:g} dB" for kind, snr in NOISES))
            shipped, noisy = Caution(), partial(count, clean=False)
            chosen = choose(noisy, partial(count, clean=True))
            count(shipped, True)
            low, high = bounds(noisy(shipped), noisy(chosen), options.seed)
        except MonitorError as error:
            print(f"choose_caution: {error}", file=sys.stderr)
            return 1
        print(f"chosen  {describe(chosen)}\nshipped {describe(shipped)}")
        more = cost(noisy(shipped)) - cost(noisy(chosen))
        verdict = "give way" if low > 0 else "stay"
        print(
            f"the shipped cost {more:+d} ({low:+.0f} to {high:+.0f}) and {verdict}; the chosen with"
        )
        for name, values in VALUES.items():
            for value in values:
                near = noisy(replace(chosen, **{name: value}))
                low, high = bounds(near, noisy(chosen), options.seed)
                more = cost(near) - cost(noisy(chosen))
                print(f"  {name} {value:g}: {more:+d} ({low:+.0f} to {high:+.0f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
