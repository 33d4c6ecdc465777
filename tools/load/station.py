"""What the central station costs: its share of a core, its memory, and how smoothly it draws.

    python -m tools.load.station --beds 64 --seconds 30

A server, its station and 64 simulated beds (two leads, 250 Hz) run; then one browser shows the
ward at 1920 x 1080. Printed are: the share of one core that the station takes without and with the
browser, its memory before and after, and the time from frame to frame in the page, beside the time
its own drawing takes. A machine that is busy with other things makes frames longer, the share not.

``--published`` puts a publisher of ready-made messages in the place of the server: where the
machine is too slow to analyse 64 beds beside a browser, the cost of the station can still be told.
It raises alarms in turn, so the time from publication to picture and sound is printed too.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import zmq

from monitor.errors import MonitorError
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    LeadState,
    Priority,
    Quality,
    Samples,
    StreamInfo,
    Vitals,
)
from monitor.wire.frames import encode
from monitor.wire.protocol import Body, Heartbeat, StreamState, StreamStatus, topic_of
from monitor.wire.sequence import SequenceCounter
from tools.load.browsed_ward import chromium, ward
from tools.load.streams import signal
from tools.load.ward import CALM, LEADS

PIECE_S = 0.1
SETTLE_S = 20.0
IDLE_S = 15.0
IDLE_MS = 0.25  # shorter: a frame in which nothing was due
FRAMES = """
    async (ms) => {
        const frames = [];
        const own = [];
        const draw = window.requestAnimationFrame;
        window.requestAnimationFrame = (f) => draw((at) => {
            const began = performance.now();
            f(at);
            own.push(performance.now() - began);
        });
        await new Promise((done) => {
            const end = performance.now() + ms;
            const next = (at) => { frames.push(at); at < end ? draw(next) : done(); };
            draw(next);
        });
        window.requestAnimationFrame = draw;
        return [frames, own];
    }
"""


DELAYS = """
    () => {
        window.delays = [];
        const seen = new Set();
        const look = () => {
            if (document.body.dataset.sound !== 'high') return;
            for (const element of document.querySelectorAll('.tile-text')) {
                const at = /^at (\\d+)/.exec(element.textContent);
                if (!at || seen.has(at[1]) || element.closest('[hidden]')) continue;
                seen.add(at[1]);
                window.delays.push(Date.now() - Number(at[1]));
            }
        };
        new MutationObserver(look).observe(document.body, {
            subtree: true, childList: true, characterData: true, attributes: true,
        });
    }
"""


class Publisher:
    """Publishes a ward as a service does, without analysing anything."""

    def __init__(self, beds: int, rate_hz: float) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.SNDHWM, 100_000)
        port = self._socket.bind_to_random_port("tcp://127.0.0.1")
        self.output = f"tcp://127.0.0.1:{port}"
        self._numbers = SequenceCounter()
        self._rate_hz = rate_hz
        self._signal = signal("sinus", 60.0, rate_hz, LEADS)
        self._infos = [StreamInfo(f"bed-{k + 1}", rate_hz, LEADS) for k in range(beds)]

    def run(self, seconds: float) -> None:
        """Publish for so long, in real time."""
        rows, began_s = round(PIECE_S * self._rate_hz), time.monotonic()
        for piece in range(int(seconds / PIECE_S)):
            wait_s = began_s + piece * PIECE_S - time.monotonic()
            time.sleep(max(0.0, wait_s))
            at = piece * rows
            whole = piece % round(1 / PIECE_S) == 0
            if whole:
                self._send(Heartbeat("load", len(self._infos)))
                self._alarm(round(piece * PIECE_S))
            for k, info in enumerate(self._infos):
                values = np.take(self._signal, np.arange(at, at + rows) + 37 * k, 0, mode="wrap")
                self._send(Samples(info.stream, at, values))
                if whole:
                    self._second(info, at)

    def _second(self, info: StreamInfo, at: int) -> None:
        good = Quality(info.stream, at, at + 1, (LeadState.OK, LeadState.OK), True)
        self._send(StreamState(info.stream, StreamStatus.LIVE, "", info, at, quality=good))
        sure = (0.99, 0.01, 0.0, 0.0, 0.0)
        self._send(Beat(info.stream, at, at + 200, AamiClass.N, sure, 1.0, 0, "load"))
        self._send(Vitals(info.stream, at, 60.0, 1.0, True, {"N": at}, 0))

    def _alarm(self, second: int) -> None:
        """Raise an alarm that tells when it was published; clear it two seconds later."""
        info = self._infos[second // 3 % len(self._infos)]
        raised = second % 3 == 0
        state = AlertState.RAISED if raised else AlertState.CLEARED
        if second % 3 == 1:
            return
        number = second // 3
        text = f"at {time.time_ns() // 1_000_000}"
        kind, high = AlertKind.VT, Priority.HIGH
        where = second * round(self._rate_hz)
        self._send(Alert(info.stream, number, second, kind, high, state, where, where, text))

    def _send(self, body: Body) -> None:
        number = self._numbers.next(topic_of(body))
        self._socket.send_multipart(encode(body, "load", number, time.time_ns()))


def publish(beds: int, rate_hz: float, where: Connection) -> None:
    """Be the process of the publisher."""
    publisher = Publisher(beds, rate_hz)
    where.send(publisher.output)
    publisher.run(1e6)


@contextlib.contextmanager
def published(beds: int, rate_hz: float) -> Iterator[tuple[str, int]]:
    """Run a publisher and a station; give the address and the process of the station."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    sender = context.Process(target=publish, args=(beds, rate_hz, there))
    sender.start()
    station = subprocess.Popen(
        [
            sys.executable, "-m", "monitor", "web", "--connect", here.recv(), "--control",
            "tcp://127.0.0.1:9", "--web", "0",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert station.stderr is not None
        said = station.stderr.readline()
        if "ready web=" not in said:
            raise MonitorError(f"the station did not start: {said.strip()}")
        yield said.split("web=")[1].strip(), station.pid
    finally:
        for process in (station, sender):
            process.terminate()
        station.wait()
        sender.join()


def cpu_s(pid: int) -> float:
    """Give the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Give the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def share(pid: int, seconds: float) -> float:
    """Give the share of one core (%) that a process takes for so long."""
    before, began_s = cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return 100.0 * (cpu_s(pid) - before) / (time.monotonic() - began_s)


def measure(url: str, pid: int, seconds: float) -> None:
    """Print the figures of a station."""
    time.sleep(SETTLE_S)
    print(f"station without a browser: {share(pid, min(seconds, IDLE_S)):.1f} % of one core")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(url)
        page.wait_for_function("() => document.body.dataset.link === 'live'")
        time.sleep(5.0)
        page.evaluate(DELAYS)
        heap = page.evaluate("performance.memory.usedJSHeapSize / 2**20")
        memory, before, began_s = resident_mib(pid), cpu_s(pid), time.monotonic()
        frames, own = page.evaluate(FRAMES, seconds * 1000)
        used = 100.0 * (cpu_s(pid) - before) / (time.monotonic() - began_s)
        delays = page.evaluate("window.delays")
        heap_after = page.evaluate("performance.memory.usedJSHeapSize / 2**20")
        live = page.evaluate("document.querySelectorAll('.tile[data-signal=live]').length")
    print(f"station with one browser:  {used:.1f} % of one core, {live} tiles live")
    print(f"memory of the station:     {memory:.0f} MiB, then {resident_mib(pid):.0f} MiB")
    print(f"memory of scripts in page: {heap:.0f} MiB, then {heap_after:.0f} MiB")
    if delays:
        print(
            f"alarms: {len(delays)}, seen and sounding {np.median(delays):.0f} ms after they were "
            f"published (median), {max(delays):.0f} ms at most"
        )
    steps = np.diff(frames)
    drawn = np.array([ms for ms in own if ms >= IDLE_MS])
    for name, values in (("from frame to frame", steps), ("own drawing a frame", drawn)):
        q50, q95, q99 = np.quantile(values, (0.5, 0.95, 0.99))
        print(
            f"{name}:       median {q50:.1f} ms, 95 % under {q95:.1f} ms, 99 % under {q99:.1f} ms, "
            f"longest {values.max():.1f} ms"
        )
    print(f"frames: {len(frames) / seconds:.1f} a second, {len(drawn) / seconds:.1f} of them drawn")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--beds", type=int, default=64)
    parser.add_argument("--rate-hz", type=float, default=250.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--published", action="store_true", help="no server, but its messages")
    args = parser.parse_args(argv)
    try:
        if args.published:
            with published(args.beds, args.rate_hz) as (url, pid):
                measure(url, pid, args.seconds)
        else:
            with ward(args.beds, CALM, 1e6, args.rate_hz) as station:
                measure(station.url, station.station_pid(), args.seconds)
    except MonitorError as error:
        print(f"station: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
