"""The control socket of a running service."""

import contextlib
import json

import pytest
import zmq
from running import PATIENCE_S, Running, raw_source
from service_parts import Sender

from monitor.errors import MonitorError
from monitor.wire.subscriber import ControlClient

pytestmark = pytest.mark.usefixtures("unhurried_service")


def test_limits_over_the_control_socket():
    with Running() as running, raw_source(running) as source:
        sender = Sender(leads=1)
        source.send_multipart(sender.announce())
        client = ControlClient(running.control)
        try:
            with pytest.raises(MonitorError, match="refused: there is no stream 'b'"):
                client.limits("b", {}, PATIENCE_S)
            while True:  # the samples may still be on their way
                source.send_multipart(sender.samples(100))
                with contextlib.suppress(MonitorError):
                    limits = client.limits("a", {"hr_high_bpm": 130}, PATIENCE_S)
                    break
        finally:
            client.close()
    assert limits["hr_high_bpm"] == 130.0


@pytest.mark.parametrize("frames", [[b""], [b"garbage"], [b"{}", b"{}"], [b"\xff" * 1000]])
def test_garbage_on_the_control_socket_is_answered(frames, context):
    with Running() as running:
        client = context.socket(zmq.REQ)
        client.connect(running.control)
        client.send_multipart(frames)
        assert client.poll(PATIENCE_S * 1000)
        assert json.loads(client.recv())["ok"] is False
        client.send_json({"schema": 1, "command": "state"})
        assert client.poll(PATIENCE_S * 1000)
        reply = client.recv_json()
        assert reply["ok"] is True
        assert reply["streams"] == []
