"""``ecg-monitor annotate``: records to annotation files, as fast as the machine goes."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.commands.options import add_analysis_options, settings_from
from monitor.commands.replay import add_record_options, download_progress
from monitor.errors import FAILED, USAGE, MonitorError

if TYPE_CHECKING:
    from monitor.annotate import Summary
    from monitor.config import Settings
    from monitor.sources.named import SourceOptions

SUMMARY = "Analyse recordings (WFDB, EDF, CSV) and write beats, rhythms and alerts into a folder."
EXAMPLE = (
    "  ecg-monitor annotate 100 208 --out out\n"
    "  ecg-monitor annotate recordings/*.hea night.edf --out out --jobs 2\n"
    "  ecg-monitor annotate 208 --out out --plot strips\n"
    "  rdann -r recordings/208 -a mon -p V          # any WFDB tool reads the result"
)

FILE_WIDTH = 200

Outcome = tuple[str, "Summary | MonitorError"]
Advance = Callable[[int, int], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "records",
        nargs="+",
        metavar="RECORD",
        help="WFDB record: path, name in the data folder, or at PhysioNet; "
        ".edf, .rec or .bdf file; text file (.csv .tsv .txt)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="records at a time")
    parser.add_argument("--json", action="store_true", help="one summary a line on stdout")
    parser.add_argument(
        "--plot", type=Path, metavar="DIR", help="draw a strip of each alert there, as SVG"
    )
    add_record_options(parser)
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> int:
    """Annotate all records; a bad one is reported and the others go on."""
    if args.jobs < 1:
        raise MonitorError(f"--jobs {args.jobs}: must be 1 or more", USAGE)
    settings = settings_from(args)
    for folder in filter(None, (args.out, args.plot)):
        make_writable(folder)

    paths, failed = _find(args)
    summaries = []
    told: set[str] = set()
    for name, outcome in _annotate(paths, args, settings):
        if isinstance(outcome, MonitorError):
            failed += 1
            if str(outcome) not in told:  # what is wrong with the settings is so for every record
                _complain(outcome)
            told.add(str(outcome))
        else:
            summaries.append(outcome)
            if args.json:
                from dataclasses import asdict

                print(json.dumps({"name": name, **asdict(outcome)}), flush=True)  # noqa: T201
    if summaries and not args.json:
        _print_table(summaries, args.out)
    if failed and len(args.records) > 1:
        _complain(f"{failed} of {len(args.records)} records failed")
    return FAILED if failed else 0


def make_writable(folder: Path) -> None:
    """Make the folder for results; refuse it before the work, not after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise MonitorError(f"cannot write into {folder}: {error.strerror or error}") from error


def _find(args: argparse.Namespace) -> tuple[dict[str, Path], int]:
    """Find the paths of the names given; report those that are missing."""
    from monitor.sources.records import find_record, record_name

    paths: dict[str, Path] = {}
    failed = 0
    for name in dict.fromkeys(args.records):
        try:
            path = find_record(name, args.data, download_progress())
            if path in paths.values():  # named twice: r.dat and r.hea
                continue
            written = record_name(path)
            same = next((n for n, p in paths.items() if record_name(p) == written), None)
            if same is not None:
                raise MonitorError(
                    f"{same} and {name} would both be written as {written}: "
                    "annotate them into different folders",
                    USAGE,
                )
        except MonitorError as error:
            failed += 1
            _complain(error)
        else:
            paths[name] = path
    return paths, failed


def _annotate(
    paths: dict[str, Path], args: argparse.Namespace, settings: Settings
) -> Iterator[Outcome]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from monitor.sources.named import is_text

    if not paths:
        return
    options = _source_options(args, shared=len(paths) > 1 and any(map(is_text, paths.values())))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("loading the analysis", total=len(paths))
        if args.jobs == 1:
            for number, (name, path) in enumerate(paths.items()):
                bar.update(task, description=name, completed=number)

                def advance(done: int, total: int, number: int = number) -> None:
                    bar.update(task, completed=number + done / total)

                yield name, _one(path, args.out, args.plot, settings, options, advance)
            return
        for number, outcome in enumerate(_in_processes(paths, args, settings, options), 1):
            bar.update(task, description=outcome[0], completed=number)
            yield outcome


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


def _in_processes(
    paths: dict[str, Path], args: argparse.Namespace, settings: Settings, options: SourceOptions
) -> Iterator[Outcome]:
    """Annotate in worker processes; outcomes come in the order of the records."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("spawn")  # torch and threads do not survive a fork
    with ProcessPoolExecutor(args.jobs, mp_context=context, initializer=_end_with_parent) as pool:
        try:
            with _no_interrupt():  # workers start as the first records are handed in
                futures = {
                    name: pool.submit(_one, path, args.out, args.plot, settings, options)
                    for name, path in paths.items()
                }
            for name, future in futures.items():
                try:
                    yield name, future.result()
                except BrokenProcessPool:
                    yield name, MonitorError(f"record {name}: its worker process died")
        except BaseException:  # interrupted: drop the work in progress
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Let worker processes ignore Ctrl-C; the parent process ends them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_with_parent() -> None:
    """End a worker process when its parent is gone."""
    import multiprocessing
    import os
    import threading

    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os._exit(FAILED)

        threading.Thread(target=wait, name="end-with-parent", daemon=True).start()


def _one(
    path: Path,
    out: Path,
    plots: Path | None,
    settings: Settings,
    options: SourceOptions,
    advance: Advance = lambda done, total: None,
) -> Summary | MonitorError:
    from monitor.annotate import annotate_record

    try:
        return annotate_record(path, out, settings, options, advance, _complain, plots)
    except MonitorError as error:
        return error
    except Exception as error:  # a defect: the other records must still be analysed
        what = " ".join(str(error).split())[:200]
        return MonitorError(
            f"record {path.name}: {type(error).__name__}: {what} (a fault of ecg-monitor, "
            "please report it with the record)"
        )


def _print_table(summaries: list[Summary], out: Path) -> None:
    import resource

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from monitor.messages import AamiClass

    table = Table(title=f"written to {out}", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("record", no_wrap=True)
    table.add_column("leads", min_width=7)
    for heading in ("min", *AamiClass, "HR", "unusable", "alerts", "CPU s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for s in summaries:
        rate = "--" if s.mean_heart_rate_bpm is None else f"{s.mean_heart_rate_bpm:.0f}"
        table.add_row(
            s.record,
            " ".join(s.leads),
            f"{s.duration_s / 60:.1f}",
            *(str(s.beats.get(label.value, 0)) for label in AamiClass),
            rate,
            f"{s.unusable_s:.0f} s",
            str(sum(s.alerts.values())),
            f"{s.cpu_s:.1f}",
        )
    console = Console()
    if not console.is_terminal:  # a file has no edge to cut the table at
        console.width = max(console.width, FILE_WIDTH)
    console.print(table)
    peak_kib = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    plural = "" if len(summaries) == 1 else "s"
    minutes = sum(s.duration_s for s in summaries) / 60
    length = f"{minutes / 60:.1f} h" if minutes >= 60 else f"{minutes:.1f} min"
    console.print(
        f"{len(summaries)} record{plural}, {length} of signal, "
        f"{sum(s.cpu_s for s in summaries):.0f} CPU s, peak memory of a process "
        f"{peak_kib / 1024:.0f} MiB"
    )


def _complain(what: object) -> None:
    print(f"ecg-monitor: {what}", file=sys.stderr)  # noqa: T201
