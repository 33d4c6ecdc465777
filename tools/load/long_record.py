"""Annotate records of several lengths; print CPU time and memory, which must not grow with them.

    python -m tools.load.long_record --hours 1 4 24
    python -m tools.load.long_record --hours 1 24 --record $ECG_MONITOR_DATA/mitdb/100

A record is repeated until it is so long (by default ten simulated minutes with ectopic beats).
Each length is a run of ``ecg-monitor annotate`` of its own. What may grow is what is found: the
beats and alerts of a day, which are written at the end.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from monitor.sources.simulator import Simulator
from monitor.sources.simulator.wfdb_writer import write_wfdb
from monitor.wfdb_header import read_header

PIECE_S = 600.0
MOST_MIB = 48.0
"""Growth from the shortest to the longest that is allowed for a day; see ``--most-mib``."""


def repeat(record: Path, folder: Path, hours: float) -> Path:
    """Write a record that is another one again and again.

    Parameters
    ----------
    record
        One with a single signal file that holds all samples, of format 16 or 212.
    folder
        For the new record.
    hours
        Length of the new record; it is a whole number of rounds, at least one.
    """
    header = read_header(record)
    frames = header.frames or 0
    rounds = max(1, round(hours * 3600 * header.rate_hz / frames))
    path = folder / f"{record.name}x{rounds}"
    text = Path(f"{record}.hea").read_text(encoding="ascii")
    lines = text.replace(f"{record.name}.dat", f"{path.name}.dat").splitlines()
    fields = lines[0].split()
    lines[0] = f"{path.name} {fields[1]} {fields[2]} {frames * rounds}"
    Path(f"{path}.hea").write_text("\n".join(lines) + "\n", encoding="ascii")
    content = Path(f"{record}.dat").read_bytes()
    with Path(f"{path}.dat").open("wb") as file:
        file.writelines(content for _ in range(rounds))
    return path


def annotate(record: Path, out: Path) -> tuple[float, float]:
    """Annotate in a process of its own; give its CPU seconds and its most memory (MiB)."""
    words = [sys.executable, "-m", "monitor", "annotate", str(record), "--out", str(out)]
    command = subprocess.Popen([*words, "--jobs", "1"], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    if command.returncode:
        raise SystemExit(f"annotate failed with {command.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if memory grew with the length."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 4.0, 24.0])
    parser.add_argument("--record", type=Path, help="WFDB record to repeat (default: simulated)")
    parser.add_argument("--rate-hz", type=float, default=360.0, help="of the simulated one")
    parser.add_argument(
        "--most-mib", type=float, default=MOST_MIB, help="growth that is no failure"
    )
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        record = args.record
        if record is None:
            source = Simulator(
                "multiform", args.rate_hz, ("II", "V1"), duration_s=PIECE_S, loop=True
            )
            write_wfdb(source, folder, "day")
            record = folder / "day"
        record = Path(re.sub(r"\.(hea|dat)$", "", str(record)))
        print("  hours   CPU s  CPU s an hour   peak MiB")
        peaks = []
        for hours in sorted(args.hours):
            path = repeat(record, folder, hours)
            cpu_s, peak_mib = annotate(path, folder / "out")
            peaks.append(peak_mib)
            print(f"{hours:7.2f} {cpu_s:7.1f} {cpu_s / hours:14.2f} {peak_mib:10.0f}", flush=True)
            Path(f"{path}.dat").unlink()
    grown = peaks[-1] - peaks[0]
    print(f"from the shortest to the longest: {grown:+.0f} MiB")
    return int(grown > args.most_mib)


if __name__ == "__main__":
    sys.exit(main())
