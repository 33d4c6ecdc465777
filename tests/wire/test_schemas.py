"""The JSON Schema files: as the messages are, and in agreement with the decoder."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from message_strategies import (
    events,
    infos,
    json_values,
    marks,
    samples,
    service_messages,
    snippets,
)

from monitor.wire.protocol import KINDS, ProtocolError, decode, encode, kind_of
from tools.generate.schemas import FOLDER, differences

VALIDATORS = {
    kind: jsonschema.Draft202012Validator(json.loads((FOLDER / f"{kind}.json").read_text()))
    for kind in KINDS
}
PAYLOAD = b"\0" * 2000


def test_the_files_are_as_the_messages_are():
    assert not differences(), "run `python -m tools.generate.schemas`"


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_are_schemas(kind):
    jsonschema.Draft202012Validator.check_schema(VALIDATORS[kind].schema)


@given(st.one_of(events, samples, snippets, service_messages), st.none() | marks)
@settings(deadline=None, max_examples=150)
def test_every_header_that_is_sent_is_valid(body, mark):
    header = json.loads(encode(body, "publisher", 3, 4, mark)[1])
    VALIDATORS[kind_of(body)].validate(header)


@given(st.data(), st.one_of(infos, samples, events))
@settings(deadline=None, max_examples=400)
def test_a_header_is_valid_if_the_decoder_takes_it(data, body):
    """One field is left out or replaced; a schema must not be stricter than the decoder."""
    topic, text, *payload = encode(body, "publisher", 3, 4)
    header = json.loads(text)
    name = data.draw(st.sampled_from(sorted(header)))
    if data.draw(st.booleans()):
        del header[name]
    else:
        header[name] = data.draw(json_values)
    try:
        packet = decode([topic, json.dumps(header).encode(), *payload])
    except ProtocolError:
        packet = None
    validator = VALIDATORS[kind_of(body)]
    if packet is not None:
        validator.validate(header)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("info", "rate_hz", 99.9),
        ("info", "rate_hz", "250"),
        ("info", "leads", []),
        ("info", "leads", ["II", ""]),
        ("info", "leads", ["II"] * 33),
        ("info", "start_sample", -1),
        ("info", "start_sample", 1.5),
        ("info", "stream", "bed 7"),
        ("info", "source", "a\nb"),
        ("info", "schema", 2),
        ("info", "publisher", ""),
        ("info", "sequence", -1),
        ("samples", "shape", [250]),
        ("samples", "shape", [-250, -2]),
        ("samples", "shape", "250x2"),
        ("samples", "start_sample", 2**53),
        ("samples", "start_sample", None),
        ("samples", "wall_ns", "now"),
        ("end", "sample", None),
    ],
)
def test_what_the_decoder_refuses_of_a_sender_the_schema_refuses(kind, field, value):
    header = {"schema": 1, "publisher": "p", "sequence": 0, "sent_ns": 1, "stream": "bed-7"}
    header |= {
        "info": {"rate_hz": 250, "leads": ["II", "V1"], "start_sample": 0, "source": "x"},
        "samples": {"start_sample": 0, "shape": [250, 2], "wall_ns": None},
        "end": {"sample": 7},
    }[kind]
    payload = [PAYLOAD] if kind == "samples" else []
    topic = f"{kind}.bed-7".encode()
    VALIDATORS[kind].validate(header)
    assert decode([topic, json.dumps(header).encode(), *payload])
    header[field] = value
    assert not VALIDATORS[kind].is_valid(header)
    with pytest.raises(ProtocolError):
        decode([topic, json.dumps(header).encode(), *payload])
