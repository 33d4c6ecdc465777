"""Streams through real services, over and over the same: the same events, flat memory.

``python -m tools.soak_service --streams 20 --hours 24`` is the long form.
"""

import sys

import pytest

from tools.soak_events import Compared, drifted, recurs
from tools.soak_service import main

PERIOD_S = 100.0


@pytest.mark.skipif(sys.platform != "linux", reason="reads resident memory from /proc")
def test_the_same_input_gives_the_same_events_period_after_period(capsys):
    options = ["--streams", "2", "--period-s", "120", "--hours", "0.2667", "--services", "1"]
    assert main([*options, "--scenarios", "pvc", "vt", "--record-mb", "50"]) == 0
    said = capsys.readouterr().out
    assert "0 drifted" in said
    assert "lost: messages out 0, journal 0, samples 0, messages in 0, refused 0" in said
    assert "alert" in said
    assert "s0: 2 segments, 0.27 h" in said
    assert "s1: 2 segments, 0.27 h" in said


def after(*periods: dict[int, str]) -> Compared:
    """Give what came of periods of 100 s at 1 Hz with beats, at a sample each with a label."""
    compared = Compared(1.0, PERIOD_S)
    for number, labels in enumerate(periods):
        for sample, label in labels.items():
            at = round(number * PERIOD_S) + sample
            compared.take("beat", {"sample": at, "label": label, "lead": 0, "rr_s": 1.0})
        end = round((number + 1) * PERIOD_S) - 1
        seen = {"sample": end, "heart_rate_bpm": 60, "usable": True}
        compared.take("vitals", seen)
    compared.finish()
    return compared


def test_events_are_compared_by_their_place_in_the_period():
    same = after({35: "N"}, {35: "N"}, {35: "N"}, {35: "N"})
    assert (same.periods, same.from_before) == (4, [None, 0, 0, 0])
    assert recurs(same) == (0, 1)
    other = after({35: "N"}, {35: "V"}, {36: "V"})
    assert (other.from_before, other.from_second) == ([None, 2, 2], [None, None, 2])
    assert recurs(other) is None
    assert drifted(other)


def test_the_first_half_is_for_learning():
    a, b, c = {35: "N"}, {35: "V"}, {35: "S"}
    assert recurs(after(c, a, b, b, b, b)) == (2, 1)
    assert not drifted(after(c, a, b, b, b, b))
    assert not drifted(after(c, c, a, b, b, b))
    assert drifted(after(c, c, c, a, b, b))


def test_two_periods_in_turn_are_no_drift():
    a, b, c = {35: "N"}, {35: "V"}, {35: "S"}
    assert recurs(after(c, a, b, a, b, a, b)) == (1, 2)
    assert not drifted(after(c, a, b, a, b, a, b))
    assert drifted(after(a, b, c, a, b, c, a, b, c))


def test_what_moves_on_is_drift_however_slow():
    slow = after(*({sample: "N", 90: "V"} for sample in range(31, 39)))
    assert slow.from_before[1:] == [2] * 7
    assert drifted(slow)
    assert drifted(after({35: "N"}))  # nothing to compare
