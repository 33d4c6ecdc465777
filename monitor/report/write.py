"""Make a report and write it: a page, a PDF and the annotations that it rests on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from monitor.analysis import Analysis
from monitor.errors import MonitorError
from monitor.pictures.pdf import pdf
from monitor.report.contents import Report, make_report
from monitor.report.document import document
from monitor.report.edits import apply_edits
from monitor.report.page import page
from monitor.score import RecordScore, score_record
from monitor.sinks.wfdb_annotations import WfdbAnnotations

REFERENCE = "atr"


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a report, and the seconds it took to make them, by the clock and of the CPU."""

    report: Report
    files: tuple[Path, ...]
    making_s: float
    cpu_s: float


def write_report(
    analysis: Analysis,
    folder: Path,
    edits: Path | None = None,
    record: Path | None = None,
    annotator: str = REFERENCE,
    with_pdf: bool = True,
) -> Written:
    """Write ``NAME.html``, ``NAME.pdf`` and ``NAME.mon`` into ``folder``.

    Parameters
    ----------
    analysis
        The recording.
    folder
        An existing folder.
    edits
        Annotations whose beats take the place of the analysis's; None for none.
    record
        Path of the WFDB record, without extension, beside which a reference may lie; None for none.
    annotator
        Suffix of the reference annotations.
    with_pdf
        Make the PDF too.

    Raises
    ------
    MonitorError
        If ``edits`` do not fit the recording, a package is missing, or the folder cannot be
        written.
    """
    began, began_cpu = time.perf_counter(), time.process_time()
    edited = None
    if edits is not None:
        analysis, edited = apply_edits(analysis, edits)
    annotations = annotate(analysis)
    files = [annotations.write(folder, analysis.name, analysis.end_sample)]
    score, reference = _compared(record, annotator, folder / analysis.name)
    report = make_report(analysis, score, reference, edited)
    texts = {"html": page(report).encode()}
    if with_pdf:
        texts["pdf"] = pdf(document(report), report.title)
    for suffix, data in texts.items():
        files.append(folder / f"{analysis.name}.{suffix}")
        try:
            files[-1].write_bytes(data)
        except OSError as error:
            raise MonitorError(f"cannot write {files[-1]}: {error.strerror or error}") from error
    took = time.perf_counter() - began, time.process_time() - began_cpu
    return Written(report, tuple(files), *took)


def annotate(analysis: Analysis) -> WfdbAnnotations:
    """Give the annotations of an analysis, as ``ecg-monitor annotate`` writes them."""
    annotations = WfdbAnnotations(analysis.info)
    for event in analysis.events:
        annotations.add(event)
    return annotations


def _compared(record: Path | None, annotator: str, test: Path) -> tuple[RecordScore | None, str]:
    """Compare with the reference as ``score`` does; give the result and a line about it."""
    if record is None or not Path(f"{record}.{annotator}").is_file():
        return None, ""
    name = f"{record.name}.{annotator}"
    try:
        score = score_record(record, test, annotator, "mon")
    except MonitorError as error:
        return None, f"No comparison with {name}: {error}"
    rules = score.conditions
    return score, (
        f"Reference {name}; match window {rules.window_s * 1000:g} ms, from "
        f"{rules.start_s / 60:g} min on, as ANSI/AAMI EC57 asks."
    )
