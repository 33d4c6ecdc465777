"""One record from its source to its results: what every executor runs."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from monitor.archive.finished import (
    MARKER,
    Marker,
    kept_summary,
    read_marker,
    write_marker,
)
from monitor.archive.made_by import MadeBy, check_same, made_by
from monitor.archive.places import place_of
from monitor.archive.recording_files import fetched, states_of
from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.sources.named import SourceOptions
from monitor.summary import Summary

Advance = Callable[[float], None]
"""Called with the part of a record that is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for all records of a run.

    ``out`` and ``plots`` are places as text: a path or a URL. ``again`` does finished records too.
    """

    out: str
    plots: str | None
    settings: Settings
    options: SourceOptions
    made_by: MadeBy
    again: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One record of a run.

    Parameters
    ----------
    name
        What the user is told.
    place, record
        Where it is, and the name there: without extension for a WFDB record.
    folder
        Folder of its results within that for all results; empty for none.
    written
        Name of its results.
    job
        The run.
    """

    name: str
    place: str
    record: str
    folder: str
    written: str
    job: Job

    @property
    def target(self) -> str:
        """Name of the results, with their folder."""
        return f"{self.folder}/{self.written}" if self.folder else self.written


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a task.

    Parameters
    ----------
    name
        Of the task.
    written
        Name of the results, with their folder.
    summary
        Of the record; None if it failed.
    wrong
        Why it failed.
    log
        Lines for the user.
    kept
        It was finished before.
    peak_mib
        Most memory that the process has had so far.
    """

    name: str
    written: str = ""
    summary: Summary | None = None
    wrong: str = ""
    log: tuple[str, ...] = ()
    kept: bool = False
    peak_mib: float = 0.0


def annotate_one(task: Task, advance: Advance = lambda part: None) -> Outcome:
    """Do one record, unless it is finished; whatever is wrong with it is in the outcome."""
    log: list[str] = []
    try:
        summary, kept = _annotated(task, advance, log)
    except MonitorError as error:
        return Outcome(task.name, wrong=str(error), log=tuple(log))
    except Exception as error:  # a defect: the other records must still be analysed
        what = " ".join(str(error).split())[:200]
        wrong = (
            f"record {task.record}: {type(error).__name__}: {what} (a fault of ecg-monitor, "
            "please report it with the record)"
        )
        return Outcome(task.name, wrong=wrong, log=tuple(log))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Outcome(task.name, task.target, summary, "", tuple(log), kept, peak_mib)


def _annotated(task: Task, advance: Advance, log: list[str]) -> tuple[Summary, bool]:
    job = task.job
    check_same(made_by(job.settings, job.options, job.plots is not None), job.made_by)
    source, out = place_of(task.place), place_of(job.out)
    written = task.target
    inputs = states_of(source, task.record)
    before = read_marker(out, written)
    if before is not None:
        summary = None if job.again else kept_summary(out, written, before, job.made_by, inputs)
        if summary is not None:
            return summary, True
        out.remove(written + MARKER)  # while results of two runs may lie side by side
    with tempfile.TemporaryDirectory(prefix="ecg-monitor-") as folder:
        scratch = Path(folder)
        made, strips, copy = (scratch / name for name in ("results", "strips", "recording"))
        for path in (made, strips, copy):
            path.mkdir()
        path = fetched(source, task.record, inputs, copy)
        summary = _analysed(path, made, strips if job.plots else None, job, advance, log)
        results = sorted(made.iterdir())
        pictures = sorted(strips.iterdir())
        for file in results:
            out.put(file, _beside(written, file.name))
        if job.plots is not None:
            plots = place_of(job.plots)
            new = {_beside(written, picture.name): picture for picture in pictures}
            for name in set(before.strips if before else ()) - new.keys():
                plots.remove(name)
            for name, picture in new.items():
                plots.put(picture, name)
        sizes = {_beside(written, file.name): file.stat().st_size for file in results}
        names = tuple(_beside(written, picture.name) for picture in pictures)
        write_marker(out, written, Marker(job.made_by, inputs, sizes, names), scratch)
    return summary, False


def _analysed(
    path: Path, made: Path, strips: Path | None, job: Job, advance: Advance, log: list[str]
) -> Summary:
    import monitor.annotate

    def told(done: int, total: int) -> None:
        advance(done / total)

    return monitor.annotate.annotate_record(
        path, made, job.settings, job.options, told, log.append, strips
    )


def _beside(written: str, name: str) -> str:
    folder, slash, _ = written.rpartition("/")
    return f"{folder}{slash}{name}"
