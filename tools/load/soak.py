"""Run the whole pipeline on an endless simulated stream; watch its memory and its labels.

``python -m tools.load.soak --hours 2`` prints every ten minutes of signal the resident memory and
the share of the true beats that were found with their label. It fails if the memory grew by more
than ``--limit-mib`` after the first twenty minutes, or if the labels of the second half of the rest
are worse than those of the first by more than ``--limit-percent`` and three standard errors: a
monitor learns its patient as long as it runs, and must not get worse by it. (The share is
lower for beats in noise, on a lead that is off, and after a sudden change of rate.)
Events are counted and dropped, as a running monitor's sinks do.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter

import numpy as np

from monitor.messages import AamiClass, Beat
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator, TrueBeat
from tools.load.streams import resident_mib

REPORT_S = 600.0
SETTLED_S = 1200.0  # rings and histories are full by then
WINDOW_S = 0.15  # within which a beat is the true one (ANSI/AAMI EC57)
DECIDED_S = 10.0  # what is older has all its labels


class Labels:
    """Counts the true beats that were found with their label, once they are old enough."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._true: list[tuple[int, AamiClass]] = []
        self._found: list[tuple[int, AamiClass]] = []

    def add(self, true: list[TrueBeat], found: list[Beat]) -> None:
        """Take beats that really were, and beats that were found."""
        self._true += [(beat.sample, beat.label) for beat in true]
        self._found += [(beat.sample, beat.label) for beat in found]

    def count(self, now_sample: int) -> tuple[int, int]:
        """Give how many true beats since the last call are right, and how many there were."""
        end = now_sample - round(DECIDED_S * self._rate_hz)
        due = [beat for beat in self._true if beat[0] < end]
        self._true = self._true[len(due) :]
        at = np.array([sample for sample, _ in self._found])
        right = 0
        for sample, label in due:
            k = int(np.abs(at - sample).argmin()) if len(at) else -1
            near = k >= 0 and abs(at[k] - sample) <= WINDOW_S * self._rate_hz
            right += near and self._found[k][1] == label
        self._found = [beat for beat in self._found if beat[0] >= end - self._rate_hz]
        return right, len(due)


def grew_worse(shares: list[tuple[int, int]], limit_percent: float) -> bool:
    """Tell whether labels got worse, from (right, all) of one stretch after the other; say so."""
    middle = len(shares) // 2
    if not middle:
        return False
    (right, beats), (late_right, late_beats) = (
        (sum(r for r, _ in half), sum(n for _, n in half))
        for half in (shares[:middle], shares[middle:])
    )
    if not beats or not late_beats:
        return True
    first, second = right / beats, late_right / late_beats
    error = math.sqrt(first * (1 - first) / beats + second * (1 - second) / late_beats)
    print(f"labels right: first half {first:.2%}, second half {second:.2%}, error {error:.2%}")
    return first - second > max(limit_percent / 100, 3 * error)


def main(argv: list[str] | None = None) -> int:
    """Run and report; 1 if memory grew beyond the limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--scenario", default="tour")
    parser.add_argument("--rate-hz", type=float, default=250.0)
    parser.add_argument("--limit-mib", type=float, default=8.0)
    parser.add_argument("--limit-percent", type=float, default=0.5)
    args = parser.parse_args(argv)

    source = Simulator(args.scenario, rate_hz=args.rate_hz, loop=True)
    pipeline = Pipeline(source.info)
    labels = Labels(args.rate_hz)
    counts: Counter[str] = Counter()
    began, due_s, settled = time.perf_counter(), 0.0, None
    now_s = 0.0
    shares: list[tuple[int, int]] = []
    for chunk, truth in source.chunks_with_truth():
        events = pipeline.push(chunk)
        counts.update(type(event).__name__ for event in events)
        labels.add(
            [item for item in truth if isinstance(item, TrueBeat)],
            [event for event in events if isinstance(event, Beat)],
        )
        now_s = chunk.end_sample / args.rate_hz
        if now_s >= due_s:
            memory = resident_mib()
            right, beats = labels.count(chunk.end_sample)
            if settled is not None:
                shares.append((right, beats))
            elif now_s >= SETTLED_S:
                settled = memory
            speed = now_s / (time.perf_counter() - began)
            share = f"{100 * right / beats:6.2f} % of {beats} labels right" if beats else ""
            print(
                f"{now_s / 60:6.0f} min  {memory:7.1f} MiB  {speed:6.0f} x real time  {share}",
                flush=True,
            )
            due_s += REPORT_S
        if now_s >= args.hours * 3600:
            break
    grown = resident_mib() - (settled if settled is not None else resident_mib())
    print(f"{now_s / 3600:.1f} h, grown by {grown:.1f} MiB after {SETTLED_S / 60:.0f} min")
    worse = grew_worse(shares, args.limit_percent)
    print("events: " + ", ".join(f"{name} {n}" for name, n in sorted(counts.items())))
    return int(grown > args.limit_mib or worse)


if __name__ == "__main__":
    sys.exit(main())
