"""Episode-by-episode comparison of rhythms: ventricular fibrillation, VT, atrial fibrillation.

Rules that hold here:

1. An episode is an interval [start, end) of samples. Any overlap with an episode of the other
   annotator makes it found (or confirmed); durations are compared besides.
2. Episodes are cut at the start and the end of the comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.score.annotations import Annotations
from monitor.score.figures import percent

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class EpisodeKind:
    """A rhythm: the beginnings of its WFDB names, and whether ``[`` and ``]`` bracket it."""

    name: str
    rhythms: tuple[str, ...]
    bracketed: bool = False


AF = EpisodeKind("AF", ("(AFIB",))
AFL = EpisodeKind("AFL", ("(AFL",))
VF = EpisodeKind("VF", ("(VF", "(VFIB", "(VFL"), bracketed=True)
VT = EpisodeKind("VT", ("(VT",))


@dataclass(frozen=True, slots=True)
class EpisodeScore:
    """Counts of episodes and their durations in seconds.

    ``found`` and ``missed`` count reference episodes, ``confirmed`` and ``false`` test
    episodes. ``ref_overlap_s`` is the part of the reference episodes that the test covers,
    ``test_overlap_s`` the part of the test episodes that the reference covers.
    """

    kind: str
    found: int
    missed: int
    confirmed: int
    false: int
    ref_duration_s: float
    test_duration_s: float
    ref_overlap_s: float
    test_overlap_s: float

    def figures(self) -> dict[str, float | None]:
        """Episode and duration sensitivity and positive predictivity, percent."""
        return {
            "episode_se": percent(self.found, self.found + self.missed),
            "episode_pp": percent(self.confirmed, self.confirmed + self.false),
            "duration_se": percent(self.ref_overlap_s, self.ref_duration_s),
            "duration_pp": percent(self.test_overlap_s, self.test_duration_s),
        }


def episodes(
    annotations: Annotations, kind: EpisodeKind, end_sample: int | None = None
) -> list[Interval]:
    """Pick the episodes of one rhythm out of annotations.

    A bracketed rhythm is read from ``[`` and ``]`` where the annotator uses them, and from
    rhythm changes otherwise. An episode that is still open at the end of the file lasts to
    ``end_sample``, or to the last annotation if that is later.

    Examples
    --------
    >>> a = Annotations.from_arrays([0, 500, 900], "+++", aux=["(N", "(AFIB", "(N"])
    >>> episodes(a, AF)
    [(500, 900)]
    """
    brackets = kind.bracketed and "[" in annotations.symbols
    found: list[Interval] = []
    start: int | None = None
    rows = zip(annotations.samples.tolist(), annotations.symbols, annotations.aux, strict=True)
    for place, symbol, aux in rows:
        if brackets:
            begins, ends = symbol == "[", symbol == "]"
        else:
            begins = symbol == "+" and aux.startswith(kind.rhythms)
            ends = symbol == "+" and not begins
        if start is None and begins:
            start = place
        elif start is not None and ends:
            found.append((start, place))
            start = None
    if start is not None:
        found.append((start, max(int(annotations.samples[-1]), end_sample or 0)))
    return found


def overlap(one: Interval, others: Sequence[Interval]) -> int:
    """Count the samples of ``one`` in any of ``others``, which do not overlap each other.

    Examples
    --------
    >>> overlap((100, 200), [(50, 110), (150, 160), (190, 300)])
    30
    """
    return sum(max(0, min(one[1], end) - max(one[0], start)) for start, end in others)


def _one_side(
    own: list[Interval],
    other: list[Interval],
    excluded: list[Interval],
    start_sample: int,
    end_sample: int | None,
) -> tuple[int, int, int, int]:
    """Episodes matched and not, their duration, and how much of it the other side covers."""
    matched = unmatched = duration = covered = 0
    for begin, finish in own:
        if finish < start_sample or (end_sample is not None and begin >= end_sample):
            continue
        first = max(begin, start_sample)
        last = finish if end_sample is None else min(finish, end_sample)
        for out_begin, out_end in excluded:
            if out_begin <= first <= out_end:
                first = out_end
            if first <= out_begin <= last <= out_end:
                last = out_begin
        if excluded and last <= first:
            continue
        length = last - first - overlap((first, last), excluded)
        common = overlap((first, last), other)
        duration += length
        covered += common
        matched, unmatched = (matched + 1, unmatched) if common else (matched, unmatched + 1)
    return matched, unmatched, duration, covered


def compare_episodes(
    ref: Annotations,
    test: Annotations,
    kind: EpisodeKind,
    rate_hz: float,
    start_sample: int,
    end_sample: int | None,
    *,
    exclude_flutter: bool = False,
) -> EpisodeScore:
    """Compare the episodes of one rhythm.

    Parameters
    ----------
    ref, test
        Reference and test annotations.
    kind
        :data:`VF`, :data:`VT` or :data:`AF`.
    rate_hz
        Sampling rate.
    start_sample, end_sample
        What is compared; ``end_sample`` None: everything.
    exclude_flutter
        Leave reference atrial flutter out of the positive predictivity of AF, as EC38:1998
        did; EC57 has no such exclusion.
    """
    ref_episodes = episodes(ref, kind, end_sample)
    test_episodes = episodes(test, kind, end_sample)
    flutter = episodes(ref, AFL, end_sample) if exclude_flutter and kind is AF else []
    found, missed, ref_duration, ref_overlap = _one_side(
        ref_episodes, test_episodes, [], start_sample, end_sample
    )
    confirmed, false, test_duration, test_overlap = _one_side(
        test_episodes, ref_episodes, flutter, start_sample, end_sample
    )
    return EpisodeScore(
        kind=kind.name,
        found=found,
        missed=missed,
        confirmed=confirmed,
        false=false,
        ref_duration_s=ref_duration / rate_hz,
        test_duration_s=test_duration / rate_hz,
        ref_overlap_s=ref_overlap / rate_hz,
        test_overlap_s=test_overlap / rate_hz,
    )
