"""A service of several processes is, for all who use it, the service of one."""

import json
import signal
import urllib.request
from contextlib import ExitStack

import pytest
from monitor_process import FREE, running, serving, wait_for

from monitor.workers.placing import place_of

pytestmark = pytest.mark.slow

SCENARIOS = {"bed-0": "tour", "bed-1": "vt", "bed-2": "af", "bed-4": "asystole"}


def played(tmp_path, *options, scenarios=SCENARIOS, speed=20, during=lambda at, serve: None):
    """Play simulated patients to a service at once; give its events, by stream."""
    journal = tmp_path / f"journal{len(options)}.db"
    options = ("--json", "--journal", str(journal), *options)
    with serving(*options) as (serve, at), ExitStack() as stack:
        demos = [
            stack.enter_context(
                running("demo", "--scenario", scenario, "--once", "--stream", stream,
                        "--publish", at["input"], "--speed", str(speed))
            )
            for stream, scenario in scenarios.items()
        ]  # fmt: skip
        during(at, serve)
        for demo in demos:
            demo.finish()
        wait_for(
            lambda: all(f"stream {n}: ended" in "".join(serve.remarks) for n in scenarios),
            "the end",
        )
        serve.signal(signal.SIGTERM)
        found = {}
        for line in serve.finish():
            found.setdefault(json.loads(line)["stream"], []).append(line)
    with running("history", "--journal", str(journal), "--format", "json") as history:
        kept = [json.loads(line) for line in history.finish()]
    return found, kept


def test_events_are_the_same_to_the_last_bit(tmp_path):
    assert {place_of(name.encode(), 2) for name in SCENARIOS} == {0, 1}
    one, kept_by_one = played(tmp_path)
    two, kept_by_two = played(tmp_path, "--workers", "2")
    assert two == one
    assert all(len(lines) > 100 for lines in two.values())
    kept = kept_by_one, kept_by_two
    assert [e["journal"] for e in kept_by_two] == list(range(1, len(kept_by_one) + 1))
    for name in SCENARIOS:
        ones, twos = ([plain(e) for e in of if e["stream"] == name] for of in kept)
        assert ones == twos


def plain(event):
    """Give an event without what the journal adds."""
    return {name: value for name, value in event.items() if name not in ("journal", "wall_ns")}


def figures(at):
    with urllib.request.urlopen(at["metrics"]) as answer:
        return answer.read().decode()


def counted(text, name):
    """Sum of a metric over its labels."""
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def asked(control, **request):
    import zmq

    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(control)
        socket.send_json({"schema": 1, **request})
        assert socket.poll(600_000)
        return socket.recv_json()


def test_requests_reach_the_worker_of_the_stream_and_metrics_count_all(tmp_path):
    pytest.importorskip("prometheus_client")
    streams = ["bed-0", "bed-1"]
    assert {place_of(name.encode(), 2) for name in streams} == {0, 1}

    def during(at, serve):
        control = at["control"]

        def alerts():
            reply = asked(control, command="state")
            return [
                state
                for state in reply["streams"]
                if state["sample"] > 720 and any(alert["id"] >= 0 for alert in state["alerts"])
            ]

        wait_for(lambda: len(alerts()) == 2, "alerts of both")
        for name in streams:
            limits = asked(control, command="limits", stream=name, set={"hr_high_bpm": 133.0})
            assert limits["limits"]["hr_high_bpm"] == 133.0
            assert asked(control, command="acknowledge", stream=name, alert_id=None)["ok"]
            signal_ = asked(
                control, command="signal", stream=name, start_sample=360, end_sample=720
            )
            assert signal_["shape"] == [360, 2]
        assert not asked(control, command="acknowledge", stream="nobody", alert_id=None)["ok"]
        assert "command must be" in asked(control, command="?")["error"]
        history = asked(control, command="history", after=0, kinds=["limits"])
        assert sorted(e["stream"] for e in history["events"]) == streams
        states = {s["stream"]: s for s in asked(control, command="state")["streams"]}
        assert all(s["journal_last"] > 0 for s in states.values())
        wait_for(lambda: 'streams{status="live"} 2.0' in figures(at), "two live streams")
        wait_for(lambda: counted(figures(at), "ecg_monitor_beats_total") > 20, "beats of both")
        assert counted(figures(at), "ecg_monitor_samples_total") > 1000

    scenarios = dict.fromkeys(streams, "vt")
    found, _ = played(
        tmp_path, "--workers", "2", "--metrics", "0", scenarios=scenarios, speed=4, during=during
    )
    assert set(found) == set(streams)


def test_a_stream_without_a_place_is_refused_whichever_worker_it_belongs_to(tmp_path):
    with serving("--workers", "2", "--max-streams", "1") as (serve, at), ExitStack() as stack:
        send = ["demo", "--publish", at["input"], "--stream"]
        stack.enter_context(running(*send, "bed-0", "--speed", "1"))  # longer than the other
        wait_for(lambda: asked(at["control"], command="state")["streams"], "the first stream")
        wait_for(lambda: "bed-0: 360 Hz" in "".join(serve.remarks), "the first stream")
        wait_for(lambda: beats(at["output"]) == 1, "the heartbeat that counts it")
        refused = stack.enter_context(running(*send, "bed-1", "--speed", "16"))
        refused.finish(1)
        assert "already 1 streams (see --max-streams)" in "".join(refused.remarks)


def beats(output):
    """Give how many streams the next heartbeat counts."""
    import zmq

    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.SUBSCRIBE, b"heartbeat.")
        socket.connect(output)
        assert socket.poll(600_000)
        return json.loads(socket.recv_multipart()[1])["streams"]


def test_what_the_workers_cannot_load_ends_the_service_with_their_reason():
    options = ("serve", "--journal", "off", "--model", "nosuch", "--input", FREE, "--output", FREE)
    said = []
    for more in ((), ("--workers", "2")):
        with running(*options, "--control", FREE, *more) as serve:
            serve.finish(1)
            said.append(serve.remarks[-1])
    assert "nosuch" in said[0]
    assert said[0] == said[1]


def test_recordings_are_made_and_fetched(tmp_path):
    folder = tmp_path / "recordings"

    def during(at, serve):
        def fetched():
            span = {"start_sample": 360, "end_sample": 720}
            return asked(at["control"], command="signal", stream="bed-1", **span).get("ok")

        wait_for(fetched, "signal")

    scenarios = {"bed-0": "vt", "bed-1": "tour"}
    played(tmp_path, "--workers", "2", "--record", str(folder), scenarios=scenarios, during=during)
    for stream in scenarios:
        (header,) = (folder / stream).glob("*.hea")
        assert " 2 360" in header.read_text().splitlines()[0]
        assert header.with_suffix(".dat").stat().st_size > 10_000
