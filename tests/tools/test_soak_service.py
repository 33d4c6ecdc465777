"""Streams through real services, over and over the same: the same events, flat memory.

``python -m tools.soak_service --streams 20 --hours 24`` is the long form.
"""

import sys

import pytest

from tools.soak_events import Compared, drifted
from tools.soak_service import main

PERIOD_S, SETTLED_S = 100.0, 30.0


@pytest.mark.skipif(sys.platform != "linux", reason="reads resident memory from /proc")
def test_the_same_input_gives_the_same_events_period_after_period(capsys):
    options = ["--streams", "2", "--period-s", "120", "--hours", "0.2667", "--services", "1"]
    assert main([*options, "--scenarios", "pvc", "vt"]) == 0
    said = capsys.readouterr().out
    assert "2 of 2 streams end as they began; 0 drifted" in said
    assert "lost: messages out 0, journal 0, samples 0, messages in 0, refused 0" in said
    assert "alert" in said


def after(*periods: dict[int, str]) -> Compared:
    """Give what came of periods of 100 s at 1 Hz with beats, at a sample each with a label."""
    compared = Compared(1.0, PERIOD_S, SETTLED_S)
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
    same = after({35: "N"}, {35: "N"}, {35: "N"})
    assert (same.periods, same.from_before, same.from_first) == (3, [0, 0], [0, 0])
    assert not drifted(same, settling=False)
    other = after({35: "N"}, {35: "V"}, {36: "V"})
    assert (other.from_before, other.from_first) == ([2, 2], [2, 2])
    assert drifted(other, settling=False)


def test_what_comes_before_the_start_has_settled_is_not_compared():
    assert not drifted(after({5: "S", 35: "N"}, {5: "N", 35: "N"}), settling=False)
    assert drifted(after({35: "N"}, {5: "N", 35: "N"}, {5: "S", 35: "N"}), settling=False)


def test_a_stream_that_settles_may_not_wander_off():
    to_and_fro = after({35: "N"}, {35: "V"}, {35: "N"}, {35: "V"})
    assert not drifted(to_and_fro, settling=True)
    further = after({31: "N", 32: "N"}, {31: "V", 32: "N"}, {31: "V", 32: "V"})
    assert further.from_first == [2, 4]
    assert drifted(further, settling=True)
    assert drifted(after({35: "N"}), settling=True)  # nothing to compare
