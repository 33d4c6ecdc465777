"""Candidates of the QRS detector on signals made from DS1, with labels from the reference beats.

No record with added noise is made from 118 or 119, so that NSTDB, which is made from them, stays a
test.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.messages import LeadState, Quality, Samples
from monitor.score import RECORD_SETS
from monitor.stages.detect.gradient import GradientDetector
from tools.data.variants import Array, Variants

NEAR_S = 0.12  # a candidate this near to a reference beat may be it
HOP_S = 0.25
CLEAN_TEST = ("118", "119")  # NSTDB is made from these
NEEDS_NOISE = ("motion", "muscle", "bad")


class Evidence(NamedTuple):
    """Figures (n, k), labels (n,), and where there are none but the teacher's log odds."""

    figures: Array
    labels: Array
    unlabelled: NDArray[np.bool_]


def joined(parts: list[Evidence]) -> Evidence:
    """Put evidence together, in order."""
    return Evidence(*(np.concatenate(part) for part in zip(*parts, strict=True)))


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


def pairs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Give record and variant of all signals; those that NSTDB is made from get no noise."""
    return [
        (record, variant)
        for record in RECORD_SETS["ds1"]
        for variant in names
        if not (record in CLEAN_TEST and any(word in variant for word in NEEDS_NOISE))
    ]
