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
    """What matching two tracks gives.

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
    """Whether the earlier beat is paired with the later one of the other annotator.

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
    counts = [[0] * len(COLUMNS) for _ in ROWS]
    row = {name: k for k, name in enumerate(ROWS)}
    pairs: list[tuple[int, int]] = []
    labels: list[str] = []
    squares, steps = 0.0, 0
    places, times = ref.samples, test.samples
    i = next(k for k, place in enumerate(places) if place >= start_sample)
    j = next(k for k, place in enumerate(times[1:]) if place >= start_sample)

    def unmatched_test() -> str:
        if any(span.holds(times[j]) for span in known_spans(ref.fibrillation, i + 1)):
            return ""  # what a device calls a beat during fibrillation is not held against it
        down = any(span.holds(times[j]) for span in known_spans(ref.shutdown, i + 1))
        return "X" if down else "O"

    def unmatched_ref() -> str:
        down = any(span.holds(places[i]) for span in known_spans(test.shutdown, j + 1))
        return "X" if down else "O"

    def count(ref_class: str, test_class: str) -> None:
        nonlocal squares, steps
        if ref_class and test_class:
            counts[row[ref_class]][row[test_class]] += 1
            labels.append(ref_class + test_class.lower())
            pairs.append(
                (
                    -1 if ref_class in "OX" else places[i],
                    -1 if test_class in "OX" else times[j],
                )
            )
        rr_ref, rr_test = ref.rr[i], test.rr[j]
        if rr_ref > 0 and rr_test > 0:
            squares += float((rr_ref - rr_test) ** 2)
            steps += 1

    # The last test beat of the learning period may belong to the first reference beat after it.
    gap = places[i] - times[j]
    if gap < abs(places[i] - times[j + 1]) and gap <= window:
        if ref.classes[i] or test.classes[j]:
            count(ref.classes[i], test.classes[j])
        i, j = i + 1, j + 1
    else:
        j += 1
        # A first test beat at the edge belongs to a reference beat of the learning period.
        nearer = abs(places[i] - times[j + 1]) < abs(places[i] - times[j])
        if times[j] - start_sample <= window and nearer:
            j += 1

    def running() -> bool:
        if end_sample is None:
            return i <= ref.beat_count
        return places[i] <= end_sample or times[j] <= end_sample

    while running():
        r, t = places[i], times[j]
        if t < r:
            if pairs_up(t, times[j + 1], r, places[i + 1], window):
                count(ref.classes[i], test.classes[j])
                i, j = i + 1, j + 1
            else:
                count(unmatched_test(), test.classes[j])
                j += 1
        elif pairs_up(r, places[i + 1], t, times[j + 1], window):
            count(ref.classes[i], test.classes[j])
            i, j = i + 1, j + 1
        else:
            count(ref.classes[i], unmatched_ref())
            i += 1
    return BeatMatch(
        np.array(counts, np.int64),
        np.array(pairs, np.int64).reshape(-1, 2),
        tuple(labels),
        squares,
        steps,
        sum(span.length for span in test.shutdown if span.after_beats <= j),
    )
