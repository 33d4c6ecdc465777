"""Real processes between real sockets: replay and demo to serve, watch and alerts beside it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
import zmq

from monitor.errors import INTERRUPTED

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 120


class Process:
    """A command of the monitor; its stderr is read as it comes, its stdout at the end."""

    def __init__(self, *arguments):
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "monitor", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        self._guard = threading.Timer(PATIENCE_S, self._popen.kill)
        self._guard.start()
        self.remarks = []
        self._out = []
        self._reader = threading.Thread(target=lambda: self._out.extend(self._popen.stdout))
        self._reader.start()

    def until(self, words):
        """Read stderr up to the line with these words, and give it."""
        for line in self._popen.stderr:
            self.remarks.append(line)
            if words in line:
                return line
        pytest.fail(f"no {words!r} in {self.remarks}")

    def signal(self, number):
        self._popen.send_signal(number)

    def finish(self, code=0):
        """Wait for the end; give the lines of stdout."""
        self.remarks += self._popen.stderr
        self._reader.join()
        assert self._popen.wait() == code, "".join(self.remarks)
        assert "Traceback" not in "".join(self.remarks)
        return self._out

    def close(self):
        self._guard.cancel()
        self._popen.kill()
        self._popen.wait()
        self._reader.join()
        self._popen.stdout.close()
        self._popen.stderr.close()


@contextlib.contextmanager
def running(*arguments):
    process = Process(*arguments)
    try:
        yield process
    finally:
        process.close()


@contextlib.contextmanager
def serving(*options):
    """Give a service that is ready, and its endpoints by name."""
    endpoints = ["--input", FREE, "--output", FREE, "--control", FREE]
    with running("serve", *endpoints, *options) as serve:
        ready = serve.until("serve: ready").split()
        yield serve, dict(word.split("=", 1) for word in ready if "=" in word)


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
    with serving("--json") as (serve, at):
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
            serve.signal(signal.SIGTERM)
            served = serve.finish()
            watch.until("no service")
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
