"""Print a score as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.score import RecordScore, Summary, summarise
from monitor.score.beats import COLUMNS, ROWS
from monitor.score.figures import cells

if TYPE_CHECKING:
    from rich.table import Table

_BEATS = ("q_se", "q_pp", "v_se", "v_pp", "s_se", "s_pp", "f_se", "f_pp")
_BEAT_NAMES = ("QRS Se", "+P", "V Se", "+P", "S Se", "+P", "F Se", "+P")
SOME = 8  # names of records without a test annotation to print
FAR = 1000  # columns: wider than any table


def print_tables(
    scores: Sequence[RecordScore], ref: str, test: str, left_out: Sequence[str] = ()
) -> None:
    """Print every record, the totals, the conditions, and the records that are ``left_out``.

    A narrow terminal wraps the lines of a wide table, but no figure is cut.
    """
    from rich.console import Console
    from rich.measure import Measurement

    out = Console()
    total = summarise(scores)
    tables = [_beat_table(scores, total), _confusion_table(total), _run_table(total)]
    if any(e.found + e.missed + e.confirmed + e.false for e in total.episodes):
        tables.append(_episode_table(total))
    unbounded = out.options.update(max_width=FAR)
    needed = (Measurement.get(out, unbounded, table).maximum for table in tables)
    out.width = max(out.width, *needed)
    out.print(f"reference {ref}, test {test}", markup=False, highlight=False)
    for table in tables:
        out.print(table)
    for line in _notes(scores, total, left_out):
        out.print(line, markup=False, highlight=False)


def _percent(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _table(title: str, first: str, headings: Sequence[str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _beat_table(scores: Sequence[RecordScore], total: Summary) -> Table:
    headings = ("beats", "FN", "FP", *_BEAT_NAMES, "RR err ms", "shutdown s")
    table = _table("Beats", "record", headings)
    for score in scores:
        matrix = score.matrix
        table.add_row(
            score.record + (" paced" if score.paced else ""),
            str(cells(matrix, "NSVFQ", COLUMNS)),
            str(cells(matrix, "NSVFQ", "ox")),
            str(cells(matrix, "OX", "nsvfq")),
            *(_percent(getattr(score.figures, name)) for name in _BEATS),
            _percent(score.rr_error_ms),
            f"{score.shutdown_s:.1f}",
        )
    table.add_section()
    table.add_row(
        "gross",
        str(cells(total.matrix, "NSVFQ", COLUMNS)),
        str(total.false_negatives),
        str(total.false_positives),
        *(_percent(getattr(total.gross, name)) for name in _BEATS),
        "",
        f"{total.shutdown_s:.1f}",
    )
    averages = (_percent(getattr(total.average, name)) for name in _BEATS)
    table.add_row("average", "", "", "", *averages, _percent(total.rr_error_ms), "")
    return table


def _confusion_table(total: Summary) -> Table:
    table = _table("Confusion", "", list(COLUMNS))
    for name, row in zip(ROWS, total.matrix.tolist(), strict=True):
        table.add_row(name, *(str(count) for count in row))
    table.caption = "reference down, test across\nO, o: no beat; X, x: in shutdown"
    table.caption_justify = "left"
    return table


def _run_table(total: Summary) -> Table:
    headings = ("found", "missed", "confirmed", "false", "Se", "+P", "avg Se", "avg +P")
    table = _table("Runs", "", headings)
    for score, average in zip(total.runs, total.run_averages, strict=True):
        figures = score.figures()
        for length in ("couplet", "short", "long"):
            names = (f"{length}_se", f"{length}_pp")
            table.add_row(
                f"{score.kind} {length}",
                *(str(count) for count in score.counts(length)),
                *(_percent(figures[name], 0) for name in names),
                *(_percent(average[name], 0) for name in names),
            )
    return table


def _episode_table(total: Summary) -> Table:
    counts = ("found", "missed", "confirmed", "false")
    headings = (*counts, "Se", "+P", "duration Se", "+P", "ref s", "test s")
    table = _table("Rhythm episodes", "", headings)
    for score in total.episodes:
        table.add_row(
            score.kind,
            *(str(n) for n in (score.found, score.missed, score.confirmed, score.false)),
            *(_percent(value, 0) for value in score.figures().values()),
            f"{score.ref_duration_s:.1f}",
            f"{score.test_duration_s:.1f}",
        )
    return table


def _notes(scores: Sequence[RecordScore], total: Summary, left_out: Sequence[str]) -> list[str]:
    rules = total.conditions
    notes = []
    if total.heart_rate_error_percent is not None:
        how = "; ".join(dict.fromkeys(s.heart_rate.rule for s in scores if s.heart_rate))
        notes.append(f"Heart rate error {total.heart_rate_error_percent:.2f} % RMS ({how}).")
    end = "the end of the record" if rules.end_s is None else f"{rules.end_s:g} s"
    notes.append(
        f"{len(total.records)} record{'' if len(total.records) == 1 else 's'}, "
        f"match window {rules.window_s * 1000:g} ms, from {rules.start_s:g} s to {end}, "
        f"class map {rules.classes}. Shutdown is counted over the whole record."
    )
    if rules.deviations:
        notes.append(f"NON-STANDARD comparison: {'; '.join(rules.deviations)}.")
    else:
        notes.append("Standard comparison (ANSI/AAMI EC57).")
    if left_out:
        many = f" and {len(left_out) - SOME} more" if len(left_out) > SOME else ""
        notes.append(
            "Not in the totals, for want of test annotations: "
            f"{' '.join(left_out[:SOME])}{many} (--records chooses)."
        )
    beatless = [s.record for s in scores if not cells(s.matrix, "NSVFQ", COLUMNS)]
    if beatless:
        notes.append(
            "The reference has no beats, so figures of beats and runs mean nothing, in: "
            f"{' '.join(beatless)} (--ref-annotator names another)."
        )
    if total.paced:
        notes.append(
            f"Paced records are in the totals, which EC57 leaves out: {' '.join(total.paced)}."
        )
    inferred = [score.record for score in scores if score.inferred_shutdowns]
    if inferred:
        notes.append(
            "Shutdowns whose end is not the annotation right after their start were taken to lie "
            f"between their neighbours, in: {' '.join(inferred)}."
        )
    return notes
