"""Episode matching on cases made by hand: counts and durations in seconds at 10 Hz."""

import pytest

from monitor.score import Annotations
from monitor.score.episodes import AF, VF, VT, EpisodeScore, compare_episodes, episodes

RATE_HZ = 10.0


def rhythms(*changes: tuple[int, str]) -> Annotations:
    return Annotations.from_arrays(
        [place for place, _ in changes], "+", aux=[name for _, name in changes]
    )


def af(
    ref: Annotations, test: Annotations, start: int = 0, end: int | None = 1000, **more: bool
) -> EpisodeScore:
    return compare_episodes(ref, test, AF, RATE_HZ, start, end, **more)


REF = rhythms((0, "(N"), (100, "(AFIB"), (300, "(N"), (500, "(AFIB"), (600, "(N"))


def test_any_overlap_is_a_find_and_durations_are_compared() -> None:
    test = rhythms((0, "(N"), (290, "(AFIB"), (400, "(N"), (700, "(AFIB"), (800, "(N"))
    score = af(REF, test)
    assert (score.found, score.missed, score.confirmed, score.false) == (1, 1, 1, 1)
    assert (score.ref_duration_s, score.test_duration_s) == (30.0, 21.0)
    assert (score.ref_overlap_s, score.test_overlap_s) == (1.0, 1.0)
    assert score.figures() == {
        "episode_se": 50.0,
        "episode_pp": 50.0,
        "duration_se": pytest.approx(100 / 30),
        "duration_pp": pytest.approx(100 / 21),
    }


def test_touching_is_no_overlap() -> None:
    score = af(REF, rhythms((300, "(AFIB"), (400, "(N")))
    assert (score.found, score.false) == (0, 1)


def test_two_test_episodes_in_one_reference_episode() -> None:
    test = rhythms((110, "(AFIB"), (150, "(N"), (200, "(AFIB"), (250, "(N"))
    score = af(REF, test)
    assert (score.found, score.missed, score.confirmed, score.false) == (1, 1, 2, 0)
    assert score.ref_overlap_s == score.test_overlap_s == 9.0


def test_episodes_are_cut_at_start_and_end() -> None:
    score = af(REF, REF, start=200, end=550)
    assert score.ref_duration_s == 10.0 + 5.0
    assert (score.found, score.confirmed) == (2, 2)


def test_episode_before_the_start_or_after_the_end_does_not_count() -> None:
    score = af(REF, REF, start=350, end=450)
    assert (score.found, score.missed, score.ref_duration_s) == (0, 0, 0.0)
    assert set(score.figures().values()) == {None}


def test_open_episode_lasts_to_the_end() -> None:
    ref = rhythms((0, "(N"), (900, "(AFIB"))
    assert af(ref, ref).ref_duration_s == 10.0
    assert episodes(ref, AF) == [(900, 900)]  # no length known: to the last annotation


def test_a_change_within_the_rhythm_does_not_end_it() -> None:
    table = rhythms((0, "(VF"), (100, "(VFL"), (200, "(VFIB"), (300, "(N"))
    assert episodes(table, VF) == [(0, 300)]


def test_only_rhythm_changes_end_an_episode() -> None:
    table = Annotations.from_arrays([0, 50, 80, 100], "+N~+", aux=["(VT", "", "", "(N"])
    assert episodes(table, VT) == [(0, 100)]


def test_brackets_win_over_rhythm_names() -> None:
    table = Annotations.from_arrays([90, 100, 200, 210], "+[]+", aux=["(VFL", "", "", "(N"])
    assert episodes(table, VF) == [(100, 200)]


def test_flutter_is_left_out_on_request_only() -> None:
    ref = rhythms((0, "(N"), (100, "(AFL"), (300, "(N"))
    test = rhythms((150, "(AFIB"), (250, "(N"), (280, "(AFIB"), (380, "(N"))
    assert af(ref, test).false == 2
    without = af(ref, test, exclude_flutter=True)
    assert (without.false, without.test_duration_s) == (1, 8.0)


def test_flutter_inside_a_test_episode_shortens_it() -> None:
    ref = rhythms((0, "(N"), (100, "(AFL"), (300, "(AFIB"), (400, "(N"))
    test = rhythms((50, "(AFIB"), (400, "(N"))
    score = af(ref, test, exclude_flutter=True)
    assert (score.confirmed, score.test_duration_s, score.test_overlap_s) == (1, 15.0, 10.0)
