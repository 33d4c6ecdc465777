"""Sources that are killed, subscribers that stop reading."""

import json
import random
import time
from itertools import pairwise

import pytest
import zmq
from fault_parts import analysis_alerts, device, events, kind_of, over, patient
from monitor_process import PATIENCE_S, running, serving, wait_for

from monitor.wire.frames import decode
from monitor.wire.protocol import Heartbeat

pytestmark = pytest.mark.slow


def test_a_source_is_killed_and_comes_back(survey, tour):
    """The stream begins anew; all of its alerts come, and the streams beside it go on."""
    chance = random.Random(2)
    _, expected = tour
    recovery_s = 0.0
    got, wanted = [], []
    with serving("--json", patience_s=2 * PATIENCE_S) as (serve, at):
        for number in range(5):
            name = f"killed-{number}"
            demo = ["demo", "--scenario", "tour", "--once", "--stream", name]
            publish = [*demo, "--publish", at["input"]]
            with running(*publish, "--speed", "20") as source:
                wanted_lines = chance.randint(5, 60)
                serve.until_lines(lambda lines, n=name, k=wanted_lines: len(events(lines, n)) >= k)
                source.kill()
            began_s, before = time.monotonic(), len(events(serve.lines, name))
            with running(*publish, "--speed", "max") as source:
                serve.until_lines(lambda lines, n=name, k=before: len(events(lines, n)) > k + 1)
                recovery_s = max(recovery_s, time.monotonic() - began_s)
                source.finish()
            wait_for(lambda n=name: over(at["control"], [n]), f"end of {name}")
            serve.until_lines(lambda lines, n=name: events(lines, n)[-1]["type"] == "end")
            lines = [json.dumps(event) for event in events(serve.lines, name)]
            begins = [n for n, line in enumerate(lines) if json.loads(line)["type"] == "info"]
            assert len(begins) == 2
            got += [(name, *kind_of(line)) for line in analysis_alerts(lines[begins[1] :], name)]
            wanted += [(name, *kind_of(line)) for line in expected]
            numbers = [event["seq"] for event in events(lines, name, "alert") if event["id"] >= 0]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    survey.report("kill -9 of a source at a random instant", 5, 5, wanted, got, recovery_s)


def test_a_subscriber_stops_reading(survey):
    """Others get everything, the service does not grow, and the loss can be seen."""
    one = patient("one", "vt")
    alerts = one.alerts()
    streams = [one.renamed(f"bed-{n:02d}") for n in range(26)]
    names = [stream.info.stream for stream in streams]
    context = zmq.Context()
    with serving(patience_s=2 * PATIENCE_S) as (serve, at), context:
        with (
            running("alerts", "--connect", at["output"], patience_s=2 * PATIENCE_S) as reader,
            context.socket(zmq.SUB) as sleeper,
            device(at["input"]) as sender,
        ):
            sleeper.setsockopt(zmq.LINGER, 0)
            sleeper.setsockopt(zmq.RCVHWM, 10)
            sleeper.setsockopt(zmq.RCVBUF, 4096)
            sleeper.connect(at["output"])
            sleeper.subscribe(b"")
            assert sleeper.poll(PATIENCE_S * 1000)
            reader.until("connected")
            half = len(streams) // 2
            for part in (streams[:half], streams[half:]):
                for stream in part:
                    sender.play(stream)
                ended = [stream.info.stream for stream in part]
                wait_for(lambda names=ended: over(at["control"], names), f"end of {ended}")
                if part[0] is streams[0]:
                    grown_kib = -serve.resident_kib
            grown_kib += serve.resident_kib
            wait_for(
                lambda: len(events_of_analysis(reader.lines)) >= len(alerts) * len(names),
                "all alerts at the reader",
            )
            numbers = sequences(sleeper)
        lines = events_of_analysis(reader.lines)
    # half the streams fill the queue of the one who does not read; the others add nothing
    assert grown_kib < 30_000
    assert any(b - a > 1 for topic in numbers.values() for a, b in pairwise(topic))
    expected = [(name, *kind_of(line)) for name in names for line in alerts]
    got = [(name, *kind_of(line)) for name in names for line in analysis_alerts(lines, name)]
    survey.report("a subscriber stops reading", len(names), len(names), expected, got)


def events_of_analysis(lines):
    return [line for line in lines if json.loads(line)["id"] >= 0]


def sequences(socket):
    """Sequence numbers by topic, up to what is sent from now on."""
    now_ns, numbers = time.time_ns(), {}
    while True:
        assert socket.poll(PATIENCE_S * 1000)
        packet = decode(socket.recv_multipart())
        numbers.setdefault(packet.topic, []).append(packet.sequence)
        if packet.sent_ns > now_ns and isinstance(packet.body, Heartbeat):
            return numbers
