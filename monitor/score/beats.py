"""Beat-by-beat comparison: the confusion matrix of ANSI/AAMI EC57.

Rules that hold here:

1. Pure functions on arrays; all times are sample indices.
2. Both annotators are walked once, in time order. At each step the earlier of the two current
   beats is decided: paired with the current beat of the other annotator, or with nobody.
3. Counts are those of the reference comparator of the WFDB software package, beat for beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.score.annotations import Track, known_spans

ROWS = "NSVFQOX"
"""Reference classes of the confusion matrix; O: no beat, X: the reference is in shutdown."""

COLUMNS = "nsvfqox"
"""Test classes of the confusion matrix; o: no beat, x: the test device is in shutdown."""


@dataclass(frozen=True, slots=True, eq=False)
class BeatMatch:
    """The result of matching two tracks.

    ``matrix`` has shape (7, 7), rows :data:`ROWS`, columns :data:`COLUMNS`; ``pairs`` holds
    the sample of the reference and of the test beat, -1 where there is none, and ``labels``
    their classes (``Nn``, ``Vo``, ``On`` ...); ``rr_squares`` is
    the sum of the squared RR differences in samples squared, over ``rr_count`` steps;
    ``shutdown_samples`` the time the test was shut down, in what was read of it.
    """

    matrix: NDArray[np.int64]
    pairs: NDArray[np.int64]
    labels: tuple[str, ...]
    rr_squares: float
    rr_count: int
    shutdown_samples: int


def pairs_up(early: int, early_next: int, late: int, late_next: int, window: int) -> bool:
    """Tell whether the earlier beat pairs with the later one of the other annotator.

    They must lie within ``window``, and the beat that follows the earlier one must not be the
    better partner: either it is not nearer to the later beat, or it has itself a nearer one in
    the beat after that (the tie rule of November 2002).

    Examples
    --------
    >>> pairs_up(96, 160, 128, 185, window=37)  # 160 is as near to 128, but nearer to 185
    True
    >>> pairs_up(96, 160, 128, 500, window=37)
    False
    """
    rival = abs(late - early_next)
    return late - early <= window and (late - early < rival or abs(late_next - early_next) < rival)


def match_beats(
    ref: Track, test: Track, window: int, start_sample: int, end_sample: int | None
) -> BeatMatch:
    """Walk both tracks from ``start_sample`` and count every pair.

    Parameters
    ----------
    ref, test
        Beats and spans of both annotators.
    window
        Match window in samples: the largest distance of a pair.
    start_sample
        End of the learning period: nothing before it counts, except a test beat just before
        it that pairs with a reference beat just after it.
    end_sample
        Length of the record; ``None``: until the reference beats end.
    """
    walk = _Walk(ref, test, window)
    walk.begin(start_sample)
    while walk.goes_on(end_sample):
        walk.step()
    return walk.match()


class _Walk:
    """Both tracks at their current beats, with the counts so far."""

    def __init__(self, ref: Track, test: Track, window: int) -> None:
        self._ref, self._test, self._window = ref, test, window
        self._i = self._j = 0  # the current beat of the reference, of the test
        self._counts = np.zeros((len(ROWS), len(COLUMNS)), np.int64)
        self._pairs: list[tuple[int, int]] = []
        self._labels: list[str] = []
        self._rr_squares, self._rr_count = 0.0, 0

    def begin(self, start_sample: int) -> None:
        """Go to the first beats after the learning period."""
        places, times = self._ref.samples, self._test.samples
        i = next(k for k, place in enumerate(places) if place >= start_sample)
        j = next(k for k, place in enumerate(times[1:]) if place >= start_sample)
        self._i, self._j = i, j
        # The last test beat of the learning period may belong to the first reference beat after it.
        gap = places[i] - times[j]
        if gap < abs(places[i] - times[j + 1]) and gap <= self._window:
            self._pair()
            return
        self._j += 1
        # A first test beat at the edge belongs to a reference beat of the learning period.
        edge, after = times[j + 1], times[j + 2]
        if edge - start_sample <= self._window and abs(places[i] - after) < abs(places[i] - edge):
            self._j += 1

    def goes_on(self, end_sample: int | None) -> bool:
        """Tell whether a beat is left to decide."""
        if end_sample is None:
            return self._i <= self._ref.beat_count
        return self._ref.samples[self._i] <= end_sample or self._test.samples[self._j] <= end_sample

    def step(self) -> None:
        """Decide the earlier of the two current beats."""
        r, r_next = self._ref.samples[self._i : self._i + 2]
        t, t_next = self._test.samples[self._j : self._j + 2]
        if t < r:
            if pairs_up(t, t_next, r, r_next, self._window):
                self._pair()
            else:
                self._count(self._no_ref(), self._test.classes[self._j])
                self._j += 1
        elif pairs_up(r, r_next, t, t_next, self._window):
            self._pair()
        else:
            self._count(self._ref.classes[self._i], self._no_test())
            self._i += 1

    def match(self) -> BeatMatch:
        """Give the counts."""
        return BeatMatch(
            self._counts,
            np.array(self._pairs, np.int64).reshape(-1, 2),
            tuple(self._labels),
            self._rr_squares,
            self._rr_count,
            sum(span.length for span in self._test.shutdown if span.after_beats <= self._j),
        )

    def _pair(self) -> None:
        self._count(self._ref.classes[self._i], self._test.classes[self._j])
        self._i, self._j = self._i + 1, self._j + 1

    def _no_ref(self) -> str:
        """Class of the reference where the test has a beat and it has none; empty: not counted."""
        time, known = self._test.samples[self._j], self._i + 1
        if any(span.holds(time) for span in known_spans(self._ref.fibrillation, known)):
            return ""  # what a device calls a beat during fibrillation is not held against it
        return "X" if any(s.holds(time) for s in known_spans(self._ref.shutdown, known)) else "O"

    def _no_test(self) -> str:
        """Class of the test where the reference has a beat and it has none."""
        place, known = self._ref.samples[self._i], self._j + 1
        return "X" if any(s.holds(place) for s in known_spans(self._test.shutdown, known)) else "O"

    def _count(self, ref_class: str, test_class: str) -> None:
        i, j = self._i, self._j
        if ref_class and test_class:
            self._counts[ROWS.index(ref_class), COLUMNS.index(test_class.lower())] += 1
            self._labels.append(ref_class + test_class.lower())
            self._pairs.append(
                (
                    -1 if ref_class in "OX" else self._ref.samples[i],
                    -1 if test_class in "OX" else self._test.samples[j],
                )
            )
        rr_ref, rr_test = self._ref.rr[i], self._test.rr[j]
        if rr_ref > 0 and rr_test > 0:
            self._rr_squares += float((rr_ref - rr_test) ** 2)
            self._rr_count += 1
