"""Measure QRS detectors side by side: accuracy by ANSI/AAMI EC57, latency, and CPU time.

    python -m tools.evaluate.detect --data DIR --records mitdb44
    python -m tools.evaluate.detect --data DIR --records mitdb48 nstdb --detectors default default-1
    python -m tools.evaluate.detect --data DIR --records sample    # 12 records, all detectors
    python -m tools.evaluate.detect --data DIR --records 100 208 --json > bench.json

Detectors:

default        the product's, two leads, streamed in hops of 0.25 s behind the quality stage,
               which may shut it down: that is told under ``shutdown s``, but what is found
               meanwhile counts here, where the monitor reports none of it; ``default-1`` sees
               the first lead only, ``default-open`` has no quality stage
neurokit-live  ``neurokit:neurokit``: NeuroKit2 on a sliding window, as the product runs it: the
               slowest by far, for few records
neurokit       NeuroKit2's default method on the whole record at once
xqrs           XQRS of the WFDB package for Python, whole record
sleepecg       sleepecg's detector, whole record (``pip install .[bench]``)
package.module:Class
               a detector of your own, run as ``default``; its folder must be in PYTHONPATH

Protocol: beat-by-beat comparison with ``.atr``, match window 150 ms, from 5:00 to the end, MLII
lead first (``monitor.score``, equal to ``bxb``). CPU is the process time of detection alone per
hour of signal, for a detector of hops one hop after the other; reading, re-blocking and the
quality stage come before it and are left out. Latency is from the R peak to the last sample seen
when it was decided. Left out, and counted under ``back``, are beats found by looking back:
search-back, and those more than 1 s old when the level of the lead had been learnt.
Whole-record detectors have no latency.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from monitor.errors import MonitorError
from monitor.score import (
    RECORD_SETS,
    Annotations,
    RecordScore,
    compare_beats,
    read_annotations,
    summarise,
)
from tools.commands import parser_of
from tools.evaluate.detectors import DETECTORS, Detect, Found, read, streamed

NSTDB = {
    f"nstdb {snr_db:+d} dB": tuple(
        f"{r}e{'_6' if snr_db < 0 else f'{snr_db:02d}'}" for r in (118, 119)
    )
    for snr_db in (24, 18, 12, 6, 0, -6)
}
# every third record of DS1 and every sixth of DS2, for detectors that take hours of CPU
SAMPLE = (*RECORD_SETS["ds1"][::3], *RECORD_SETS["ds2"][::6])
GROUPS = {**RECORD_SETS, **NSTDB, "sample": SAMPLE}
STANDARD = ("default", "default-1", "neurokit-live", "neurokit", "xqrs", "sleepecg")


@dataclass(slots=True)
class Run:
    """One detector on one record."""

    score: RecordScore
    found: Found
    cpu_s: float
    signal_s: float


def run(detect: Detect, data: Path, record: str) -> Run:
    """Read one record, detect, score.

    Raises
    ------
    MonitorError
        If there is no such record.
    """
    signal_mv, rate_hz, path = read(data, record)
    detect(signal_mv[: round(20 * rate_hz)], rate_hz)  # imports and caches are not timed
    started = time.process_time()
    found = detect(signal_mv, rate_hz)
    cpu_s = time.process_time() - started if found.cpu_s is None else found.cpu_s
    events = [(s, "N", 0) for s in found.peaks] + [(s, "~", code) for s, code in found.shutdown]
    events.sort(key=lambda e: e[0])
    test = Annotations.from_arrays(
        [e[0] for e in events], tuple(e[1] for e in events), [e[2] for e in events]
    )
    reference, _ = read_annotations(path, "atr")
    score = compare_beats(reference, test, rate_hz, record=record, length_samples=len(signal_mv))
    return Run(score, found, cpu_s, len(signal_mv) / rate_hz)


def figures(runs: list[Run]) -> dict[str, Any]:
    """Accuracy, placing, latency and cost over some records."""
    total = summarise([r.score for r in runs])
    offsets: NDArray[np.float64] = np.abs(np.concatenate([r.score.offsets_ms for r in runs]))
    latencies = [s for r in runs for s in r.found.latencies_s]
    worst_se = min(runs, key=lambda r: r.score.figures.q_se or 0.0).score
    worst_pp = min(runs, key=lambda r: r.score.figures.q_pp or 0.0).score
    out: dict[str, Any] = {
        "records": len(runs),
        "se": total.gross.q_se,
        "pp": total.gross.q_pp,
        "fn": sum(len(r.score.false_negatives) for r in runs),
        "fp": sum(len(r.score.false_positives) for r in runs),
        "average_se": total.average.q_se,
        "average_pp": total.average.q_pp,
        "worst_se": {"record": worst_se.record, "se": worst_se.figures.q_se},
        "worst_pp": {"record": worst_pp.record, "pp": worst_pp.figures.q_pp},
        "offset_median_ms": float(np.median(offsets)) if len(offsets) else None,
        "offset_p95_ms": float(np.percentile(offsets, 95)) if len(offsets) else None,
        "shutdown_s": total.shutdown_s,
        "cpu_s_per_hour": 3600 * sum(r.cpu_s for r in runs) / sum(r.signal_s for r in runs),
    }
    if latencies:
        out["latency_median_s"] = float(np.median(latencies))
        out["latency_worst_s"] = max(latencies)
        out["searched_back"] = sum(r.found.searched_back for r in runs)
    return out


def _cell(value: float | None, places: int = 2) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _table(title: str, results: dict[str, dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in (
        *("detector", "Se %", "+P %", "FN", "FP", "average", "worst Se", "worst +P"),
        *("|dt| ms 50/95 %", "latency s 50 %/worst", "back", "shutdown s", "CPU s/h"),
    ):
        table.add_column(column, justify="left" if column == "detector" else "right")
    for name, f in results.items():
        median, worst = f.get("latency_median_s"), f.get("latency_worst_s")
        table.add_row(
            name,
            _cell(f["se"], 3),
            _cell(f["pp"], 3),
            str(f["fn"]),
            str(f["fp"]),
            f"{_cell(f['average_se'])}/{_cell(f['average_pp'])}",
            f"{_cell(f['worst_se']['se'])} ({f['worst_se']['record']})",
            f"{_cell(f['worst_pp']['pp'])} ({f['worst_pp']['record']})",
            f"{_cell(f['offset_median_ms'], 1)}/{_cell(f['offset_p95_ms'], 1)}",
            f"{_cell(median)}/{_cell(worst)}",
            str(f.get("searched_back", "-")),
            _cell(f["shutdown_s"], 0),
            _cell(f["cpu_s_per_hour"]),
        )
    return table


def _record_table(runs: dict[str, Run]) -> Table:
    table = Table(title="Per record", title_justify="left")
    for column in ("record", "Se %", "+P %", "FN", "FP", "missed at s", "false at s"):
        table.add_column(column, justify="right")
    for name, r in runs.items():
        missed = [f"{s / r.score.rate_hz:.1f}" for s in r.score.false_negatives[:5]]
        false = [f"{s / r.score.rate_hz:.1f}" for s in r.score.false_positives[:5]]
        table.add_row(
            name,
            _cell(r.score.figures.q_se),
            _cell(r.score.figures.q_pp),
            str(len(r.score.false_negatives)),
            str(len(r.score.false_positives)),
            " ".join(missed),
            " ".join(false),
        )
    return table


def expand(names: list[str]) -> list[str]:
    """Record names from the names of records and of sets; ``nstdb`` is all of NSTDB."""
    records: list[str] = []
    for name in names:
        if name == "nstdb":
            records += [r for group in NSTDB.values() for r in group]
        else:
            records += GROUPS.get(name, (name,))
    return list(dict.fromkeys(records))


def _known(name: str) -> str:
    if name not in DETECTORS and ":" not in name:
        known = ", ".join(DETECTORS)
        raise argparse.ArgumentTypeError(f"{name!r} is none of {known} or package.module:Class")
    return name


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("evaluate.detect", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb/ and nstdb/")
    parser.add_argument("--records", nargs="+", default=["mitdb44"], metavar="RECORD")
    parser.add_argument(
        "--detectors", nargs="+", default=list(STANDARD), type=_known, metavar="NAME"
    )
    parser.add_argument("--per-record", action="store_true", help="one line per record as well")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    options = parser.parse_args(argv)
    if "sleepecg" in options.detectors and importlib.util.find_spec("sleepecg") is None:
        parser.error("sleepecg is not installed: pip install '.[bench]', or give --detectors")
    records = expand(options.records)
    console = Console(width=None if sys.stdout.isatty() else 180)
    runs: dict[str, dict[str, Run]] = {name: {} for name in options.detectors}
    try:
        for record in track(records, console=Console(stderr=True), description="records"):
            for name in options.detectors:
                detect = DETECTORS.get(name) or streamed(name, 2, gated=True)
                runs[name][record] = run(detect, options.data, record)
    except (MonitorError, ImportError) as error:
        print(f"detect: {error}", file=sys.stderr)
        return 1
    groups = {g: rs for g, rs in GROUPS.items() if set(rs) <= set(records)}
    if not groups:
        groups = {"all": tuple(records)}
    results = {
        group: {name: figures([runs[name][r] for r in members]) for name in options.detectors}
        for group, members in groups.items()
    }
    if options.json:
        json.dump(results, sys.stdout, indent=2)
        print()
        return 0
    for group, table in results.items():
        console.print(_table(group, table))
    if options.per_record:
        for name in options.detectors:
            console.print(name)
            console.print(_record_table(runs[name]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
