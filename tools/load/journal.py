"""Measure how long the journal delays an alarm: from handing events over to having them on disk.

    python -m tools.load.journal [--folder DIR] [--turns N]

Each turn hands over so many alerts of one stream at once, as a turn of the service does, with
the stream's memory; then waits for the commit (SQLite, WAL, synchronous=FULL). The folder says
which disk is measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from monitor.journal.entries import Memory, draft_of
from monitor.journal.journal import Journal
from monitor.messages import Alert, AlertKind, AlertState, Priority, StreamInfo
from monitor.service.memory import StreamMemory

ALERTS = (1, 10, 100)


def measure(folder: Path, alerts: int, turns: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Give the time of every turn in ms."""
    alert = Alert(
        "bed-7", 3, 9, AlertKind.VT, Priority.HIGH, AlertState.RAISED, 7000, 9000,
        "VT 14 beats, 172 >= 100", 172.0, 100.0, tuple(range(7000, 9000, 125)),
    )  # fmt: skip
    info = StreamInfo("bed-7", 360.0, ("II", "V1"), 0, "bench")
    memory = StreamMemory("bed-7", info, "p", "", False, 9001, 3, 9, 0, 0, (alert,))
    times_ms = []
    journal = Journal(folder / f"{alerts}.db")
    for _ in range(turns):
        began_s = time.perf_counter()
        drafts = [draft_of(alert)] * alerts
        journal.keep(drafts, {"bed-7": Memory(memory.text(), memory.next_sample)})
        times_ms.append(1e3 * (time.perf_counter() - began_s))
    trouble = journal.trouble
    journal.close()
    if trouble:
        raise SystemExit(f"the disk did not keep up: {trouble}")
    return np.array(times_ms)


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: temporary)")
    parser.add_argument("--turns", type=int, default=2000)
    args = parser.parse_args()
    print("alerts a turn   median ms   99 % ms   longest ms")
    for alerts in ALERTS:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            times_ms = measure(Path(folder), alerts, args.turns)
        median, most = np.percentile(times_ms, [50, 99])
        print(f"{alerts:13}   {median:9.2f}   {most:7.2f}   {times_ms.max():10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
