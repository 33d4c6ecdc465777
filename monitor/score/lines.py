"""The line formats of the WFDB software package's comparators, byte for byte.

Rules that hold here:

1. Every function gives one text that ends in a newline; with ``totals`` it is what the
   package's summary program prints for that table, without it the plain table.
2. Numbers go through ``%``-formatting of doubles, which rounds as C's printf does.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.score.figures import Matrix, cells, percent, ratios
from monitor.score.record import RecordScore
from monitor.score.summary import summarise

BEATS_HEAD = (
    "Record Nn' Sn' Vn' Fn' On'  Ns  Ss  Vs  Fs' Os' Nv  Sv   Vv  Fv' Ov' No' So' Vo' Fo'"
    "  Q Se   Q +P   V Se   V +P   S Se   S +P RR err\n"
)
BEATS_HEAD_SHORT = (
    "Record Nn' Vn' Fn' On'  Nv   Vv  Fv' Ov' No' Vo' Fo'  Q Se   Q +P   V Se   V +P  V FPR\n"
)

_CELLS = "N:nfq S:nfq V:nfq FQ:nfq OX:nfq N:s S:s V:s FQ:s OX:s N:v S:v V:v FQ:v OX:v N:ox S:ox V:ox FQ:ox"
_CELLS_SHORT = "NS:nsfq V:nsfq FQ:nsfq OX:nsfq NS:v V:v FQ:v OX:v NS:ox V:ox FQ:ox"

_BEATS = ("q_se", "q_pp", "v_se", "v_pp", "s_se", "s_pp")
_BEATS_SHORT = ("q_se", "q_pp", "v_se", "v_pp")


def stat(value: float | None, form: str = "%6.2f", width: int = 6) -> str:
    """A figure after a blank, or a hyphen in its place."""
    return " " + ("-".rjust(width) if value is None else form % value)


def tally(matrix: Matrix, which: str) -> tuple[int, ...]:
    """Cell sums named as ``ROWS:columns``, separated by blanks."""
    return tuple(cells(matrix, *pair.split(":")) for pair in which.split())


def closing(count: int) -> str:
    """The last two lines of a summary."""
    return f"\nSummary of results from {count} record{'' if count == 1 else 's'}\n"


def beat_lines(scores: Sequence[RecordScore], *, totals: bool = False) -> str:
    """Beat-by-beat table with supraventricular beats and RR error (``bxb -L``)."""
    lines = [BEATS_HEAD]
    form = "%5d" + " %3d" * 11 + " %4d" + " %3d" * 6
    for score in scores:
        figures = score.figures
        # in this table, unlike in its summary, fusion beats called s lower the predictivity
        s_pp = percent(cells(score.matrix, "S", "s"), cells(score.matrix, "NSVFOX", "s"))
        shown = [*(getattr(figures, name) for name in _BEATS[:-1]), s_pp]
        rr = " " + ("    -" if score.rr_error_ms is None else "%6.2f" % score.rr_error_ms)
        lines.append(
            f"{score.record:>4} "
            + form % tally(score.matrix, _CELLS)
            + "".join(stat(value) for value in shown)
            + rr
            + "\n"
        )
    if totals:
        total = summarise(scores)
        part = ratios(total.matrix)
        lines += [
            "_" * 132 + "\n",
            "Sum %6d" % cells(total.matrix, "N", "nfq")
            + form[3:] % tally(total.matrix, _CELLS)[1:]
            + "\n",
            "Gross" + " " * 78 + "".join(stat(getattr(total.gross, n)) for n in _BEATS) + "\n",
            "Average"
            + " " * 76
            + "".join(stat(getattr(total.average, n)) for n in _BEATS)
            + stat(total.rr_error_ms)
            + "\n",
            f"Total QRS complexes: {part['q_se'][1]}  Total VEBs: {part['v_se'][1]}"
            f"  Total SVEBs: {part['s_se'][1]}\n",
            closing(len(scores)),
        ]
    return "".join(lines)


def beat_lines_short(scores: Sequence[RecordScore], *, totals: bool = False) -> str:
    """Beat-by-beat table with supraventricular beats taken as normal (``bxb -l``)."""
    lines = [BEATS_HEAD_SHORT]
    form = "%5d" + " %3d" * 4 + " %4d" + " %3d" * 5
    for score in scores:
        figures = score.figures
        lines.append(
            f"{score.record:>4} "
            + form % tally(score.matrix, _CELLS_SHORT)
            + "".join(stat(getattr(figures, name)) for name in _BEATS_SHORT)
            + stat(_rate(score.matrix), "%6.3f")
            + "\n"
        )
    if totals:
        total = summarise(scores)
        part = ratios(total.matrix)
        counts = tally(total.matrix, _CELLS_SHORT)
        lines += [
            "_" * 86 + "\n",
            "Sum  %6d" % counts[0] + form[3:] % counts[1:] + "\n",
            "Gross"
            + " " * 49
            + "".join(stat(getattr(total.gross, n)) for n in _BEATS_SHORT)
            + stat(total.gross.v_fpr, "%6.3f")
            + "\n",
            "Average"
            + " " * 47
            + "".join(stat(getattr(total.average, n)) for n in _BEATS_SHORT)
            + stat(total.average.v_fpr, "%6.3f")
            + "\n",
            f"Total QRS complexes: {part['q_se'][1]}  Total VEBs: {part['v_se'][1]}\n",
            closing(len(scores)),
        ]
    return "".join(lines)


def _rate(matrix: Matrix) -> float | None:
    return percent(*ratios(matrix)["v_fpr"])
