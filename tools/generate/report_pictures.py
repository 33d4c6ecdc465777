"""Make the pictures of a report that the documentation shows, from a simulated patient.

    python -m tools.generate.report_pictures [--out docs/images]

Twelve minutes of a patient with ectopic beats and atrial fibrillation go through the whole
analysis. Written are the first page of the report and one strip, as SVG.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from monitor.analysis import Analysis, analyse
from monitor.pictures.marks import Box
from monitor.pictures.svg import svg
from monitor.report.contents import make_report
from monitor.report.document import document
from monitor.sources.simulator import Scenario, Segment, Simulator
from monitor.sources.simulator.wfdb_writer import write_wfdb

SCENARIO = Scenario(
    "patient",
    "sinus rhythm with ectopic beats, then atrial fibrillation, then sinus rhythm",
    (
        Segment("sinus", 240.0, 68.0, pvc_per_min=3.0, pac_per_min=1.0),
        Segment("af", 150.0, 104.0),
        Segment("sinus", 20.0, 84.0),
        Segment("vt", 8.0, 170.0),
        Segment("sinus", 302.0, 74.0, pvc_per_min=1.0),
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images"), metavar="DIR")
    args = parser.parse_args(argv)
    analysis = simulated()
    report = make_report(analysis)
    page = document(report)[0]
    ground = Box(0, 0, page.width_mm, page.height_mm, "#ffffff")
    page = replace(page, items=(ground, *page.items))
    run = next(shown for shown in report.shown if "ventricular run" in shown.title)
    for name, drawing in (("report-page", page), ("report-strip", report.strip(run, 10.0))):
        file = args.out / f"{name}.svg"
        file.write_text(svg(drawing) + "\n", encoding="utf-8")
        print(file)
    return 0


def simulated() -> Analysis:
    """Analyse the simulated patient."""
    with tempfile.TemporaryDirectory() as folder:
        record = write_wfdb(
            Simulator(SCENARIO, rate_hz=250.0), Path(folder) / "simulated", "patient"
        )
        return analyse(record.with_suffix(""))


if __name__ == "__main__":
    sys.exit(main())
