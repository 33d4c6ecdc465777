"""The simulated patient as a source: deterministic, chunk-free, bounded, and true to its truth."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import MonitorError
from monitor.messages import AamiClass
from monitor.sources.simulator import (
    LEADS,
    SCENARIOS,
    Fault,
    RhythmEvent,
    Scenario,
    Segment,
    Simulator,
    TrueBeat,
    TrueRhythm,
    simulate,
)
from monitor.sources.simulator.events import BeatEvent
from monitor.sources.simulator.timeline import timeline

MIXED = Scenario(
    "mixed",
    "a little of everything, short",
    (
        Segment("sinus", 4.0, events=(RhythmEvent(1.0, "pvc"),)),
        Segment("af", 3.0),
        Segment("vf", 3.0),
        Segment("paced", 3.0),
    ),
    (
        Fault("muscle", 1.0, 2.0),
        Fault("lead_off", 3.5, 1.0, ("II",)),
        Fault("gap", 5.13, 0.7),
        Fault("nan", 8.0, 0.21),
    ),
)


@pytest.fixture(scope="module")
def whole() -> tuple[np.ndarray, object]:
    return simulate(Simulator(MIXED, seed=5, chunk_s=3600.0))


def test_same_seed_same_signal_and_another_seed_another(whole):
    again, truth = simulate(Simulator(MIXED, seed=5, chunk_s=3600.0))
    assert np.array_equal(whole[0], again, equal_nan=True)
    assert truth == whole[1]
    other, _ = simulate(Simulator(MIXED, seed=6))
    assert not np.array_equal(whole[0], other, equal_nan=True)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(chunk=st.integers(1, 5000))
def test_chunk_size_changes_nothing(whole, chunk):
    simulator = Simulator(MIXED, seed=5, chunk_s=chunk / 360.0)
    chunks = list(simulator.chunks())
    assert max(len(c.values_mv) for c in chunks) <= chunk
    assert all(c.values_mv.dtype == np.float32 for c in chunks)
    values, truth = simulate(simulator)
    assert values.tobytes() == whole[0].tobytes()
    assert truth == whole[1]


def test_chunks_are_contiguous_but_for_the_gap():
    chunks = list(Simulator(MIXED).chunks())
    jumps = [
        (a.end_sample, b.start_sample)
        for a, b in pairwise(chunks)
        if a.end_sample != b.start_sample
    ]
    assert jumps == [(round(5.13 * 360 + 0.499), round(5.83 * 360 + 0.499))]
    assert chunks[-1].end_sample == 13 * 360


def test_truth_comes_with_the_chunk_that_holds_it():
    previous = 0
    for chunk, items in Simulator(MIXED, chunk_s=0.2).chunks_with_truth():
        for item in items:
            assert previous <= item.sample < chunk.end_sample
        previous = chunk.end_sample


@pytest.mark.parametrize("rate_hz", [100.0, 125.0, 250.0, 999.5])
def test_beats_lie_at_the_same_seconds_at_every_rate(rate_hz):
    _, reference = simulate(Simulator("multiform", 1000.0))
    _, truth = simulate(Simulator("multiform", rate_hz))
    assert [b.symbol for b in truth.beats] == [b.symbol for b in reference.beats]
    at_s = np.array([b.sample for b in truth.beats]) / rate_hz
    expected_s = np.array([b.sample for b in reference.beats]) / 1000.0
    assert np.abs(at_s - expected_s).max() < 1.6 / rate_hz + 0.004


def test_the_timeline_knows_no_rate_and_is_ordered():
    events = list(timeline(SCENARIOS["tour"], 0, False))
    beats = [e.time_s for e in events if isinstance(e, BeatEvent)]
    assert len(beats) > 150
    assert all(a <= b for a, b in pairwise(beats))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_scenario_is_plausible(name):
    values, truth = simulate(Simulator(name))
    length = round(SCENARIOS[name].duration_s * 360)
    assert values.shape == (length, 2)
    assert np.nanmax(np.abs(values)) <= 10.5 + 1.5
    assert truth.rhythms
    samples = [b.sample for b in truth.beats]
    assert all(0 <= s < length for s in samples)
    assert all(b - a > 0.2 * 360 for a, b in pairwise(samples))


@pytest.mark.parametrize(
    "name", ["sinus", "multiform", "bigeminy", "paced", "lbbb", "vt_206", "svt"]
)
@pytest.mark.parametrize("rate_hz", [200.0, 360.0, 1000.0])
def test_truth_is_the_extremum_of_the_qrs(name, rate_hz):
    values, truth = simulate(Simulator(name, rate_hz, duration_s=30.0))
    lead, near = values[:, 0], int(0.010 * rate_hz)
    for beat in truth.beats:
        window = lead[max(0, beat.sample - near) : beat.sample + near + 1]
        assert lead[beat.sample] in (window.min(), window.max())


@pytest.mark.parametrize("name", ["sinus", "pvc", "rbbb"])
def test_r_waves_have_ordinary_size(name):
    values, truth = simulate(Simulator(name))
    normal = [values[b.sample, 0] for b in truth.beats if b.label is AamiClass.N]
    assert 0.9 < np.median(normal) < 1.6


def test_limb_leads_obey_einthoven():
    values, _ = simulate(Simulator("multiform", leads=("I", "II", "III"), duration_s=20.0))
    # each lead has amplifier noise of its own, 6 µV, and the same drift by breathing
    assert np.std(values[:, 0] + values[:, 2] - values[:, 1]) < 0.05


def test_a_fault_of_one_lead_leaves_the_others_alone():
    clean, _ = simulate(Simulator("sinus"))
    scenario = Scenario("s", "", SCENARIOS["sinus"].segments, (Fault("motion", 5.0, 9.0, ("V1",)),))
    noisy, _ = simulate(Simulator(scenario))
    assert np.array_equal(clean[:, 0], noisy[:, 0])
    changed = np.flatnonzero(clean[:, 1] != noisy[:, 1])
    assert changed.min() >= 5 * 360
    assert changed.max() < 14 * 360


@pytest.mark.slow
def test_memory_does_not_grow_in_an_endless_stream():
    simulator = Simulator("tour", 100.0, loop=True, chunk_s=1.0)
    tracemalloc.start()
    try:
        sizes, beats = [], 0
        for chunk, items in simulator.chunks_with_truth():
            beats += sum(isinstance(item, TrueBeat) for item in items)
            if chunk.end_sample % (15 * 60 * 100) == 0:
                sizes.append(tracemalloc.get_traced_memory()[0])
            if chunk.end_sample >= 3600 * 100:
                break
    finally:
        tracemalloc.stop()
    assert len(sizes) == 4
    assert beats > 3000
    assert max(sizes[1:]) - sizes[0] < 300_000


@pytest.mark.slow
def test_looping_goes_on_with_other_random_numbers():
    values, truth = simulate(Simulator("af", loop=True, duration_s=250.0))
    turn = 100 * 360
    assert not np.array_equal(values[:turn], values[turn : 2 * turn])
    assert [r.name for r in truth.rhythms] == ["N", "AFIB", "N", "AFIB", "N", "AFIB"]


def test_a_loop_without_any_beat_goes_on():
    flat = Scenario("flat", "", (Segment("asystole", 2.0),))
    values, truth = simulate(Simulator(flat, loop=True, duration_s=9.0))
    assert len(values) == 9 * 360
    assert [r.name for r in truth.rhythms] == ["ASYS"]
    assert not truth.beats


def test_truth_is_kept_only_on_request():
    simulator = Simulator("sinus", duration_s=5.0, keep_truth=True)
    for _ in range(2):  # every pass starts anew
        list(simulator.chunks())
        assert len(simulator.truth.beats) == 6
    assert isinstance(simulator.truth.rhythms[0], TrueRhythm)
    with pytest.raises(MonitorError, match="keep_truth"):
        _ = Simulator("sinus").truth


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"leads": ("II", "Z9")}, "lead 'Z9'"),
        ({"leads": ("II", "II")}, "twice"),
        ({"leads": ()}, "leads"),
        ({"rate_hz": 50.0}, "50 Hz"),
        ({"seed": -1}, "seed"),
        ({"chunk_s": 0.0}, "chunk_s"),
        ({"duration_s": -1.0}, "duration_s"),
    ],
)
def test_wrong_arguments_are_named(changes, text):
    with pytest.raises(MonitorError, match=text):
        Simulator("sinus", **changes)


def test_an_endless_stream_cannot_be_collected():
    with pytest.raises(MonitorError, match="duration_s"):
        simulate(Simulator("sinus", loop=True))


def test_every_lead_can_be_drawn():
    values, _ = simulate(Simulator("pvc", leads=LEADS, duration_s=10.0))
    assert np.all(np.ptp(values, axis=0) > 0.3)
