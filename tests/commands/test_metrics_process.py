"""A real service that is asked for its figures while it works."""

import json
import signal
import urllib.error
import urllib.request

import pytest
from monitor_process import PATIENCE_S, running, serving, wait_for
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.slow


def figures(url):
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as reply:
        text = reply.read().decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def healthy(url):
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as reply:
            return json.loads(reply.read())["status"] == "ok"
    except urllib.error.HTTPError as error:
        error.close()
        return False


def test_a_service_tells_its_figures_and_that_it_is_well():
    with serving("--metrics", "0", "--json") as (serve, at):
        publish = ["--publish", at["input"], "--speed", "max", "--stream", "patient", "--once"]
        with running("demo", "--scenario", "vt", *publish) as demo:
            demo.finish()
        serve.until("stream patient: ended")
        seen = {}
        while seen.get(("ecg_monitor_streams", "ended")) != 1:  # told once a second
            seen = figures(at["metrics"])
        # between two heartbeats it may have been stopped for a while
        wait_for(lambda: healthy(at["metrics"].replace("/metrics", "/health")), "good health")
        serve.signal(signal.SIGTERM)
        events = [json.loads(line) for line in serve.finish()]
    beats = [event["label"] for event in events if event["type"] == "beat"]
    raised = [
        event["kind"] for event in events if event["type"] == "alert" and event["state"] == "raised"
    ]
    assert beats
    assert "vt" in raised
    for label in "NSVFQ":
        assert seen[("ecg_monitor_beats_total", label)] == beats.count(label)
    for name, priority in {("vt", "high")}:
        assert seen[("ecg_monitor_alerts_total", name, priority)] == raised.count(name)
    assert seen[("ecg_monitor_turn_seconds_count",)] > 0
    assert seen[("process_resident_memory_bytes",)] > 0
