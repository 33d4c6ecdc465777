"""Make the pictures of the dashboard in README and documentation, from the real program.

    python -m tools.generate.picture OUT.svg [--scenario tour] [--at 52] [--size 120x36]
    python -m tools.generate.picture OUT.svg --record shared/data/mitdb/208 --at 90
    python -m tools.generate.picture docs/images/ward.svg --ward --size 120x40
    python -m tools.generate.picture docs/images/events.svg --ward --events 15 --size 120x40

The simulated patient (or a record, or a ward of patients) goes through the whole pipeline; what the
dashboard would show when ``--at`` seconds of signal have been seen is written as SVG.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from monitor.config import Settings
from monitor.dashboard.canvas import Frame
from monitor.dashboard.dashboard import Dashboard
from monitor.dashboard.keys import Action
from monitor.errors import MonitorError
from monitor.feeds.feed import Status
from monitor.feeds.local import LocalFeed
from monitor.messages import Message, Samples, StreamInfo

if TYPE_CHECKING:
    from monitor.sources import Source

CHUNK_S = 0.04
WARD = (
    *("sinus", "vt", "af", "sinus", "bigeminy", "pac", "asystole", "lbbb", "pvc", "sinus"),
    *("lead_off", "paced", "tachy", "sinus", "rbbb", "sinus"),
)
SILENT_S = 14.0  # of one stream of the ward
_GROUND = "#080808"  # theme.GROUND
_THEME = TerminalTheme((8, 8, 8), (208, 208, 208), [(0, 0, 0)] * 8)


def deliver_until(
    feed: LocalFeed, at_s: float, deliver: Callable[[Message | Status], None]
) -> None:
    """Deliver what a feed gives until ``at_s`` seconds of signal have been analysed."""
    rate_hz = 0.0
    seen_enough = False

    def take(message: Message | Status) -> None:
        nonlocal rate_hz, seen_enough
        if isinstance(message, StreamInfo):
            rate_hz = message.rate_hz
        if isinstance(message, Samples) and message.end_sample > at_s * rate_hz:
            seen_enough = True
            feed.stop()
        if not seen_enough:
            deliver(message)

    feed.run(take)


def svg(dashboard: Dashboard, width: int, height: int) -> str:
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
    canvas = dashboard.draw(width, height)
    console.print(Frame(canvas.rows()), crop=False, soft_wrap=True)
    drawing = console.export_svg(title="ecg-monitor", theme=_THEME)
    # the window has the dashboard's own ground: a rectangle of it for every cell says nothing
    return re.sub(rf'<rect fill="{_GROUND}"[^>]*crispEdges[^>]*/>', "", drawing)


def _ward(at_s: float) -> Dashboard:
    """Give the dashboard of a ward in which one stream has gone silent."""
    now_s = SILENT_S
    nobody = LocalFeed(lambda: _patient("sinus", "bed-1"), Settings())
    dashboard = Dashboard(nobody, clock=lambda: now_s)
    for number, name in enumerate(WARD, 1):
        stream = f"bed-{number}"
        now_s = 0.0 if number == 4 else SILENT_S
        feed = LocalFeed(partial(_patient, name, stream), Settings(), None)
        deliver_until(feed, at_s, dashboard.deliver)
    now_s = SILENT_S
    return dashboard


def _patient(name: str, stream: str) -> Source:
    from monitor.sources.simulator import Simulator, scenario

    return Simulator(scenario(name), chunk_s=CHUNK_S, stream=stream, rate_hz=250.0, loop=True)


def _open(args: argparse.Namespace) -> Source:
    if args.record:
        from monitor.sources.wfdb.record import WfdbRecord

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
    parser.add_argument("--ward", action="store_true", help="a ward of simulated patients")
    parser.add_argument("--events", type=int, metavar="N", help="events, the N-th chosen")
    parser.add_argument("--at", type=float, default=52.0, help="seconds of signal")
    parser.add_argument("--size", default="120x36", help="columns x rows")
    args = parser.parse_args()
    width, height = (int(n) for n in args.size.split("x"))
    try:
        if args.ward:
            dashboard = _ward(args.at)
        else:
            feed = LocalFeed(lambda: _open(args), Settings(), None)
            dashboard = Dashboard(feed, clock=lambda: 0.0)
            deliver_until(feed, args.at, dashboard.deliver)
        dashboard.draw(width, height)
        if args.events:
            for action in (Action.EVENTS, *(args.events - 1) * [Action.DOWN]):
                dashboard.act(action)
        args.out.write_text(svg(dashboard, width, height), encoding="utf-8")
    except (MonitorError, OSError) as error:
        print(f"picture: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
