"""Re-blocking: whole hops on the absolute index, every hole and overlap accounted for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import BlockSettings
from monitor.errors import MonitorError
from monitor.messages import Gap, GapKind, Samples, StreamInfo
from monitor.stages.blocks import Blocks

HOP = 25  # 0.25 s at 100 Hz


def blocks(start=0, leads=1):
    info = StreamInfo("s", 100.0, tuple(f"L{i}" for i in range(leads)), start)
    return Blocks(info, BlockSettings())


def ramp(start, n):
    return Samples("s", start, np.arange(start, start + n, dtype=np.float32)[:, None])


def hops_of(items):
    return [(i.start_sample, i.values_mv.ravel().tolist()) for i in items if isinstance(i, Samples)]


@pytest.mark.slow
@given(start=st.integers(0, 90), sizes=st.lists(st.integers(0, 80), min_size=1, max_size=30))
def test_any_chunking_gives_the_same_hops(start, sizes):
    total = sum(sizes)
    whole = blocks(start)
    expected = whole.push(ramp(start, total)) + whole.flush()
    pieces, at, out = blocks(start), start, []
    for size in sizes:
        out += pieces.push(ramp(at, size))
        at += size
    out += pieces.flush()
    np.testing.assert_equal(hops_of(out), hops_of(expected))
    assert all(len(i.values_mv) == HOP and i.start_sample % HOP == 0 for i in out)
    got = np.concatenate([i.values_mv.ravel() for i in out] or [np.empty(0)])
    assert np.array_equal(got[~np.isnan(got)], np.arange(start, start + total))


@given(
    st.lists(
        st.tuples(st.integers(0, 120), st.integers(1, 60)), min_size=1, max_size=12
    )  # (hole before, samples)
)
def test_holes_are_reported_and_filled_or_skipped(pieces):
    stage, at, out, lost, sent = blocks(), 0, [], 0, []
    for hole, count in pieces:
        at += hole
        lost += hole
        out += stage.push(ramp(at, count))
        sent += range(at, at + count)
        at += count
    out += stage.flush()
    assert sum(g.length for g in out if isinstance(g, Gap)) == lost
    seen = {}
    for hop in (i for i in out if isinstance(i, Samples)):
        values = hop.values_mv.ravel()
        assert np.isfinite(values).any()  # hops without a sample are left out
        for offset in np.flatnonzero(np.isfinite(values)):
            seen[hop.start_sample + int(offset)] = values[offset]
    assert sorted(seen) == sent
    assert all(seen[i] == i for i in sent)


def test_overlap_is_dropped_and_reported():
    stage = blocks()
    assert stage.push(ramp(0, 10)) == []
    out = stage.push(ramp(4, 10))
    assert out == [Gap("s", 4, 6, GapKind.OVERLAP)]
    assert stage.expected_sample == 14
    assert stage.push(ramp(0, 5)) == [Gap("s", 0, 5, GapKind.OVERLAP)]
    assert stage.expected_sample == 14


def test_a_huge_jump_costs_no_memory():
    stage = blocks()
    stage.push(ramp(0, 10))
    late = Samples("s", 10**15, np.zeros((HOP, 1), np.float32))
    out = stage.push(late) + stage.flush()
    assert next(i.start_sample for i in out if isinstance(i, Samples)) == 0
    assert [i.length for i in out if isinstance(i, Gap)] == [10**15 - 10]


def test_infinite_values_become_invalid():
    values = np.zeros((HOP, 1), np.float32)
    values[3] = np.inf
    (hop,) = blocks().push(Samples("s", 0, values))
    assert np.isnan(hop.values_mv[3, 0])
    assert np.isinf(values[3])  # the caller's array is left alone


def test_wrong_shape_is_a_clear_error():
    with pytest.raises(MonitorError, match=r"shape \(5, 2\).*1 lead"):
        blocks().push(Samples("s", 0, np.zeros((5, 2), np.float32)))


def test_samples_of_another_stream_are_refused():
    with pytest.raises(MonitorError, match="stream s: got samples of stream t"):
        blocks().push(Samples("t", 0, np.zeros((5, 1), np.float32)))
