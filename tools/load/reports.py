"""Make reports of records; print how long each took, and check its figures against `score`.

::

    python -m tools.load.reports --data DATA --out OUT                      # all of MIT-BIH
    python -m tools.load.reports --data DATA --out OUT --records 208 --hours 24

``--hours`` repeats a record until it is so long: its beats and events come again and again. The
times of making, by the clock and of the CPU, are beside reading, analysis and the import of
packages.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from monitor.analysis import Analysis, analyse
from monitor.errors import MonitorError
from monitor.messages import Alert, Event, Samples, Snippet
from monitor.report.variability import load_neurokit
from monitor.report.write import Written, write_report
from monitor.score import RECORD_SETS, score_record


def main(argv: Sequence[str] | None = None) -> int:
    """Make the reports; the exit status is 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="holds mitdb/")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument("--records", nargs="*", metavar="NAME", help="of mitdb (default: all)")
    parser.add_argument("--hours", type=float, metavar="H", help="repeat the record so long")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    load_neurokit()
    failed = 0
    for name in args.records or RECORD_SETS["mitdb48"]:
        path = args.data / "mitdb" / name
        try:
            analysis = analyse(path)
            if args.hours is None:
                written = write_report(analysis, args.out, record=path)
                _check(written, path, args.out / name)
            else:
                written = write_report(repeated(analysis, args.hours), args.out)
        except (MonitorError, ValueError, ArithmeticError, LookupError) as error:
            failed += 1
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            continue
        sizes = {file.suffix: f"{file.stat().st_size / 1e6:.1f} MB" for file in written.files}
        hours = written.report.analysis.duration_s / 3600
        made = {"record": name, "hours": round(hours, 2), "making_s": round(written.making_s, 2)}
        made["cpu_s"] = round(written.cpu_s, 2)
        print(json.dumps(made | sizes), flush=True)
    return 1 if failed else 0


def _check(written: Written, path: Path, test: Path) -> None:
    """Compare the report with what ``annotate`` and ``score`` say of the record."""
    report = written.report
    summary = report.analysis.summary
    assert summary is not None
    counted = {label: n for label, n in report.figures.beats.items() if n}
    if counted != summary.beats or report.figures.alerts != summary.alerts:
        raise ValueError(f"the report counts {counted}, annotate {summary.beats}")
    score = score_record(path, test)
    if report.score is None or not np.array_equal(report.score.matrix, score.matrix):
        raise ValueError("the report's comparison is not that of score")


def repeated(analysis: Analysis, hours: float) -> Analysis:
    """Give a recording that is the same again and again."""
    length = len(analysis.values_mv)
    times = max(round(hours * 3600 / analysis.duration_s), 1)
    events: list[Event] = []
    for again in range(times):
        by = again * length
        for event in analysis.events:
            if isinstance(event, Samples | Snippet):
                continue
            moved = replace(event, sample=event.sample + by)
            if isinstance(moved, Alert):
                beats = tuple(beat + by for beat in moved.beats)
                moved = replace(moved, onset_sample=moved.onset_sample + by, beats=beats)
            events.append(moved)
    values = np.tile(analysis.values_mv, (times, 1))
    return replace(analysis, values_mv=values, events=tuple(events), summary=None)


if __name__ == "__main__":
    sys.exit(main())
