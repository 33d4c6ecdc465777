"""Frames: exact both ways; anything else is refused with one error type."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_strategies import (
    events,
    json_values,
    marks,
    samples,
    service_messages,
    snippets,
    streams,
)

from monitor.journal.entries import draft_of, is_kept
from monitor.messages import AamiClass, Alert, Beat, End, Samples
from monitor.service.outgoing import drafted
from monitor.wire.fields import MAX_TIME_NS
from monitor.wire.frames import body_of, decode, encode, framed, written
from monitor.wire.jsonform import MAX_JSON_BYTES
from monitor.wire.protocol import KINDS, MAX_PAYLOAD_BYTES, ProtocolError, topic_of

envelopes = st.tuples(
    st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    st.integers(0, 2**53 - 1),
    st.integers(0, MAX_TIME_NS),
)


@pytest.mark.slow
@given(events, marks)
def test_the_place_in_the_journal_travels_with_a_message(body, mark):
    packet = decode(encode(body, "p", 0, 0, mark))
    assert packet.mark == mark
    assert packet.body == body
    assert decode(encode(body, "p", 0, 0)).mark is None


@pytest.mark.parametrize("fields", [{"journal": 5}, {"journal": 5, "journal_before": 5}])
def test_a_place_in_the_journal_that_makes_no_sense_is_refused(fields):
    topic, header = encode(End("s", 4), "p", 0, 0)
    with pytest.raises(ProtocolError, match="journal"):
        decode([topic, json.dumps(json.loads(header) | fields).encode()])


@pytest.mark.slow
@given(events | service_messages, envelopes)
def test_every_message_comes_back_as_it_was(body, envelope):
    frames = encode(body, *envelope)
    packet = decode(frames)
    assert repr(packet.body) == repr(body)
    assert (packet.publisher, packet.sequence, packet.sent_ns) == envelope
    assert packet.topic == frames[0] == topic_of(body)


@given(samples, envelopes)
def test_samples_come_back_bit_for_bit(body, envelope):
    frames = encode(body, *envelope)
    again = decode(frames).body
    assert len(frames) == 3
    assert again.values_mv.shape == body.values_mv.shape
    assert again.values_mv.dtype == np.float32
    # NaN payloads and signs of zero as well
    assert again.values_mv.tobytes() == body.values_mv.tobytes()
    assert (again.stream, again.start_sample) == (body.stream, body.start_sample)
    assert again.wall_ns == body.wall_ns


@given(snippets, envelopes)
def test_snippets_come_back_bit_for_bit(body, envelope):
    frames = encode(body, *envelope)
    again = decode(frames).body
    assert frames[0] == topic_of(body) == f"snippet.{body.stream}".encode()
    assert len(frames) == 3
    assert again.values_mv.tobytes() == body.values_mv.tobytes()
    assert again == body


@given(samples)
def test_memory_order_and_byte_order_of_the_array_do_not_matter(body):
    frames = encode(body, "p", 0, 0)
    for values in (np.asfortranarray(body.values_mv), body.values_mv.astype(">f4")):
        other = Samples(body.stream, body.start_sample, values, body.wall_ns)
        assert encode(other, "p", 0, 0) == frames


def test_the_format_in_full():
    values = np.array([[0.5, -1.0], [np.nan, 2.0]], np.float32)
    topic, header, payload = encode(Samples("bed-3", 720, values, 17), "0011", 5, 99)
    assert topic == b"samples.bed-3"
    assert json.loads(header) == {
        "schema": 1,
        "publisher": "0011",
        "sequence": 5,
        "sent_ns": 99,
        "stream": "bed-3",
        "start_sample": 720,
        "shape": [2, 2],
        "wall_ns": 17,
    }
    assert payload == np.array([0.5, -1.0, np.nan, 2.0], "<f4").tobytes()
    beat = Beat("208", 100, 140, AamiClass.V, (0.0, 0.0, 1.0, 0.0, 0.0), None, 0, "aami")
    topic, header = encode(beat, "0011", 0, 0)
    assert topic == b"beat.208"
    assert json.loads(header)["label"] == "V"


SAMPLES = encode(Samples("s", 0, np.zeros((4, 2), np.float32)), "p", 0, 0)
END = encode(End("s", 4), "p", 0, 0)


def changed(frames, **fields):
    return [frames[0], json.dumps(json.loads(frames[1]) | fields).encode(), *frames[2:]]


def test_the_stream_may_be_left_to_the_topic():
    header = {"schema": 1, "publisher": "p", "sequence": 0, "sent_ns": 0, "sample": 4}
    assert decode([b"end.s", json.dumps(header).encode()]).body == End("s", 4)


def test_an_unknown_kind_is_skipped_whatever_it_holds():
    assert decode([b"weather.s", b"rain", b"", b"\xff"]) is None


@pytest.mark.parametrize(
    ("frames", "match"),
    [
        ([], "empty"),
        ([b""], "not a topic"),
        ([b"end"], "not a topic"),
        ([b"end."], "not a topic"),
        ([b"end.a.b", END[1]], "not a topic"),
        ([b"end.s\n", END[1]], "not a topic"),
        ([b"END.s", END[1]], "not a topic"),
        ([b"end." + b"s" * 100_000, END[1]], "not a topic"),
        ([b"end.s"], "2 frames"),
        ([*END, b""], "2 frames"),
        (SAMPLES[:2], "3 frames"),
        ([*SAMPLES, b""], "3 frames"),
        ([b"end.t", END[1]], "different streams"),
        ([b"end.s", b"{}"], "schema"),
        ([b"end.s", b" " * (MAX_JSON_BYTES + 1)], "over the limit"),
        (changed(END, schema=2), "schema"),
        (changed(END, schema="1"), "schema"),
        (changed(END, schema=True), "schema"),
        (changed(END, sequence=-1), "sequence"),
        (changed(END, sequence=2**53), "sequence"),
        (changed(END, sent_ns=2**63), "sent_ns"),
        (changed(END, publisher=""), "publisher"),
        (changed(END, publisher="x" * 65), "publisher"),
        (changed(END, publisher=7), "publisher"),
        (changed(SAMPLES, shape=[4]), "shape"),
        (changed(SAMPLES, shape=[4, 2, 1]), "shape"),
        (changed(SAMPLES, shape=[4, 3]), "does not fit"),
        (changed(SAMPLES, shape=[-4, -2]), "shape"),
        (changed(SAMPLES, shape=[2**50, 2**50]), "does not fit"),
        (changed(SAMPLES, shape="42"), "shape"),
        (changed(SAMPLES, start_sample=0.5), "start_sample"),
        ([*SAMPLES[:2], SAMPLES[2][:-1]], "does not fit"),
        ([*SAMPLES[:2], bytes(MAX_PAYLOAD_BYTES + 4)], "too large"),
    ],
)
def test_what_is_wrong_is_said(frames, match):
    with pytest.raises(ProtocolError, match=match):
        decode(frames)


def test_samples_too_large_for_one_message_are_not_sent():
    values = np.zeros((MAX_PAYLOAD_BYTES // 4 + 1, 1), np.float32)
    with pytest.raises(ProtocolError, match="cannot be sent"):
        encode(Samples("s", 0, values), "p", 0, 0)


def test_a_header_too_large_to_be_read_is_not_sent():
    beats = tuple(range(10**15, 10**15 + 20_000))
    alert = Alert("s", 0, 0, "vt", "high", "raised", 0, 0, "VT", None, None, beats)
    with pytest.raises(ProtocolError, match="over the limit"):
        encode(alert, "p", 0, 0)


def refusal(frames):
    """Why it was refused, or nothing; any other exception fails the test."""
    try:
        decode(frames)
    except ProtocolError as error:
        return str(error)
    return ""


topics = st.binary(max_size=30) | st.builds(
    lambda kind, stream: f"{kind}.{stream}".encode(), st.sampled_from(sorted(KINDS)), streams
)


@given(topics, st.lists(st.binary(max_size=60), max_size=3))
def test_any_frames_are_accepted_or_refused(topic, rest):
    assert "\n" not in refusal([topic, *rest])


@pytest.mark.slow
@given(
    st.sampled_from(sorted(KINDS)),
    st.dictionaries(
        st.sampled_from(["sample", "start_sample", "shape", "info", "alerts", "leads", "rate_hz"]),
        json_values,
    ),
    st.none() | st.binary(max_size=40),
)
def test_any_header_is_accepted_or_refused(kind, fields, payload):
    header = {"schema": 1, "publisher": "p", "sequence": 0, "sent_ns": 0} | fields
    frames = [f"{kind}.s".encode(), json.dumps(header).encode()]
    assert "\n" not in refusal(frames if payload is None else [*frames, payload])


@given(events | samples | service_messages, st.data())
def test_any_damage_is_accepted_or_refused(body, data):
    frames = [bytearray(frame) for frame in encode(body, "p", 3, 4)]
    frame = frames[data.draw(st.integers(0, len(frames) - 1))]
    for _ in range(data.draw(st.integers(1, 3))):
        if frame:
            frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    del frame[data.draw(st.integers(0, len(frame))) :]
    assert "\n" not in refusal([bytes(frame) for frame in frames])


@given(events | service_messages, marks, envelopes)
def test_a_written_message_gives_the_same_frames_and_comes_back(body, mark, envelope):
    text, payload = written(body)
    frames = framed(topic_of(body), text, payload, *envelope, mark)
    assert decode(frames) == decode(encode(body, *envelope, mark))
    assert body_of(topic_of(body), text, payload) == body
    assert drafted(topic_of(body), text) == (draft_of(body) if is_kept(body) else None)
