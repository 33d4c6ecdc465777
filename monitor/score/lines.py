"""The line formats of the WFDB software package's comparators, byte for byte.

Rules that hold here:

1. Every function gives one text that ends in a newline. With ``totals`` it is what the
   package's summary program prints for that table; without it, the plain table.
2. Numbers are formatted from doubles, which rounds as C's printf does; whole percentages of
   records are cut after adding a half, those of totals rounded, as the package does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from monitor.errors import MonitorError
from monitor.score.figures import Matrix, cells, percent, ratios
from monitor.score.record import RecordScore
from monitor.score.runs import RunScore
from monitor.score.summary import mean_percent, summarise

Scores = Sequence[RecordScore]

BEATS_HEAD = (
    "Record Nn' Sn' Vn' Fn' On'  Ns  Ss  Vs  Fs' Os' Nv  Sv   Vv  Fv' Ov' No' So' Vo' Fo'"
    "  Q Se   Q +P   V Se   V +P   S Se   S +P RR err\n"
)
BEATS_HEAD_SHORT = (
    "Record Nn' Vn' Fn' On'  Nv   Vv  Fv' Ov' No' Vo' Fo'  Q Se   Q +P   V Se   V +P  V FPR\n"
)
RUNS_HEAD = "Record CTs CFN CTp CFP STs SFN STp SFP LTs LFN LTp LFP  CSe C+P SSe S+P LSe L+P\n"
SVE_RUNS_TITLE = "(SVE run detection)\n"

# cells of the confusion matrix that are added up for every column, as ROWS:columns
_CELLS = (
    "N:nfq S:nfq V:nfq FQ:nfq OX:nfq N:s S:s V:s FQ:s OX:s "
    "N:v S:v V:v FQ:v OX:v N:ox S:ox V:ox FQ:ox"
)
_CELLS_SHORT = "NS:nsfq V:nsfq FQ:nsfq OX:nsfq NS:v V:v FQ:v OX:v NS:ox V:ox FQ:ox"
_WIDTHS = (3,) * 12 + (4,) + (3,) * 6
_WIDTHS_SHORT = (3,) * 5 + (4,) + (3,) * 5

_BEATS = ("q_se", "q_pp", "v_se", "v_pp", "s_se", "s_pp")
_BEATS_SHORT = ("q_se", "q_pp", "v_se", "v_pp")


def _stat(value: float | None, form: str = "6.2f") -> str:
    return "      -" if value is None else f" {value:{form}}"


def _stats(values: Sequence[float | None]) -> str:
    return "".join(_stat(value) for value in values)


def _tally(matrix: Matrix, which: str) -> list[int]:
    return [cells(matrix, *pair.split(":")) for pair in which.split()]


def _row(counts: Sequence[int], widths: Sequence[int], first: int) -> str:
    """Put counts in columns; the first one is wider."""
    rest = zip(counts[1:], widths[1:], strict=True)
    return f"{counts[0]:{first}d}" + "".join(f" {count:{width}d}" for count, width in rest)


def duration(seconds: float) -> str:
    """Write a duration in twelve columns, to the millisecond.

    Examples
    --------
    >>> duration(0.0), duration(75.25), duration(3661.5)
    ('       0.000', '    1:15.250', ' 1:01:01.500')
    """
    whole_ms = int(seconds * 1000 + 0.5)
    if not whole_ms:
        return "       0.000"
    rest_s, ms = divmod(whole_ms, 1000)
    minutes, s = divmod(rest_s, 60)
    hours, m = divmod(minutes, 60)
    return f"{hours:2d}:{m:02d}:{s:02d}.{ms:03d}" if hours else f"   {m:2d}:{s:02d}.{ms:03d}"


def closing(count: int) -> str:
    """Give the last two lines of a summary."""
    return f"\nSummary of results from {count} record{'' if count == 1 else 's'}\n"


def beat_lines(scores: Scores, *, totals: bool = False) -> str:
    """Beat-by-beat table with supraventricular beats and RR error (``bxb -L``)."""
    text = BEATS_HEAD
    for score in scores:
        figures = score.figures
        # in this table, unlike in its summary, fusion beats called s lower the predictivity
        s_pp = percent(cells(score.matrix, "S", "s"), cells(score.matrix, "NSVFOX", "s"))
        rr = "     -" if score.rr_error_ms is None else f" {score.rr_error_ms:6.2f}"
        text += f"{score.record:>4} {_row(_tally(score.matrix, _CELLS), _WIDTHS, 5)}"
        text += _stats([*(getattr(figures, n) for n in _BEATS[:-1]), s_pp]) + rr + "\n"
    if totals:
        total = summarise(scores)
        part = ratios(total.matrix)
        text += "_" * 132 + "\n"
        text += f"Sum {_row(_tally(total.matrix, _CELLS), _WIDTHS, 6)}\n"
        text += "Gross" + " " * 78 + _stats([getattr(total.gross, n) for n in _BEATS]) + "\n"
        text += "Average" + " " * 76 + _stats([getattr(total.average, n) for n in _BEATS])
        text += _stat(total.rr_error_ms) + "\n"
        text += f"Total QRS complexes: {part['q_se'][1]}  Total VEBs: {part['v_se'][1]}"
        text += f"  Total SVEBs: {part['s_se'][1]}\n" + closing(len(scores))
    return text


def beat_lines_short(scores: Scores, *, totals: bool = False) -> str:
    """Beat-by-beat table with supraventricular beats taken as normal (``bxb -l``)."""
    text = BEATS_HEAD_SHORT
    for score in scores:
        figures = score.figures
        text += f"{score.record:>4} {_row(_tally(score.matrix, _CELLS_SHORT), _WIDTHS_SHORT, 5)}"
        text += _stats([getattr(figures, name) for name in _BEATS_SHORT])
        text += _stat(figures.v_fpr, "6.3f") + "\n"
    if totals:
        total = summarise(scores)
        gross, average = total.gross, total.average
        part = ratios(total.matrix)
        text += "_" * 86 + "\n"
        text += f"Sum  {_row(_tally(total.matrix, _CELLS_SHORT), _WIDTHS_SHORT, 6)}\n"
        text += "Gross" + " " * 49 + _stats([getattr(gross, n) for n in _BEATS_SHORT])
        text += _stat(gross.v_fpr, "6.3f") + "\n"
        text += "Average" + " " * 47 + _stats([getattr(average, n) for n in _BEATS_SHORT])
        text += _stat(average.v_fpr, "6.3f") + "\n"
        text += f"Total QRS complexes: {part['q_se'][1]}  Total VEBs: {part['v_se'][1]}\n"
        text += closing(len(scores))
    return text


def shutdown_lines(scores: Scores, *, totals: bool = False) -> str:
    """Shutdown table with supraventricular beats (second file of ``bxb -L``).

    The share of all beats missed leaves supraventricular beats out of the numerator, as the
    package does.
    """
    text = "Record Nx   Sx   Vx   Fx   Qx  % beats  % N    % S    % V    % F   Total Shutdown\n"
    text += " " * 32 + "missed missed missed missed missed      Time\n"
    for score in scores:
        missed, present = _missed(score.matrix, "N S V F Q")
        shown = [percent(sum(missed) - missed[1], sum(present))]
        shown += [percent(m, p) for m, p in zip(missed[:4], present[:4], strict=True)]
        text += f"{score.record:>4}" + "".join(f" {m:4d}" for m in missed) + "  "
        text += _stats(shown) + f"{score.shutdown_whole_s:5d} seconds"
        text += "".join(f" {p}" for p in present) + "\n"
    if totals:
        total = summarise(scores)
        missed, _ = _missed(total.matrix, "N S V F Q")
        text += "_" * 72 + "\nSum " + "".join(f" {m:4d}" for m in missed)
        text += " " * 38 + f"{total.shutdown_whole_s:4d} seconds\n" + closing(len(scores))
    return text


def shutdown_lines_short(scores: Scores, *, totals: bool = False) -> str:
    """Shutdown table with supraventricular beats taken as normal (second file of ``bxb -l``).

    In the totals the package counts the beats of every record twice under the gross figures,
    and leaves records without beats out; both are kept here. The JSON document has them right.
    """
    text = "Record Nx   Vx   Fx   Qx  % beats  % N    % V    % F   Total Shutdown\n"
    text += " " * 27 + "missed missed missed missed      Time\n"
    rows = [_missed(score.matrix, "NS V F Q") for score in scores]
    for score, (missed, present) in zip(scores, rows, strict=True):
        shown = [percent(sum(missed), sum(present))]
        shown += [percent(m, p) for m, p in zip(missed[:3], present[:3], strict=True)]
        text += f"{score.record:>4}" + "".join(f" {m:4d}" for m in missed) + "  "
        text += _stats(shown) + f"{score.shutdown_whole_s:5d} seconds {present[0]} 0"
        text += "".join(f" {p}" for p in present[1:]) + "\n"
    if totals:
        total = summarise(scores)
        missed, present = _missed(total.matrix, "NS V F Q")
        text += "_" * 68 + "\nSum  " + "".join(f" {m:4d}" for m in missed)
        text += " " * 31 + f"{total.shutdown_whole_s:4d} seconds\n"
        gross = [percent(sum(missed), 2 * sum(present))]
        gross += [percent(m, 2 * p) for m, p in zip(missed[:3], present[:3], strict=True)]
        average = [mean_percent([(sum(m), sum(p)) for m, p in rows])]
        average += [mean_percent([(m[k], p[k]) for m, p in rows]) for k in range(3)]
        text += "Gross" + " " * 20 + _stats(gross) + "\n"
        text += "Average" + " " * 18 + _stats(average) + "\n"
        text += closing(sum(1 for _, p in rows if sum(p)))
    return text


def _missed(matrix: Matrix, classes: str) -> tuple[list[int], list[int]]:
    """Beats missed in shutdown, and beats in all, by groups of reference classes."""
    groups = classes.split()
    return [cells(matrix, g, "x") for g in groups], [cells(matrix, g, "nsvfqox") for g in groups]


def run_lines(scores: Scores, *, totals: bool = False) -> str:
    """Run-by-run table of ventricular runs (``rxr -L``, first file)."""
    return _run_table(scores, 0, totals)


def sve_run_lines(scores: Scores, *, totals: bool = False) -> str:
    """Run-by-run table of supraventricular runs (``rxr -L``, second file)."""
    return SVE_RUNS_TITLE + _run_table(scores, 1, totals)


def _run_counts(score: RunScore) -> list[int]:
    return [count for length in ("couplet", "short", "long") for count in score.counts(length)]


def _whole(value: float | None, rounded: Callable[[float], int]) -> str:
    return "   -" if value is None else f" {rounded(value):3d}"


def _run_table(scores: Scores, which: int, totals: bool) -> str:
    text = RUNS_HEAD
    if not all(score.runs for score in scores):
        raise MonitorError("these scores hold beats only: use compare() to score runs")
    rows = [_run_counts(score.runs[which]) for score in scores]
    for score, counts in zip(scores, rows, strict=True):
        text += f"{score.record:>4}" + "".join(f" {c:3d}" for c in counts) + " "
        pairs = zip(counts[::2], counts[1::2], strict=True)
        text += "".join(_whole(percent(a, a + b), lambda p: int(p + 0.5)) for a, b in pairs)
        text += "\n"
    if totals:
        sums = [sum(column) for column in zip(*rows, strict=True)]
        text += "_" * 77 + f"\nSum   {_row(sums, (3,) * 12, 4)}\nGross" + " " * 50
        for k in range(0, 12, 2):
            text += _whole(percent(sums[k], sums[k] + sums[k + 1]), round)
        text += "\nAverage" + " " * 48
        for k in range(0, 12, 2):
            text += _whole(mean_percent([(r[k], r[k] + r[k + 1]) for r in rows]), round)
        text += f"\nTotal couplets: {sums[0] + sums[1]}  Total short runs: {sums[4] + sums[5]}"
        text += f"  Total long runs: {sums[8] + sums[9]}\n" + closing(len(scores))
    return text


def mismatch_lines(scores: Scores, *, totals: bool = False) -> str:
    """Every beat that was missed, false or given another class: record, time, sample, classes.

    The time is that of the reference beat, or of the test beat where there is no reference;
    ``V/o`` is a missed ventricular beat, ``O/n`` a false one called normal, ``N/v`` a normal
    one called ventricular. ``totals`` appends how many there are of each.
    """
    text = "Record         Time    Sample  Ref/test\n"
    found: Counter[str] = Counter()
    for score in scores:
        for (ref, test), label in zip(score.pairs.tolist(), score.labels, strict=True):
            if label[0].lower() == label[1]:
                continue
            at = ref if ref >= 0 else test
            label = f"{label[0]}/{label[1]}"
            found[label] += 1
            text += f"{score.record:>6} {duration(at / score.rate_hz)} {at:9d}  {label}\n"
    if totals:
        text += "_" * 39 + "\n"
        text += "".join(f"{label} {count:6d}\n" for label, count in found.most_common())
        text += closing(len(scores))
    return text
