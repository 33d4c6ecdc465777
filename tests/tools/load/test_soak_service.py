"""Streams through real services, over and over the same: the same events, flat memory.

``python -m tools.load.soak_service --streams 20 --hours 24`` is the long form.
"""

import json
import sys
from types import SimpleNamespace

import pytest
import zmq

from monitor.messages import StreamInfo
from tools.load.soak_events import Compared, drifted, recurs
from tools.load.soak_service import Bed, Load, Watched, main, memory, watch

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


class AtOnce:
    """A subscriber to which everything has come before it looks for the first time."""

    def __init__(self, messages: list[list[bytes]]) -> None:
        self.messages = messages

    def poll(self, _timeout_ms: int) -> int:
        return len(self.messages)

    def recv_multipart(self, _flags: int) -> list[bytes]:
        if not self.messages:
            raise zmq.Again
        return self.messages.pop(0)


class Growing:
    """A service that has grown by a MiB every time it is looked at."""

    def __init__(self) -> None:
        self.process = SimpleNamespace(poll=lambda: None)
        self.mib = 0.0

    def resident_mib(self) -> float:
        self.mib += 1.0
        return self.mib


def test_memory_is_looked_at_in_every_period_however_fast_they_go_by(tmp_path):
    messages = []
    for second in range(800):
        seen = {"sample": 100 * second, "heart_rate_bpm": 60, "usable": True}
        header = {"publisher": "p", "sequence": second} | seen
        messages.append([b"vitals.a", json.dumps(header).encode()])
    messages.append([b"end.a", json.dumps({"publisher": "p", "sequence": 0}).encode()])
    bed = Bed(StreamInfo("a", 100.0, ("II",), 0, "soak"), "sinus")
    watched = Watched({"a": bed}, {"a": Compared(100.0, PERIOD_S)})
    load = Load(PERIOD_S, periods=8, piece_s=4.0, speed=1e6, minutes=1e6)
    watch(watched, [Growing()], [tmp_path], AtOnce(messages), load)
    growth, lines = memory(watched, from_h=PERIOD_S / 3600.0)
    assert growth > 4.0, lines
    assert watched.counts == {"vitals": 800, "end": 1}


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
