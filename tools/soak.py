"""Run the whole pipeline on an endless simulated stream and watch the memory of the process.

``python -m tools.soak --hours 2`` prints the resident memory every ten minutes of signal and
fails if it grew by more than ``--limit-mib`` after the first twenty. Events are counted and
dropped, as a running monitor's sinks do.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path

from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator

REPORT_S = 600.0
SETTLED_S = 1200.0  # rings and histories are full by then


def resident_mib() -> float:
    """Resident memory of this process (MiB), as Linux tells it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(argv: list[str] | None = None) -> int:
    """Run and report; 1 if memory grew beyond the limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--scenario", default="tour")
    parser.add_argument("--rate-hz", type=float, default=250.0)
    parser.add_argument("--limit-mib", type=float, default=8.0)
    args = parser.parse_args(argv)

    source = Simulator(args.scenario, rate_hz=args.rate_hz, loop=True)
    pipeline = Pipeline(source.info)
    counts: Counter[str] = Counter()
    began, due_s, settled = time.perf_counter(), 0.0, None
    now_s = 0.0
    for chunk in source.chunks():
        counts.update(type(event).__name__ for event in pipeline.push(chunk))
        now_s = chunk.end_sample / args.rate_hz
        if now_s >= due_s:
            memory = resident_mib()
            if settled is None and now_s >= SETTLED_S:
                settled = memory
            speed = now_s / (time.perf_counter() - began)
            print(f"{now_s / 60:6.0f} min  {memory:7.1f} MiB  {speed:6.0f} x real time", flush=True)
            due_s += REPORT_S
        if now_s >= args.hours * 3600:
            break
    grown = resident_mib() - (settled if settled is not None else resident_mib())
    print(f"{now_s / 3600:.1f} h, grown by {grown:.1f} MiB after {SETTLED_S / 60:.0f} min")
    print("events: " + ", ".join(f"{name} {n}" for name, n in sorted(counts.items())))
    return int(grown > args.limit_mib)


if __name__ == "__main__":
    sys.exit(main())
