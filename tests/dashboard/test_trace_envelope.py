"""The envelope is what the samples say, however they come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.dashboard.envelope import DOTS_PER_S, KEPT_DOTS, Envelope


def envelope_of(values, rate_hz, pieces, start=0) -> Envelope:
    kept = Envelope(rate_hz, values.shape[1])
    at = 0
    for piece in [*pieces, len(values)]:
        kept.write(start + at, values[at : at + piece])
        at += piece
    return kept


def expected(values, rate_hz, rate, count, lead, start=0):
    """The extremes of the last dots, from all samples at once."""
    dots = np.floor(np.arange(start, start + len(values)) * DOTS_PER_S / rate_hz + 1e-9)
    dots = dots.astype(int) // (DOTS_PER_S // rate)
    newest = dots[-1]
    low, high = np.full(count, np.nan), np.full(count, np.nan)
    for place in range(count):
        inside = values[dots == newest - count + 1 + place, lead]
        if len(inside):
            low[place], high[place] = inside.min(), inside.max()
    return low, high


@settings(deadline=None)
@given(
    st.sampled_from([100.0, 250.0, 500.0]),
    st.lists(st.integers(0, 90), max_size=10),
    st.sampled_from([10, 25, 50]),
    st.integers(0, 2000),
)
def test_any_pieces_give_the_extremes_of_the_samples(rate_hz, pieces, rate, start):
    values = np.random.default_rng(1).normal(size=(900, 2)).astype(np.float32)
    kept = envelope_of(values, rate_hz, pieces, start)
    low, high = kept.read(1, rate, 40)
    want_low, want_high = expected(values, rate_hz, rate, 40, 1, start)
    np.testing.assert_array_equal(low, want_low.astype(np.float32))
    np.testing.assert_array_equal(high, want_high.astype(np.float32))


def test_a_peak_of_one_sample_keeps_its_height():
    values = np.zeros((2500, 1), np.float32)
    values[2000] = 1.5
    low, high = envelope_of(values, 250.0, [25] * 100).read(0, 10, 40)
    assert high.max() == 1.5
    assert low.min() == 0.0


def test_what_is_missing_is_empty_and_what_is_old_goes():
    kept = envelope_of(np.ones((250, 1), np.float32), 250.0, [])
    kept.write(500, np.full((250, 1), 2.0, np.float32))
    low, _ = kept.read(0, 50, 150)
    assert low[:50].tolist() == [1.0] * 50
    assert np.isnan(low[50:100]).all()
    assert low[100:].tolist() == [2.0] * 50
    kept.write(250 * 60, np.full((25, 1), 3.0, np.float32))
    low, _ = kept.read(0, 50, KEPT_DOTS - 1)
    assert np.nanmin(low) == 3.0
    assert np.count_nonzero(np.isfinite(low)) == 5


def test_a_stream_that_begins_anew_is_drawn_anew():
    kept = envelope_of(np.ones((250, 1), np.float32), 250.0, [], start=250 * 100)
    kept.write(0, np.full((50, 1), 2.0, np.float32))
    assert kept.newest(10) == 1
    low, _ = kept.read(0, 10, 10)
    assert low[-2:].tolist() == [2.0, 2.0]
    assert np.isnan(low[:-2]).all()


def test_nothing_yet():
    kept = Envelope(360.0, 2)
    assert kept.newest(10) == -1
    assert np.isnan(kept.read(0, 10, 40)[0]).all()


@pytest.mark.parametrize("rate_hz", [360.0, 128.0, 977.0])
def test_rates_that_are_no_multiple_leave_no_hole(rate_hz):
    values = np.arange(round(5 * rate_hz), dtype=np.float32)[:, None]
    low, high = envelope_of(values, rate_hz, [77] * 5).read(0, 50, 200)
    assert np.isfinite(low).all()
    assert (high[1:] > high[:-1]).all()
