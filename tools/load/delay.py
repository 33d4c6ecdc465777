"""Measure the alarm signal generation delay: from the last sample that an alarm needs to the alarm.

``python -m tools.load.delay`` starts ``ecg-monitor serve`` with its journal, sends the simulated
``tour`` over and over at real time, in pieces of 0.25 s, on several streams that begin at
different times, and takes the alerts as a subscriber does. The delay of an alert that is raised
runs from when the piece with its ``sample`` was handed to the socket to when the alert was there.
The delay of the condition, told by ``tools.evaluate.alarms``, comes before it; behind it comes the
dashboard, which draws and sounds at least every 0.1 s.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import zmq

from monitor.dashboard.app import FRAME_S
from monitor.messages import Samples, StreamInfo
from tools.load.streams import LEADS, PIECE, PIECE_S, RATE_HZ, Service, Source, signal, stream_name


def measure(count: int, seconds: float) -> list[float]:
    """Send ``count`` streams at once; give the delay of each alert that was raised."""
    signals = [signal("tour", seconds, seed=seed) for seed in range(count)]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with tempfile.TemporaryDirectory() as folder:
        service = Service(None, Path(folder), [])
        try:
            alerts = context.socket(zmq.SUB)
            alerts.setsockopt(zmq.SUBSCRIBE, b"alert.")
            alerts.connect(service.output)
            infos = [StreamInfo(stream_name(k), RATE_HZ, LEADS) for k in range(count)]
            sources = [Source(context, service.input, info) for info in infos]
            for source in sources:
                source.announce()
            return _send_and_listen(sources, signals, seconds, alerts)
        finally:
            context.destroy(0)
            service.stop()


def _send_and_listen(
    sources: list[Source],
    signals: list[np.ndarray],
    seconds: float,
    alerts: zmq.Socket[bytes],
) -> list[float]:
    begin_s = time.monotonic() + 1.0
    due = sorted(
        (begin_s + (piece + 1 + k / len(sources)) * PIECE_S, piece, k)
        for piece in range(int(seconds / PIECE_S))
        for k in range(len(sources))
    )
    sent_s: dict[tuple[str, int], float] = {}
    delays_s: list[float] = []
    for due_s, piece, k in [*due, (due[-1][0] + 2.0, 0, -1)]:
        while (left_s := due_s - time.monotonic()) > 0.0:
            if not alerts.poll(round(1000 * left_s)):
                continue
            now_s = time.monotonic()
            header = json.loads(alerts.recv_multipart()[1])
            if header["state"] == "raised" and header["id"] >= 0:
                delays_s.append(now_s - sent_s[header["stream"], header["sample"] // PIECE])
        if k >= 0:
            start = piece * PIECE
            sent_s[stream_name(k), piece] = time.monotonic()
            values = signals[k][start : start + PIECE]
            sources[k].send(Samples(stream_name(k), start, values))
    return delays_s


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=170.0)
    args = parser.parse_args(argv)
    delays_s = measure(args.streams, args.seconds)
    if not delays_s:
        raise SystemExit("no alert was raised: give it more --seconds")
    p50, p99, worst = 1000.0 * np.quantile(delays_s, [0.5, 0.99, 1.0])
    print(
        f"signal delay of {len(delays_s)} alerts: median {p50:.0f} ms, 99 % {p99:.0f} ms, worst "
        f"{worst:.0f} ms; the dashboard adds at most {1000 * FRAME_S:.0f} ms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
