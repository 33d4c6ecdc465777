"""Stamps to indices: what is lost, late, doubled, jittered or drifting, all with known truth."""

import re

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.sources.sample_clock import SampleClock

RATE_HZ = 250.0
RNG = np.random.default_rng(7)


def placed(times_s, values=None, cut=None, rate_hz=RATE_HZ):
    """Index of every value that was given out, with the clock; pieces of ``cut`` or at random."""
    clock = SampleClock("s", rate_hz)
    values = np.arange(len(times_s)) if values is None else values
    column = np.asarray(values, np.float32)[:, None]
    runs, at = [], 0
    while at < len(times_s):
        stop = at + (cut or int(RNG.integers(1, 700)))
        runs += clock.push(times_s[at:stop], column[at:stop])
        at = stop
    runs += clock.flush()
    index = np.concatenate([start + np.arange(len(rows)) for start, rows in runs])
    return index, np.concatenate([rows[:, 0] for _, rows in runs]), clock


def even(seconds, rate_hz=RATE_HZ, start_s=1.7e9):
    return start_s + np.arange(round(seconds * rate_hz)) / rate_hz


@pytest.mark.parametrize("jitter_s", [0.0, 0.004, 0.01])
@pytest.mark.parametrize("rate_hz", [100.0, 360.0, 1000.0])
def test_jitter_moves_no_sample(jitter_s, rate_hz):
    times = even(30, rate_hz)
    index, values, _ = placed(times + RNG.normal(0, jitter_s, len(times)), rate_hz=rate_hz)
    assert (index == np.arange(len(times))).all()
    assert (values == index).all()


@pytest.mark.parametrize("cut", [250, 100_000])
@pytest.mark.parametrize(("first", "length"), [(4000, 3), (3999, 25), (5001, 250), (2500, 2500)])
def test_what_is_lost_leaves_a_jump_of_that_length(first, length, cut):
    kept = np.delete(np.arange(10_000), np.arange(first, first + length))
    index, values, _ = placed(even(40)[kept], kept, cut)
    assert (index == kept).all()
    assert (values == kept).all()


@pytest.mark.parametrize("length", [20, 60, 400])
def test_a_loss_is_seen_through_jitter(length):
    kept = np.delete(np.arange(10_000), np.arange(6000, 6000 + length))
    times = even(40)[kept] + RNG.normal(0, 0.002, len(kept))
    index, _, _ = placed(times, kept)
    assert np.abs(index - kept).max() <= 1
    assert (np.diff(index) > 1).sum() == 1


@pytest.mark.parametrize("delay_s", [0.15, 1.0, 5.0])
def test_a_delay_is_no_loss(delay_s):
    times = even(40)
    stop = times[5000] + delay_s
    stamped = np.where((times >= times[5000]) & (times < stop), stop, times)
    index, values, _ = placed(stamped)
    assert (index == np.arange(10_000)).all()
    assert (values == index).all()


@pytest.mark.parametrize("burst", [8, 32, 125])
def test_bursts_stamped_on_arrival_are_one_signal(burst):
    times = even(40)
    index, _, _ = placed(times[burst - 1 :: burst].repeat(burst))
    assert (np.diff(index) == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("overlap", [1, 7, 250, 5000])
@pytest.mark.parametrize("cut", [100_000, None])
def test_what_comes_again_is_dropped(overlap, cut):
    order = np.concatenate([np.arange(8000), np.arange(8000 - overlap, 10_000)])
    index, values, clock = placed(even(40)[order], order, cut)
    assert (index == np.arange(10_000)).all()
    assert (values == index).all()
    assert clock.doubles == overlap


def test_a_loss_and_then_what_came_before():
    order = np.concatenate([np.arange(5000), np.arange(5500, 7000), np.arange(6500, 9000)])
    index, values, _ = placed(even(40)[order], order)
    assert (index == values).all()
    assert (np.diff(index) > 1).sum() == 1


def test_a_clock_set_back_loses_nothing_and_is_said():
    times = even(40)
    times[5000:] -= 3600
    index, values, clock = placed(times)
    assert (index == values).all()
    assert "set back by 3599.996 s" in " ".join(clock.notes())


@pytest.mark.parametrize("percent", [-1.0, -0.1, 0.5])
@pytest.mark.parametrize("jitter_s", [0.0, 0.004])
def test_drift_is_measured_and_moves_no_sample(percent, jitter_s):
    times = even(90, RATE_HZ * (1 + percent / 100))
    index, values, clock = placed(times + RNG.normal(0, jitter_s, len(times)))
    assert (index == np.arange(len(times))).all()
    assert (values == index).all()
    assert clock.deviation * 100 == pytest.approx(percent, abs=0.02)
    said = [float(re.search(r"\((\S+) %\)", note)[1]) for note in clock.notes()]
    assert said == [pytest.approx(percent, abs=0.03)]


def test_a_true_rate_is_not_remarked_on():
    clock = placed(even(200) + RNG.normal(0, 0.002, 50_000))[2]
    assert not clock.notes()


@pytest.mark.parametrize("rate_hz", [128.0, 257.0, 360.0, 512.0, 977.0])
def test_stamps_rounded_to_milliseconds_are_no_other_rate(rate_hz):
    times = even(90, rate_hz, start_s=0.0)
    kept = np.delete(np.arange(len(times)), np.arange(3000, 3000 + round(rate_hz)))
    index, values, clock = placed(np.round(times[kept], 3), kept, rate_hz=rate_hz)
    assert (values == kept).all()
    assert (index == kept).all()
    assert clock.notes() == []
    with pytest.raises(MonitorError, match="time stamps say"):
        placed(np.round(times, 3), rate_hz=0.9 * rate_hz)


@pytest.mark.parametrize("true_hz", [125.0, 200.0, 240.0, 256.0, 500.0, 250_000.0, 0.25])
def test_another_rate_is_refused_before_any_sample_is_given(true_hz):
    times = np.arange(2500) / true_hz
    clock = SampleClock("bed-7", RATE_HZ)
    with pytest.raises(MonitorError, match="bed-7: announced at 250 Hz, but") as error:
        clock.push(times, np.zeros((2500, 1), np.float32))
    assert f"say {true_hz:.4g} Hz" in str(error.value)


@pytest.mark.parametrize("true_hz", [125.0, 500.0])
def test_a_rate_that_changes_half_way_is_refused(true_hz):
    first = even(40)
    with pytest.raises(MonitorError, match=f"say {true_hz:g} Hz"):
        placed(np.concatenate([first, first[-1] + np.arange(1, 10_000) / true_hz]))


def test_a_wrong_rate_of_bursts_stamped_on_arrival_is_not_passed_over():
    index, _, _ = placed(even(40, 240)[31::32].repeat(32))
    assert index[-1] == pytest.approx(40 * RATE_HZ, abs=0.1 * RATE_HZ)
    assert (np.diff(index) > 1).any()


@pytest.mark.slow
def test_random_losses_jitter_and_pieces_do_not_depend_on_the_pieces():
    kept = np.sort(RNG.choice(10_000, 9900, replace=False))
    times = even(40)[kept] + RNG.normal(0, 0.001, 9900)
    first = placed(times, kept, 1)
    for cut in (3, 250, 9900):
        again = placed(times, kept, cut)
        assert (again[0] == first[0]).all()
        assert (again[1] == first[1]).all()
