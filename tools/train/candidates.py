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
from monitor.stages.detect import QrsDetector
from tools.data.variants import Array, Variants

NEAR_S = 0.12  # a candidate so near to a reference beat may be this beat
HOP_S = 0.25
CLEAN_TEST = ("118", "119")  # NSTDB is made from these
NEEDS_NOISE = ("motion", "muscle", "bad")


class Examples(NamedTuple):
    """Features (n, k), labels (n,), and which rows have no label, only the teacher's log odds."""

    features: Array
    labels: Array
    unlabelled: NDArray[np.bool_]


def joined(parts: list[Examples]) -> Examples:
    """Join examples, in order."""
    return Examples(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def stream(detector: QrsDetector, signal: Array, rate_hz: float) -> None:
    """Stream a signal, (n, leads), through a detector, hop by hop, all of it usable."""
    hop = round(HOP_S * rate_hz)
    states = (LeadState.OK,) * signal.shape[1]
    for at in range(0, len(signal) - hop + 1, hop):
        block = Samples("fit", at, signal[at : at + hop])
        detector.push(block, Quality("fit", at, at + hop, states, usable=True))
    detector.flush()


@cache
def variants(data: Path) -> Variants:
    """Give the maker of variants, one per process."""
    return Variants(data)


def generator(record: str, variant: str, seed: int) -> np.random.Generator:
    """Give the random generator of one variant of a record."""
    return np.random.default_rng([seed, RECORD_SETS["ds1"].index(record), *variant.encode()])


def labels(candidates: list[tuple[int, int]], rate_hz: float) -> list[float]:
    """Label candidates by their nearest beat: 1 for the candidate nearest to a beat, if near."""
    nearest: dict[int, int] = {}
    for sample, beat in candidates:
        distance = abs(sample - beat)
        if distance < NEAR_S * rate_hz:
            nearest[beat] = min(nearest.get(beat, distance), distance)
    return [float(abs(sample - beat) == nearest.get(beat, -1)) for sample, beat in candidates]


def nearest_beat(beats: NDArray[np.int64], sample: int) -> int:
    """Give the beat nearest to a sample."""
    i = int(np.searchsorted(beats, sample))
    around = beats[max(i - 1, 0) : i + 1]
    return int(around[np.abs(around - sample).argmin()])


def pairs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """List record and variant of all signals; the records that NSTDB is made from get no noise."""
    return [
        (record, variant)
        for record in RECORD_SETS["ds1"]
        for variant in names
        if not (record in CLEAN_TEST and any(word in variant for word in NEEDS_NOISE))
    ]
