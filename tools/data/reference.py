"""Read rhythms and runs from reference annotations, to judge alarms by them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from monitor.score.annotations import ML_CLASSES

Span = tuple[float, float]
"""Start and end, seconds."""

FLUTTER = ("VF", "VFIB", "VFL")
SYMBOLS = {**ML_CLASSES, "!": "V"}  # a flutter wave too


def rhythm_spans(path: Path) -> list[tuple[str, float, float]]:
    """Rhythm annotations of a record: name, start and end in seconds."""
    notes = wfdb.rdann(str(path), "atr")
    header = wfdb.rdheader(str(path))
    named = [(s, a.strip("\0")) for s, a in zip(notes.sample, notes.aux_note, strict=True)]
    starts = [(s / header.fs, a[1:]) for s, a in named if a.startswith("(")]
    ends = [*(s for s, _ in starts), header.sig_len / header.fs][1:]
    return [(name, start, end) for (start, name), end in zip(starts, ends, strict=True)]


def fibrillation_marks(path: Path) -> list[tuple[str, float, float]]:
    """Fibrillation between the marks ``[`` and ``]``: ``VF``, start and end in seconds."""
    notes = wfdb.rdann(str(path), "atr")
    header = wfdb.rdheader(str(path))
    spans: list[tuple[str, float, float]] = []
    start: float | None = None
    for sample, symbol in zip(notes.sample, notes.symbol, strict=True):
        if symbol == "[" and start is None:
            start = sample / header.fs
        elif symbol == "]" and start is not None:
            spans.append(("VF", start, sample / header.fs))
            start = None
    return [*spans, ("VF", start, header.sig_len / header.fs)] if start is not None else spans


def merged(spans: Iterable[Span], gap_s: float = 0.5) -> list[Span]:
    """Join spans that are at most ``gap_s`` apart."""
    out: list[Span] = []
    for start, end in spans:
        if out and start - out[-1][1] <= gap_s:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def touches(
    span: Span, others: Iterable[Span], before_s: float = 0.0, after_s: float = 0.0
) -> bool:
    """Tell whether ``span``, widened, overlaps any of the others."""
    return any(a <= span[1] + after_s and b >= span[0] - before_s for a, b in others)


def share(part: int, whole: int) -> str:
    """Give a fraction with its counts."""
    return f"{part}/{whole} = {100 * part / whole:.1f} %" if whole else "0/0"


def reference_beats(path: Path) -> tuple[NDArray[np.float64], str]:
    """Give times (s) and labels of the reference beats."""
    notes = wfdb.rdann(str(path), "atr")
    fs = wfdb.rdheader(str(path)).fs
    kept = [i for i, symbol in enumerate(notes.symbol) if symbol in SYMBOLS]
    return notes.sample[kept] / fs, "".join(SYMBOLS[notes.symbol[i]] for i in kept)


def runs_of_v(times: NDArray[np.float64], labels: str, least: int) -> list[Span]:
    """Find reference runs of so many ventricular beats or more at 100 bpm or faster."""
    runs: list[Span] = []
    start = 0
    for i in range(len(labels) + 1):
        if i < len(labels) and labels[i] == "V":
            continue
        if i - start >= least and times[i - 1] - times[start] <= 0.6 * (i - 1 - start):
            runs.append((float(times[start]), float(times[i - 1])))
        start = i + 1
    return runs
