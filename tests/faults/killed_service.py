"""A real service that is killed again and again, while a source sends and a subscriber listens."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import threading
import time
from dataclasses import dataclass, field

from monitor_process import PATIENCE_S, running, serving, wait_for

from monitor.feeds.pace import paced
from monitor.journal.opening import open_reader
from monitor.journal.place import is_url, state_folder
from monitor.sources.simulator import Simulator
from monitor.wire.protocol import JOURNALLED
from monitor.wire.publisher import SamplePublisher
from monitor.workers.placing import place_of

STREAM = "patient"
NOT_OF_THE_EVENT = ("journal", "wall_ns")


@dataclass
class Killed:
    """What came of it: events as JSON objects, in the order in which they came."""

    published: list = field(default_factory=list)  # what the services said on their stdout
    journal: list = field(default_factory=list)
    received: list = field(default_factory=list)  # alerts, by the subscriber
    restored: list = field(default_factory=list)  # what the services said of restored streams
    recovery_s: list = field(default_factory=list)  # from the kill to the next event

    def alerts(self, of="journal"):
        return [event for event in getattr(self, of) if event["type"] == "alert"]

    def gaps(self):
        return [event for event in self.journal if event["type"] == "gap"]


def check_that_all_goes_on(killed):
    """Check that the journal has everything once, in order, with numbers that go on."""
    kept = [plain(event) for event in killed.journal]
    alerts = killed.alerts()

    # what was published is in the journal, in the same order
    places = iter(kept)
    missing = [e for e in killed.published if e["type"] in JOURNALLED and e not in places]
    assert not missing

    # all numbers go on
    numbers = [event["journal"] for event in killed.journal]
    assert numbers == list(range(1, len(numbers) + 1))
    own = [event["seq"] for event in alerts if event["id"] >= 0]
    assert own == list(range(own[0], own[0] + len(own)))
    technical = [event["seq"] for event in alerts if event["id"] < 0]
    assert technical == list(range(-1, -len(technical) - 1, -1))

    # what was missed is marked, where the stream went on
    begins = {event["start_sample"] for event in killed.journal if event["type"] == "info"}
    assert {gap["sample"] + gap["length"] for gap in killed.gaps()} <= begins

    # every alert is raised once, and lives no longer than to its end
    states = {}
    for event in alerts:
        states.setdefault(event["id"], []).append(event["state"])
    for life in states.values():
        assert life[0] == "raised", life
        assert life.count("raised") == 1, life
        assert "cleared" not in life[:-1], life


def plain(event):
    """Give an event without what the journal adds."""
    return {name: value for name, value in event.items() if name not in NOT_OF_THE_EVENT}


def history(path):
    with running("history", "--journal", str(path), "--format", "json") as process:
        return [json.loads(line) for line in process.finish()]


def free_endpoints(count):
    """Ports that are free, and that nobody is given while the service is away."""
    ports = []
    while len(ports) < count:
        port = random.randint(15_000, 30_000)  # below those that systems give to connections
        if port in ports:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            ports.append(port)
    return tuple(f"tcp://127.0.0.1:{port}" for port in ports)


def kill_again_and_again(path, kills, chance, scenario="tour", speed=20.0):
    """Kill a service ``kills`` times, each after a random number of its events; end cleanly.

    It is not killed while its disk is slower than an alarm waits for: what was published by
    then may be lost, and the numbers leap (``tests/journal`` has that).

    Parameters
    ----------
    path
        Of the journal.
    kills
        How often.
    chance
        A ``random.Random``.
    scenario, speed
        Of the simulated patient, who is played over and over.
    """
    found = Killed()
    endpoints = free_endpoints(3)
    patience = {"patience_s": PATIENCE_S + 60 * kills}
    with contextlib.ExitStack() as stack:
        killed_s = None
        for life in range(kills + 1):
            options = ("--json", "--journal", str(path))
            with serving(*options, endpoints=endpoints, **patience) as (serve, at):
                if life == 0:
                    connect = ("--connect", at["output"], "--control", at["control"])
                    subscriber = stack.enter_context(
                        running("alerts", *connect, "--since", "0", **patience)
                    )
                    subscriber.until("connected")
                    end_source = stack.enter_context(sending(at["input"], scenario, speed))
                serve.until_lines(lambda lines: lines)
                if killed_s is not None:
                    found.recovery_s.append(time.monotonic() - killed_s)
                count = chance.randint(1, 60)
                serve.until_lines(lambda lines, n=count: len(lines) >= n)
                if life == kills:
                    end_source()
                    serve.until("ended")
                    last = [e for e in history(path) if e["type"] == "alert"][-1]["journal"]
                    lines = subscriber.lines
                    wait_for(lambda n=last, of=lines: at_least(of, n), f"number {last}")
                    serve.signal(signal.SIGTERM)
                    serve.finish()
                else:
                    time.sleep(0.5 * chance.random())  # any instant
                    wait_for(lambda: mark_of(path).exists(), "the disk")
                    serve.kill()
                    killed_s = time.monotonic()
            whole = [line for line in serve.lines if line.endswith("\n")]
            found.published += [json.loads(line) for line in whole]
            found.restored += [line for line in serve.remarks if "restored" in line]
        subscriber.signal(signal.SIGINT)
        found.received = [json.loads(line) for line in subscriber.lines]
    found.journal = history(path)
    return found


def mark_of(place):
    """Give the file that says that all is stored."""
    if not is_url(place):
        return place.with_name(f"{place.name}.complete")
    reader = open_reader(place)
    try:
        return state_folder() / f"journal-{reader.identity()}.complete"
    finally:
        reader.close()


@contextlib.contextmanager
def sending(endpoint, scenario="tour", speed=20.0):
    """A simulated patient without end, sent by a thread; gives what ends the stream."""
    stop = threading.Event()
    source = Simulator(scenario, stream=STREAM, loop=True, chunk_s=0.25)

    def send():
        with SamplePublisher(endpoint, lambda text: None) as publisher:
            chunks = paced(source.chunks(), source.info, speed, stop)
            publisher.publish(source.info, (chunk for chunk, _ in chunks))

    # it would wait for ever for a service that does not come back
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield stop.set
    finally:
        stop.set()
        thread.join(PATIENCE_S)


def at_least(lines, number):
    return any(json.loads(line)["journal"] >= number for line in lines)


def kill_workers_again_and_again(
    journal,
    kills,
    chance,
    speed=20.0,
    options=(),
    end=None,
    healed=lambda: None,
    **process_options,
):
    """Kill the worker that has the stream ``kills`` times, each after a random number of events.

    Parameters
    ----------
    journal
        Where it lies.
    kills
        How often.
    chance
        A ``random.Random``.
    speed
        Of the simulated patient, who is played over and over.
    options, process_options
        Of the service, beside ``--workers 2``, and of its process.
    end
        Ends a worker, by its number and that of its process; by default SIGKILL.
    healed
        Called when the stream goes on.
    """
    end = end or (lambda number, pid: os.kill(pid, signal.SIGKILL))
    found = Killed()
    patience = {"patience_s": PATIENCE_S + 60 * kills, **process_options}
    options = ("--json", "--journal", str(journal), "--workers", "2", *options)
    place = place_of(STREAM.encode(), 2)
    with serving(*options, **patience) as (serve, at):
        connect = ("--connect", at["output"], "--control", at["control"])
        with (
            running("alerts", *connect, "--since", "0", **patience) as subscriber,
            sending(at["input"], "tour", speed) as end_source,
        ):
            subscriber.until("connected")
            for _ in range(kills):
                before = len(serve.lines)
                count = chance.randint(1, 60)
                serve.until_lines(lambda lines, n=before + count: len(lines) >= n)
                wait_for(lambda: spares(serve.remarks), "a worker that waits")
                time.sleep(0.5 * chance.random())  # any instant
                before = len(serve.lines)
                end(*worker_of(serve.remarks, place))
                killed_s = time.monotonic()
                serve.until(f"has place {place}")
                serve.until_lines(lambda lines, n=before: analysed(lines[n:]))
                found.recovery_s.append(time.monotonic() - killed_s)
                healed()
            end_source()
            serve.until(f"stream {STREAM}: ended")
            last = [e for e in history(journal) if e["type"] == "alert"][-1]["journal"]
            wait_for(lambda: at_least(subscriber.lines, last), f"number {last}")
            subscriber.signal(signal.SIGINT)
        serve.signal(signal.SIGTERM)
        serve.finish()
        found.published = [json.loads(line) for line in serve.lines]
        found.restored = [line for line in serve.remarks if "restored" in line]
        found.received = [json.loads(line) for line in subscriber.lines]
    found.journal = history(journal)
    return found


def worker_of(remarks, place):
    """Give the numbers of the worker and of its process that have a place, as was said."""
    said = [line for line in remarks if f"has place {place}" in line][-1]
    number, process = re.search(r"worker (\d+) \(process (\d+)\)", said).groups()
    return int(number), int(process)


def spares(remarks):
    """Tell how many workers wait for a place."""
    said = "".join(remarks)
    return said.count("waits for a place") - said.count("has place")


def analysed(lines):
    """Tell whether there is an event that only an analysis gives."""
    return any(json.loads(line)["type"] in ("beat", "vitals") for line in lines)
