"""Measure an archive on one process, on two, and on a cluster of two nodes of which one dies.

    python -m tools.load.scaling                                  # simulated records
    python -m tools.load.scaling --archive $ECG_MONITOR_DATA/mitdb --jobs 1 2 4

Each way is a run of ``ecg-monitor annotate`` over the same records, timed as a user waits for it,
with the start of the workers and the import of packages. The cluster is Ray's own for tests: two
nodes of one processor each on this machine. In the last run one of them is killed when a quarter
of the records is done. The results of all ways are compared bit by bit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from monitor.sources.simulator import Simulator
from monitor.sources.simulator.wfdb_writer import write_wfdb

SCENARIOS = ("sinus", "pvc", "af", "bigeminy")
RATE_HZ = 360.0
NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 << 20}


Event = Callable[[], None]


@dataclass(frozen=True)
class Run:
    """One way through the archive: records done, hours of signal, and the time."""

    done: int
    failed: int  # exit code
    hours: float
    cpu_s: float
    wall_s: float
    first_s: float

    @property
    def rate(self) -> float:
        """Hours of signal in a minute."""
        return self.hours / (self.wall_s / 60)


def annotate(archive: Path, out: Path, options: Sequence[str], at: int, event: Event) -> Run:
    """Run the command; call ``event`` when so many records are done."""
    words = [sys.executable, "-m", "monitor", "annotate", str(archive), "--out", str(out), "--json"]
    began_s = time.monotonic()
    rows: list[dict[str, Any]] = []
    first_s = 0.0
    with subprocess.Popen([*words, *options], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        for line in command.stdout:
            rows.append(json.loads(line))
            first_s = first_s or time.monotonic() - began_s
            if len(rows) == at:
                event()
    wall_s = time.monotonic() - began_s
    hours = sum(row["duration_s"] for row in rows) / 3600
    cpu_s = sum(row["cpu_s"] for row in rows)
    return Run(len(rows), command.returncode, hours, cpu_s, wall_s, first_s)


def results(out: Path) -> dict[str, bytes]:
    """Give what a run wrote, without the CPU time in it and without the markers."""
    found = {}
    for path in sorted(out.rglob("*")):
        if path.name.endswith(".summary.json"):
            fields = json.loads(path.read_text(encoding="utf-8"))
            fields.pop("cpu_s")
            found[path.name] = json.dumps(fields).encode()
        elif path.is_file() and not path.name.endswith(".done.json"):
            found[path.name] = path.read_bytes()
    return found


def make_archive(folder: Path, records: int, minutes: float) -> None:
    """Write simulated records, each of another patient."""
    for k in range(records):
        scenario = SCENARIOS[k % len(SCENARIOS)]
        source = Simulator(
            scenario, RATE_HZ, ("II", "V1"), duration_s=60 * minutes, loop=True, seed=k
        )
        write_wfdb(source, folder, f"s{k:03d}")


def in_processes(archive: Path, jobs: int, out: Path) -> Run:
    """Run with worker processes."""
    return annotate(archive, out, ["--jobs", str(jobs)], 0, lambda: None)


def on_cluster(archive: Path, killed_at: int, out: Path) -> Run:
    """Run on two nodes; kill one when so many records are done (0: none)."""
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # as the processes have it
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    try:
        second = cluster.add_node(wait=True, **NODE)
        return annotate(
            archive,
            out,
            ["--cluster", cluster.address],
            killed_at,
            lambda: cluster.remove_node(second, allow_graceful=False),
        )
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 1 if a record failed or the results differ."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--archive", type=Path, metavar="DIR", help="recordings (default: made)")
    parser.add_argument("--records", type=int, default=16, help="simulated records to make")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of each")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2], help="worker processes")
    parser.add_argument("--no-cluster", action="store_true", help="leave the cluster out")
    parser.add_argument("--times", type=int, default=1, help="runs of each way; the fastest counts")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        archive = args.archive or folder / "archive"
        if args.archive is None:
            make_archive(archive, args.records, args.minutes)
        ways: dict[str, Callable[[Path], Run]] = {}
        for jobs in args.jobs:
            ways[f"--jobs {jobs}"] = partial(in_processes, archive, jobs)
        if not args.no_cluster:
            headers = len(list(archive.rglob("*.hea")))
            ways["cluster, 2 nodes"] = partial(on_cluster, archive, 0)
            ways["the same, one killed"] = partial(on_cluster, archive, max(1, headers // 4))
        return show(ways, folder, args.times)


def show(ways: dict[str, Callable[[Path], Run]], folder: Path, times: int = 1) -> int:
    """Run each way and print a row of its fastest run; 1 if one failed or differs from the first.

    The ways take turns: what else the machine does adds to a time, and never takes away.
    """
    processors = len(os.sched_getaffinity(0))
    print(f"{processors} processors, load {os.getloadavg()[0]:.1f} before", flush=True)
    first: dict[str, bytes] | None = None
    best: dict[str, Run] = {}
    verdicts: dict[str, str] = {}
    for turn in range(times):
        for k, (name, way) in enumerate(ways.items()):
            out = folder / f"out{turn}.{k}"
            run, written = way(out), results(out)
            first = written if first is None else first
            verdict = "failed" if run.failed else "DIFFER" if written != first else "the same"
            if name not in verdicts or verdict != "the same":
                verdicts[name] = verdict if run.done else "failed"
            best[name] = min(best.get(name, run), run, key=lambda r: (r.failed, r.wall_s))
    print(
        f"{'way':22} {'records':>7} {'wall s':>7} {'first s':>7} {'CPU s':>7} {'h/min':>6} "
        f"{'over 1st':>8}  results"
    )
    reference = next(iter(best.values()))
    for name, run in best.items():
        print(
            f"{name:22} {run.done:7d} {run.wall_s:7.1f} {run.first_s:7.1f} {run.cpu_s:7.1f} "
            f"{run.rate:6.2f} {run.rate / reference.rate:8.2f}  {verdicts[name]}",
            flush=True,
        )
    return int(any(verdict != "the same" for verdict in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
