"""Heart-rate error on cases made by hand."""

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.score import Annotations
from monitor.score.annotations import EC57_CLASSES
from monitor.score.heart_rate import (
    RR_COUNT,
    beat_rates,
    compare_heart_rate,
    compare_measurements,
    measurements,
)

RATE_HZ = 100.0


def series(*pairs: tuple[int, float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([p for p, _ in pairs], np.int64), np.array([v for _, v in pairs], float)


def measured(*pairs: tuple[int, str]) -> Annotations:
    return Annotations.from_arrays([p for p, _ in pairs], "=", aux=[v for _, v in pairs])


def test_every_test_measurement_meets_the_nearest_reference() -> None:
    ref = series((100, 60.0), (200, 70.0), (300, 80.0))
    # 140 is nearer to 100, 150 as near to both (the later one counts), 999 past the last one
    test = series((50, 61.0), (140, 62.0), (150, 73.0), (999, 84.0))
    score = compare_measurements(ref, test, 0, None, "rule")
    assert score is not None
    assert score.mean_bpm == (60 + 60 + 70 + 80) / 4
    assert score.rms_bpm == pytest.approx(np.sqrt((1 + 4 + 9 + 16) / 4))
    assert score.error_percent == pytest.approx(100 * score.rms_bpm / 67.5)
    assert score.count == 4


def test_only_measurements_in_the_test_period_count() -> None:
    ref = series((100, 60.0), (500, 60.0))
    test = series((100, 90.0), (500, 66.0), (900, 90.0))
    score = compare_measurements(ref, test, 200, 800, "rule")
    assert score is not None
    assert (score.error_percent, score.count) == (pytest.approx(10.0), 1)


def test_nothing_to_compare() -> None:
    assert compare_measurements(series(), series((1, 60.0)), 0, None, "rule") is None
    assert compare_measurements(series((1, 60.0)), series(), 0, None, "rule") is None
    assert compare_measurements(series((1, 60.0)), series((1, 60.0)), 5, None, "rule") is None


def test_rate_is_the_mean_of_the_last_intervals() -> None:
    steps = [100] * RR_COUNT + [50] * RR_COUNT  # 60, then 120 beats per minute
    beats = Annotations.from_arrays(np.cumsum([100, *steps]))
    at, bpm = beat_rates(beats, EC57_CLASSES, RATE_HZ)
    assert len(at) == len(steps)
    assert bpm[0] == bpm[RR_COUNT - 1] == pytest.approx(60.0)
    assert bpm[RR_COUNT + 2] == pytest.approx(60 * RR_COUNT / (RR_COUNT - 3 + 3 * 0.5))
    assert bpm[-1] == pytest.approx(120.0)


def test_pauses_and_repeated_beats_make_no_interval() -> None:
    beats = Annotations.from_arrays([100, 200, 201, 301, 1301, 1401])  # 10 s pause, one twice
    _, bpm = beat_rates(beats, EC57_CLASSES, RATE_HZ)
    assert bpm.tolist() == pytest.approx([60.0, 60.0, 60.0])


def test_what_is_no_beat_makes_no_interval() -> None:
    beats = Annotations.from_arrays([100, 150, 200], "N+N", aux=["", "(N", ""])
    assert beat_rates(beats, EC57_CLASSES, RATE_HZ)[1].tolist() == pytest.approx([60.0])


def test_from_beats_equal_sides_have_no_error() -> None:
    beats = Annotations.from_arrays(range(100, 5000, 90))
    score = compare_heart_rate(beats, beats, EC57_CLASSES, RATE_HZ, 0, None)
    assert score is not None
    assert score.error_percent == 0.0
    assert score.mean_bpm == pytest.approx(6000 / 90)
    assert "12 RR intervals" in score.rule


def test_reference_fibrillation_is_left_out() -> None:
    regular = list(range(100, 2000, 100))
    after = list(range(3000, 5000, 100))
    ref = Annotations.from_arrays(
        [*regular, 1950, 2950, *after], "N" * 19 + "[]" + "N" * len(after)
    )
    wild = list(range(2000, 2950, 20))
    test = Annotations.from_arrays([*regular, *wild, *after])
    score = compare_heart_rate(ref, test, EC57_CLASSES, RATE_HZ, 0, None)
    assert score is not None
    assert score.error_percent == pytest.approx(0.0, abs=1e-9)


def test_measurement_annotations_are_used_where_both_sides_have_them() -> None:
    ref, test = measured((100, "60"), (200, "60 bpm")), measured((100, "63"), (200, "57"))
    score = compare_heart_rate(ref, test, EC57_CLASSES, RATE_HZ, 0, None)
    assert score is not None
    assert score.error_percent == pytest.approx(5.0)
    assert score.rule == "measurement annotations"
    assert compare_heart_rate(ref, Annotations.from_arrays([1]), EC57_CLASSES, 1.0, 0, None) is None


def test_measurements_of_other_subtypes_are_others() -> None:
    table = Annotations.from_arrays([1, 2], "==", [0, 1], ["60", "1.5"])
    assert measurements(table)[1].tolist() == [60.0]
    assert measurements(table, subtype=1)[1].tolist() == [1.5]


def test_a_measurement_without_a_number_is_an_error() -> None:
    with pytest.raises(MonitorError, match="sample 7 holds 'fast'"):
        measurements(measured((7, "fast")))


def test_reference_of_mean_zero_has_no_relative_error() -> None:
    with pytest.raises(MonitorError, match="mean of zero"):
        compare_measurements(series((1, 0.0)), series((1, 1.0)), 0, None, "rule")
