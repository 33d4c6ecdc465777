"""Make the picture of the dashboard that the README shows, from the real program.

    python -m tools.generate.picture OUT.svg [--scenario tour] [--at 52] [--size 120x36]
    python -m tools.generate.picture OUT.svg --record shared/data/mitdb/208 --at 90

The simulated patient (or a record) goes through the whole pipeline; what the dashboard
would show when ``--at`` seconds of signal have been seen is written as SVG.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from monitor.config import Settings
from monitor.dashboard.canvas import Frame
from monitor.dashboard.state import DashboardState
from monitor.dashboard.view import Display, draw
from monitor.errors import MonitorError
from monitor.feed import Status
from monitor.live import LocalFeed
from monitor.messages import Message, Samples

if TYPE_CHECKING:
    from monitor.sources import Source

CHUNK_S = 0.04
_GROUND = "#080808"  # theme.GROUND
_THEME = TerminalTheme((8, 8, 8), (208, 208, 208), [(0, 0, 0)] * 8)


def state_at(feed: LocalFeed, at_s: float) -> DashboardState:
    """Give what the dashboard knows once ``at_s`` seconds of signal have been analysed."""
    state = DashboardState()
    seen_enough = False

    def deliver(message: Message | Status) -> None:
        nonlocal seen_enough
        if isinstance(message, Samples):
            info = state.streams[message.stream].info
            if info is not None and message.end_sample > at_s * info.rate_hz:
                seen_enough = True
                feed.stop()
        if not seen_enough:
            state.fold(message, 0.0)

    feed.run(deliver)
    return state


def svg(state: DashboardState, width: int, height: int) -> str:
    """Draw one frame as SVG."""
    console = Console(
        record=True,
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        no_color=False,
    )
    canvas = draw(state.snapshot("", 0.0), Display(), width, height, 0.0)
    console.print(Frame(canvas.rows()), crop=False, soft_wrap=True)
    drawing = console.export_svg(title="ecg-monitor", theme=_THEME)
    # the window has the dashboard's own ground: a rectangle of it for every cell says nothing
    return re.sub(rf'<rect fill="{_GROUND}"[^>]*crispEdges[^>]*/>', "", drawing)


def _open(args: argparse.Namespace) -> Source:
    if args.record:
        from monitor.sources.wfdb_record import WfdbRecord

        return WfdbRecord(args.record, chunk_s=CHUNK_S)
    from monitor.sources.simulator import Simulator, scenario

    return Simulator(scenario(args.scenario), chunk_s=CHUNK_S, stream="demo")


def main() -> int:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="SVG file to write")
    parser.add_argument("--scenario", default="tour")
    parser.add_argument(
        "--record", type=Path, help="a WFDB record instead of the simulated patient"
    )
    parser.add_argument("--at", type=float, default=52.0, help="seconds of signal")
    parser.add_argument("--size", default="120x36", help="columns x rows")
    args = parser.parse_args()
    width, height = (int(n) for n in args.size.split("x"))
    try:
        state = state_at(LocalFeed(lambda: _open(args), Settings(), None), args.at)
        args.out.write_text(svg(state, width, height), encoding="utf-8")
    except (MonitorError, OSError) as error:
        print(f"picture: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
