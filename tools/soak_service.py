"""Many streams for days through a real ``serve``: flat memory, and the same input the same events.

``python -m tools.soak_service --streams 20 --hours 24 --speed 50`` sends simulated streams to a
``serve`` process over sockets (360 Hz, two leads, no faster than ``--speed`` times real time, and
no faster than the service takes them). Every stream is the same period of signal (``--period-s``,
an hour) over and over. Once the start is no longer remembered (ten minutes, a period at least),
every period must give the same events at the same places as the first such period, the reference:
beats with their labels, rhythms, alerts, heart rates. The resident memory of the service may grow
by ``--limit-mib`` from the end of the reference to the end. What differs is printed; more than one
event in a thousand is drift. (The classifier never quite stops learning a patient's beats, so a
beat on the edge between two classes can change sides.)
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import zmq

from monitor.messages import End, Samples
from tools.bench_streams import LEADS, PATIENCE_S, RATE_HZ, Service, Source, signal, stream_name

SCENARIOS = ("tour", "pvc", "af", "vt", "sinus")
PIECE_S = 2.0
SETTLED_S = 600.0
MAX_DRIFT = 0.001


def send(
    endpoint: str, scenarios: list[str], streams: int, period_s: float, periods: int, speed: float
) -> None:
    """Be the sender process: all streams in step, as fast as asked for and as they are taken."""
    signals = [signal(name, period_s) for name in scenarios[:streams]]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, streams + 16)
    sources = [Source(context, endpoint, stream_name(k)) for k in range(streams)]
    for source in sources:
        source.announce()
    piece = round(PIECE_S * RATE_HZ)
    length = round(period_s * RATE_HZ)
    began_s = time.monotonic()
    for at in range(0, periods * length, piece):
        time.sleep(max(began_s + at / RATE_HZ / speed - time.monotonic(), 0.0))
        for k, source in enumerate(sources):
            place = at % length
            values = signals[k % len(signals)][place : place + piece]
            source.send_patiently(Samples(stream_name(k), at, values))
    for k, source in enumerate(sources):
        source.send_patiently(End(stream_name(k), periods * length))
    context.destroy(round(PATIENCE_S * 1000))


def placed(event: dict[str, Any], length: int) -> tuple[int, tuple[Any, ...]] | None:
    """Give the period an event lies in, and what must be the same in every period."""
    period, sample = divmod(event["sample"], length)
    match event["type"]:
        case "beat":
            return period, ("beat", sample, event["label"], event["lead"], event["rr_s"])
        case "rhythm":
            return period, ("rhythm", sample, event["name"])
        case "vitals":
            return period, ("vitals", sample, event["heart_rate_bpm"], event["usable"])
        case "alert" if event["id"] >= 0:
            onset = event["onset_sample"] - period * length
            return period, ("alert", sample, event["kind"], event["state"], onset)
    return None


def main(argv: list[str] | None = None) -> int:
    """Run and report; 1 if memory grew or events drifted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--speed", type=float, default=50.0)
    parser.add_argument("--period-s", type=float, default=3600.0)
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), help="of the simulator")
    parser.add_argument("--limit-mib", type=float, default=16.0)
    args = parser.parse_args(argv)
    periods = round(args.hours * 3600 / args.period_s)
    reference = max(1, math.ceil(SETTLED_S / args.period_s))
    if periods < reference + 2 or args.period_s % PIECE_S:
        parser.error(f"needs {reference + 2} periods or more, of a multiple of {PIECE_S:g} s")
    length = round(args.period_s * RATE_HZ)
    found: dict[tuple[str, int], list[tuple[Any, ...]]] = defaultdict(list)
    counts: Counter[str] = Counter()
    memory_mib: dict[int, float] = {}
    ended = drifted = 0
    with tempfile.TemporaryDirectory() as folder:
        service = Service(None, Path(folder), ["--json", "--exit-when-done"], lines=True)
        sent = args.scenarios, args.streams, args.period_s, periods, args.speed
        sender = multiprocessing.get_context("spawn").Process(
            target=send, args=(service.input, *sent)
        )
        began_s = time.monotonic()
        sender.start()
        for line in service.lines():
            event = json.loads(line)
            counts[event["type"]] += 1
            ended += event["type"] == "end"
            place = placed(event, length) if "sample" in event else None
            if place is None:
                continue
            period, what = place
            name = event["stream"]
            found[name, period].append(what)
            before = found.get((name, period - 1))
            if before is None or event["type"] != "beat":
                continue
            if event["sample"] % length > 60 * RATE_HZ:  # nothing comes for the period before
                if period - 1 > reference:
                    drifted += _differ(name, period - 1, found[name, reference], before)
                if period - 1 != reference:
                    del found[name, period - 1]
                if name == stream_name(0) and period - 1 not in memory_mib:
                    memory_mib[period - 1] = service.resident_mib()
                    _progress(period, args.period_s, began_s, service)
        sender.join(PATIENCE_S)
        service.wait()
    last = [k for k in found if k[1] == periods - 1]
    for name, period in last:
        # the end of the stream is no part of the period: what is decided there may differ
        whole = [[e for e in found[name, p] if e[1] < length - 60 * RATE_HZ]
                 for p in (reference, period)]  # fmt: skip
        drifted += _differ(name, period, *whole)
    grown_mib = memory_mib.get(periods - 2, math.nan) - memory_mib[reference]
    hours = args.streams * periods * args.period_s / 3600
    print("events: " + ", ".join(f"{kind} {n}" for kind, n in sorted(counts.items())))
    print(
        f"{hours:.1f} h of signal ({args.streams} streams, {RATE_HZ:g} Hz, {len(LEADS)} leads) in "
        f"{(time.monotonic() - began_s) / 60:.1f} min; grown by {grown_mib:.1f} MiB after period "
        f"{reference + 1}; {drifted} event(s) differ from period {reference + 1}; {ended} ended"
    )
    drift = drifted > MAX_DRIFT * sum(counts[kind] for kind in ("beat", "vitals", "alert"))
    return int(drift or grown_mib > args.limit_mib or ended < args.streams)


def _progress(period: int, period_s: float, began_s: float, service: Service) -> None:
    signal_s, took_s = period * period_s, time.monotonic() - began_s
    print(
        f"{signal_s / 3600:6.2f} h  {service.resident_mib():7.1f} MiB  "
        f"{signal_s / took_s:5.1f} x real time  {service.cpu_s():.0f} CPU s",
        flush=True,
    )


def _differ(
    name: str, period: int, reference: list[tuple[Any, ...]], now: list[tuple[Any, ...]]
) -> int:
    lacking, more = Counter(reference) - Counter(now), Counter(now) - Counter(reference)
    if lacking or more:
        print(f"{name}, period {period + 1}: lacks {[*lacking][:3]}, has {[*more][:3]}")
    return sum(lacking.values()) + sum(more.values())


if __name__ == "__main__":
    sys.exit(main())
