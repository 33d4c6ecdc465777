"""Real processes: alerts asked for afterwards are those that were published and journalled."""

import json
import signal

import pytest
from monitor_process import running, serving

pytestmark = pytest.mark.slow


def lines(process):
    return [json.loads(line) for line in process.finish()]


def test_alerts_since_the_beginning_are_those_of_history_and_of_the_service(tmp_path):
    path = str(tmp_path / "j.db")
    with serving("--json", "--journal", path) as (serve, at):
        publish = ["--publish", at["input"], "--speed", "max"]
        with running("demo", "--scenario", "vt", "--once", "--stream", "p", *publish) as demo:
            demo.finish()
        serve.until("stream p: ended")
        with running("history", "--journal", path, "--kind", "alert", "--format", "json") as past:
            kept = lines(past)  # while the service runs
        connect = ["--connect", at["output"], "--control", at["control"]]
        half = kept[len(kept) // 2]["journal"]
        for since in (0, half):
            wanted = [entry for entry in kept if entry["journal"] > since]
            count = ["--count", str(len(wanted))]
            with running("alerts", *connect, "--since", str(since), *count) as alerts:
                got = lines(alerts)
            assert got == [{k: v for k, v in e.items() if k != "wall_ns"} for e in wanted]
        serve.signal(signal.SIGTERM)
        published = [e for e in lines(serve) if e["type"] == "alert"]
    assert published == [
        {k: v for k, v in e.items() if k not in ("wall_ns", "journal")} for e in kept
    ]
    assert len(published) > 5


def test_a_service_without_a_journal_cannot_be_asked(tmp_path):
    with serving("--journal", "off") as (_, at):
        connect = ["--connect", at["output"], "--control", at["control"]]
        with running("alerts", *connect, "--since", "0") as alerts:
            alerts.finish(1)
            assert "--since: this service keeps no journal" in alerts.remarks[-1]


def test_a_second_service_on_the_same_journal_is_told_so(tmp_path):
    path = str(tmp_path / "j.db")
    with serving("--journal", path):
        endpoints = [f"--{name}=tcp://127.0.0.1:*" for name in ("input", "output", "control")]
        with running("serve", *endpoints, "--journal", path) as second:
            second.finish(1)
            assert "is being written by another `serve`" in second.remarks[-1]
