"""Measure what the dashboard costs: a frame of one stream, and the ward's share of a core.

    python -m tools.load.dashboard

One stream: the simulated patient's ``tour`` is in the state (signal only, two leads, 360 Hz, 30 s);
each frame follows 0.1 s more signal. Snapshot, drawing, and writing to a terminal.

The ward: simulated streams (two leads, 250 Hz) come in pieces of 0.25 s as a service publishes
them, with vitals each second, and an alarm in every eighth. Taking in the messages, and ten frames
a second, as a share of one core. Receiving and decoding them is not in it.

Times are CPU time of this process, medians over 100 frames.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from itertools import islice

from rich.console import Console

from monitor.dashboard.app import FRAME_S
from monitor.dashboard.dashboard import Dashboard
from monitor.dashboard.state import DashboardState
from monitor.dashboard.terminal import Terminal
from monitor.dashboard.traces import Scales
from monitor.dashboard.view import Display, draw
from monitor.feeds.feed import Deliver
from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Priority,
    Samples,
    StreamInfo,
    Vitals,
)
from monitor.sources.simulator import Simulator, scenario

SIZES = ((80, 24), (120, 40), (200, 50))
FRAMES = 100
WARDS = (1, 4, 16, 64)
WARD_SIZES = ((80, 24), (120, 40), (200, 60))
WARD_RATE_HZ = 250.0
PIECE_S = 0.25


def measure(width: int, height: int) -> tuple[float, float, float, float]:
    """Give median milliseconds of snapshot, draw and show, and kilobytes written a frame."""
    state = DashboardState()
    source = Simulator(scenario("tour"), chunk_s=FRAME_S)
    state.fold(source.info, 0.0)
    chunks = source.chunks()
    for _ in range(round(30 / FRAME_S)):
        state.fold(next(chunks), 0.0)
    out = io.StringIO()
    terminal = Terminal(_console(out, width, height))
    scales: Scales = {}
    costs: list[tuple[float, float, float]] = []
    for _ in range(FRAMES):
        state.fold(next(chunks), 0.0)
        times = [time.process_time()]
        snapshot = state.snapshot("", 0.0)
        times.append(time.process_time())
        canvas = draw(snapshot, Display(), width, height, 0.0, scales)
        times.append(time.process_time())
        terminal.show(canvas)
        times.append(time.process_time())
        costs.append((times[1] - times[0], times[2] - times[1], times[3] - times[2]))
    looked, drew, showed = (statistics.median(c) * 1e3 for c in zip(*costs, strict=True))
    return looked, drew, showed, len(out.getvalue().encode()) / FRAMES / 1e3


class _NoFeed:
    """A feed that is never asked for anything."""

    def run(self, deliver: Deliver) -> None:
        """Give nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        """Do nothing."""

    def fetch_strip(self, stream: str, alert_id: int) -> None:
        """Do nothing."""


def measure_ward(streams: int, width: int, height: int) -> tuple[float, float, float]:
    """Give milliseconds of taking in a second of messages and of a frame, and kilobytes a frame."""
    seconds = 0.0
    dashboard = Dashboard(_NoFeed(), clock=lambda: seconds)
    source = Simulator(scenario("pvc"), rate_hz=WARD_RATE_HZ, chunk_s=PIECE_S, loop=True)
    pieces = [piece.values_mv for piece in islice(source.chunks(), 240)]
    names = [f"bed-{number}" for number in range(1, streams + 1)]
    for name in names:
        dashboard.deliver(StreamInfo(name, WARD_RATE_HZ, source.info.leads))
    out = io.StringIO()
    terminal = Terminal(_console(out, width, height))
    taken: list[float] = []
    drawn: list[float] = []
    written = 0
    count = len(pieces[0])
    frames_a_piece = round(PIECE_S / FRAME_S * 2)  # five frames for two pieces
    for turn in range(2 * FRAMES // frames_a_piece):
        begin = time.process_time()
        for piece in (2 * turn, 2 * turn + 1):
            for number, name in enumerate(names):
                values = pieces[(piece + 37 * number) % len(pieces)]
                dashboard.deliver(Samples(name, piece * count, values))
                if piece % 4 == 0:
                    rate_bpm = 60.0 + (turn + number) % 40
                    sample = piece * count
                    dashboard.deliver(Vitals(name, sample, rate_bpm, 0.8, True, {}, number % 9))
                if turn == 0 and number % 8 == 0:
                    dashboard.deliver(_alarm(name))
        taken.append(time.process_time() - begin)
        for _ in range(frames_a_piece):
            seconds += FRAME_S
            out.seek(0)
            out.truncate()
            begin = time.process_time()
            dashboard.frame(terminal)
            drawn.append(time.process_time() - begin)
            written += len(out.getvalue().encode()) if turn else 0
    took = statistics.median(taken) / (2 * PIECE_S)
    kilobytes = written / max(len(drawn) - frames_a_piece, 1) / 1e3
    return took * 1e3, statistics.median(drawn) * 1e3, kilobytes


def _alarm(stream: str) -> Alert:
    kind, priority, state = AlertKind.COUPLET, Priority.HIGH, AlertState.RAISED
    return Alert(stream, 1, 1, kind, priority, state, 0, 0, "COUPLET")


def _console(out: io.StringIO, width: int, height: int) -> Console:
    return Console(
        file=out,
        force_terminal=True,
        color_system="256",
        width=width,
        height=height,
        highlight=False,
    )


def main() -> int:
    """Print one line for each size, then one for each ward."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print(f"{'size':>8} {'snapshot ms':>12} {'draw ms':>8} {'show ms':>8} {'sum ms':>7} {'kB':>6}")
    for width, height in SIZES:
        looked, drew, showed, kilobytes = measure(width, height)
        total = looked + drew + showed
        print(
            f"{f'{width}x{height}':>8} {looked:12.2f} {drew:8.2f} {showed:8.2f} "
            f"{total:7.2f} {kilobytes:6.1f}"
        )
    print(f"\n{'streams':>8} {'size':>8} {'fold ms/s':>10} {'frame ms':>9} {'core %':>7} {'kB':>6}")
    for streams in WARDS:
        for width, height in WARD_SIZES:
            took, drew, kilobytes = measure_ward(streams, width, height)
            share = (took + drew / FRAME_S) / 10.0
            print(
                f"{streams:8} {f'{width}x{height}':>8} {took:10.1f} {drew:9.2f} "
                f"{share:7.1f} {kilobytes:6.1f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
