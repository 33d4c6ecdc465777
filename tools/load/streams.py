"""Measure how many live streams one ``serve`` carries: real processes and sockets, in real time.

``python -m tools.load.streams --streams 50 100 200`` starts ``ecg-monitor serve`` on core 0, with
its journal, and for each number of streams a sender process on the other core. Every stream is a
source of its own (one connection), 360 Hz, two leads, simulated, at real time in pieces of 0.25 s;
the sources begin at different times (``--together``: all send at the same instant). A subscriber
takes beats and states.

*From the R peak*: time from the instant at which the R peak's sample was due in the stream's own
time to the time the label was published. It holds what is the same at any load: the label waits
for the window of the beat (0.8 s after the R peak) and for the end of the piece and the hop it
lies in; one stream alone is printed first for comparison. A number of streams *holds* if 99 % of
the labels come within 1.5 s of the R peak and every beat of the signal got a label. The first
seconds (``--settle``) are left out: starting, and the detector learning.

``--cores 2`` runs two services, each with half of the streams, one on each core; the senders share
the cores with them then. ``--workers 2`` runs one service with that many workers on all cores; its
CPU is that of the front, then of each worker, the spare one too.

This file is long because sender, service and the measurement share one load.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import signal as os_signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import zmq

from monitor.messages import Samples, StreamInfo
from monitor.sources.simulator import Simulator
from monitor.wire.frames import encode
from monitor.wire.protocol import Body, topic_of
from monitor.wire.sequence import SequenceCounter

RATE_HZ = 360.0
PIECE = 90
PIECE_S = PIECE / RATE_HZ
LEADS = ("II", "V1")
SCENARIOS = ("sinus", "pvc", "af", "bigeminy")
ENOUGH_S = 1.5
PATIENCE_S = 120.0


def signal(
    scenario: str,
    seconds: float,
    rate_hz: float = RATE_HZ,
    leads: tuple[str, ...] = LEADS,
    seed: int = 0,
) -> np.ndarray:
    """Give a scenario, over and over, shape (n, leads); each seed is another patient."""
    source = Simulator(scenario, rate_hz=rate_hz, leads=leads, loop=True, chunk_s=1.0, seed=seed)
    pieces = islice(source.chunks(), int(seconds) + 1)
    return np.concatenate([piece.values_mv for piece in pieces])[: round(seconds * rate_hz)]


def resident_mib(process: str = "self") -> float:
    """Resident memory of a process (MiB), as Linux tells it."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Source:
    """One stream with its own connection; messages that cannot leave at once wait here."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, info: StreamInfo
    ) -> None:
        self.info = info
        self._numbers = SequenceCounter()
        self._waiting: deque[list[bytes]] = deque()
        self._socket = context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)
        self._socket.setsockopt(zmq.SNDHWM, 64)
        self._socket.connect(endpoint)

    def announce(self) -> None:
        """Wait for the service, then announce the stream."""
        if not self._socket.poll(round(PATIENCE_S * 1000)):
            raise SystemExit("no service")
        self._socket.recv()
        self.send(self.info)

    def send(self, body: Body) -> None:
        """Send, after what waits."""
        name = self.info.stream
        number = self._numbers.next(topic_of(body))
        self._waiting.append(encode(body, f"bench-{name}", number, time.time_ns()))
        self._flush()

    def send_patiently(self, body: Body) -> None:
        """Send, and wait for as long as the service does not take it."""
        self.send(body)
        while self._flush():
            time.sleep(0.005)  # a publisher cannot be polled for room

    def _flush(self) -> int:
        """Send what waits; give how many messages wait still."""
        while self._waiting:
            try:
                self._socket.send_multipart(self._waiting[0], zmq.NOBLOCK)
            except zmq.Again:
                break
            self._waiting.popleft()
        return len(self._waiting)


def send(endpoints: list[str], count: int, load: Load, report: Connection) -> None:
    """Be the sender process: ``count`` streams, shared out over the services."""
    os.sched_setaffinity(0, load.sender_cores)
    signals = [signal(name, load.seconds) for name in SCENARIOS]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, count + 16)
    sources = [
        Source(
            context,
            endpoints[k % len(endpoints)],
            StreamInfo(stream_name(k), RATE_HZ, LEADS, 0, "bench"),
        )
        for k in range(count)
    ]
    for source in sources:
        source.announce()
    begin_s = time.time() + 1.0
    report.send(begin_s)
    late_s: list[float] = []
    in_turn = sorted(range(count), key=lambda k: load.offset_s(k, count))
    for piece in range(int(load.seconds / PIECE_S)):
        at = piece * PIECE
        for k in in_turn:
            due_s = begin_s + load.offset_s(k, count) + (piece + 1) * PIECE_S
            if due_s > time.time():
                time.sleep(max(due_s - time.time(), 0.0))
            late_s.append(time.time() - due_s)
            values = signals[k % len(signals)][at : at + PIECE]
            sources[k].send(Samples(stream_name(k), at, values))
    report.send(float(np.quantile(late_s, 0.99)))
    context.destroy(0)


def stream_name(k: int) -> str:
    """Name of the k-th stream."""
    return f"s{k}"


@dataclass(frozen=True)
class Load:
    """The load: how the streams are sent."""

    seconds: float
    settle_s: float
    together: bool
    sender_cores: frozenset[int]

    def offset_s(self, k: int, count: int) -> float:
        """Give the start of the k-th of ``count`` streams."""
        return 0.0 if self.together else (k * 0.618034 % 1.0) * PIECE_S


class Service:
    """A ``serve`` process, on one core or anywhere."""

    def __init__(self, core: int | None, folder: Path, options: list[str]) -> None:
        free = "tcp://127.0.0.1:*"
        command = [
            sys.executable, "-m", "monitor", "serve", "--input", free, "--output", free,
            "--control", free, "--journal", str(folder / f"journal-{core}.db"),
            "--max-streams", "4096", *options,
        ]  # fmt: skip
        said = folder / f"serve-{core}.log"
        with said.open("w") as log:
            # a session of its own, as a service manager gives each service
            self.process = subprocess.Popen(command, stderr=log, start_new_session=True)
        if core is not None:
            os.sched_setaffinity(self.process.pid, {core})
        until_s = time.time() + PATIENCE_S
        while not (found := re.search(r"ready input=(\S+) output=(\S+)", said.read_text())):
            if time.time() > until_s or self.process.poll() is not None:
                raise SystemExit(f"serve did not start:\n{said.read_text()}")
            time.sleep(0.05)
        self.input, self.output = found.groups()

    def cpu_s(self) -> list[float]:
        """CPU seconds used so far: of the process, then of each of its workers."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        found = []
        for number in (pid, *map(int, children)):
            stat = Path(f"/proc/{number}/stat").read_text(encoding="ascii")
            fields = stat.rpartition(")")[2].split()
            found.append((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
        return found

    def resident_mib(self) -> float:
        """Resident memory."""
        return resident_mib(str(self.process.pid))

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)


@dataclass
class Result:
    """The result for one number of streams."""

    latencies_s: list[float] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)
    beats: dict[str, int] = field(default_factory=dict)
    cpu: list[float] = field(default_factory=list)
    resident_mib: float = 0.0
    sender_late_s: float = 0.0
    missing: int = 0

    @property
    def holds(self) -> bool:
        """99 % of the labels in time, none missing."""
        return self.missing == 0 and float(np.quantile(self.latencies_s, 0.99)) <= ENOUGH_S


def measure(count: int, cores: int, load: Load, options: list[str]) -> Result:
    """Run one number of streams."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        pinned = [None] if "--workers" in options else range(cores)
        services = [Service(core, Path(folder), options) for core in pinned]
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            subscriber = context.socket(zmq.SUB)
            subscriber.setsockopt(zmq.RCVHWM, 0)
            for topic in (b"beat.", b"state."):
                subscriber.setsockopt(zmq.SUBSCRIBE, topic)
            for service in services:
                subscriber.connect(service.output)
            ours, theirs = spawn.Pipe()
            endpoints = [service.input for service in services]
            sender = spawn.Process(target=send, args=(endpoints, count, load, theirs))
            sender.start()
            return _watch(count, load, subscriber, services, ours, sender)
        finally:
            context.destroy(0)
            for service in services:
                service.stop()


def _watch(
    count: int,
    load: Load,
    subscriber: zmq.Socket[bytes],
    services: list[Service],
    report: Connection,
    sender: multiprocessing.context.SpawnProcess,
) -> Result:
    result = Result()
    if not report.poll(PATIENCE_S):
        raise SystemExit("the sender did not start")
    begin_s = report.recv()
    offsets_s = {stream_name(k): load.offset_s(k, count) for k in range(count)}
    from_s, until_s = begin_s + load.settle_s, begin_s + load.seconds
    cpu_before: list[float] | None = None
    while time.time() < until_s + 1.0 or sender.is_alive():
        if time.time() >= from_s and cpu_before is None:
            cpu_before, cpu_at_s = [s for service in services for s in service.cpu_s()], time.time()
        if time.time() >= until_s - 1.0 and not result.cpu and cpu_before is not None:
            cpu_now = [s for service in services for s in service.cpu_s()]
            used = [now - before for now, before in zip(cpu_now, cpu_before, strict=True)]
            result.cpu = [cpu_s / (time.time() - cpu_at_s) for cpu_s in used]
            result.resident_mib = max(service.resident_mib() for service in services)
        if not subscriber.poll(100):
            continue
        topic, header = subscriber.recv_multipart()[:2]
        fields = json.loads(header)
        sent_s = fields["sent_ns"] / 1e9
        if topic.startswith(b"state."):
            if sent_s >= from_s and fields.get("lag_s") is not None:
                result.lags_s.append(fields["lag_s"])
            continue
        sample = fields["sample"]
        rpeak_s = begin_s + offsets_s[fields["stream"]] + sample / RATE_HZ
        if from_s <= rpeak_s < until_s - 3.0:
            result.latencies_s.append(sent_s - rpeak_s)
            name = fields["stream"]
            result.beats[name] = result.beats.get(name, 0) + 1
    result.sender_late_s = report.recv()
    sender.join()
    # streams of one scenario are the same signal: each must have given as many beats as any
    for k in range(len(SCENARIOS)):
        alike = [result.beats.get(stream_name(j), 0) for j in range(k, count, len(SCENARIOS))]
        # the window of a stream that begins later may hold one beat more or less
        result.missing += sum(max(max(alike) - 1 - n, 0) for n in alike)
    return result


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 1 if not even the first number of streams holds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--streams", type=int, nargs="+", default=[50, 100, 150, 200, 250, 300])
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--settle", type=float, default=15.0)
    parser.add_argument("--cores", type=int, choices=(1, 2), default=1)
    parser.add_argument("--workers", type=int, help="of one service")
    parser.add_argument("--together", action="store_true", help="all streams send at one instant")
    parser.add_argument("serve_options", nargs="*", help="after --: options for serve")
    args = parser.parse_args(argv)
    machine = frozenset(os.sched_getaffinity(0))
    if args.workers:
        args.serve_options += ["--workers", str(args.workers)]
    senders = (
        machine - {0} if args.cores == 1 and not args.workers and len(machine) > 1 else machine
    )
    os.sched_setaffinity(0, senders)
    load = Load(args.seconds, args.settle, args.together, senders)
    print("streams  label after R peak (s)  lag (s)      CPU of each serve  memory  sender late")
    print("         50 %   99 %   worst     99 %  worst                     (MiB)   99 % (s)")
    best = 0
    for count in (1, *args.streams):
        r = measure(count, args.cores if count > 1 else 1, load, args.serve_options)
        p50, p99, worst = np.quantile(r.latencies_s, [0.5, 0.99, 1.0])
        lag99, lag = np.quantile(r.lags_s, [0.99, 1.0])
        cpu = " ".join(f"{share:4.0%}" for share in r.cpu)
        verdict = "holds" if r.holds else f"does not hold ({r.missing} labels missing)"
        print(
            f"{count:6d}  {p50:6.2f} {p99:6.2f} {worst:6.2f}   {lag99:6.3f} {lag:6.3f}  {cpu:>16s}"
            f"  {r.resident_mib:6.0f}  {r.sender_late_s:7.3f}   {verdict}",
            flush=True,
        )
        if not r.holds:
            break
        best = count
    print(f"largest number of streams that holds: {best}")
    return int(best < args.streams[0])


if __name__ == "__main__":
    os_signal.signal(os_signal.SIGTERM, os_signal.default_int_handler)  # the services end too
    sys.exit(main())
