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
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from monitor.config import BlockSettings, DetectSettings, QualitySettings
from monitor.errors import MonitorError
from monitor.messages import FloatArray, LeadState, Quality, Samples, StreamInfo
from monitor.score import (
    RECORD_SETS,
    Annotations,
    RecordScore,
    compare_beats,
    read_annotations,
    summarise,
)
from monitor.stages.blocks import Blocks
from monitor.stages.detect import make_detector
from monitor.stages.quality import QualityGate

NSTDB = {
    f"nstdb {snr_db:+d} dB": tuple(
        f"{r}e{'_6' if snr_db < 0 else f'{snr_db:02d}'}" for r in (118, 119)
    )
    for snr_db in (24, 18, 12, 6, 0, -6)
}
# every third record of DS1 and every sixth of DS2, for detectors that take hours of CPU
SAMPLE = (*RECORD_SETS["ds1"][::3], *RECORD_SETS["ds2"][::6])
GROUPS = {**RECORD_SETS, **NSTDB, "sample": SAMPLE}
CHUNK_S = 10.0


@dataclass(slots=True)
class Found:
    """What one detector gave for one record."""

    peaks: list[int]
    latencies_s: list[float] = field(default_factory=list)
    searched_back: int = 0
    shutdown: list[tuple[int, int]] = field(default_factory=list)  # subtype changes: sample, code
    cpu_s: float | None = None  # of the detector alone, where that is not all


Detect = Callable[[FloatArray, float], Found]


def stream(
    signal_mv: FloatArray,
    rate_hz: float,
    detector: str = "default",
    *,
    gated: bool = True,
    lost: Sequence[tuple[int, int]] = (),
) -> Found:
    """Run a detector that the settings know as the pipeline runs it; all that it finds counts.

    Parameters
    ----------
    signal_mv
        Shape (n, leads), mV; NaN where invalid.
    rate_hz
        Sampling rate.
    detector
        A name that the settings know.
    gated
        Whether the quality stage is before it.
    lost
        Samples [start, stop) that never arrive, in order.

    Returns
    -------
    Found
        ``cpu_s`` is of the detector alone, its hops one after the other.
    """
    leads = signal_mv.shape[1]
    info = StreamInfo("bench", rate_hz, tuple(f"lead-{i}" for i in range(leads)))
    blocks = Blocks(info, BlockSettings())
    gate = QualityGate(info, QualitySettings())
    made = make_detector(info, DetectSettings(detector=detector))
    shutdown: list[tuple[int, int]] = []
    usable = True
    chunk = round(CHUNK_S * rate_hz)
    pieces: list[Samples | None] = []
    for begin, end in pairwise([0, *(edge for hole in lost for edge in hole), len(signal_mv)]):
        if (begin, end) not in lost:
            pieces += [
                Samples("bench", at, signal_mv[at : min(at + chunk, end)])
                for at in range(begin, end, chunk)
            ]
    hops: list[tuple[Samples, Quality]] = []
    for piece in [*pieces, None]:
        for block in blocks.flush() if piece is None else blocks.push(piece):
            if not isinstance(block, Samples):
                continue
            ok = (LeadState.OK,) * leads
            quality = Quality("bench", block.start_sample, block.end_sample, ok, usable=True)
            if gated:
                quality = gate.push(block)
            if quality.usable != usable:
                usable = quality.usable
                shutdown.append((block.start_sample, 0 if usable else 0x33))
            hops.append((block, quality))
    started = time.process_time()
    found = [peak for block, quality in hops for peak in made.push(block, quality)]
    found += made.flush()
    cpu_s = time.process_time() - started
    if not usable:
        shutdown.append((len(signal_mv) - 1, 0))
    at_once = [p for p in found if not p.searched_back]
    return Found(
        [p.sample for p in found],
        [(p.decided_sample - p.sample) / rate_hz for p in at_once],
        len(found) - len(at_once),
        shutdown,
        cpu_s,
    )


def streamed(detector: str, leads: int, *, gated: bool) -> Detect:
    """Stream the first leads through a detector that the settings know."""
    return lambda signal_mv, rate_hz: stream(signal_mv[:, :leads], rate_hz, detector, gated=gated)


def _neurokit(signal_mv: FloatArray, rate_hz: float) -> Found:
    import neurokit2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rate = round(rate_hz)
        clean = neurokit2.ecg_clean(signal_mv[:, 0].astype(float), sampling_rate=rate, powerline=60)
        return Found(list(neurokit2.ecg_findpeaks(clean, sampling_rate=rate)["ECG_R_Peaks"]))


def _xqrs(signal_mv: FloatArray, rate_hz: float) -> Found:
    from wfdb.processing import XQRS

    detector = XQRS(sig=signal_mv[:, 0].astype(float), fs=rate_hz)
    detector.detect(verbose=False)
    return Found(list(detector.qrs_inds))


def _sleepecg(signal_mv: FloatArray, rate_hz: float) -> Found:
    sleepecg: Any = importlib.import_module("sleepecg")  # an extra, with or without types
    detect = sleepecg.detect_heartbeats
    return Found(list(detect(signal_mv[:, 0].astype(float), rate_hz)))


DETECTORS: dict[str, Detect] = {
    "default": streamed("default", 2, gated=True),
    "default-1": streamed("default", 1, gated=True),
    "default-open": streamed("default", 2, gated=False),
    "neurokit-live": streamed("neurokit:neurokit", 1, gated=True),
    "neurokit": _neurokit,
    "xqrs": _xqrs,
    "sleepecg": _sleepecg,
}
STANDARD = ("default", "default-1", "neurokit-live", "neurokit", "xqrs", "sleepecg")


@dataclass(slots=True)
class Run:
    """One detector on one record."""

    score: RecordScore
    found: Found
    cpu_s: float
    signal_s: float


def read(data: Path, record: str) -> tuple[FloatArray, float, str]:
    """Read a record: signal (n, 2) in mV with MLII first, sampling rate, path.

    Raises
    ------
    MonitorError
        If there is no such record.
    """
    folder = "nstdb" if "e" in record else "mitdb"
    path = str(data / folder / record)
    try:
        found = wfdb.rdrecord(path)
    except OSError as error:
        raise MonitorError(f"cannot read record {path}: {error}") from error
    signal_mv = found.p_signal
    if "MLII" in found.sig_name[1:]:
        signal_mv = signal_mv[:, ::-1]
    return np.ascontiguousarray(signal_mv, dtype=np.float32), float(found.fs), path


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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
