"""``ecg-monitor annotate``: records to annotation files, as fast as the machines go."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.commands.annotate_table import print_failures, print_results
from monitor.commands.options import add_analysis_options, settings_from
from monitor.commands.replay import add_record_options, download_progress
from monitor.errors import FAILED, USAGE, MonitorError

if TYPE_CHECKING:
    from monitor.archive.executors import Executor
    from monitor.archive.recordings import Recording
    from monitor.archive.task import Outcome, Task
    from monitor.config import Settings
    from monitor.sources.named import SourceOptions

SUMMARY = "Analyse recordings (WFDB, EDF, CSV) and write beats, rhythms and alerts into a folder."
EXAMPLE = (
    "  ecg-monitor annotate 100 208 --out out\n"
    "  ecg-monitor annotate recordings night.edf --out out --jobs 2\n"
    "  ecg-monitor annotate --list mitdb/RECORDS --out out\n"
    "  ecg-monitor annotate s3://archive/2025 --out s3://results/2025 --cluster auto\n"
    "  ecg-monitor annotate 208 --out out --plot strips\n"
    "  rdann -r recordings/208 -a mon -p V          # any WFDB tool reads the result"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "records",
        nargs="*",
        metavar="RECORD",
        help="WFDB record: path, name in the data folder, or at PhysioNet; "
        ".edf, .rec or .bdf file; text file (.csv .tsv .txt); a folder: all WFDB and EDF "
        "recordings in it and in its folders; a URL of one of these, such as s3://BUCKET/FOLDER",
    )
    parser.add_argument(
        "--list",
        action="append",
        default=[],
        metavar="FILE",
        help="a file with such a name a line, beside the file or as above (RECORDS of PhysioNet)",
    )
    parser.add_argument("--out", required=True, metavar="DIR|URL", help="where to write")
    parser.add_argument(
        "--again", action="store_true", help="do records too that are finished and still the same"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="records at a time, each in a process (default: as many as processors, if their "
        "memory and the number of records are worth it)",
    )
    where.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="work on a Ray cluster (extra `cluster`), in a trusted network only: HOST:PORT; auto "
        "for the one of this machine; local starts one",
    )
    parser.add_argument("--json", action="store_true", help="one summary a line on stdout")
    parser.add_argument(
        "--plot", metavar="DIR|URL", help="draw a strip of each alert there, as SVG"
    )
    add_record_options(parser)
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> int:
    """Annotate all records; a bad one is reported and the others go on."""
    if args.jobs is not None and args.jobs < 1:
        raise MonitorError(f"--jobs {args.jobs}: must be 1 or more", USAGE)
    if not args.records and not args.list:
        raise MonitorError("name a record, a folder, or a --list of records", USAGE)
    settings = settings_from(args)

    from monitor.archive.places import place_of
    from monitor.archive.recordings import find
    from monitor.archive.task import Outcome

    for folder in filter(None, (args.out, args.plot)):
        place_of(folder).check_writable()
    failures: list[Outcome] = []

    def not_found(name: str, error: MonitorError) -> None:
        _complain(error)
        failures.append(Outcome(name, wrong=str(error)))

    recordings = find(args.records, args.list, args.data, download_progress(), not_found)
    tasks = _tasks(recordings, args, settings) if recordings else []
    done: dict[str, Outcome] = {}
    told: set[str] = set()
    stdout = sys.stdout  # a cluster keeps it from what the cluster prints
    for outcome in _outcomes(tasks, args):
        for line in outcome.log:
            _complain(line)
        if outcome.summary is None:
            failures.append(outcome)
            if outcome.wrong not in told:  # what is wrong with the settings is so for every record
                _complain(outcome.wrong)
            told.add(outcome.wrong)
            continue
        done[outcome.written] = outcome
        if args.json:
            row = {"name": outcome.name, **asdict(outcome.summary)}
            print(json.dumps(row), file=stdout, flush=True)
    count = len(done) + len(failures)
    if not args.json:
        if done:
            in_order = [done[task.target] for task in tasks if task.target in done]
            print_results(in_order, args.out)
        if failures and count > 1:
            print_failures(failures)
    if failures and count > 1:
        _complain(f"{len(failures)} of {count} records failed")
    return FAILED if failures else 0


def _tasks(
    recordings: Sequence[Recording], args: argparse.Namespace, settings: Settings
) -> list[Task]:
    from monitor.archive.made_by import made_by
    from monitor.archive.places import absolute
    from monitor.archive.task import Job, Task

    shared = len(recordings) > 1 and any(recording.is_text for recording in recordings)
    options = _source_options(args, shared)
    strips = None if args.plot is None else absolute(args.plot)
    made = made_by(settings, options, strips is not None)
    job = Job(absolute(args.out), strips, settings, options, made, args.again)
    return [Task(r.name, r.place, r.record, r.folder, r.written, job) for r in recordings]


def _outcomes(tasks: Sequence[Task], args: argparse.Namespace) -> Iterator[Outcome]:
    """Run the tasks, with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    if not tasks:
        return
    executor = _executor(tasks, args)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = not console.is_terminal or (args.json and sys.stdout.isatty())
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        line = bar.add_task("loading the analysis", total=len(tasks))
        parts: dict[str, float] = {}
        ended = failed = 0

        def advance(name: str, part: float) -> None:
            parts[name] = part
            wrong = f", {failed} failed" if failed else ""
            text = f"{ended} of {len(tasks)} records{wrong}: {name}"
            bar.update(line, description=text, completed=ended + sum(parts.values()))

        for outcome in executor.run(tasks, advance):
            ended += 1
            failed += outcome.summary is None
            parts.pop(outcome.name, None)
            advance(outcome.name, 0.0)
            parts.pop(outcome.name)
            yield outcome


def _executor(tasks: Sequence[Task], args: argparse.Namespace) -> Executor:
    from monitor.archive.executors import InThisProcess, usual_jobs
    from monitor.archive.places import is_of_one_process
    from monitor.archive.processes import Processes

    places = (tasks[0].job.out, tasks[0].job.plots or "", *(task.place for task in tasks))
    alone = [place for place in places if is_of_one_process(place)]
    if alone and (args.cluster or args.jobs not in (None, 1)):
        raise MonitorError(f"{alone[0]} is within one process: use --jobs 1", USAGE)
    if args.cluster is not None:
        from monitor.archive.cluster import RayCluster

        model = args.model or ""
        if Path(model).is_file() and not Path(model).is_absolute():
            raise MonitorError(
                f"--model {model}: the machines of a cluster need its full path, which must be "
                "the same on all of them",
                USAGE,
            )
        return RayCluster(args.cluster)
    jobs = args.jobs or (1 if alone else usual_jobs(len(tasks)))
    return InThisProcess() if jobs == 1 or len(tasks) == 1 else Processes(jobs)


def _source_options(args: argparse.Namespace, shared: bool) -> SourceOptions:
    from monitor.sources.named import SourceOptions

    return SourceOptions(
        args.lead,
        rate_hz=args.rate,
        unit=args.unit,
        pulse=args.pulse,
        gain=args.gain,
        baseline=args.baseline,
        shared=shared,
    )


def _complain(what: object) -> None:
    print(f"ecg-monitor: {what}", file=sys.stderr)  # noqa: T201
