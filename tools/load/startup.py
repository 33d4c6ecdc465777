"""Measure how long a user waits for help, for the first picture and for the analysis.

``python -m tools.load.startup`` starts the real program on a pseudo terminal a few times and
prints medians, beside the time Python takes to import the two heaviest packages.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time

PATIENCE_S = 60.0


def wall_s(argv: list[str]) -> float:
    """Seconds a command takes to end."""
    began = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def dashboard_s(command: list[str], wanted: list[bytes]) -> list[float]:
    """Seconds until each of the texts was drawn by ``ecg-monitor`` on a 120 x 36 terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "monitor", *command])
    began = time.perf_counter()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    seen = b""
    times: list[float] = []
    try:
        while len(times) < len(wanted) and time.perf_counter() - began < PATIENCE_S:
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536)
            while len(times) < len(wanted) and wanted[len(times)] in seen:
                times.append(time.perf_counter() - began)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return times + [float("nan")] * (len(wanted) - len(times))


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args(argv)
    python = sys.executable
    rows = {
        "ecg-monitor --help": [
            wall_s([python, "-m", "monitor", "--help"]) for _ in range(args.times)
        ],
        "import torch": [wall_s([python, "-c", "import torch"]) for _ in range(args.times)],
        "import neurokit2": [wall_s([python, "-c", "import neurokit2"]) for _ in range(args.times)],
    }
    pictures = [dashboard_s(["demo"], [b"monitor", b"LIVE"]) for _ in range(args.times)]
    rows["demo: first frame"] = [times[0] for times in pictures]
    rows["demo: analysis is live"] = [times[1] for times in pictures]
    for name, seconds in rows.items():
        print(f"{name:24} median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
