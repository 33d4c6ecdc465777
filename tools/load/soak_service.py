"""Run many streams for days through real ``serve`` processes: flat memory, no loss, no drift.

``python -m tools.load.soak_service --streams 20 --hours 24`` sends simulated streams over sockets,
as fast as they are taken (``--speed`` sets a limit, in times real time), to ``--services``
processes with journals, whose retention is at work (``--keep-mb``). A subscriber takes every
message. A quarter of the streams has 360 Hz and two leads, the others 256 Hz and one; scenarios in
turn. With ``--minutes`` no new hour is begun after so long, and what was done by then is reported.

Every stream is the same hour of signal (``--period-s``) over and over. The first half of the run
is for learning the patient. In the second half every hour must give the same events at the same
places, beats with their labels, rhythms, alerts, heart rates: those of the hour before, or of the
one before that (:func:`tools.load.soak_events.recurs`). From which hour on they did is printed.
It also fails if a message or sample was lost, a stream did not end, a journal outgrew what it is to
keep by half, or the resident memory of a service has grown by more than ``--limit-mib`` after the
first hour.

With ``--record-mb`` each service records its streams too, and keeps so much of them. It then fails
as well if the recordings outgrew that by half, or if what is kept, read back by wfdb, is not the
signal that was sent, up to its end (:mod:`tools.load.soak_recording`).

This file is long because one soak is one story: senders, services, checks and report.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import signal as os_signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from monitor.messages import End, Samples, StreamInfo
from monitor.wire.sequence import TopicSequences
from tools.load.soak_events import Compared, drifted, recurs
from tools.load.soak_recording import read_back, size_mb
from tools.load.streams import PATIENCE_S, Service, Source, signal, stream_name

SCENARIOS = ("tour", "pvc", "af", "vt", "sinus")
# a second must be a whole number of hops, or no hour begins as the one before: 250 Hz will not do
KINDS = ((360.0, ("II", "V1")), (256.0, ("II",)), (256.0, ("II",)), (256.0, ("II",)))
SETTLED_S = 600.0
LOOK_S = 0.5  # memory and files are looked at so often by the clock,
LOOKS = 10  # and so often in every period, however fast it goes by
AT_ONCE = 100  # messages taken between two looks at most
RECORDING = "recording"  # folder of a service's recordings
ROOM = 1.5  # times the size that is to be kept: what is old is deleted by and by


@dataclass(frozen=True)
class Bed:
    """One stream."""

    info: StreamInfo
    scenario: str


def beds(count: int, scenarios: list[str]) -> list[Bed]:
    """Give the streams: each scenario with each kind of signal in turn."""
    out = []
    for k in range(count):
        rate_hz, leads = KINDS[k // len(scenarios) % len(KINDS)]
        info = StreamInfo(stream_name(k), rate_hz, leads, 0, "soak")
        out.append(Bed(info, scenarios[k % len(scenarios)]))
    return out


@dataclass(frozen=True)
class Load:
    """The load: how the streams are sent."""

    period_s: float
    periods: int
    piece_s: float
    speed: float
    minutes: float


def send(endpoint: str, streams: list[Bed], load: Load) -> None:
    """Be the sender process of one service: its streams in step, as fast as they are taken."""
    signals = {
        (bed.scenario, bed.info.rate_hz, bed.info.leads): signal(
            bed.scenario, load.period_s, bed.info.rate_hz, bed.info.leads
        )
        for bed in streams
    }
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    sources = [(Source(context, endpoint, bed.info), bed) for bed in streams]
    for source, _ in sources:
        source.announce()
    began_s = time.monotonic()
    period = 0
    while period < load.periods and time.monotonic() - began_s < 60.0 * load.minutes:
        for place_s in np.arange(0.0, load.period_s, load.piece_s):
            due_s = began_s + (period * load.period_s + place_s) / load.speed
            time.sleep(max(due_s - time.monotonic(), 0.0))
            for source, bed in sources:
                info = bed.info
                values = signals[bed.scenario, info.rate_hz, info.leads]
                at, length = round(place_s * info.rate_hz), round(load.piece_s * info.rate_hz)
                samples = Samples(info.stream, period * len(values) + at, values[at : at + length])
                source.send_patiently(samples)
        period += 1
    for source, bed in sources:
        end = period * round(load.period_s * bed.info.rate_hz)
        source.send_patiently(End(bed.info.stream, end))
    context.destroy(round(PATIENCE_S * 1000))


@dataclass
class Watched:
    """The findings so far, from the subscriber and the process table."""

    streams: dict[str, Bed]
    compared: dict[str, Compared]
    counts: Counter[str] = field(default_factory=Counter)
    sequences: TopicSequences = field(default_factory=TopicSequences)
    journalled: dict[str, int] = field(default_factory=dict)
    unlinked: int = 0  # journalled messages whose predecessor did not come
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    resident: list[tuple[float, list[float]]] = field(default_factory=list)  # hours, MiB each
    journal_mb: float = 0.0  # the largest journal there was
    recorded_mb: float = 0.0  # the most that one service's recordings took

    def take(self, frames: list[bytes]) -> None:
        """Take one published message."""
        header = json.loads(frames[1])
        kind, _, name = frames[0].decode().partition(".")
        self.counts[kind] += 1
        self.sequences.observe(frames[0], header["publisher"], header["sequence"])
        if "journal" in header:
            self.unlinked += self.journalled.get(name, 0) != header["journal_before"]
            self.journalled[name] = header["journal"]
        if kind == "state":
            self.states[name] = header
        elif kind == "end":
            self.ended.add(name)
        elif kind in ("beat", "rhythm", "vitals", "alert"):
            self.compared[name].take(kind, header)

    def hours(self) -> float:
        """Hours of signal that every stream has behind it."""
        done = [self.compared[n].sample / bed.info.rate_hz for n, bed in self.streams.items()]
        return min(done) / 3600.0

    def lost(self) -> dict[str, int]:
        """Give what was lost on the way in and out."""
        counts = Counter({"messages out": self.sequences.total().lost, "journal": self.unlinked})
        for state in self.states.values():
            counts["samples"] += state["lost_samples"]
            counts["messages in"] += state["lost_messages"]
            counts["refused"] += state["refused"]
        return dict(counts)


def watch(
    watched: Watched, services: list[Service], folders: list[Path], socket: Any, load: Load
) -> None:
    """Take every message until all streams have ended; look at memory now and then."""
    began_s = heard_s = time.monotonic()
    look_s = look_h = told_h = 0.0
    while len(watched.ended) < len(watched.streams):
        if socket.poll(500):
            heard_s = time.monotonic()
            for _ in range(AT_ONCE):
                try:
                    watched.take(socket.recv_multipart(zmq.NOBLOCK))
                except zmq.Again:
                    break
        now_s, hours = time.monotonic(), watched.hours()
        if now_s - heard_s > PATIENCE_S or any(s.process.poll() is not None for s in services):
            print("a service has fallen silent, or ended")
            return
        if now_s - look_s < LOOK_S and hours - look_h < load.period_s / 3600.0 / LOOKS:
            continue
        look_s, look_h = now_s, hours
        journals = look(watched, services, folders)
        if hours >= told_h + 1.0:
            told_h = float(int(hours))
            print(
                f"{hours:6.2f} h  {(now_s - began_s) / 60:6.1f} min"
                f"  {hours * 3600 / (now_s - began_s):5.1f} x"
                f"  {' '.join(f'{mib:7.1f}' for mib in watched.resident[-1][1])} MiB"
                f"  {' '.join(f'{service.cpu_s():6.0f}' for service in services)} CPU s"
                f"  journals {' '.join(f'{mb:.1f}' for mb in journals)} MB"
                f"  {sum(watched.counts.values())} messages, lost {sum(watched.lost().values())}",
                flush=True,
            )


def look(watched: Watched, services: list[Service], folders: list[Path]) -> list[float]:
    """Note what memory and files the services take now; give the size of each journal, MB."""
    watched.resident.append((watched.hours(), [service.resident_mib() for service in services]))
    journals = [sum(f.stat().st_size for f in d.glob("journal*.db")) / 1e6 for d in folders]
    watched.journal_mb = max(watched.journal_mb, *journals)
    recorded = [size_mb(folder / RECORDING) for folder in folders]
    watched.recorded_mb = max(watched.recorded_mb, *recorded)
    return journals


def memory(watched: Watched, from_h: float) -> tuple[float, list[str]]:
    """Give the largest growth of a service (MiB) after ``from_h``, and a line for each."""
    later = [(hours, mib) for hours, mib in watched.resident if hours >= from_h]
    if len({hours for hours, _ in later}) < 3:
        return float("nan"), ["memory: too short"]
    hours = np.array([h for h, _ in later])
    lines, growth = [], []
    for k, mib in enumerate(np.array([m for _, m in later]).T):
        quarter = max(len(mib) // 10, 1)
        first, last = float(np.median(mib[:quarter])), float(np.median(mib[-quarter:]))
        slope = float(np.polyfit(hours, mib, 1)[0])
        growth.append(last - first)
        lines.append(
            f"service {k + 1}: resident {first:.1f} MiB at {hours[0]:.1f} h, {last:.1f} at "
            f"{hours[-1]:.1f} h, peak {mib.max():.1f}, slope {slope:+.3f} MiB an hour of signal"
        )
    return max(growth), lines


def report(watched: Watched, load: Load, took_s: float, limit_mib: float, keep_mb: float) -> int:
    """Print what came of it; 1 if it does not hold."""
    done = {n: c.periods for n, c in watched.compared.items()}
    total_h = sum(done.values()) * load.period_s / 3600
    count = sum(watched.counts.values())
    print(
        f"{len(done)} streams, {min(done.values()) * load.period_s / 3600:g} h each at least, "
        f"{total_h:g} h in all, in {took_s / 60:.1f} min: {total_h * 3600 / took_s:.0f} x real "
        f"time in all, {total_h * 3600 / took_s / len(done):.1f} x a stream"
    )
    print("messages: " + ", ".join(f"{kind} {n}" for kind, n in sorted(watched.counts.items())))
    print(f"{count / total_h:.0f} messages an hour of signal; largest journal "
          f"{watched.journal_mb:.1f} MB")  # fmt: skip
    lost = watched.lost()
    print("lost: " + ", ".join(f"{what} {n}" for what, n in lost.items()))
    growth, lines = memory(watched, max(load.period_s, SETTLED_S) / 3600)
    print("\n".join(lines))
    bad = 0
    settled: list[int] = []
    for name, bed in watched.streams.items():
        compared = watched.compared[name]
        compared.finish()
        drift = drifted(compared)
        bad += drift
        found = recurs(compared)
        settled += [found[0] + 1] if found else []
        if found is None:
            told = "no period is as one before it"
        else:
            told = f"the same from period {found[0] + 1} on"
            told += ", in turn with another" if found[1] == 2 else ""
        print(
            f"{name} ({bed.scenario}, {bed.info.rate_hz:g} Hz, {len(bed.info.leads)} lead(s)): "
            f"{told}{': DRIFT' if drift else ''}"
        )
        if found is None or found[0] > 1:
            print(f"    events not as in the period before: {compared.from_before[1:]}; "
                  f"for example {compared.example}")  # fmt: skip
    events = sum(c.events for c in watched.compared.values())
    print(
        f"{events} events compared; the same from period {min(settled, default=0)} to "
        f"{max(settled, default=0)} on in {len(settled)} of {len(done)} streams; {bad} drifted"
    )
    unfinished = len(watched.streams) - len(watched.ended)
    kept = watched.journal_mb <= ROOM * keep_mb
    wrong = bool(bad or unfinished or any(lost.values()) or not growth <= limit_mib or not kept)
    print("DOES NOT HOLD" if wrong else "holds")
    return int(wrong)


def report_recordings(watched: Watched, folders: list[Path], load: Load, record_mb: float) -> bool:
    """Print what is kept of the recordings; True if something is wrong with it."""
    wrong = watched.recorded_mb > ROOM * record_mb
    print(f"recordings: at most {watched.recorded_mb:.1f} MB a service")
    for k, (name, bed) in enumerate(watched.streams.items()):
        info = bed.info
        sent = signal(bed.scenario, load.period_s, info.rate_hz, info.leads)
        end = watched.compared[name].periods * len(sent)
        stored = read_back(folders[k % len(folders)] / RECORDING / name, sent, end)
        wrong |= bool(stored.wrong)
        print(
            f"{name}: {stored.segments} segments, {stored.samples / info.rate_hz / 3600:.2f} h, "
            f"{stored.annotations} annotations{': ' if stored.wrong else ''}{stored.wrong}"
        )
    return wrong


def _parsed(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--services", type=int, default=2, help="processes that share the streams")
    parser.add_argument("--speed", type=float, default=1e6, help="limit, in times real time")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no period after so long")
    parser.add_argument("--period-s", type=float, default=3600.0)
    parser.add_argument("--piece-s", type=float, default=8.0, help="signal in one message")
    parser.add_argument("--keep-mb", type=float, default=20.0, help="size of each journal")
    parser.add_argument(
        "--record-mb",
        type=float,
        default=0.0,
        help="record, each service keeping so much (more than comes in two minutes)",
    )
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), help="of the simulator")
    parser.add_argument("--limit-mib", type=float, default=16.0)
    args = parser.parse_args(argv)
    args.periods = round(args.hours * 3600 / args.period_s)
    if args.periods < 4 or args.period_s % args.piece_s:
        parser.error("needs four periods, of whole pieces")
    return args


def main(argv: list[str] | None = None) -> int:
    """Run and report; 1 if something was lost, memory grew or events drifted."""
    args = _parsed(argv)
    load = Load(args.period_s, args.periods, args.piece_s, args.speed, args.minutes)
    all_beds = beds(args.streams, args.scenarios)
    watched = Watched(
        {bed.info.stream: bed for bed in all_beds},
        {bed.info.stream: Compared(bed.info.rate_hz, args.period_s) for bed in all_beds},
    )
    spawn = multiprocessing.get_context("spawn")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "settings.toml"
        settings = f"[journal]\nmax_mb = {args.keep_mb}\n"
        if args.record_mb:
            settings += f"[recording]\nmax_mb = {args.record_mb}\n"
        config.write_text(settings, encoding="utf-8")
        folders = [Path(folder) / f"service-{k}" for k in range(args.services)]
        services: list[Service] = []
        senders = []
        try:
            for place in folders:
                place.mkdir()
                record = ["--record", str(place / RECORDING)] if args.record_mb else []
                services.append(Service(None, place, ["--config", str(config), *record]))
            socket = context.socket(zmq.SUB)
            socket.setsockopt(zmq.RCVHWM, 0)
            socket.setsockopt(zmq.SUBSCRIBE, b"")
            for service in services:
                socket.connect(service.output)
            heard: set[bytes] = set()
            while len(heard) < len(services):  # from here on nothing is missed
                heard.add(socket.recv_multipart()[0])
            for k, service in enumerate(services):
                ours = all_beds[k :: args.services]
                senders.append(spawn.Process(target=send, args=(service.input, ours, load)))
                senders[-1].start()
            began_s = time.monotonic()
            watch(watched, services, folders, socket, load)
            took_s = time.monotonic() - began_s
        finally:
            context.destroy(0)
            for sender in senders:
                sender.terminate()
            for service in services:
                service.stop()
        bad = report(watched, load, took_s, args.limit_mib, args.keep_mb)
        if args.record_mb and report_recordings(watched, folders, load, args.record_mb):
            print("the recordings DO NOT HOLD")
            bad = 1
    return bad


if __name__ == "__main__":
    os_signal.signal(os_signal.SIGTERM, os_signal.default_int_handler)  # the services end too
    sys.exit(main())
