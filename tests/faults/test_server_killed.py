"""The service is killed again and again while streams come in and somebody listens."""

import contextlib
import json
import random
import socket
import threading
import time
from itertools import pairwise

import pytest
from fault_parts import over, states
from monitor_process import running, serving, wait_for

from monitor.sources.simulator import Simulator, scenario
from monitor.wire.publisher import SamplePublisher

KILLS = 20
BEDS = ("bed-1", "bed-2")
CHUNK_S = 0.25
SPEED = 25


def free_endpoints(count):
    """Ports that are free, and that nobody is given while the service is away."""
    ports = []
    while len(ports) < count:
        port = random.randint(15_000, 30_000)  # below those that systems give to connections
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            ports.append(port)
    return tuple(f"tcp://127.0.0.1:{port}" for port in ports)


class Beds(threading.Thread):
    """Simulated patients that go on until told to stop, much faster than life."""

    def __init__(self, endpoint, name, seed):
        super().__init__(daemon=True)  # it waits for ever for a service that does not come back
        self._source = Simulator(
            scenario("tour"), stream=name, seed=seed, loop=True, chunk_s=CHUNK_S
        )
        self._endpoint = endpoint
        self.stopped = threading.Event()

    def run(self):
        with SamplePublisher(self._endpoint, say=lambda _: None) as publisher:
            publisher.publish(self._source.info, self._paced())

    def _paced(self):
        for chunk in self._source.chunks():
            if self.stopped.wait(CHUNK_S / SPEED):
                return
            yield chunk


@pytest.mark.timeout(900)  # 21 starts of the service
def test_the_service_is_killed_at_random_instants(survey, tmp_path):
    """A subscriber that stays gets every alert of the journal, once and in order."""
    journal = tmp_path / "journal.db"
    chance = random.Random(3)
    endpoints = free_endpoints(3)
    beds = [Beds(endpoints[0], name, seed) for seed, name in enumerate(BEDS)]
    options = ("--journal", str(journal))
    follow = ["--connect", endpoints[1], "--control", endpoints[2], "--since", "0"]
    recoveries_s = []
    with running("alerts", *follow, patience_s=600) as reader:
        try:
            for bed in beds:
                bed.start()
            for _ in range(KILLS):
                began_s, before = time.monotonic(), len(reader.lines)
                with serving(*options, endpoints=endpoints) as (serve, _):
                    reader.until_lines(lambda lines, n=before: len(lines) > n)
                    recoveries_s.append(time.monotonic() - began_s)
                    time.sleep(chance.uniform(0.0, 1.5))
                    serve.kill()
            before = len(reader.lines)
            with serving(*options, endpoints=endpoints) as (serve, at):
                reader.until_lines(lambda lines: len(lines) > before)
                for bed in beds:
                    bed.stopped.set()
                wait_for(lambda: over(at["control"], BEDS), "end of the streams")
                shown = states(at["control"])
                kept = [e for e in history(journal) if e["type"] == "alert"]
                reader.until_lines(lambda lines: len(lines) >= len(kept))
                got = [json.loads(line) for line in reader.lines]
        finally:
            for bed in beds:
                bed.stopped.set()
        for bed in beds:
            bed.join()
    for name in BEDS:
        own = [alert for alert in kept if alert["stream"] == name]
        active = {a["id"] for a in shown[name]["alerts"] if a["state"] != "cleared"}
        assert left_open(own) == active
        gaps = [e for e in history(journal) if e["type"] == "gap" and e["stream"] == name]
        assert len(gaps) >= KILLS // 2, "what was missed is not marked"
        assert any(alert["state"] == "raised" for alert in own)
    survey.report(
        "kill -9 of the service at a random instant",
        KILLS,
        len(recoveries_s),
        list(map(canonical, kept)),
        list(map(canonical, got)),
        max(recoveries_s),
    )


def test_a_subscriber_is_killed_and_asks_for_what_it_missed(survey, tmp_path):
    journal = tmp_path / "journal.db"
    chance = random.Random(4)
    lines, kills = [], 5
    with serving("--journal", str(journal)) as (_, at):
        follow = ["--connect", at["output"], "--control", at["control"]]
        bed = Beds(at["input"], BEDS[0], 0)
        bed.start()
        try:
            for _ in range(kills):
                last = json.loads(lines[-1])["journal"] if lines else 0
                with running("alerts", *follow, "--since", str(last)) as reader:
                    reader.until_lines(lambda new: new)
                    time.sleep(chance.uniform(0.0, 1.5))
                    reader.kill()
                    reader.close()
                    lines += [line for line in reader.lines if line.endswith("\n")]
        finally:
            bed.stopped.set()
            bed.join()
        wait_for(lambda: over(at["control"], BEDS[:1]), "end of the stream")
        kept = [e for e in history(journal) if e["type"] == "alert"]
        rest = [e for e in kept if e["journal"] > json.loads(lines[-1])["journal"]]
        if rest:
            last = str(json.loads(lines[-1])["journal"])
            with running("alerts", *follow, "--since", last, "--count", str(len(rest))) as reader:
                lines += reader.finish()
    got = [canonical(json.loads(line)) for line in lines]
    survey.report(
        "kill -9 of a subscriber at a random instant",
        kills,
        kills,
        list(map(canonical, kept)),
        got,
    )


def history(journal):
    with running("history", "--journal", str(journal), "--format", "json") as command:
        return [json.loads(line) for line in command.finish()]


def canonical(alert):
    """One spelling, without the time of writing, which only the journal knows."""
    return json.dumps({k: v for k, v in alert.items() if k != "wall_ns"}, sort_keys=True)


def left_open(alerts):
    """Check that numbers go on over all restarts, and that every alert has one life.

    Gives the numbers of the alerts that are not cleared in the end.
    """
    transitions = [alert["seq"] for alert in alerts if alert["id"] >= 0]
    assert all(after > before for before, after in pairwise(transitions))
    states = {}
    for alert in alerts:
        states.setdefault(alert["id"], []).append(alert["state"])
    for own in states.values():
        assert own[0] == "raised", own
        assert own.count("raised") == 1, own
        assert "cleared" not in own[:-1], own
    return {number for number, own in states.items() if own[-1] != "cleared"}
