"""What ``annotate`` tells at its end: a table of the results, and one of the failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from monitor.archive.task import Outcome

FILE_WIDTH = 200
MOST_ROWS = 1000  # a longer table helps nobody


def print_results(outcomes: Sequence[Outcome], out: str) -> None:
    """Print a row for each record that is finished, and the sums; ``out`` has the results.

    Of very many records only the sums are printed.
    """
    from monitor.messages import AamiClass

    table = _table(f"written to {out}")
    table.add_column("record", no_wrap=True)
    table.add_column("leads", min_width=7)
    for heading in ("min", *AamiClass, "HR", "unusable", "alerts", "CPU s"):
        table.add_column(heading, justify="right", no_wrap=True)
    summaries = [(outcome.written, outcome.summary) for outcome in outcomes if outcome.summary]
    for name, s in summaries:
        rate = "--" if s.mean_heart_rate_bpm is None else f"{s.mean_heart_rate_bpm:.0f}"
        table.add_row(
            name,
            " ".join(s.leads),
            f"{s.duration_s / 60:.1f}",
            *(str(s.beats.get(label.value, 0)) for label in AamiClass),
            rate,
            f"{s.unusable_s:.0f} s",
            str(sum(s.alerts.values())),
            f"{s.cpu_s:.1f}",
        )
    console = _console()
    if len(summaries) <= MOST_ROWS:
        console.print(table)
    else:
        console.print(f"written to {out}: a summary of each record is in its .summary.json")
    plural = "" if len(summaries) == 1 else "s"
    minutes = sum(s.duration_s for _, s in summaries) / 60
    length = f"{minutes / 60:.1f} h" if minutes >= 60 else f"{minutes:.1f} min"
    kept = sum(outcome.kept for outcome in outcomes)
    before = f" ({kept} finished before)" if kept else ""
    console.print(
        f"{len(summaries)} record{plural}{before}, {length} of signal, "
        f"{sum(s.cpu_s for _, s in summaries):.0f} CPU s, peak memory of a process "
        f"{max(outcome.peak_mib for outcome in outcomes):.0f} MiB"
    )


def print_failures(failures: Sequence[Outcome]) -> None:
    """Print a row for each record that failed, with the reason; of very many, the first."""
    from rich.text import Text

    table = _table("failed")
    table.add_column("record", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for failure in failures[:MOST_ROWS]:
        table.add_row(Text(failure.name), Text(failure.wrong))
    _console().print(table)


def _table(title: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(title=title, box=SIMPLE_HEAD, padding=(0, 0, 0, 1))


def _console() -> Console:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:  # a file has no edge to cut the table at
        console.width = max(console.width, FILE_WIDTH)
    return console
