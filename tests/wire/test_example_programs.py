"""The example programs are run: subscribers in Python and Node.js, a sender."""

import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    Priority,
    Samples,
    StreamInfo,
)
from monitor.wire.protocol import decode, encode
from monitor.wire.sequence import SequenceCounter
from monitor.wire.sockets import ServiceSockets

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FREE = "tcp://127.0.0.1:*"
OUTPUT, INPUT = "tcp://127.0.0.1:5556", "tcp://127.0.0.1:5555"
PATIENCE_S = 600

BEAT = Beat("208", 720, 790, AamiClass.V, (0.0, 0.0, 1.0, 0.0, 0.0), 0.8, 0, "aami")
ALERT = Alert(
    "208", 0, 0, AlertKind.VT, Priority.HIGH, AlertState.RAISED, 720, 1500, "VT 150 > 100"
)
EXPECTED = {"beat.208 720 V", "alert.208 1500 VT 150 > 100"}


def example(name, endpoint, here):
    """Give the text of an example that talks to another endpoint."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert text.count(endpoint) == 1
    return text.replace(endpoint, here)


@contextmanager
def program(command, cwd):
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True)
    guard = threading.Timer(PATIENCE_S, process.kill)
    guard.start()
    try:
        yield process
    finally:
        guard.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def check_subscriber(command, cwd, sockets):
    """Send a beat and an alert once the program has subscribed to both; read what it prints."""
    numbers = SequenceCounter()
    with program(command, cwd) as process:
        subscriptions = 0
        while subscriptions < 2:
            assert process.poll() is None, "the program ended"
            if sockets.wait(1.0):
                subscriptions += sockets.newcomers(1)
        for body in (BEAT, ALERT):
            topic = f"{type(body).__name__}".encode()
            sockets.publish(encode(body, "service", numbers.next(topic), 1))
        lines = {process.stdout.readline().strip() for _ in EXPECTED}
    assert lines == EXPECTED


def test_the_python_subscriber(tmp_path):
    with ServiceSockets(FREE, FREE, FREE) as sockets:
        script = tmp_path / "subscriber.py"
        script.write_text(example("subscriber.py", OUTPUT, sockets.output_endpoint))
        check_subscriber([sys.executable, "-u", script], tmp_path, sockets)


@pytest.mark.xdist_group("node")
def test_the_node_subscriber(node_folder):
    with ServiceSockets(FREE, FREE, FREE) as sockets:
        script = node_folder / "subscriber.js"
        script.write_text(example("subscriber.js", OUTPUT, sockets.output_endpoint))
        check_subscriber(["node", script], node_folder, sockets)


def test_the_python_sender(tmp_path):
    with ServiceSockets(FREE, FREE, FREE) as sockets:
        sockets.open_input()
        script = tmp_path / "sender.py"
        script.write_text(example("sender.py", INPUT, sockets.input_endpoint))
        packets = []
        with program([sys.executable, script], tmp_path) as process:
            while len(packets) < 4:
                assert process.poll() is None, "the program ended"
                sockets.wait(1.0)
                packets += [decode(frames) for frames, _ in sockets.receive(4)]
    bodies = [packet.body for packet in packets]
    infos = [b for b in bodies if isinstance(b, StreamInfo)]
    samples = [b for b in bodies if isinstance(b, Samples)]
    assert (infos[0].stream, infos[0].rate_hz, infos[0].leads) == ("bed-7", 250.0, ("II", "V1"))
    assert samples[0].values_mv.shape == (250, 2)
    assert samples[0].values_mv.dtype == np.float32
    assert samples[1].start_sample == samples[0].end_sample
    assert [p.sequence for p in packets] == sorted(p.sequence for p in packets)
