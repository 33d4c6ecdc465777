"""Jumps of several QRS sizes are blanked, however the signal is cut into hops."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.stages.detect.step_blanking import StepBlanking

RATE_HZ = 250.0
SPAN_MV = [1.0, 0.0]


def blanked(signal_mv: NDArray[np.float64], hop: int = 50) -> list[tuple[int, int]]:
    """Stream a signal, shape (2, n), in hops; give lead and place of every blanked sample."""
    blanking = StepBlanking(RATE_HZ, 2)
    found = []
    for at in range(0, signal_mv.shape[1], hop):
        out = blanking.find(signal_mv[:, at : at + hop], SPAN_MV)
        if out is not None:
            found += [(int(lead), at + int(i)) for lead, i in zip(*np.nonzero(out), strict=True)]
    return found


def quiet(seconds: float) -> NDArray[np.float64]:
    return np.zeros((2, round(seconds * RATE_HZ)))


@pytest.mark.parametrize("at", [520, 550, 599])
def test_both_edges_of_a_spike_are_blanked_where_the_size_of_a_qrs_is_known(at: int) -> None:
    signal = quiet(4.0)
    signal[:, at : at + 3] += 10.0
    assert blanked(signal) == blanked(signal, hop=1) == [(0, at), (0, at + 3)]


def test_a_step_is_blanked_but_not_a_large_qrs() -> None:
    signal = quiet(4.0)
    signal[:, 600:] += 4.0
    assert blanked(signal) == [(0, 600)]
    signal = quiet(4.0)
    signal[0, 600:610] = np.concatenate((np.arange(0.0, 10.0, 2.0), np.arange(10.0, 0.0, -2.0)))
    assert blanked(signal) == []


def test_of_jumps_with_every_beat_only_the_first_is_blanked() -> None:
    signal = quiet(10.0)
    signal[0, 100::250] = 5.0
    assert blanked(signal) == [(0, 100), (0, 101)]


def test_missing_samples_and_a_new_level_after_a_gap_are_no_jumps() -> None:
    signal = quiet(2.0)
    signal[0, 100:200] = np.nan
    signal[0, 200:] = 20.0
    assert blanked(signal) == []
    blanking = StepBlanking(RATE_HZ, 2)
    assert blanking.find(quiet(0.2), SPAN_MV) is None
    blanking.forget()
    assert blanking.find(quiet(0.2) + 20.0, SPAN_MV) is None
