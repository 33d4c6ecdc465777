"""The memory of the newest samples, against a plain array that keeps everything."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.ring import Ring

steps = st.lists(st.tuples(st.integers(-12, 15), st.integers(0, 14)), max_size=12)


@given(st.integers(1, 9), st.integers(0, 5), steps)
def test_it_holds_what_an_endless_array_would(size, start, moves):
    ring = Ring(size, 2, start)
    whole = np.full((400, 2), np.nan, np.float32)
    end, value = start, 0.0
    for move, length in moves:
        at = max(end + move, 0)
        values = np.arange(value, value + 2 * length, dtype=np.float32).reshape(length, 2)
        value += 2 * length
        ring.write(at, values)
        keep = max(0, start - at)
        whole[at + keep : at + length] = values[keep:]
        # what is no longer remembered cannot be replaced
        end = max(end, at + length) if length or at > end else end
        whole[: max(end - size, 0)] = np.nan
        assert ring.end_sample == end
        np.testing.assert_array_equal(ring.span(0, end + 3), whole[: end + 3])
        first, newest = ring.read(3)
        np.testing.assert_array_equal(newest, whole[first:end])
        assert ring.holds(first, end)
        assert not ring.holds(first, end + 1)


def test_it_begins_anew_where_told():
    ring = Ring(4, 1)
    ring.write(0, np.ones((4, 1), np.float32))
    ring.forget(10)
    assert ring.oldest_sample == ring.end_sample == 10
    ring.write(10, np.full((2, 1), 2.0, np.float32))
    np.testing.assert_array_equal(ring.span(9, 13)[:, 0], [np.nan, 2.0, 2.0, np.nan])
