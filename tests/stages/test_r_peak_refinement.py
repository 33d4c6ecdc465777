"""R peaks of known kinds of beat are corrected; test_detect_default does it on noisy records."""

import pytest

from monitor.stages.detect.r_peak_refinement import RPeakRefinement
from monitor.stages.detect.templates import Match

RATE_HZ = 360.0
QUIET, NOISY = 0.0, 1.0
USUAL, ASIDE = 20, 45  # samples from where the template fits to the R peak


def like(correlation: float, kind: int = 0) -> Match:
    return Match(correlation, correlation, 0.0, kind, 9, 0.0, [correlation], [])


def taught(offsets: list[int], leads: int = 1) -> RPeakRefinement:
    """Teach a kind of beat with one beat, then with these R peaks on lead 0."""
    refinement = RPeakRefinement(RATE_HZ, leads)
    refinement.learn(0, 0, 0, like(0.0, kind=-1), kind=0)
    for k, offset in enumerate(offsets):
        refinement.learn(1000 * k + offset, 1000 * k, 0, like(0.95), kind=0)
    return refinement


def refined(
    refinement: RPeakRefinement, correlation: float, noise: float, found: int = ASIDE
) -> int:
    return refinement.refine(5000 + found, 5000, 0, like(correlation), noise) - 5000


def test_another_deflection_of_a_known_beat_is_not_its_r_peak() -> None:
    assert refined(taught([USUAL] * 8), 0.95, QUIET) == USUAL


@pytest.mark.parametrize("found", [USUAL - 5, USUAL, USUAL + 5])
def test_the_r_peak_stays_where_it_is_near_the_usual_place(found: int) -> None:
    assert refined(taught([USUAL] * 8), 0.95, QUIET, found) == found


def test_noise_in_a_few_of_the_beats_does_not_count() -> None:
    assert refined(taught([USUAL, ASIDE, USUAL, USUAL, USUAL] * 6), 0.95, QUIET) == USUAL


def test_r_peaks_that_do_not_agree_correct_nothing() -> None:
    assert refined(taught([USUAL, ASIDE, USUAL, ASIDE, USUAL] * 6), 0.95, QUIET) == ASIDE


@pytest.mark.parametrize(("noise", "place"), [(QUIET, ASIDE), (NOISY, USUAL)])
def test_a_beat_not_quite_alike_is_another_kind_unless_there_is_noise(
    noise: float, place: int
) -> None:
    assert refined(taught([USUAL] * 8), 0.7, noise) == place


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_a_beat_unlike_its_kind_keeps_its_r_peak(correlation: float) -> None:
    assert refined(taught([USUAL] * 8), correlation, NOISY) == ASIDE


def test_a_kind_seen_a_few_times_corrects_nothing() -> None:
    assert refined(taught([USUAL] * 3), 0.95, QUIET) == ASIDE


def test_leads_are_learnt_apart() -> None:
    refinement = taught([USUAL] * 8, leads=2)
    assert refinement.refine(5000 + ASIDE, 5000, 1, like(0.95), QUIET) == 5000 + ASIDE


def test_a_kind_that_replaces_another_is_learnt_anew() -> None:
    refinement = taught([USUAL] * 8)
    refinement.learn(9000, 9000, 0, like(0.3), kind=0)
    assert refined(refinement, 0.95, QUIET) == ASIDE


def test_a_beat_of_no_kind_teaches_nothing() -> None:
    refinement = taught([USUAL] * 4)
    for _ in range(9):
        refinement.learn(9000 + ASIDE, 9000, 0, like(0.7), kind=-1)
    assert refined(refinement, 0.95, QUIET) == USUAL
