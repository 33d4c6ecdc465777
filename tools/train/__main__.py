"""Fit the networks that are shipped; each command is also ``python -m tools.train.NAME``."""

from __future__ import annotations

import sys

from tools.commands import dispatch

COMMANDS = ("labels", "beats", "qrs", "deferred", "fibrillation", "runs")

if __name__ == "__main__":
    sys.exit(dispatch("tools.train", COMMANDS, sys.argv[1:]))
