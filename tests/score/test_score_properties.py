"""What must hold for any annotations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.score import Annotations, Conditions, RecordScore, compare, compare_beats

RATE_HZ = 360.0
WINDOW = 54
START = 108_000
LENGTH = START + 100_000

beat_gaps = st.lists(st.integers(1, 900), min_size=1, max_size=60)
classes = "NSVFQ"
few = settings(max_examples=60, deadline=None)


@st.composite
def beats(draw: st.DrawFn, after: int = START + 2 * WINDOW) -> Annotations:
    """Beats of all classes, strictly increasing, well inside the comparison."""
    places = after + np.cumsum(draw(beat_gaps))
    symbols = draw(st.lists(st.sampled_from("NSVFQ"), min_size=len(places), max_size=len(places)))
    return Annotations.from_arrays(places, symbols)


@st.composite
def anything(draw: st.DrawFn) -> Annotations:
    """Any annotations at all: noise, fibrillation, rhythm changes, early and late beats."""
    gaps = draw(st.lists(st.integers(0, 4000), max_size=60))
    places = START - 10_000 + np.cumsum(np.array(gaps, np.int64))
    size = len(places)
    symbols = draw(st.lists(st.sampled_from("NNVVAFQ~~[]+|"), min_size=size, max_size=size))
    subtypes = draw(st.lists(st.sampled_from([0, 0x30, -1, 0x10]), min_size=size, max_size=size))
    rhythms = st.sampled_from(["(N", "(AFIB", "(VFL", "(VT", ""])
    aux = [draw(rhythms) if symbol == "+" else "" for symbol in symbols]
    return Annotations.from_arrays(places, symbols, subtypes, aux)


def scored(ref: Annotations, test: Annotations) -> RecordScore:
    return compare_beats(ref, test, RATE_HZ, length_samples=LENGTH)


@few
@given(beats())
def test_identity_scores_all(ref: Annotations) -> None:
    score = scored(ref, ref)
    assert score.matrix.sum() == score.matrix.trace() == len(ref)
    assert score.figures.q_se == score.figures.q_pp == 100.0
    assert not score.rr_error_ms
    assert not score.offsets_ms.any()


@few
@given(st.lists(st.integers(3 * WINDOW, 900), min_size=1, max_size=60), st.booleans())
def test_shift_just_beyond_the_window_scores_nothing(gaps: list[int], early: bool) -> None:
    places = START + 3 * WINDOW + np.cumsum(gaps)
    shift = -(WINDOW + 1) if early else WINDOW + 1
    score = scored(Annotations.from_arrays(places), Annotations.from_arrays(places + shift))
    assert score.figures.q_se == score.figures.q_pp == 0.0
    assert len(score.false_negatives) == len(score.false_positives) == len(places)


@pytest.mark.slow
@few
@given(st.lists(st.tuples(st.integers(3 * WINDOW, 900), st.integers(-WINDOW, WINDOW)), min_size=1))
def test_any_jitter_within_the_window_scores_all(steps: list[tuple[int, int]]) -> None:
    places = START + 3 * WINDOW + np.cumsum([gap for gap, _ in steps])
    moved = places + np.array([jitter for _, jitter in steps])
    score = scored(Annotations.from_arrays(places), Annotations.from_arrays(np.sort(moved)))
    assert score.figures.q_se == score.figures.q_pp == 100.0
    assert np.abs(score.offsets_ms).max() <= 150.0


@few
@given(beats(), beats())
def test_counts_add_up(ref: Annotations, test: Annotations) -> None:
    matrix = scored(ref, test).matrix
    for row, name in enumerate(classes):
        assert matrix[row].sum() == ref.symbols.count(name)
        assert matrix[:, row].sum() == test.symbols.count(name)


@pytest.mark.slow
@few
@given(beats(), beats())
def test_exchanging_the_sides_transposes_the_matrix(ref: Annotations, test: Annotations) -> None:
    forth, back = scored(ref, test), scored(test, ref)
    assert np.array_equal(forth.matrix, back.matrix.T)
    assert forth.figures.q_se == back.figures.q_pp
    assert forth.rr_error_ms == back.rr_error_ms


@pytest.mark.slow
@few
@given(beats(), beats(), st.integers(1, 50_000))
def test_only_time_since_the_start_matters(ref: Annotations, test: Annotations, later: int) -> None:
    def moved(table: Annotations) -> Annotations:
        return Annotations.from_arrays(table.samples + later, table.symbols)

    rules = Conditions(start_s=(START + later) / RATE_HZ)
    there = compare_beats(
        moved(ref), moved(test), RATE_HZ, length_samples=LENGTH + later, conditions=rules
    )
    assert np.array_equal(scored(ref, test).matrix, there.matrix)


@few
@given(beats(), beats())
def test_pairs_are_unique_ordered_and_within_the_window(
    ref: Annotations, test: Annotations
) -> None:
    score = scored(ref, test)
    pairs = score.pairs
    for side, table in ((0, ref), (1, test)):
        used = pairs[pairs[:, side] >= 0, side]
        assert np.array_equal(used, table.samples)  # each beat once, in order
    both = pairs[(pairs >= 0).all(axis=1)]
    assert (np.abs(both[:, 0] - both[:, 1]) <= WINDOW).all()


@pytest.mark.slow
@few
@given(beats(), beats())
def test_no_pair_is_left_unmade(ref: Annotations, test: Annotations) -> None:
    """A missed beat and a false one, with nothing between them, lie further apart than a window."""
    score = scored(ref, test)
    everything = np.sort(np.concatenate([ref.samples, test.samples]))
    false = score.false_positives
    for missed in score.false_negatives:
        for extra in false[np.abs(false - missed) <= WINDOW]:
            low, high = sorted((missed, extra))
            between = (everything > low) & (everything < high)
            beside = (everything == low).sum() + (everything == high).sum() > 2
            assert between.any() or beside or _has_rival(low, high, everything)


def _has_rival(low: int, high: int, everything: np.ndarray) -> bool:
    """Whether the beat after ``high`` is at most as far from it as ``low``: then ``low`` waits."""
    after = everything[everything > high]
    return bool(len(after)) and after[0] - high <= high - low


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(anything(), anything())
def test_nothing_is_too_odd_to_score(ref: Annotations, test: Annotations) -> None:
    score = compare(ref, test, RATE_HZ, length_samples=LENGTH)
    assert (score.matrix >= 0).all()
    assert score.matrix[5:, 5:].sum() == 0  # nothing never pairs with nothing
    rates = [*(r.figures() for r in score.runs), *(e.figures() for e in score.episodes)]
    for figures in rates:
        assert all(v is None or 0 <= v <= 100.0 + 1e-9 for v in figures.values())
    for episodes in score.episodes:
        assert episodes.ref_overlap_s <= episodes.ref_duration_s + 1e-9
        assert episodes.test_overlap_s <= episodes.test_duration_s + 1e-9
