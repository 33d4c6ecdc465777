"""Figures of hours in bounded memory, and their bars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.dashboard.sparkline import bar_range, sparkline
from monitor.dashboard.trends import LONG_BIN_S, LONG_BINS, SPANS_S, Binned, Trends
from monitor.messages import Vitals


def vitals(second: int, rate_bpm: float | None = 70.0, usable: bool = True, pvcs: int = 0):
    return Vitals("bed-1", second * 250, rate_bpm, None, usable, {}, pvcs)


def trends(*many: Vitals) -> Trends:
    kept = Trends()
    for one in many:
        kept.add(one, 250.0)
    return kept


def test_minutes_are_means_of_their_seconds():
    kept = trends(*(vitals(s, 60.0 if s < 300 else 90.0, pvcs=s // 300) for s in range(600)))
    assert kept.last("HR", 600, 4).tolist() == [60.0, 60.0, 90.0, 90.0]
    assert kept.last("PVC/min", 600, 2).tolist() == [0.0, 1.0]


def test_what_was_not_known_is_left_empty():
    kept = trends(
        *(vitals(s) for s in range(60)),
        *(vitals(s, None) for s in range(60, 120)),
        *(vitals(s, 80.0, usable=False) for s in range(120, 180)),
        *(vitals(s, 90.0) for s in range(180, 240)),
    )
    hour = kept.last("HR", 3600, 60)
    assert np.isnan(hour[1:3]).all()
    assert hour[[0, 3]].tolist() == [70.0, 90.0]


def test_hours_stay_in_bounded_memory():
    seconds = round((LONG_BINS + 100) * LONG_BIN_S)
    kept = trends(*(vitals(s, 50.0 + s / 3600) for s in range(0, seconds, 10)))
    half_a_day = kept.last("HR", SPANS_S[-1], 10_000)
    assert len(half_a_day) == LONG_BINS
    assert half_a_day[-1] == pytest.approx(50.0 + seconds / 3600, abs=0.02)
    assert half_a_day[0] == pytest.approx(half_a_day[-1] - 12.0, abs=0.05)


def test_a_mean_once_shown_stays_as_time_goes_on():
    kept = Trends()
    seen: dict[int, float] = {}
    for second in range(1800):
        kept.add(vitals(second, 60.0 + second % 97), 250.0)
        means = kept.last("HR", 600, 11)  # groups of 11 bins of 5 s
        newest = second // 55
        for back, mean in enumerate(means[::-1][1:].tolist(), 1):
            assert seen.setdefault(newest - back, mean) == mean


def test_a_signal_that_begins_anew_begins_its_trend_anew():
    kept = trends(*(vitals(s + 100_000, 80.0) for s in range(100)), vitals(5, 60.0))
    assert np.nanmax(kept.last("HR", 600, 120)) == 60.0


def test_the_span_grows_with_what_is_known():
    assert trends().span_s() == 600
    assert trends(vitals(0), vitals(500)).span_s() == 600
    assert trends(vitals(0), vitals(700)).span_s() == 3600
    assert trends(vitals(0), vitals(5 * 3600)).span_s() == 12 * 3600
    assert trends(vitals(0), vitals(50 * 3600)).span_s() == 12 * 3600
    assert [t.span_s for t in trends(vitals(0)).every(None, 50)] == [600, 600]
    assert [t.span_s for t in trends(vitals(0)).every(3600, 50)] == [3600, 3600]


@given(
    st.lists(st.tuples(st.floats(0, 4000), st.none() | st.floats(20, 300)), max_size=40),
    st.sampled_from([60.0, 600.0, 5000.0]),
    st.integers(1, 300),
)
def test_never_more_means_than_asked_and_none_made_up(values, span_s, cells):
    binned = Binned(5.0, 240)
    for time_s, value in sorted(values, key=lambda v: v[0]):
        binned.add(time_s, value)
    means = binned.last(span_s, cells)
    assert len(means) <= cells
    known = [v for _, v in values if v is not None]
    finite = means[np.isfinite(means)]
    assert not len(finite) or min(known) - 0.01 <= finite.min() <= finite.max() <= max(known) + 0.01


def test_bars_of_two_rows_stand_on_each_other():
    rows = sparkline(np.array([0, 7, 15, np.nan], np.float32), 0, 15, rows=2)
    assert ["".join(map(chr, row)) for row in rows] == ["  █ ", "▁██ "]


def test_a_steady_rate_lies_in_the_middle():
    assert bar_range(np.array([72, 72, np.nan], np.float32), 20.0) == (62.0, 82.0)
    assert bar_range(np.array([0, 2], np.float32), 6.0) == (0.0, 6.0)
    assert bar_range(np.array([np.nan], np.float32), 6.0) == (0.0, 6.0)
