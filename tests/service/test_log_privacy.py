"""What a sender writes may name a patient: none of it reaches the log, but a valid stream name."""

import json

import numpy as np
import pytest
from service_parts import EveryHundred, Sender

from monitor.messages import End, Samples, StreamInfo
from monitor.service.hub import Hub
from monitor.wire.frames import encode

PATIENT = "Smith^John 1950"


def logged(*messages, requests=()):
    said = []
    hub = Hub(EveryHundred, "service", said.append)
    hub.receive(Sender("source-1", "bed-1", 1).announce(), 1.0, 0)
    for frames in messages:
        hub.receive(frames, 1.0, 0)
        hub.tick(2.0, 2.0)
    for request in requests:
        hub.request(request)
    hub.flush()
    return said


FIELDS = {
    "info": json.loads(Sender("source-1", "bed-1", 1).announce()[1]),
    "samples": json.loads(Sender("source-1", "bed-1", 1).samples()[1]),
    "end": json.loads(Sender("source-1", "bed-1", 1).end()[1]),
}
NAMED = (PATIENT, [PATIENT], {PATIENT: PATIENT}, [[PATIENT]], PATIENT + "\n", PATIENT * 100)


@pytest.mark.parametrize("kind", FIELDS)
def test_no_field_of_a_message_reaches_the_log(kind):
    messages = [[f"{kind}.{PATIENT}".encode(), b"{}"], [PATIENT.encode()]]
    for field in [*FIELDS[kind], PATIENT]:
        for value in NAMED:
            header = json.dumps(FIELDS[kind] | {field: value}).encode()
            messages.append([f"{kind}.bed-1".encode(), header, *[bytes(200)] * (kind == "samples")])
    messages.append([f"{kind}.bed-1".encode(), PATIENT.encode()])
    said = logged(*messages)
    assert any("refused" in line for line in said)  # it was told that something was wrong
    assert not [line for line in said if "Smith" in line]


def test_neither_source_nor_leads_of_a_stream_are_logged():
    info = StreamInfo("bed-2", 200.0, ("Smith",), 0, f"WFDB /records/{PATIENT}")
    samples = Samples("bed-2", 0, np.zeros((10, 1), np.float32))
    bodies = (info, samples, End("bed-2", 10))
    said = logged(*(encode(body, "Smith", n, 0) for n, body in enumerate(bodies)))
    assert "stream bed-2: 200 Hz, 1 lead(s)" in said
    assert not [line for line in said if "Smith" in line]


def test_no_field_of_a_request_reaches_the_log():
    requests = [PATIENT.encode()]
    for command in ("acknowledge", "limits", "state", "history", "signal", PATIENT):
        request = {"schema": 1, "command": command, "stream": "bed-1", "alert_id": 1, "set": {}}
        for field in request:
            requests += [json.dumps(request | {field: value}).encode() for value in NAMED]
    assert not [line for line in logged(requests=requests) if "Smith" in line]
