"""``ecg-monitor limits``: see and change the alarm limits of one patient while it is watched."""

from __future__ import annotations

import argparse
import math

from monitor.commands.options import add_request_options, client_keys

SUMMARY = "Show the alarm limits of a stream of a running `serve`, or change them."
EXAMPLE = (
    "  ecg-monitor limits bed-7\n"
    "  ecg-monitor limits bed-7 hr_high_bpm=130 hr_low_bpm=45\n"
    "  ecg-monitor limits bed-7 off=couplet,bigeminy   # off= switches all on again"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("stream", help="name of the stream")
    parser.add_argument(
        "changes",
        nargs="*",
        type=_change,
        metavar="NAME=VALUE",
        help="limits to change, all of them or none",
    )
    add_request_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Change limits if asked to, and print those in force."""
    import contextlib
    import json

    from monitor.wire.subscriber import ControlClient

    with contextlib.closing(ControlClient(args.control, client_keys(args))) as control:
        limits = control.limits(args.stream, dict(args.changes), args.patience)
    if args.json:
        print(json.dumps(limits))  # noqa: T201
        return 0
    for name, value in limits.items():
        changed = " *" if name in dict(args.changes) else ""
        text = ",".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name} = {text}{changed}")  # noqa: T201
    return 0


def _change(text: str) -> tuple[str, object]:
    """Read ``name=value``: a number, a word, or for ``off`` names separated by commas.

    >>> _change("hr_high_bpm=130"), _change("paced=yes"), _change("off=couplet,vt")
    (('hr_high_bpm', 130), ('paced', 'yes'), ('off', ['couplet', 'vt']))
    """
    from monitor.config import AlarmSettings

    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    if name == "off":
        return name, [kind for kind in value.split(",") if kind]
    if isinstance(getattr(AlarmSettings(), name, None), str):
        return name, value
    for number in (int, float):
        try:
            limit = number(value)
        except ValueError:
            continue
        if math.isfinite(limit):
            return name, limit
    raise argparse.ArgumentTypeError(f"{text!r}: {value!r} is not a number")
