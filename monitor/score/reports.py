"""Standard reports of the beat comparator, one page a record (``bxb -s``, ``bxb -S``)."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.score.beats import COLUMNS
from monitor.score.figures import Matrix, cells, percent, ratios
from monitor.score.record import RecordScore

_FULL = {row: row for row in "NSVFQOX"}
_SHORT = {"N": "NS", "V": "V", "F": "F", "Q": "Q", "O": "O", "X": "X"}


def reports(
    scores: Sequence[RecordScore], ref_annotator: str, test_annotator: str, *, sve: bool
) -> str:
    """Confusion matrix, figures and shutdown of every record, one after the other.

    Parameters
    ----------
    scores
        Records.
    ref_annotator, test_annotator
        Names for the heading.
    sve
        Whether supraventricular beats have a class of their own (``-S``) or are normal (``-s``).
    """
    return "".join(_report(score, ref_annotator, test_annotator, sve) for score in scores)


def _report(score: RecordScore, ref_annotator: str, test_annotator: str, sve: bool) -> str:
    groups = _FULL if sve else _SHORT
    matrix = score.matrix
    text = f"Beat-by-beat comparison results for record {score.record}\n"
    text += f"Reference annotator: {ref_annotator}\n     Test annotator: {test_annotator}\n\n"
    text += " " * 15 + "Algorithm\n" + " " * 4
    text += "".join(f"{name.lower():>5}" for name in groups)
    text += "\n   " + "_" * (5 * len(groups) + 1) + "\n"
    for name, rows in groups.items():
        columns = list(groups.values())[: -2 if name in "OX" else None]
        text += f" {name} |" + "".join(f" {cells(matrix, rows, c.lower()):4d}" for c in columns)
        text += "\n"
    text += "\n" + _figures(score, sve) + "\n" + _shutdown(matrix, groups, sve)
    return text + f"       Total shutdown time: {score.shutdown_whole_s:5d} seconds\n"


def _line(name: str, part: int, whole: int, form: str = "6.2f") -> str:
    value = percent(part, whole)
    shown = "     - " if value is None else f"{value:{form}}%"
    return f"{name:>26}: {shown} ({part}/{whole})\n"


def _figures(score: RecordScore, sve: bool) -> str:
    part = ratios(score.matrix)
    text = _line("QRS sensitivity", *part["q_se"])
    text += _line("QRS positive predictivity", *part["q_pp"])
    text += _line("VEB sensitivity", *part["v_se"])
    text += _line("VEB positive predictivity", *part["v_pp"])
    if not sve:
        return text + _line("VEB false positive rate", *part["v_fpr"], "6.3f") + "\n"
    text += _line("SVEB sensitivity", *part["s_se"])
    # as in the line format of one record, fusion beats called s lower the predictivity
    found, called = cells(score.matrix, "S", "s"), cells(score.matrix, "NSVFOX", "s")
    text += _line("SVEB positive predictivity", found, called)
    error = "     -" if score.rr_error_ms is None else f"{score.rr_error_ms:6.2f} ms"
    return text + f"     RMS RR interval error: {error}\n"


def _shutdown(matrix: Matrix, groups: dict[str, str], sve: bool) -> str:
    missed = {name: cells(matrix, rows, "x") for name, rows in groups.items() if name not in "OX"}
    total = sum(count for name, count in missed.items() if name != "S")
    text = _line("Beats missed in shutdown", total, cells(matrix, "NSVFQ", COLUMNS))
    for name, count in missed.items():
        if name != "Q":
            whole = cells(matrix, groups[name], COLUMNS)
            text += _line(f"{name} missed in shutdown", count, whole)
    return text
