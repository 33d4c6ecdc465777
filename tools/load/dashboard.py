"""Measure what one frame of the dashboard costs: snapshot, drawing, and writing to a terminal.

    python -m tools.load.dashboard

The simulated patient's ``tour`` is in the state (signal only, two leads, 360 Hz, 30 s); each
frame follows 0.1 s more signal. Times are CPU time of this process, medians over 100 frames.
"""

from __future__ import annotations

import io
import statistics
import sys
import time

from rich.console import Console

from monitor.dashboard.state import DashboardState
from monitor.dashboard.terminal import Terminal
from monitor.dashboard.traces import Scales
from monitor.dashboard.view import Display, draw
from monitor.sources.simulator import Simulator, scenario

SIZES = ((80, 24), (120, 40), (200, 50))
FRAMES = 100
FRAME_S = 0.1


def measure(width: int, height: int) -> tuple[float, float, float, float]:
    """Give median milliseconds of snapshot, draw and show, and kilobytes written a frame."""
    state = DashboardState()
    source = Simulator(scenario("tour"), chunk_s=FRAME_S)
    state.fold(source.info, 0.0)
    chunks = source.chunks()
    for _ in range(round(30 / FRAME_S)):
        state.fold(next(chunks), 0.0)
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=True,
        color_system="256",
        width=width,
        height=height,
        highlight=False,
    )
    terminal = Terminal(console)
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


def main() -> int:
    """Print one line for each size."""
    print(f"{'size':>8} {'snapshot ms':>12} {'draw ms':>8} {'show ms':>8} {'sum ms':>7} {'kB':>6}")
    for width, height in SIZES:
        looked, drew, showed, kilobytes = measure(width, height)
        total = looked + drew + showed
        print(
            f"{f'{width}x{height}':>8} {looked:12.2f} {drew:8.2f} {showed:8.2f} "
            f"{total:7.2f} {kilobytes:6.1f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
