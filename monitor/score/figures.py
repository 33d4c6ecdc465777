"""Sensitivities and predictivities as ANSI/AAMI EC57 defines them, from a confusion matrix.

All in percent; ``None`` where the denominator is zero. Beats of class F or Q called V or S are
not false positives (the standard leaves them out).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from monitor.score.beats import COLUMNS, ROWS

Matrix = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figures:
    """The rates of one record, or of many.

    ``q_``: QRS detection, ``v_``: ventricular, ``s_``: supraventricular ectopic,
    ``f_``: fusion beats; ``_se``: sensitivity, ``_pp``: positive predictivity,
    ``v_fpr``: ventricular false positive rate. Percent, or None where undefined.
    """

    q_se: float | None
    q_pp: float | None
    v_se: float | None
    v_pp: float | None
    s_se: float | None
    s_pp: float | None
    f_se: float | None
    f_pp: float | None
    v_fpr: float | None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the figures, in order."""
        return tuple(field.name for field in fields(cls))


def cells(matrix: Matrix, rows: str, columns: str) -> int:
    """Sum of the cells in ``rows`` (letters of ROWS) and ``columns`` (letters of COLUMNS)."""
    return int(
        matrix[np.ix_([ROWS.index(r) for r in rows], [COLUMNS.index(c) for c in columns])].sum()
    )


def ratios(matrix: Matrix) -> dict[str, tuple[int, int]]:
    """Numerator and denominator of every figure."""
    hit = cells(matrix, "NSVFQ", "nsvfq")
    vv, ss, ff = (cells(matrix, c.upper(), c) for c in "vsf")
    v_false = cells(matrix, "NSOX", "v")
    return {
        "q_se": (hit, hit + cells(matrix, "NSVFQ", "ox")),
        "q_pp": (hit, hit + cells(matrix, "OX", "nsvfq")),
        "v_se": (vv, cells(matrix, "V", COLUMNS)),
        "v_pp": (vv, vv + v_false),
        "s_se": (ss, cells(matrix, "S", COLUMNS)),
        "s_pp": (ss, cells(matrix, "NSVOX", "s")),
        "f_se": (ff, cells(matrix, "F", COLUMNS)),
        "f_pp": (ff, cells(matrix, ROWS, "f")),
        "v_fpr": (v_false, v_false + cells(matrix, "NSFQOX", "nsfq")),
    }


def percent(part: float, whole: float) -> float | None:
    """``part`` of ``whole`` in percent, ``None`` if there is no whole."""
    return 100.0 * part / whole if whole > 0 else None


def figures(matrix: Matrix) -> Figures:
    """All figures of one confusion matrix."""
    return Figures(**{name: percent(a, b) for name, (a, b) in ratios(matrix).items()})
