"""Kill a machine of a cluster under live streams, and count what that cost.

``python -m tools.load.node_killed --streams 100`` starts a Ray cluster of three nodes on this
machine (a head without workers, two nodes for them) and ``ecg-monitor serve --cluster`` with two
workers. It sends simulated patients in real time, kills a node that has streams, and goes on. Then
it compares what was published with what was journalled.

All nodes share the processors of this machine, so it shows what is lost and how long it takes, not
how many streams a cluster carries.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import zmq

from monitor.journal.entries import Query
from monitor.journal.opening import open_reader
from monitor.messages import End, Samples
from monitor.sources.simulator import Simulator, scenario
from monitor.wire.frames import encode
from monitor.wire.protocol import Body, topic_of
from monitor.wire.sequence import SequenceCounter

PIECE_S = 0.25
SHARE = 1 / 3  # of the time, before the node is killed
FREE = "tcp://127.0.0.1:*"
HAS_PLACE = re.compile(r"process (\d+)\) has place (\d+)")
PATIENCE_S = 300.0


class Serve:
    """A ``serve`` on the cluster; keeps what it says."""

    def __init__(self, address: str, journal: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "serve", "--json", "--journal", str(journal),
             "--cluster", address, "--workers", "2", "--max-streams", "4096",
             "--input", FREE, "--output", FREE, "--control", FREE, "--exit-when-done"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.said: list[str] = []
        self.lines: list[str] = []
        pipes = ((self._process.stderr, self.said), (self._process.stdout, self.lines))
        self._threads = []
        for pipe, into in pipes:
            thread = threading.Thread(target=self._read, args=(pipe, into), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _read(self, pipe: Any, into: list[str]) -> None:
        for line in pipe:  # as it comes
            into.append(line)  # noqa: PERF402

    def places(self) -> dict[int, int]:
        """Give the process of each place."""
        found = (HAS_PLACE.search(line) for line in self.said)
        return {int(match[2]): int(match[1]) for match in found if match}

    def begun(self) -> int:
        """Count how often a worker was given a place."""
        return sum("has place" in line for line in self.said)

    def input(self) -> str:
        """Wait until it is ready; give where samples go."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s and self._process.poll() is None:
            for line in self.said:
                if match := re.search(r"ready input=(\S+)", line):
                    return match[1]
            time.sleep(0.05)
        raise SystemExit("serve did not start:\n" + "".join(self.said))

    def wait(self) -> None:
        """Wait for its end."""
        self._process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join(PATIENCE_S)


def parents(pid: int) -> set[int]:
    """Give the processes above a process."""
    found = set()
    while pid > 1:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        pid = int(stat.rpartition(")")[2].split()[1])
        found.add(pid)
    return found


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 1 if an alert was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    args = parser.parse_args(argv)
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    node: dict[str, Any] = {"object_store_memory": 80 << 20}
    head = {**node, "num_cpus": 0, "include_dashboard": False}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=2, **node) for _ in range(2)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            journal = Path(folder) / "journal.db"
            serve = Serve(cluster.address, journal)
            back_s = _send(serve, cluster, nodes, args.streams, args.seconds)
            serve.wait()
            return _report(serve, journal, args.streams, back_s)
    finally:
        cluster.shutdown()


def _send(serve: Serve, cluster: Any, nodes: list[Any], count: int, seconds: float) -> float:
    """Send all streams, and kill a node; give when every place had a worker again (s)."""
    source = Simulator(scenario("tour"), stream="bed", chunk_s=PIECE_S)
    chunks = list(source.chunks())[: int(seconds / PIECE_S)]
    names = [f"bed-{k}" for k in range(count)]
    numbers = SequenceCounter()
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.setsockopt(zmq.XPUB_NODROP, 1)
        socket.setsockopt(zmq.LINGER, 60_000)
        socket.connect(serve.input())
        socket.recv()  # the service has subscribed

        def send(body: Body) -> None:
            number = numbers.next(topic_of(body))
            socket.send_multipart(encode(body, "bench", number, time.time_ns()))

        for name in names:
            send(replace(source.info, stream=name))
        begin_s, killed_s, back_s, before, lost = time.monotonic(), 0.0, 0.0, 0, 0
        for k, chunk in enumerate(chunks):
            time.sleep(max(0.0, begin_s + k * PIECE_S - time.monotonic()))
            for name in names:
                send(Samples(name, chunk.start_sample, chunk.values_mv))
            if k == int(SHARE * len(chunks)):
                places = serve.places()
                gone = next(n for n in nodes if _raylets(n) & parents(places[0]))
                lost = sum(bool(_raylets(gone) & parents(pid)) for pid in places.values())
                before, killed_s = serve.begun(), time.monotonic()
                options = {"allow_graceful": False}
                threading.Thread(target=cluster.remove_node, args=(gone,), kwargs=options).start()
            elif killed_s and not back_s and serve.begun() >= before + lost:
                back_s = time.monotonic() - killed_s
        print(f"{lost} of 2 workers were on the node that was killed")
        for name in names:
            send(End(name, chunks[-1].end_sample))
    return back_s


def _raylets(node: Any) -> set[int]:
    return {info.process.pid for info in node.all_processes["raylet"]}


def _report(serve: Serve, journal: Path, count: int, back_s: float) -> int:
    reader = open_reader(journal)
    kept = [entry.fields() for entry in reader.entries(Query())]
    reader.close()
    events = [json.loads(line) for line in serve.lines]
    published, stored = (
        [(e["stream"], e["id"], e["seq"]) for e in of if e["type"] == "alert"]
        for of in (events, kept)
    )
    lost = len(set(published) ^ set(stored))
    doubled = len(published) - len(set(published))
    own: dict[str, list[int]] = {}
    for event in kept:
        if event["type"] == "alert" and event["id"] >= 0:
            own.setdefault(event["stream"], []).append(event["seq"])
    holes = sum(seqs != list(range(seqs[0], seqs[0] + len(seqs))) for seqs in own.values())
    in_order = [e["journal"] for e in kept] == list(range(1, len(kept) + 1))
    gaps_s = [e["length"] / 360.0 for e in kept if e["type"] == "gap"] or [0.0]
    print(f"{count} streams, {len(published)} transitions of alerts")
    print(f"lost {lost}, doubled {doubled}, streams with a hole in their numbers {holes}")
    print(f"numbers of the journal go on without a hole: {'yes' if in_order else 'no'}")
    print(f"every stream had a worker again after {back_s:.1f} s")
    print(f"signal not analysed, the most of one stream: {max(gaps_s):.1f} s")
    return int(bool(lost or doubled or holes or not in_order or not back_s))


if __name__ == "__main__":
    sys.exit(main())
