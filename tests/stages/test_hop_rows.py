"""Hops that come together give, to the bit, what each gives by itself."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import DetectSettings, QualitySettings
from monitor.messages import RPeak, Samples
from monitor.sources.simulator import Simulator
from monitor.stages.detect import QrsDetector
from monitor.stages.hop_rows import LONGEST, HopRow, rows_of, with_before
from monitor.stages.pacing import Pacing
from monitor.stages.quality import QualityGate, measures
from monitor.stages.steps import run_alone, run_together

HOP = 62


def spoilt(seed, leads=2, hops=180, hop=HOP):
    """Beats with noise, spikes, rails, constants, missing samples and holes: a list of hops."""
    draw = np.random.default_rng(seed)
    scenario = draw.choice(["sinus", "vt", "pvc", "paced", "af", "vf"])
    names = ("II", "V1", "V5")[:leads]
    source = Simulator(scenario, 250.0, stream="s", leads=names, loop=True, chunk_s=1.0)
    pieces = islice(source.chunks(), hops * hop // 250 + 1)
    values = np.concatenate([piece.values_mv for piece in pieces])[: hops * hop].copy()
    for _ in range(12):
        start, length = int(draw.integers(len(values))), int(draw.integers(1, 900))
        where = np.s_[start : start + length, int(draw.integers(leads))]
        kind = draw.integers(6)
        if kind == 0:
            values[where] = np.nan
        elif kind == 1:
            values[where] = values.min()
        elif kind == 2:
            values[where] = 0.1
        elif kind == 3:
            values[start : start + 2] += 9.0
        elif kind == 4:
            values[start : start + length] = np.nan
        else:
            values[where] += draw.normal(0.0, 0.5, len(values[where])).astype(np.float32)
    blocks = [Samples("s", k * hop, values[k * hop : (k + 1) * hop]) for k in range(hops)]
    gone = set(draw.integers(0, hops, 3).tolist())
    return source.info, [block for k, block in enumerate(blocks) if k not in gone]


def rows(blocks, seed):
    """Give hops in rows of any length."""
    draw, at = np.random.default_rng(seed), 0
    while at < len(blocks):
        size = int(draw.choice([1, 2, 3, 40, 150]))
        yield from rows_of(blocks[at : at + size])
        at += size


def test_a_row_ends_at_a_hole_at_another_length_and_when_it_is_long():
    def hop(start, n=10):
        return Samples("s", start, np.zeros((n, 2), np.float32))

    first = [hop(10 * k) for k in range(LONGEST + 1)]
    after_hole = hop(first[-1].end_sample + 5)
    longer = hop(after_hole.end_sample, 12)
    rows = rows_of([*first, after_hole, longer])
    assert [row.blocks for row in rows] == [first[:-1], first[-1:], [after_hole], [longer]]
    assert [*rows_of([])] == []


@pytest.mark.parametrize("hops", [1, 3])
def test_hops_are_stacked_by_lead(hops):
    values = np.arange(8 * hops, dtype=np.float32).reshape(4 * hops, 2)
    values[1, 1], values[3, 0] = np.nan, np.inf
    row = HopRow([Samples("s", 4 * k, values[4 * k : 4 * k + 4]) for k in range(hops)])
    assert row.values.shape == (2, hops, 4)
    assert row.values.dtype == np.float64
    assert row.values.flags.c_contiguous
    assert row.whole == [False, True, True][:hops]
    values[3, 0] = np.nan
    np.testing.assert_array_equal(row.values.reshape(2, -1).T, values)


@pytest.mark.parametrize("hops", [1, 2, 5])
def test_each_hop_is_seen_with_what_comes_before_it(hops):
    joined = np.arange(2.0 * (3 + 4 * hops)).reshape(2, -1)
    seen = with_before(joined, 7, hops)
    assert seen.tolist() == [
        [lead[4 * k : 4 * k + 7].tolist() for k in range(hops)] for lead in joined
    ]


@pytest.mark.parametrize("leads", [1, 3])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_quality_of_hops_together_is_that_of_each(leads, seed):
    info, blocks = spoilt(seed, leads)
    one, many = QualityGate(info, QualitySettings()), QualityGate(info, QualitySettings())
    expected = [one.push(block) for block in blocks]
    assert [v for row in rows(blocks, seed) for v in many.push_row(row)] == expected
    assert len({verdict.leads for verdict in expected}) > 1


def test_quality_of_streams_together_is_that_of_each(monkeypatch):
    monkeypatch.setattr(measures, "_MOST", 12)  # so that not all fit in one call
    streams = [spoilt(k, leads=1 + k % 3, hops=44 + k) for k in range(9)]
    alone, together = (
        [QualityGate(info, QualitySettings()) for info, _ in streams] for _ in range(2)
    )
    for k in range(0, 40, 3):
        rows = [next(rows_of(blocks[k : k + 1 + k % 2])) for _, blocks in streams]
        expected = [gate.push_row(row) for gate, row in zip(alone, rows, strict=True)]
        steps = [gate.steps(row) for gate, row in zip(together, rows, strict=True)]
        assert run_together(steps) == expected


@pytest.mark.parametrize("leads", [1, 2])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_peaks_of_hops_together_are_those_of_each(leads, seed):
    info, blocks = spoilt(seed, leads, 240)
    gate = QualityGate(info, QualitySettings())
    qualities = [gate.push(block) for block in blocks]
    one, many = (QrsDetector(info, DetectSettings()) for _ in range(2))
    expected = [one.push(b, quality) for b, quality in zip(blocks, qualities, strict=True)]
    found = []
    for row in rows(blocks, seed):
        found += many.push_row(row, qualities[len(found) : len(found) + len(row)])
    assert found == expected
    assert many.flush() == one.flush()


def test_peaks_and_pulses_of_streams_together_are_those_of_each():
    streams = [spoilt(k, leads=1 + k % 2, hops=84 + k) for k in range(8)]

    def made():
        return [
            (
                QualityGate(info, QualitySettings()),
                QrsDetector(info, DetectSettings()),
                Pacing(info),
            )
            for info, _ in streams
        ]

    def looked(stages, row):
        gate, detector, pacing = stages
        peaks = yield from detector.steps(row, (yield from gate.steps(row)))
        yield from pacing.begin_row(row)
        return [pacing.push(*hop) for hop in zip(row.blocks, peaks, strict=True)]

    alone, together = made(), made()
    for k in range(0, 80, 2):
        rows = [next(rows_of(blocks[k : k + 2])) for _, blocks in streams]
        expected = [run_alone(looked(*each)) for each in zip(alone, rows, strict=True)]
        assert (
            run_together([looked(*each) for each in zip(together, rows, strict=True)]) == expected
        )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_pulses_in_a_row_of_hops_are_those_in_each(seed):
    info, blocks = spoilt(seed, 2, 240)
    one, many = Pacing(info), Pacing(info)
    expected, found = [], []
    for row in rows(blocks, seed):
        run_alone(many.begin_row(row))
        for block in row.blocks:
            peaks = [RPeak("s", block.start_sample - 40, block.end_sample - 1)]
            expected.append((one.push(block, peaks), one.paced))
            found.append((many.push(block, peaks), many.paced))
    assert found == expected
