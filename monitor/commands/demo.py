"""``ecg-monitor demo``: the simulated patient."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.commands.options import add_analysis_options, add_output_options, has_terminal, show

if TYPE_CHECKING:
    from monitor.sources import Say
    from monitor.sources.simulator import Simulator

SUMMARY = "Watch a simulated patient: no hardware, no data, no network."
EXAMPLE = "  ecg-monitor demo\n  ecg-monitor demo --scenario vt --text\n  ecg-monitor demo --list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--scenario", default="tour", metavar="NAME|FILE", help="what happens (default: tour)"
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios and leave")
    parser.add_argument(
        "--rate-hz", type=float, default=360.0, metavar="HZ", help="sampling rate (360)"
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed is another patient")
    parser.add_argument(
        "--pulse", action="store_true", help="with the pulse wave at a finger beside the ECG"
    )
    parser.add_argument("--once", action="store_true", help="end with the scenario, do not loop")
    parser.add_argument("--stream", default="demo", metavar="NAME", help="stream name")
    parser.add_argument(
        "--save", metavar="RECORD", help="write a WFDB record with reference annotations, and leave"
    )
    add_output_options(parser)
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run one scenario."""
    from monitor.sources.simulator import SCENARIOS, Simulator, scenario, write_wfdb

    if args.list:
        width = max(map(len, SCENARIOS))
        for name, known in SCENARIOS.items():
            print(f"{name:<{width}}  {known.description}")  # noqa: T201
        return 0
    script = scenario(args.scenario)
    endless = not args.once and has_terminal() and not (args.json or args.text)

    def open_source(chunk_s: float, say: Say) -> Simulator:
        return Simulator(
            script,
            rate_hz=args.rate_hz,
            seed=args.seed,
            stream=args.stream,
            pulse=args.pulse,
            loop=endless,
            chunk_s=chunk_s,
        )

    if args.save:
        place = Path(args.save)
        write_wfdb(open_source(1.0, print), place.parent, place.name)
        return 0
    return show(args, open_source)
