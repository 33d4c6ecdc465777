"""Annotations of one record, and their meaning in an EC57 comparison.

Rules that hold here:

1. :class:`Annotations` is a plain table (sample, symbol, subtype, aux) in the order of the
   file. WFDB's symbols are used throughout; the five AAMI letters are a subset of them.
2. :class:`Track` is what beat matching sees: beats, and the spans of ventricular
   fibrillation and of shutdown. Making one is the only place where non-beat annotations
   are interpreted for beat matching.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.errors import USAGE, MonitorError

NEVER = 2**62
"""A sample index later than any other: the place of a beat after the last one."""

SHUTDOWN_BITS = 0x30

_PADDING = 4

EC57_CLASSES: Mapping[str, str] = {
    **dict.fromkeys("NLRB", "N"),
    **dict.fromkeys("JASajen", "S"),
    **dict.fromkeys("VrE", "V"),
    "F": "F",
    **dict.fromkeys("Q/f?", "Q"),
}
"""WFDB beat symbol to AAMI class as ANSI/AAMI EC57 has it: escape beats e, j are class S."""

ML_CLASSES: Mapping[str, str] = {**EC57_CLASSES, "e": "N", "j": "N"}
"""The map of the machine-learning literature (de Chazal 2004): escape beats e, j are class N."""

CLASS_MAPS: Mapping[str, Mapping[str, str]] = {"ec57": EC57_CLASSES, "ml": ML_CLASSES}


def class_map(name: str) -> Mapping[str, str]:
    """Give the beat-class map called ``name`` (``ec57`` or ``ml``)."""
    if name not in CLASS_MAPS:
        raise MonitorError(
            f"class map {name!r} is not known; known: {', '.join(CLASS_MAPS)}", USAGE
        )
    return CLASS_MAPS[name]


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """All annotations one annotator gave to one record.

    Parameters
    ----------
    samples
        Sample indices, int64, shape (n,), not decreasing.
    symbols
        WFDB annotation symbols, n of them.
    subtypes
        WFDB subtypes, int64, shape (n,).
    aux
        Texts (rhythm names ``(AFIB`` ...), n of them, empty where there is none.
    """

    samples: NDArray[np.int64]
    symbols: tuple[str, ...]
    subtypes: NDArray[np.int64]
    aux: tuple[str, ...]

    @classmethod
    def from_arrays(
        cls,
        samples: ArrayLike,
        symbols: Sequence[str] | str = "N",
        subtypes: ArrayLike | None = None,
        aux: Iterable[str] | None = None,
    ) -> Annotations:
        """Make annotations from arrays; one symbol for all (default: ``N``) or one each.

        Raises
        ------
        MonitorError
            If the lengths differ, or samples are negative, fractional or out of order.

        Examples
        --------
        >>> Annotations.from_arrays([100, 400], "NV").symbols
        ('N', 'V')
        >>> Annotations.from_arrays([100, 400, 700]).symbols
        ('N', 'N', 'N')
        """
        where: NDArray[Any] = np.asarray(samples)
        if where.size == 0:
            where = np.zeros(0, np.int64)
        if where.ndim != 1 or where.dtype.kind not in "iu":
            raise MonitorError("annotation samples must be a flat array of whole numbers")
        places = where.astype(np.int64)
        if places.size and (places[0] < 0 or bool((np.diff(places) < 0).any())):
            raise MonitorError("annotation samples must not be negative and must be in order")
        n = len(places)
        names = tuple(symbols) * (n if len(symbols) == 1 else 1)
        kinds = np.zeros(n, np.int64) if subtypes is None else np.asarray(subtypes, np.int64)
        texts = ("",) * n if aux is None else tuple(aux)
        for what, count in (("symbols", len(names)), ("subtypes", len(kinds)), ("aux", len(texts))):
            if count != n:
                raise MonitorError(f"{n} annotation samples but {count} {what}")
        return cls(places, names, kinds, texts)

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True, slots=True)
class Span:
    """Samples [start, end], both included.

    ``after_beats`` beats were annotated before it; ``length`` is what it adds to the time
    spent in such spans. ``inferred`` marks a shutdown whose ends were not annotated.
    """

    start: int
    end: int
    after_beats: int
    length: int
    inferred: bool = False

    def holds(self, sample: int) -> bool:
        """Tell whether ``sample`` lies in the span."""
        return self.start <= sample <= self.end


@dataclass(frozen=True, slots=True)
class Track:
    """Beats and spans of one annotator, as lists because they are walked one by one.

    ``samples[0]``, at sample 0 with an empty class, stands for "before the first beat"; the
    ``beat_count`` beats proper follow; then come a few at :data:`NEVER`, so that a walk may
    look past the end. ``rr[i]`` is the RR interval in samples that ends at beat i, 0 where it
    is not valid: at the first beat, and where fibrillation or a shutdown began since the beat
    before.
    """

    samples: list[int]
    classes: list[str]
    rr: list[int]
    beat_count: int
    fibrillation: list[Span]
    shutdown: list[Span]


def known_spans(spans: list[Span], beats_read: int) -> list[Span]:
    """Give the last two spans annotated before beat number ``beats_read``.

    A comparator that reads both files once and remembers one span and the one before it is
    what the reference tools are: spans further back no longer excuse a beat.
    """
    count = len(spans)
    while count and spans[count - 1].after_beats >= beats_read:
        count -= 1
    return spans[max(0, count - 2) : count]


def read_track(
    annotations: Annotations,
    classes: Mapping[str, str],
    window: int,
    end_sample: int | None,
    *,
    is_test: bool,
) -> Track:
    """Pick beats, fibrillation and shutdown out of ``annotations``.

    Fibrillation runs from ``[`` to ``]``; nothing between them counts. A shutdown begins at a
    noise annotation ``~`` whose subtype has bits 4 and 5 set (no signal readable) and ends at
    the noise annotation after it; if another annotation follows instead (one marker in the
    middle of the shutdown, as in the AHA database), it reaches from ``window`` samples after
    the beat or fibrillation before to ``window`` samples before that annotation.

    Notes
    -----
    Spans still open at the end of the file are treated as the reference tools treat them: a
    reference shutdown reaches to the end; a fibrillation or a test shutdown does so only if it
    is the first of its kind. A device should therefore always write the end of a shutdown.
    """
    places = annotations.samples.tolist()
    symbols = annotations.symbols
    unreadable = (annotations.subtypes & SHUTDOWN_BITS) == SHUTDOWN_BITS
    beats, labels = [0], [""]
    fibrillation: list[Span] = []
    shutdown: list[Span] = []

    def open_end(spans: list[Span]) -> int:
        return spans[-1].end if spans else NEVER

    i, n = 0, len(places)
    while i < n:
        symbol, place = symbols[i], places[i]
        read = len(beats) - 1
        i += 1
        if symbol in classes:
            beats.append(place)
            labels.append(classes[symbol])
        elif symbol == "[":
            while i < n and symbols[i] != "]":
                i += 1
            end = places[i] if i < n else open_end(fibrillation)
            fibrillation.append(Span(place, end, read, end - place))
            i += 1
        elif symbol == "~" and unreadable[i - 1]:
            if i == n:
                end = open_end(shutdown) if is_test else NEVER
                rest = 0 if end_sample is None else end_sample - place
                shutdown.append(Span(place, end, read, rest))
                break
            inferred = symbols[i] != "~" or bool(unreadable[i])
            if not inferred:
                start, end = place, places[i]
                i += 1
            else:
                before = max([beats[-1], *(s.end for s in fibrillation[-1:])])
                end = places[i] - window
                start = min(before + window, end)
            shutdown.append(Span(start, end, read, end - start, inferred))
    count = len(beats) - 1
    return Track(
        samples=beats + [NEVER] * _PADDING,
        classes=labels + [""] * _PADDING,
        rr=_intervals(beats, fibrillation, shutdown) + [0] * _PADDING,
        beat_count=count,
        fibrillation=fibrillation,
        shutdown=shutdown,
    )


def _intervals(beats: list[int], *kinds: list[Span]) -> list[int]:
    rr = [0, *(here - before for before, here in itertools.pairwise(beats))]
    for i in range(1, len(beats)):
        if beats[i - 1] > 0:
            break
        rr[i] = 0  # the interval from the start of the record is none
    for spans in kinds:
        for k, span in enumerate(spans):
            i = span.after_beats + 1
            while i < len(beats) and beats[i] <= span.start:
                i += 1
            forgotten = k + 2 < len(spans) and spans[k + 2].after_beats < i
            if i < len(beats) and beats[i - 1] <= span.start and not forgotten:
                rr[i] = 0
    return rr
