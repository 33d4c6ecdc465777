"""What a false beat should cost the QRS detector beside a missed one, by DS1 with made noise.

    python -m tools.weigh_false_cost --data DIR --workers 2
    python -m tools.weigh_false_cost --data DIR --records 101 106 203 --seed 1

Signals: the noisy ones of ``tools/choose_caution.py``, nothing of NSTDB in them.

It prints the missed and the false beats at each of :data:`COSTS`, which is the setting
``detect.false_cost``, and the two costs between which it should lie: the one at which missed and
false beats are most nearly as many, so that noise does not move the heart rate, and the one at
which they are fewest together.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.config import DetectSettings
from monitor.errors import MonitorError
from monitor.score import RECORD_SETS
from monitor.stages.detect.caution import Caution
from tools.choose_caution import NO_NOISE, NOISES, errors, parts

COSTS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8)

Counts = NDArray[np.int64]  # (noises, 2): missed and false


def count(data: Path, seed: int, record: str) -> dict[float, Counts]:
    """Count the errors in one record, by cost."""
    noisy = parts(data, record, False, seed)
    return {
        cost: np.array([errors(p, Caution(), DetectSettings(false_cost=cost)) for p in noisy])
        for cost in COSTS
    }


def evenest(counts: Mapping[float, Counts]) -> float:
    """Give the cost at which missed and false beats are most nearly as many."""

    def uneven(cost: float) -> float:
        missed, false = counts[cost].sum(axis=0).tolist()
        return abs(math.log((missed + 1) / (false + 1)))

    return min(counts, key=uneven)


def fewest(counts: Mapping[float, Counts]) -> float:
    """Give the cost at which missed and false beats are fewest together."""
    return min(counts, key=lambda cost: int(counts[cost].sum()))


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb/")
    ds1 = [r for r in RECORD_SETS["ds1"] if r not in NO_NOISE]
    parser.add_argument("--records", nargs="+", default=ds1, choices=ds1, metavar="RECORD")
    parser.add_argument("--seed", type=int, default=0, help="of the noise and where it begins")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(argv)
    try:
        with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
            each = list(pool.map(partial(count, options.data, options.seed), options.records))
    except MonitorError as error:
        print(f"weigh_false_cost: {error}", file=sys.stderr)
        return 1
    totals = {cost: np.sum([counts[cost] for counts in each], axis=0) for cost in COSTS}
    print("missed/false  " + "  ".join(f"{kind} {snr:g} dB" for kind, snr in NOISES) + "  all")
    for cost, counts in totals.items():
        rows = [*counts.tolist(), counts.sum(axis=0).tolist()]
        print(f"cost {cost:g}: " + "  ".join(f"{missed}/{false}" for missed, false in rows))
    print(f"as many missed as false at {evenest(totals):g}, fewest at {fewest(totals):g}")
    print(f"shipped {DetectSettings().false_cost:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
