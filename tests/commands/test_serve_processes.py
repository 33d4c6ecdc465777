"""Real processes between real sockets: replay and demo to serve, watch and alerts beside it."""

import contextlib
import json
import signal

import pytest
import zmq
from monitor_process import PATIENCE_S, running, serving

from monitor.errors import INTERRUPTED

pytestmark = pytest.mark.slow


def events(lines, stream):
    return [line for line in lines if json.loads(line)["stream"] == stream]


@pytest.fixture(scope="module")
def replayed(data_dir):
    """Events of a minute of record 208, and of the simulated patient, without any socket."""
    commands = {
        "208": ["replay", "208", "--data", str(data_dir), "--stop", "1:00"],
        "patient": ["demo", "--scenario", "vt", "--once", "--stream", "patient"],
    }
    with contextlib.ExitStack() as stack:
        alone = {
            stream: stack.enter_context(running(*command, "--json", "--speed", "max"))
            for stream, command in commands.items()
        }
        lines = {stream: process.finish() for stream, process in alone.items()}
    assert all(len(of_stream) > 60 for of_stream in lines.values())
    return commands, lines


def ended(control):
    """Ask a service which streams have ended."""
    control.send_json({"schema": 1, "command": "state"})
    assert control.poll(PATIENCE_S * 1000)
    streams = control.recv_json()["streams"]
    return {state["stream"] for state in streams if state["status"] == "ended"}


def test_events_across_sockets_are_those_of_the_process_alone(replayed):
    commands, alone = replayed
    expected = [line for line in alone["patient"] if json.loads(line)["type"] == "alert"]
    assert expected
    context = zmq.Context()
    with serving("--json") as (serve, at), contextlib.ExitStack() as stack:
        connect = ["--connect", at["output"]]
        count = ["--count", str(len(expected))]
        publish = ["--publish", at["input"], "--speed", "max"]
        with (
            running("watch", *connect, "--control", at["control"], "--json") as watch,
            running("alerts", *connect, "--stream", "patient", *count) as alerts,
        ):
            watch.until("connected")
            alerts.until("connected")
            with (
                running(*commands["208"], *publish) as first,
                running(*commands["patient"], *publish) as second,
            ):
                first.finish()
                second.finish()
            with context, context.socket(zmq.REQ) as control:
                control.connect(at["control"])
                while ended(control) != set(alone):
                    pass
            alerted = alerts.finish()
            pager = stack.enter_context(running("alerts", *connect))
            pager.until("connected")
            serve.signal(signal.SIGTERM)
            served = serve.finish()
            watch.until("no service")
            pager.until("no service")
            watch.signal(signal.SIGINT)
            watched = watch.finish(INTERRUPTED)
    for stream in alone:
        assert events(served, stream) == alone[stream]
        assert events(watched, stream) == alone[stream]
    assert [json.loads(line) for line in alerted] == [json.loads(line) for line in expected]


def test_an_interrupt_ends_the_service_with_all_streams_flushed():
    with serving("--json") as (serve, at):
        publish = ["--publish", at["input"], "--speed", "10", "--stream", "patient"]
        with running("demo", "--scenario", "sinus", *publish) as demo:
            serve.until("stream patient")
            serve.signal(signal.SIGINT)
            lines = [json.loads(line) for line in serve.finish()]
            demo.signal(signal.SIGKILL)
    assert lines[0]["type"] == "info"
    assert lines[-1]["type"] == "end"
