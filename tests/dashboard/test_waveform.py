"""From samples to dots: no peak lost, calibration true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.dashboard.waveform import (
    DOTS_PER_S,
    GAINS_MV,
    Scale,
    braille,
    columns,
    dot_of,
    fit_scale,
    strokes,
)

PEAK_MV = 1.4321  # not on the edge of a dot
rates = st.sampled_from([100.0, 125.0, 128.0, 250.0, 360.0, 500.0, 999.5, 1000.0])


def dot_row(scale: Scale, value_mv: float) -> int:
    """Row of dots in which a value lies, by the definition of the scale."""
    per_dot = scale.mv_per_row / 4
    return int(np.clip((scale.top_mv - value_mv) // per_dot, 0, 4 * scale.rows - 1))


@pytest.mark.slow
@settings(deadline=None)
@given(
    rates,
    st.sampled_from(DOTS_PER_S),
    st.integers(0, 10**7),
    st.lists(st.integers(0, 999), min_size=1, max_size=20, unique=True),
    st.integers(4, 20),
)
def test_no_one_sample_peak_is_lost(rate_hz, dots_per_s, start, peaks, rows):
    values = np.zeros(1000, dtype=np.float32)
    values[peaks] = PEAK_MV
    scale = Scale(rows, 4.0 / rows * 4, 0)
    first = dot_of(start, rate_hz, dots_per_s)
    count = dot_of(start + 999, rate_hz, dots_per_s) - first + 1
    drawn = strokes(columns(values, start, rate_hz, dots_per_s, first, count), scale)
    top = dot_row(scale, PEAK_MV)
    for peak in peaks:
        dot = dot_of(start + peak, rate_hz, dots_per_s) - first
        assert drawn[top, dot]
        assert not drawn[:top, dot].any()


@pytest.mark.slow
@settings(deadline=None)
@given(rates, st.sampled_from(DOTS_PER_S), st.integers(0, 10**6), st.integers(0, 2**32 - 1))
def test_trace_is_connected(rate_hz, dots_per_s, start, seed):
    values = np.random.default_rng(seed).normal(0, 0.8, 600).astype(np.float32)
    scale = fit_scale(values, 10)
    first = dot_of(start, rate_hz, dots_per_s)
    count = dot_of(start + 599, rate_hz, dots_per_s) - first + 1
    drawn = strokes(columns(values, start, rate_hz, dots_per_s, first, count), scale)
    for before, after in zip(drawn.T[:-1], drawn.T[1:], strict=True):
        reach = before | np.roll(before, 1) | np.roll(before, -1)
        assert (reach & after).any()


def test_columns_do_not_depend_on_where_the_memory_starts():
    values = np.random.default_rng(1).normal(size=2000).astype(np.float32)
    whole = columns(values, 0, 360.0, 25, 60, 60)
    part = columns(values[700:], 700, 360.0, 25, 60, 60)
    np.testing.assert_array_equal(whole.low_mv, part.low_mv)
    np.testing.assert_array_equal(whole.high_mv, part.high_mv)


def test_missing_and_not_yet_received_are_told_apart():
    values = np.zeros(100, dtype=np.float32)
    values[40:60] = np.nan
    cols = columns(values, 0, 100.0, 10, 0, 12)
    assert np.flatnonzero(cols.invalid).tolist() == [4, 5]
    assert np.flatnonzero(cols.absent).tolist() == [10, 11]
    drawn = strokes(cols, fit_scale(values, 8))
    assert drawn.any(axis=0).tolist() == [True] * 4 + [False] * 2 + [True] * 4 + [False] * 2


def test_one_nan_does_not_hide_its_column():
    values = np.ones(100, dtype=np.float32)
    values[45] = np.nan
    assert not columns(values, 0, 100.0, 10, 0, 10).invalid.any()


@pytest.mark.parametrize("rows", [2, 7, 8, 11, 12, 15, 30])
@pytest.mark.parametrize("low_mv", [-0.4, -3.0, 120.0])
@pytest.mark.parametrize("span_mv", [0.05, 0.7, 1.6, 3.5, 9.0, 40.0])
def test_automatic_gain_fits_and_uses_the_height(rows, low_mv, span_mv):
    values = np.linspace(low_mv, low_mv + span_mv, 500, dtype=np.float32)
    scale = fit_scale(values, rows)
    assert scale.bottom_mv - 1e-3 <= low_mv + 0.01 * span_mv
    assert low_mv + 0.99 * span_mv <= scale.top_mv + 1e-3
    assert np.log2(scale.gain_mv / GAINS_MV[0]) % 1 == 0
    if scale.gain_mv > GAINS_MV[0]:
        # half the gain would not have fitted, half a row being lost at each edge
        assert span_mv > 0.99 * (rows - 1) * scale.mv_per_row / 2


def test_gain_stays_while_it_fits():
    values = np.linspace(-0.5, 1.2, 500, dtype=np.float32)
    first = fit_scale(values, 15)
    assert fit_scale(values * 0.97 + 0.01, 15, None, first) == first
    assert fit_scale(values * 5, 15, None, first).gain_mv > first.gain_mv
    assert fit_scale(values / 10, 15, None, first).gain_mv < first.gain_mv
    assert fit_scale(values, 15, 2.0, first).gain_mv == 2.0


def test_no_valid_sample_keeps_the_scale():
    nothing = np.full(10, np.nan, dtype=np.float32)
    kept = Scale(9, 2.0, 3)
    assert fit_scale(nothing, 9, None, kept) == kept
    assert fit_scale(nothing, 9).rows == 9


def test_levels_are_calibrated():
    scale = Scale(15, 1.0, 0)
    assert scale.rows_per_division == 4
    assert scale.level(7) == 0
    assert scale.level(3) * scale.mv_per_row == pytest.approx(1.0)
    assert scale.top_mv - scale.bottom_mv == pytest.approx(15 / 4)


def test_braille_of_known_patterns():
    full = np.ones((4, 2), dtype=np.bool_)
    left = full.copy()
    left[:, 1] = False
    corner = np.zeros((4, 2), dtype=np.bool_)
    corner[3, 1] = True
    cells = braille(np.concatenate([full, left, corner, corner & False], axis=1))
    # Unicode chart U2800
    assert [chr(c) if c else "" for c in cells[0]] == ["⣿", "⡇", "⢀", ""]
