"""Measure the monitor on recordings; each command is also ``python -m tools.evaluate.NAME``."""

from __future__ import annotations

import sys

from tools.commands import dispatch

COMMANDS = ("detect", "stress", "labels", "beats", "alarms", "quality", "golden", "strangers",
            "blind")  # fmt: skip

if __name__ == "__main__":
    sys.exit(dispatch("tools.evaluate", COMMANDS, sys.argv[1:]))
