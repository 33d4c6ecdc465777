"""Run-by-run comparison of couplets, short and long runs of ectopic beats, by EC57.

Rules that hold here:

1. A run is a row of ectopic beats that no other beat and no shutdown interrupts: couplet 2,
   short run 3 to 5, long run 6 or more. Fibrillation counts as a long ventricular run, atrial
   fibrillation (in which normal beats are supraventricular) as a long supraventricular one.
2. Every run of one annotator is looked up in the other: the longest run found between one
   match window before its first and one after its last beat is its counterpart. Sensitivity
   starts from the runs of the reference, positive predictivity from those of the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.score.annotations import NEVER, SHUTDOWN_BITS, Annotations
from monitor.score.figures import percent

LONG = 6
"""Run lengths are counted up to six beats."""

_LENGTHS = {"couplet": range(2, 3), "short": range(3, 6), "long": range(6, 7)}

_FIBRILLATION, _FIBRILLATION_END = "[", "]"
_ATRIAL, _ATRIAL_END = "{", "}"
_SHUTDOWN = "U"


@dataclass(frozen=True, slots=True)
class RunKind:
    """A kind of run: ``members`` prolong it, ``enders`` end it.

    ``onset`` and ``offset`` bracket a rhythm that counts as a long run. While looking a run
    up, that rhythm is over at any of ``closers``, and ``breakers`` interrupt a row of beats.
    """

    name: str
    members: str
    enders: str
    onset: str
    offset: str
    closers: str
    breakers: str


VENTRICULAR = RunKind("ventricular", "VF", "NQUS", "[", "]", "]{U", "NQUS{")
SUPRAVENTRICULAR = RunKind("supraventricular", "S", "NQUVF", "{", "}", "}[U", "NQUVF[")


@dataclass(frozen=True, slots=True, eq=False)
class RunScore:
    """Counts of runs by length, (7, 7): rows reference, columns test, lengths 0 to 6 and more.

    ``sensitivity`` counts the runs of the reference by the longest test run beside them,
    ``predictivity`` the runs of the test by the longest reference run beside them.
    """

    kind: str
    sensitivity: NDArray[np.int64]
    predictivity: NDArray[np.int64]

    def counts(self, length: str) -> tuple[int, int, int, int]:
        """Found, missed, confirmed and false runs of a length: couplet, short or long.

        A run is found if the counterpart is at least as long as the shortest run of that
        name, and confirmed likewise.
        """
        own = list(_LENGTHS[length])
        lower = list(range(own[0]))
        upper = list(range(own[0], LONG + 1))
        return (
            int(self.sensitivity[np.ix_(own, upper)].sum()),
            int(self.sensitivity[np.ix_(own, lower)].sum()),
            int(self.predictivity[np.ix_(upper, own)].sum()),
            int(self.predictivity[np.ix_(lower, own)].sum()),
        )

    def figures(self) -> dict[str, float | None]:
        """Run sensitivity and positive predictivity by length, percent."""
        shown: dict[str, float | None] = {}
        for length in _LENGTHS:
            found, missed, confirmed, false = self.counts(length)
            shown[f"{length}_se"] = percent(found, found + missed)
            shown[f"{length}_pp"] = percent(confirmed, confirmed + false)
        return shown


def run_labels(annotations: Annotations, classes: Mapping[str, str]) -> list[str]:
    """Reduce every annotation to its meaning for runs.

    Gives beat classes N S V F Q (normal beats in atrial fibrillation are S), ``[`` and ``]``
    for the ends of ventricular fibrillation, ``{`` and ``}`` for those of atrial fibrillation
    or flutter, ``U`` where a shutdown begins, and an empty string for everything else.
    """
    labels = []
    atrial = fibrillating = unreadable = False
    for symbol, subtype, aux in zip(
        annotations.symbols, annotations.subtypes.tolist(), annotations.aux, strict=True
    ):
        label = ""
        if symbol in classes:
            label = classes[symbol]
            if label == "N" and atrial:
                label = "S"
        elif symbol == "~":
            begins = (subtype & SHUTDOWN_BITS) == SHUTDOWN_BITS
            if begins and not unreadable:
                label = _SHUTDOWN
            unreadable = begins
        elif symbol == "[" or (symbol == "+" and aux.startswith("(VF")):
            if not fibrillating:
                label, fibrillating, atrial = _FIBRILLATION, True, False
        elif symbol == "]":
            if fibrillating:
                label, fibrillating = _FIBRILLATION_END, False
        elif symbol == "+" and aux.startswith("(AF"):
            if not atrial:
                label, atrial, fibrillating = _ATRIAL, True, False
        elif symbol == "+" and aux:
            if atrial:
                label, atrial = _ATRIAL_END, False
            elif fibrillating:
                label, fibrillating = _FIBRILLATION_END, False
        labels.append(label)
    return labels


class _Lookup:
    """Finds the longest run of one annotator in windows that move forward in time."""

    def __init__(self, places: list[int], labels: list[str], kind: RunKind) -> None:
        self._places, self._labels, self._kind = places, labels, kind
        self._next = 0
        self._rhythm_end = 0  # until here the annotator is in the rhythm that is a long run

    def _place(self) -> int:
        return self._places[self._next] if self._next < len(self._places) else NEVER

    def _skip_rhythm(self) -> None:
        self._next += 1
        while self._next < len(self._labels):
            if self._labels[self._next] and self._labels[self._next] in self._kind.closers:
                self._rhythm_end = self._places[self._next]
                return
            self._next += 1
        self._rhythm_end = NEVER

    def longest(self, start: int, end: int) -> int:
        """Length of the longest run in [start, end], at most six."""
        if self._rhythm_end > start:
            return LONG
        while self._place() < start:
            if self._labels[self._next] == self._kind.onset:
                self._skip_rhythm()
                if self._rhythm_end > start:
                    return LONG
            self._next += 1
        best = row = 0
        while self._place() <= end:
            label = self._labels[self._next]
            if label == self._kind.onset:
                self._skip_rhythm()
                return LONG
            if label and label in self._kind.members:
                row = min(row + 1, LONG)
                best = max(best, row)
            elif label and label in self._kind.breakers:
                row = 0
            self._next += 1
        return best


def _pair_runs(
    places: list[int],
    labels: list[str],
    other: _Lookup,
    kind: RunKind,
    window: int,
    start_sample: int,
    end_sample: int | None,
) -> list[tuple[int, int]]:
    """Length of every run of one annotator and of its counterpart."""
    found: list[tuple[int, int]] = []
    length = first = last = 0
    i = 0
    while i < len(places) and places[i] < start_sample:
        if labels[i] == kind.onset:
            length = LONG
        elif labels[i] in {_FIBRILLATION_END, _ATRIAL_END}:
            length = 0
        i += 1
    if length:  # the rhythm began in the learning period
        first, last = start_sample - window, start_sample + window
    for place, label in zip(places[i:], labels[i:], strict=True):
        if end_sample is not None and place > end_sample:
            return found
        if not label:
            continue
        if length and label in kind.enders:
            found.append((length, other.longest(first, last)))
            length = 0
        elif label in kind.members:
            if not length:
                first = place - window
            length = min(length + 1, LONG)
            last = place + window
        elif length and label == kind.offset:
            last = place + window
        elif not length and label == kind.onset:
            length, first = LONG, place - window
    if length and i < len(places):  # the file ended within a run
        found.append((length, other.longest(first, last)))
    return found


def compare_runs(
    ref: Annotations,
    test: Annotations,
    classes: Mapping[str, str],
    kind: RunKind,
    window: int,
    start_sample: int,
    end_sample: int | None,
) -> RunScore:
    """Compare the runs of one kind.

    Parameters
    ----------
    ref, test
        All annotations of both annotators, rhythm changes and noise included.
    classes
        Beat class by WFDB symbol.
    kind
        :data:`VENTRICULAR` or :data:`SUPRAVENTRICULAR`.
    window
        Match window in samples.
    start_sample, end_sample
        What is compared; ``end_sample`` None: everything.
    """
    sides = [(a.samples.tolist(), run_labels(a, classes)) for a in (ref, test)]
    matrices = np.zeros((2, LONG + 1, LONG + 1), np.int64)
    for which, (own, other) in enumerate([(sides[0], sides[1]), (sides[1], sides[0])]):
        lookup = _Lookup(*other, kind)
        for length, counterpart in _pair_runs(*own, lookup, kind, window, start_sample, end_sample):
            cell = (length, counterpart) if which == 0 else (counterpart, length)
            matrices[which][cell] += 1
    return RunScore(kind.name, matrices[0], matrices[1])
