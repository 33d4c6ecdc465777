"""Run matching on cases made by hand."""

import pytest

from monitor.score import Annotations
from monitor.score.annotations import EC57_CLASSES
from monitor.score.runs import SUPRAVENTRICULAR, VENTRICULAR, RunKind, RunScore, compare_runs

WINDOW = 15
START = 1000
Count = tuple[int, int, int, int]  # found, missed, confirmed, false
NONE: Count = (0, 0, 0, 0)


def beats(symbols: str, first: int = 2000, step: int = 100) -> Annotations:
    """One annotation a step; a blank leaves the place out."""
    rows = [(first + k * step, symbol) for k, symbol in enumerate(symbols) if symbol != " "]
    return Annotations.from_arrays([p for p, _ in rows], [s for _, s in rows])


def runs(
    ref: Annotations, test: Annotations, kind: RunKind = VENTRICULAR, end: int | None = None
) -> RunScore:
    return compare_runs(ref, test, EC57_CLASSES, kind, WINDOW, START, end)


@pytest.mark.parametrize(
    ("ref", "test", "couplet", "short", "long"),
    [
        ("NVVN", "NVVN", (1, 0, 1, 0), NONE, NONE),
        ("NVVVN", "NVVVN", NONE, (1, 0, 1, 0), NONE),
        ("NVVVVVN", "NVVVVVN", NONE, (1, 0, 1, 0), NONE),
        ("NVVVVVVN", "NVVVVVVN", NONE, NONE, (1, 0, 1, 0)),
        ("NVVVVVVVVVN", "NVVVVVVVVVN", NONE, NONE, (1, 0, 1, 0)),
        # a shorter counterpart: missed as what it is, confirmed as what was called
        ("NVVVN", "NVVNN", (0, 0, 1, 0), (0, 1, 0, 0), NONE),
        ("NVVVVVVN", "NVVVVVNN", NONE, (0, 0, 1, 0), (0, 1, 0, 0)),
        # a longer counterpart: found, and a false longer run
        ("NVVNN", "NVVVN", (1, 0, 0, 0), (0, 0, 0, 1), NONE),
        ("NVVNN", "NNNNN", (0, 1, 0, 0), NONE, NONE),
        ("NNNNN", "NVVNN", (0, 0, 0, 1), NONE, NONE),
        # one run called as two couplets: the longest one counts
        ("NVVVVVN", "NVVNVVN", (0, 0, 2, 0), (0, 1, 0, 0), NONE),
        # fusion beats belong to runs, beats of other classes break them
        ("NVFN", "NFVN", (1, 0, 1, 0), NONE, NONE),
        ("NVAVN", "NVAVN", NONE, NONE, NONE),
        ("NV/VN", "NV/VN", NONE, NONE, NONE),
        # a run that the end of the file cuts counts
        ("NVV", "NVV", (1, 0, 1, 0), NONE, NONE),
        # what is no beat does not break a run
        ("NV|VN", "NV+VN", (1, 0, 1, 0), NONE, NONE),
    ],
)
def test_ventricular_runs(ref: str, test: str, couplet: Count, short: Count, long: Count) -> None:
    score = runs(beats(ref), beats(test))
    assert score.counts("couplet") == couplet
    assert score.counts("short") == short
    assert score.counts("long") == long


def test_counterpart_may_lie_one_window_off() -> None:
    ref = beats("NVVNN")
    assert runs(ref, beats("NVVNN", first=2015)).counts("couplet") == (1, 0, 1, 0)
    assert runs(ref, beats("NVVNN", first=2016)).counts("couplet") == (0, 1, 0, 1)


def test_learning_period_does_not_count() -> None:
    early = beats("NVVN", first=100)
    assert runs(early, beats("NNNN", first=100)).counts("couplet") == NONE


def test_run_still_open_at_the_end_of_the_comparison_does_not_count() -> None:
    score = runs(beats("NVVVVN"), beats("NVVVVN"), end=2350)
    assert score.counts("short") == NONE


@pytest.mark.parametrize("rhythm", ["brackets", "names"])
def test_fibrillation_is_a_long_run(rhythm: str) -> None:
    if rhythm == "brackets":
        ref = Annotations.from_arrays([2000, 2500, 5000, 5500], "N[]N")
    else:
        aux = ["", "(VFL", "(N", ""]
        ref = Annotations.from_arrays([2000, 2500, 5000, 5500], "N++N", aux=aux)
    assert runs(ref, beats("N", first=5500)).counts("long") == (0, 1, 0, 0)
    called = beats("NVVVVVVVN", first=2800)
    assert runs(ref, called).counts("long") == (1, 0, 1, 0)
    assert runs(ref, beats("NVVNNVVNNN", first=2800)).counts("couplet") == (0, 0, 2, 0)


def test_fibrillation_from_the_learning_period_counts() -> None:
    ref = Annotations.from_arrays([500, 1500, 2000], "[]N")
    called = Annotations.from_arrays([510, 1490, 2000], "[]N")
    assert runs(ref, called).counts("long") == (1, 0, 1, 0)
    assert runs(ref, beats("NN")).counts("long") == (0, 1, 0, 0)


def test_a_shutdown_ends_a_run() -> None:
    places = [2000, 2100, 2200, 2250, 2300, 2400]
    ref = Annotations.from_arrays(places, "NVV~VN", [0, 0, 0, 0x30, 0, 0])
    assert runs(ref, ref).counts("couplet") == (1, 0, 1, 0)
    readable = Annotations.from_arrays(places, "NVV~VN")
    assert runs(readable, readable).counts("short") == (1, 0, 1, 0)


def test_supraventricular_runs() -> None:
    ref, test = beats("NAAJNVVN"), beats("NAAANVVN")
    assert runs(ref, test, SUPRAVENTRICULAR).counts("short") == (1, 0, 1, 0)
    assert runs(ref, test, VENTRICULAR).counts("couplet") == (1, 0, 1, 0)
    broken = beats("NAVANNNN")
    assert runs(broken, broken, SUPRAVENTRICULAR).counts("couplet") == NONE


def test_normal_beats_in_atrial_fibrillation_are_supraventricular() -> None:
    ref = Annotations.from_arrays(
        [2000, 2010, 2100, 2200, 2290, 2300], "N+NN+N", aux=["", "(AFIB", "", "", "(N", ""]
    )
    test = beats("NAANN")
    score = runs(ref, test, SUPRAVENTRICULAR)
    assert score.counts("long") == (0, 1, 0, 0)  # the episode, as a long run, was not called
    assert score.counts("couplet") == (0, 0, 1, 0)  # the couplet lies within the episode


def test_figures_are_percent_or_none() -> None:
    figures = runs(beats("NVVNNVVN"), beats("NVVNNNNN")).figures()
    assert figures["couplet_se"] == 50.0
    assert figures["couplet_pp"] == 100.0
    assert figures["long_se"] is None
