"""Spans of signal, given back from memory and from the recording."""

import json

import numpy as np
import pytest
import wfdb
from test_segments import INFO, RATE_HZ, WALL_NS, Bedside, signal_mv

from monitor.messages import End, Samples, StreamInfo
from monitor.recording import recent
from monitor.recording.export import write_record
from monitor.recording.recent import RecentSignal
from monitor.recording.span_query import MAX_VALUES, read_answer, signal_answer
from monitor.wire.protocol import ProtocolError

NEWEST = 60_000  # 300 s: more than is remembered


@pytest.fixture(scope="module")
def signal():
    return signal_mv(NEWEST)


@pytest.fixture(scope="module")
def remembered(tmp_path_factory, signal):
    """A stream in memory, with its recording."""
    return fill(tmp_path_factory.mktemp("recorded"), signal)


def fill(folder, signal, record=True):
    """Give what remembers a stream, recorded beside it in segments of 30 s."""
    bedside = Bedside(folder, segment_s=30) if record else None
    came_ns = WALL_NS + round(NEWEST / RATE_HZ * 1e9)
    memory = RecentSignal(folder if record else None, lambda: came_ns)
    memory.deliver(INFO)
    for at in range(0, NEWEST, 1000):
        piece = Samples("bed-7", at, signal[at : at + 1000])
        memory.deliver(piece)
        if bedside:
            bedside.samples(at, piece.values_mv)
            bedside.recorder.flush()
    if bedside:
        bedside.close()
    return memory


def ask(memory, start, end, stream="bed-7"):
    request = {"stream": stream, "start_sample": start, "end_sample": end}
    return read_answer(json.loads(json.dumps(signal_answer(request, memory))))


@pytest.mark.parametrize(
    ("start", "end"),
    [(59_000, 60_000), (40_000, 50_000), (30_000, 40_000), (0, 10), (5000, 20_000), (100, 19_900)],
)
def test_any_span_comes_back_exactly(remembered, signal, start, end):
    span = ask(remembered, start, end)
    assert span.start_sample == start
    assert (span.values_mv == signal[start:end]).all()
    assert (span.info.rate_hz, span.info.leads) == (RATE_HZ, INFO.leads)
    assert abs(span.wall_ns - WALL_NS - start / RATE_HZ * 1e9) < 1e6


def test_what_has_not_come_yet_is_left_out_and_what_is_forgotten_is_invalid(tmp_path, signal):
    memory = fill(tmp_path, signal, record=False)
    assert (ask(memory, 59_990, 60_500).values_mv == signal[59_990:]).all()
    span = ask(memory, 35_000, 37_000)  # 120 s before the newest
    assert np.isnan(span.values_mv[:1000]).all()
    assert (span.values_mv[1000:] == signal[36_000:37_000]).all()
    for start, end in ((60_000, 60_100), (1000, 2000)):
        with pytest.raises(ProtocolError, match="is known any more"):
            ask(memory, start, end)


def test_a_stream_that_is_over_is_found_in_the_recording(tmp_path, signal):
    fill(tmp_path, signal)
    memory = RecentSignal(tmp_path)
    assert (ask(memory, 12_345, 23_456).values_mv == signal[12_345:23_456]).all()


def test_of_samples_that_came_twice_the_first_count():
    memory = RecentSignal(None)
    memory.deliver(INFO)
    values = signal_mv(300)
    memory.deliver(Samples("bed-7", 0, values[:200]))
    late = np.concatenate([np.zeros((100, 2), np.float32), values[200:]])
    memory.deliver(Samples("bed-7", 100, late))
    assert (ask(memory, 0, 300).values_mv == values).all()


def test_the_newest_of_two_runs_with_the_same_indices_counts(tmp_path, signal):
    fill(tmp_path, -signal)
    memory = fill(tmp_path, signal)
    assert (ask(memory, 3000, 9000).values_mv == signal[3000:9000]).all()


def test_memory_is_bounded_whatever_comes():
    memory = RecentSignal(None)
    for number in range(100):
        info = StreamInfo(f"s{number}", 1000.0, tuple(f"L{i}" for i in range(32)))
        memory.deliver(info)
        memory.deliver(Samples(info.stream, 0, np.zeros((500, 32), np.float32)))
        memory.deliver(End(info.stream, 500))
    known = []
    for number in range(100):
        try:
            known.append(ask(memory, 0, 100, f"s{number}"))
        except ProtocolError:
            continue
    assert len(known) == recent.MAX_ENDED


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"stream": "../etc"}, "not usable"),
        ({"stream": 7}, "not usable"),
        ({"start_sample": -1}, "whole numbers"),
        ({"start_sample": 1.5}, "whole numbers"),
        ({"end_sample": True}, "whole numbers"),
        ({"end_sample": None}, "whole numbers"),
        ({"end_sample": 2**60}, "whole numbers"),
        ({"end_sample": 5}, "1 to 40000"),
        ({"end_sample": 10 + MAX_VALUES}, "at most 20000 samples of 2 leads"),
        ({"stream": "bed-8"}, "is known any more"),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(remembered, fields, reason):
    request = {"stream": "bed-7", "start_sample": 10, "end_sample": 20, **fields}
    with pytest.raises(ProtocolError, match=reason):
        signal_answer(request, remembered)


@pytest.mark.parametrize(
    "damage",
    [{"ok": False}, {"shape": [3, 2]}, {"shape": 5}, {"values": "?"}, {"leads": ["II"]},
     {"rate_hz": "x"}, {"stream": "../x"}, {"wall_ns": None}],
)  # fmt: skip
def test_a_damaged_answer_is_refused(damage):
    memory = RecentSignal(None)
    memory.deliver(INFO)
    memory.deliver(Samples("bed-7", 0, signal_mv(10)))
    reply = signal_answer({"stream": "bed-7", "start_sample": 0, "end_sample": 10}, memory)
    with pytest.raises(ProtocolError):
        read_answer(reply | damage)


def test_a_span_becomes_a_record(tmp_path, signal):
    span = ask(fill(tmp_path / "kept", signal), 1000, 3000)
    path = write_record(tmp_path / "out", "bed_7_1000", span)
    record = wfdb.rdrecord(str(path.with_suffix("")))
    assert (record.p_signal.astype(np.float32) == signal[1000:3000]).all()
    assert (record.base_counter, record.sig_name) == (1000, list(INFO.leads))
