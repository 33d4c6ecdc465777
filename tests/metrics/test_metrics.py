"""Figures and health, read over HTTP as Prometheus and a load balancer do."""

import json
import urllib.error
import urllib.request

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.errors import MonitorError
from monitor.http_address import parse_address
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
from monitor.metrics.health import FORGET_HEARTBEATS, LATE_S, SILENT_S, Health
from monitor.metrics.http import MetricsServer
from monitor.wire.protocol import Heartbeat, StreamState, StreamStatus

PATIENT = "Mrs-Smith"
LIVE, STALE = StreamStatus.LIVE, StreamStatus.STALE


def state(stream, status=LIVE, lag_s=0.2, **counts):
    info = StreamInfo(stream, 360.0, ("II",))
    return StreamState(stream, status, "", info, 0, lag_s=lag_s, **counts)


def beat(label):
    return Beat(PATIENT, 1, 2, AamiClass(label), (1.0, 0, 0, 0, 0), None, 0, "m")


def alert(alert_state):
    return Alert(
        PATIENT, 0, 0, AlertKind.VT, Priority.HIGH, AlertState(alert_state), 0, 1, "VT of Mrs Smith"
    )


@pytest.fixture
def storage():
    return {"journal": "", "recording": ""}


@pytest.fixture
def server(storage):
    server = MetricsServer("0", lambda: dict(storage))
    yield server
    server.close()


def get(server, path):
    try:
        with urllib.request.urlopen(server.endpoint + path, timeout=600) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def figures(server):
    """Every sample of /metrics by name and labels."""
    status, text = get(server, "/metrics")
    assert status == 200
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }, text


def deliver(server, *bodies):
    for body in bodies:
        server.figures.deliver(body)


def test_what_is_published_is_counted(server):
    deliver(
        server,
        Samples(PATIENT, 0, np.zeros((90, 2), np.float32)),
        Samples(PATIENT, 90, np.zeros((10, 2), np.float32)),
        *(beat(label) for label in "NNNV"),
        *(alert(name) for name in ("raised", "updated", "acknowledged", "cleared")),
        Heartbeat("p", 3, refused=2, unknown=1),
        state(PATIENT, lost_samples=5, duplicates=1),
        state("b", lag_s=3.0),
        state("c", STALE, lag_s=900.0),
        Heartbeat("p", 3, refused=7, unknown=1, denied=4),
        state(PATIENT, lost_samples=25, duplicates=1),
    )
    server.figures.turned(0, 0.0001)
    server.figures.turned(5, 0.02)
    seen, text = figures(server)
    expected = {
        ("ecg_monitor_samples_total",): 100,
        ("ecg_monitor_beats_total", "N"): 3,
        ("ecg_monitor_beats_total", "V"): 1,
        ("ecg_monitor_beats_total", "S"): 0,
        ("ecg_monitor_alerts_total", "high", "vt"): 1,
        ("ecg_monitor_refused_messages_total",): 7,
        ("ecg_monitor_unknown_messages_total",): 1,
        ("ecg_monitor_denied_total",): 4,
        ("ecg_monitor_lost_samples_total",): 25,
        ("ecg_monitor_duplicates_total",): 1,
        ("ecg_monitor_streams", "live"): 2,
        ("ecg_monitor_streams", "stale"): 1,
        ("ecg_monitor_streams", "quarantined"): 0,
        ("ecg_monitor_lag_max_seconds",): 3.0,
        ("ecg_monitor_lag_seconds_bucket", "0.25"): 2,
        ("ecg_monitor_lag_seconds_count",): 3,
        ("ecg_monitor_turn_seconds_count",): 2,
        ("ecg_monitor_batch_messages_count",): 1,
        ("ecg_monitor_storage_failing", "journal"): 0,
    }
    assert {key: seen.get(key) for key in expected} == expected
    assert "Smith" not in text
    assert "process_cpu_seconds_total" in text


def test_counts_of_a_source_that_starts_anew_are_added(server):
    deliver(server, state("a", lost_messages=9), state("a", lost_messages=4))
    assert figures(server)[0][("ecg_monitor_lost_messages_total",)] == 13


def test_health_is_200_while_all_is_well_and_503_with_the_reason_when_not(server, storage):
    assert get(server, "/health")[0] == 503
    deliver(server, Heartbeat("p", 1), state(PATIENT), Heartbeat("p", 1))
    status, text = get(server, "/health")
    assert (status, json.loads(text)["status"]) == (200, "ok")
    assert json.loads(text)["streams"]["live"] == 1
    assert "Smith" not in text
    storage["recording"] = "1 stream(s): No space left on device"
    status, text = get(server, "/health")
    assert status == 503
    assert json.loads(text)["reasons"] == ["recording: 1 stream(s): No space left on device"]
    assert figures(server)[0][("ecg_monitor_storage_failing", "recording")] == 1


def test_a_service_that_is_silent_or_late_is_not_well():
    health = Health()
    for body in (Heartbeat("p", 1), state("a", lag_s=LATE_S + 1), Heartbeat("p", 1)):
        health.take(body, 100.0)
    assert health.report(100.0, {}).reasons == ("analysis is 6.0 s behind",)
    late = Health()
    for body in (Heartbeat("p", 1, late=1), state("a")):
        late.take(body, 100.0)
    assert late.report(100.0, {}).reasons == ("1 stream(s) late: the machine is too slow",)
    health.take(state("a"), 101.0)
    health.take(Heartbeat("p", 1), 101.0)
    assert health.report(101.0 + SILENT_S, {}).reasons == ()
    assert health.report(110.0, {}).reasons == ("no heartbeat for 9 s",)


def raised(kind, stream):
    return Alert(stream, -1, -1, kind, Priority.TECHNICAL, AlertState.RAISED, 0, 1, "why")


def test_health_tells_who_is_not_watched(server):
    refused = (raised(AlertKind.STREAM_REFUSED, "r"),)
    deliver(
        server,
        Heartbeat("p", 3, turned_away=2),
        state(PATIENT, STALE),
        state("b", STALE),
        state("q", StreamStatus.QUARANTINED),
        state("r", StreamStatus.QUARANTINED, alerts=refused),
    )
    status, text = get(server, "/health")
    report = json.loads(text)
    assert (status, report["status"], report["refused"]) == (200, "degraded", 2)
    assert report["reasons"] == [
        "2 stream(s) stale: no samples are coming in",
        "2 stream(s) refused: no place for them (see --max-streams)",
        "1 stream(s) quarantined: their analysis has stopped",
    ]
    assert "Smith" not in text
    assert figures(server)[0][("ecg_monitor_unwatched_streams",)] == 5


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [(AlertKind.SENDER_CHANGED, "degraded"), (AlertKind.PUBLISHER_FAILED, "failing")],
)
def test_health_tells_of_alerts_about_the_service(server, kind, verdict):
    deliver(server, Heartbeat("p", 1), state(PATIENT, alerts=(raised(kind, PATIENT),)))
    status, text = get(server, "/health")
    assert json.loads(text)["status"] == verdict
    assert status == (503 if verdict == "failing" else 200)


def test_a_stale_stream_is_known_while_states_are_shed_and_forgotten_when_it_is_gone():
    health = Health()
    health.take(state("a", STALE), 100.0)
    for beat in range(FORGET_HEARTBEATS):
        health.take(Heartbeat("p", 1), 101.0 + beat)
        assert health.streams()["stale"] == 1
    for _ in range(2):
        health.take(Heartbeat("p", 0), 120.0)
    assert health.streams()["stale"] == 0


def test_other_paths_are_not_there(server):
    assert get(server, "/../etc/passwd")[0] == 404


def test_a_port_alone_is_of_this_machine_and_a_taken_one_is_an_error(server):
    assert server.endpoint.startswith("http://127.0.0.1:")
    assert server.local
    with pytest.raises(MonitorError, match="in use"):
        MetricsServer(server.endpoint.removeprefix("http://"), dict)


@pytest.mark.parametrize("text", ["", "x", ":9464", "1:2:x", "99999", "127.0.0.1:", "tcp://1:x"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(MonitorError, match="is not an address"):
        parse_address(text, "--metrics")
