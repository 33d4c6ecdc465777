"""What one browser is sent: everything once, whole after it comes back, bounded when it is slow."""

import json
import struct

import numpy as np
import pytest
from web_parts import alert, beat, info, packet, samples, state, vitals, ward_with

from monitor.messages import AlertState
from monitor.web.frames import Piece, encode
from monitor.web.viewer import Viewer

WALL_MS = 1_790_000_000_000


def texts(frames, kind=None):
    found = [json.loads(frame) for frame in frames if isinstance(frame, str)]
    return [f for f in found if kind in (None, f["type"])]


def pieces(frames):
    """Decode the binary frames, as trace.js does."""
    out = []
    for frame in frames:
        if isinstance(frame, str):
            continue
        kind, count = struct.unpack_from("<II", frame)
        assert kind == 1
        at = 8
        for _ in range(count):
            number, begun, leads, step, rows, _, start = struct.unpack_from("<IIIIIId", frame, at)
            at += 32
            assert at % 4 == 0
            values = np.frombuffer(frame, "<f4", rows * leads, at).reshape(rows, leads)
            at += values.nbytes
            out.append(Piece(number, begun, start, step, values))
        assert at == len(frame)
    return out


def two_beds():
    return ward_with(
        *(
            body
            for name in ("bed-1", "bed-2")
            for body in (info(name), state(name), samples(name, 0, 500), vitals(name, 499))
        )
    )


def test_a_frame_is_what_its_reader_expects():
    piece = Piece(3, 1, 1000, 2, np.array([[1, 2], [3, np.nan]], np.float32))
    (read,) = pieces([encode([piece])])
    assert (read.number, read.begun, read.start_sample, read.step) == (3, 1, 1000, 2)
    np.testing.assert_array_equal(read.values_mv, piece.values_mv)


def test_a_browser_that_comes_is_told_all():
    viewer = Viewer(two_beds())
    frames = viewer.frames(0.0, WALL_MS)
    assert texts(frames, "ward")[0]["names"] == ["bed-1", "bed-2"]
    assert [b["name"] for b in texts(frames, "beds")[0]["beds"]] == ["bed-1", "bed-2"]
    assert texts(frames, "tick")[0] == {
        "type": "tick", "wall_ms": WALL_MS, "lost": False, "heard": True,
        "endpoint": "tcp://test:5556", "publisher": "p1", "problem": "", "late": 0,
        "turned_away": 0,
    }  # fmt: skip
    assert [p.values_mv.shape for p in pieces(frames)] == [(500, 1), (500, 1)]


def test_then_only_what_is_new():
    ward = two_beds()
    viewer = Viewer(ward)
    viewer.frames(0.0, WALL_MS)
    assert viewer.frames(0.05, WALL_MS) == []
    ward.take(packet(samples("bed-2", 500, 25, value=0.25)), 0.1)
    (piece,) = pieces(viewer.frames(0.1, WALL_MS))
    assert (piece.number, piece.start_sample) == (ward.beds["bed-2"].number, 500)
    assert piece.values_mv.tolist() == [[0.25]] * 25
    ward.take(packet(vitals("bed-1", 500, 80.0)), 0.15)
    frames = viewer.frames(0.15, WALL_MS)
    (beds,) = texts(frames)
    assert [b["name"] for b in beds["beds"]] == ["bed-1"]
    assert pieces(frames) == []


def test_a_tick_comes_each_second_and_when_the_service_is_lost():
    viewer = Viewer(two_beds())
    ticks = [bool(texts(viewer.frames(s, WALL_MS), "tick")) for s in (0.0, 0.5, 1.0, 1.5)]
    assert ticks == [True, False, True, False]
    assert not texts(viewer.frames(2.0, WALL_MS), "tick")[0]["lost"]
    assert texts(viewer.frames(2.6, WALL_MS), "tick")[0]["lost"]


def test_no_samples_are_sent_while_the_service_is_lost():
    ward = two_beds()
    viewer = Viewer(ward)
    viewer.frames(0.0, WALL_MS)
    ward.take(packet(samples("bed-1", 500, 25)), 0.0)
    assert pieces(viewer.frames(10.0, WALL_MS)) == []


def test_a_slow_browser_gets_every_alarm_but_not_every_sample():
    ward = two_beds()
    viewer = Viewer(ward)
    viewer.frames(0.0, WALL_MS)
    for second in range(60):  # in which the browser takes nothing
        ward.take(packet(samples("bed-1", 500 + 250 * second, 250)), second)
        ward.take(packet(alert(number=second, seq=second + 1)), second)
    frames = viewer.frames(60.0, WALL_MS)
    (beds,) = texts(frames, "beds")
    assert [a["id"] for a in beds["beds"][0]["alarms"]] == list(range(60))
    (piece,) = pieces(frames)
    assert len(piece.values_mv) == 250
    assert piece.start_sample + len(piece.values_mv) == 500 + 60 * 250


def test_the_page_of_a_bed_gets_its_leads_beats_and_events():
    ward = two_beds()
    for body in (beat(sample=100), alert(), alert(number=2, seq=2)):
        ward.take(packet(body), 0.0)
    viewer = Viewer(ward)
    viewer.frames(0.0, WALL_MS)
    viewer.watch("bed-1", (1, 0))
    frames = viewer.frames(0.05, WALL_MS)
    assert texts(frames, "beats")[0]["beats"] == [[100, "N", 0.8]]
    (events,) = texts(frames, "events")
    assert events["whole"]
    assert [row["id"] for row in events["rows"]] == [1, 2]
    (piece,) = pieces(frames)
    assert piece.values_mv.shape == (500, 2)
    ward.take(packet(alert(seq=3, state=AlertState.CLEARED)), 0.1)
    (events,) = texts(viewer.frames(0.1, WALL_MS), "events")
    assert not events["whole"]
    assert [(row["id"], row["state"]) for row in events["rows"]] == [(1, "cleared")]


def test_a_browser_that_comes_back_is_told_the_whole_list_again():
    ward = two_beds()
    for number in range(5):
        ward.take(packet(alert(number=number, seq=number + 1)), 0.0)
    first, second = Viewer(ward), Viewer(ward)
    for viewer in (first, second):
        viewer.watch("bed-1")
        (events,) = texts(viewer.frames(0.0, WALL_MS), "events")
        assert events["whole"]
        assert [row["id"] for row in events["rows"]] == list(range(5))


def test_a_list_that_was_forgotten_is_told_whole():
    ward = two_beds()
    ward.take(packet(alert()), 0.0)
    viewer = Viewer(ward)
    viewer.watch("bed-1")
    viewer.frames(0.0, WALL_MS)
    ward.take(packet(state(journal_last=None), publisher="p2"), 0.1)
    (events,) = texts(viewer.frames(0.1, WALL_MS), "events")
    assert (events["whole"], events["rows"]) == (True, [])


def test_back_on_the_ward_every_trace_begins_filled():
    ward = two_beds()
    viewer = Viewer(ward)
    viewer.frames(0.0, WALL_MS)
    viewer.watch("bed-1")
    viewer.frames(0.1, WALL_MS)
    viewer.watch(None)
    assert [len(p.values_mv) for p in pieces(viewer.frames(0.2, WALL_MS))] == [500, 500]


@pytest.mark.parametrize(("rate_hz", "step"), [(100.0, 1), (360.0, 1), (500.0, 2), (1000.0, 4)])
def test_a_tile_gets_no_more_rows_than_it_can_show(rate_hz, step):
    ward = ward_with(info(rate_hz=rate_hz))
    viewer = Viewer(ward)
    rows = []
    for start in range(0, 1000, 50):
        values = np.arange(start, start + 50, dtype=np.float32)
        body = samples("bed-1", start, 50)
        body.values_mv[:, 0] = values
        ward.take(packet(body), 0.0)
        for piece in pieces(viewer.frames(0.0, WALL_MS)):
            assert piece.step == step
            assert piece.values_mv[0, 0] == piece.start_sample
            rows += piece.values_mv[:, 0].tolist()
    assert rows == list(range(0, 1000, step))


def test_a_bed_that_does_not_exist_gives_nothing_but_the_rest_goes_on():
    viewer = Viewer(two_beds())
    viewer.watch("nobody")
    frames = viewer.frames(0.0, WALL_MS)
    assert texts(frames, "beds")
    assert len(pieces(frames)) == 2


def test_leads_that_do_not_exist_are_left_out():
    viewer = Viewer(two_beds())
    viewer.watch("bed-1", (7, -2, 1, 0, 0, 0))
    (piece,) = pieces(viewer.frames(0.0, WALL_MS))
    assert piece.values_mv.shape[1] == 2
