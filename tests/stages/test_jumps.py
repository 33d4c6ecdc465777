"""Jumps of several QRS sizes: which samples are left out, whatever the hops."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.stages.detect.jumps import Jumps

RATE_HZ = 250.0
SPAN_MV = [1.0, 0.0]


def left_out(signal_mv: NDArray[np.float64], hop: int = 50) -> list[tuple[int, int]]:
    """Lead and place of every sample that is left out, shape (2, n) streamed in hops."""
    jumps = Jumps(RATE_HZ, 2)
    found = []
    for at in range(0, signal_mv.shape[1], hop):
        out = jumps.find(signal_mv[:, at : at + hop], SPAN_MV)
        if out is not None:
            found += [(int(lead), at + int(i)) for lead, i in zip(*np.nonzero(out), strict=True)]
    return found


def quiet(seconds: float) -> NDArray[np.float64]:
    return np.zeros((2, round(seconds * RATE_HZ)))


@pytest.mark.parametrize("at", [520, 550, 599])
def test_both_edges_of_a_spike_are_left_out_where_the_size_of_a_qrs_is_known(at: int) -> None:
    signal = quiet(4.0)
    signal[:, at : at + 3] += 10.0
    assert left_out(signal) == left_out(signal, hop=1) == [(0, at), (0, at + 3)]


def test_a_step_is_left_out_and_what_a_large_qrs_does_is_not() -> None:
    signal = quiet(4.0)
    signal[:, 600:] += 4.0
    assert left_out(signal) == [(0, 600)]
    signal = quiet(4.0)
    signal[0, 600:610] = np.concatenate((np.arange(0.0, 10.0, 2.0), np.arange(10.0, 0.0, -2.0)))
    assert left_out(signal) == []


def test_of_jumps_that_come_with_every_beat_only_the_first_is_left_out() -> None:
    signal = quiet(10.0)
    signal[0, 100::250] = 5.0
    assert left_out(signal) == [(0, 100), (0, 101)]


def test_missing_samples_are_no_jump_nor_is_a_new_level_after_a_gap() -> None:
    signal = quiet(2.0)
    signal[0, 100:200] = np.nan
    signal[0, 200:] = 20.0
    assert left_out(signal) == []
    jumps = Jumps(RATE_HZ, 2)
    assert jumps.find(quiet(0.2), SPAN_MV) is None
    jumps.forget()
    assert jumps.find(quiet(0.2) + 20.0, SPAN_MV) is None
