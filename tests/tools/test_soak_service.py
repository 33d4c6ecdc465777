"""Streams through a real serve, over and over the same: the same events, flat memory.

``python -m tools.soak_service --streams 20 --hours 24`` is the long form.
"""

import sys

import pytest

from tools.soak_service import main, placed


@pytest.mark.skipif(sys.platform != "linux", reason="reads resident memory from /proc")
def test_the_same_input_gives_the_same_events_period_after_period(capsys):
    options = ["--streams", "2", "--period-s", "120", "--hours", "0.2667", "--speed", "2000"]
    assert main([*options, "--scenarios", "pvc", "vt"]) == 0
    said = capsys.readouterr().out
    assert "0 event(s) differ from period 6; 2 ended" in said
    assert "alert" in said


def test_events_are_compared_by_their_place_in_the_period():
    beat = {"type": "beat", "label": "N", "lead": 0, "rr_s": 0.8}
    assert placed({**beat, "sample": 1005}, 1000) == (1, ("beat", 5, "N", 0, 0.8))
    assert placed({**beat, "sample": 2005}, 1000) == (2, ("beat", 5, "N", 0, 0.8))
    assert placed({"type": "alert", "id": -1, "sample": 5}, 1000) is None  # about the transport
