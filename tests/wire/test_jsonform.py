"""The JSON form of messages: exact both ways, strict, one error type."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_strategies import alerts, events, json_values, samples, snippets

from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    Priority,
    Samples,
    StreamInfo,
    Vitals,
)
from monitor.wire.jsonform import (
    MAX_JSON_BYTES,
    TYPES,
    ProtocolError,
    dumps,
    from_dict,
    loads,
    to_dict,
    to_line,
)


def through_json(message):
    return from_dict(loads(dumps(to_dict(message)).encode()))


@pytest.mark.slow
@given(events)
def test_every_event_comes_back_as_it_was(message):
    assert through_json(message) == message
    assert repr(through_json(message)) == repr(message)  # tells -0.0 from 0.0, int from float


@pytest.mark.slow
@given(samples)
def test_finite_samples_come_back_as_they_were(message):
    values = np.where(np.isinf(message.values_mv), np.nan, message.values_mv)
    again = through_json(Samples(message.stream, message.start_sample, values, message.wall_ns))
    assert (again.stream, again.start_sample) == (message.stream, message.start_sample)
    assert again.wall_ns == message.wall_ns
    assert again.values_mv.dtype == np.float32
    if len(values):
        np.testing.assert_array_equal(again.values_mv, values)


@pytest.mark.slow
@given(snippets)
def test_a_snippet_comes_back_and_its_line_is_short(snippet):
    values = np.where(np.isinf(snippet.values_mv), np.nan, snippet.values_mv)
    finite = replace(snippet, values_mv=values)
    if len(values):
        assert through_json(finite) == finite
    line = to_line(snippet)
    assert line["shape"] == list(snippet.values_mv.shape)
    assert (line["alert_id"], line["seq"]) == (snippet.alert_id, snippet.seq)
    assert "values_mv" not in line


@pytest.mark.slow
@given(events)
def test_the_lines_of_other_events_are_whole(message):
    assert to_line(message) == to_dict(message)


def test_an_alert_line_has_the_names_that_programs_rely_on():
    alert = Alert(
        "208", 3, 7, AlertKind.VT, Priority.HIGH, AlertState.RAISED, 100, 720, "VT", 134.5, 120.0
    )
    assert to_dict(alert) == {
        "type": "alert",
        "stream": "208",
        "id": 3,
        "seq": 7,
        "kind": "vt",
        "priority": "high",
        "state": "raised",
        "onset_sample": 100,
        "sample": 720,
        "text": "VT",
        "value": 134.5,
        "limit": 120.0,
        "beats": [],
    }


def test_numpy_numbers_are_written_as_plain_ones():
    beat = Beat(
        "s",
        np.int64(5),
        np.int32(9),
        AamiClass.V,
        tuple(np.array([0.1, 0.2, 0.3, 0.4, 0], np.float32)),
        np.float64(0.8),
        0,
        "aami",
    )
    plain = to_dict(beat)
    assert json.loads(json.dumps(plain)) == plain
    assert plain["probabilities"][0] == float(np.float32(0.1))


def test_an_unknown_number_is_null_and_never_nan():
    vitals = Vitals("s", 1, float("nan"), np.float32("inf"), True, {}, 0)
    assert '"heart_rate_bpm":null,"rr_s":null' in dumps(to_dict(vitals))


def test_a_nan_where_a_number_must_be_is_an_error():
    beat = Beat("s", 1, 2, AamiClass.N, (float("nan"), 0.0, 0.0, 0.0, 0.0), None, 0, "m")
    with pytest.raises(ProtocolError, match="probabilities: must be a finite number"):
        to_dict(beat)


def test_unknown_fields_are_ignored():
    assert from_dict({"type": "end", "stream": "a", "sample": 3, "colour": [1]}) == End("a", 3)


def test_whole_numbers_serve_as_floats():
    info = from_dict({"type": "info", "stream": "a", "rate_hz": 360, "leads": ["II"]})
    assert info == StreamInfo("a", 360.0, ("II",))
    assert isinstance(info.rate_hz, float)


GOOD_ALERT = to_dict(
    Alert("a", 1, 1, AlertKind.VT, Priority.HIGH, AlertState.RAISED, 1, 2, "VT", 1.0, 2.0, (1, 2))
)


@pytest.mark.parametrize(
    ("field", "value", "match"),
    [
        ("stream", "a.b", "not a stream name"),
        ("stream", "", "not a stream name"),
        ("stream", "x" * 65, "not a stream name"),
        ("stream", 5, "not a stream name"),
        ("id", 1.0, "whole number"),
        ("id", True, "whole number"),
        ("id", "1", "whole number"),
        ("id", None, "whole number"),
        ("id", 2**53, "out of range"),
        ("seq", -(2**53), "out of range"),
        ("kind", "heart_attack", "is not one of"),
        ("kind", ["vt"], "is not one of"),
        ("state", None, "is not one of"),
        ("text", "a\x1b[2J", "control characters"),
        ("text", "a\nb", "control characters"),
        ("text", "\ud800", "control characters"),
        ("text", "x" * 1001, "over the limit"),
        ("text", 7, "must be a text"),
        ("value", float("inf"), "finite"),
        ("value", float("nan"), "finite"),
        ("value", "1", "must be a number"),
        ("value", False, "must be a number"),
        ("value", 10**400, "out of range"),
        ("beats", "12", "must be a list"),
        ("beats", {"0": 1}, "must be a list"),
        ("beats", [1.5], "whole number"),
        ("beats", [0] * 20_001, "over the limit"),
    ],
)
def test_a_wrong_field_is_named(field, value, match):
    with pytest.raises(ProtocolError, match=f"^{field}: .*{match}"):
        from_dict(GOOD_ALERT | {field: value})


@pytest.mark.parametrize("field", [f for f in GOOD_ALERT if f not in ("value", "limit", "beats")])
def test_a_missing_field_is_named(field):
    with pytest.raises(ProtocolError, match=field):
        from_dict({k: v for k, v in GOOD_ALERT.items() if k != field})


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[]", "expected a JSON object"),
        (b"null", "expected a JSON object"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "Infinity is not JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"a": "\xff"}', "not valid JSON"),
        ('{"a": 1}'.encode("utf-16"), "not valid JSON"),
        (b'{"a":' * 40_000, "not valid JSON"),
        (b" " * (MAX_JSON_BYTES + 1), "over the limit"),
    ],
)
def test_loose_json_is_refused(text, match):
    with pytest.raises(ProtocolError, match=match):
        loads(text)


def test_a_number_too_large_for_a_float_is_refused():
    line = dumps(GOOD_ALERT).replace('"value":1.0', '"value":1e999')
    with pytest.raises(ProtocolError, match="value: must be a finite number"):
        from_dict(loads(line.encode()))


def refusal(read, *arguments):
    """Why it was refused, or nothing; any other exception fails the test."""
    try:
        read(*arguments)
    except ProtocolError as error:
        return str(error)
    return ""


@pytest.mark.slow
@given(json_values)
def test_any_value_is_accepted_or_refused(value):
    assert "\n" not in refusal(from_dict, value)


@pytest.mark.slow
@given(
    st.sampled_from(sorted(TYPES)),
    events | alerts,
    st.dictionaries(st.sampled_from(sorted(GOOD_ALERT)), json_values, max_size=3),
)
def test_any_mixture_of_fields_is_accepted_or_refused(name, message, changed):
    assert "\n" not in refusal(from_dict, to_dict(message) | {"type": name})
    assert "\n" not in refusal(from_dict, to_dict(message) | changed)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(text):
    assert "\n" not in refusal(loads, text)
