"""``ecg-monitor demo``: the simulated patient."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from monitor.commands.options import add_analysis_options, add_output_options, has_terminal, show

if TYPE_CHECKING:
    from monitor.sources.simulator import Simulator

SUMMARY = "Watch a simulated patient: no hardware, no data, no network."
EXAMPLE = "  ecg-monitor demo\n  ecg-monitor demo --scenario vt --text\n  ecg-monitor demo --list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--scenario", default="tour", metavar="NAME|FILE", help="what happens (default: tour)"
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios and leave")
    parser.add_argument("--rate-hz", type=float, default=360.0, metavar="HZ")
    parser.add_argument("--seed", type=int, default=0, help="another seed is another patient")
    parser.add_argument("--once", action="store_true", help="end with the scenario, do not loop")
    parser.add_argument("--stream", default="demo", metavar="NAME", help="stream name")
    parser.add_argument(
        "--save", metavar="RECORD", help="write a WFDB record with reference annotations, and leave"
    )
    add_output_options(parser)
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run one scenario."""
    raise NotImplementedError
