"""Folders, clock and limits of the machine."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from monitor.doctor.finding import Finding, fail, ok, warn
from monitor.errors import MonitorError

GB = 1_000_000_000
LEAST_GB, ENOUGH_GB = 0.1, 2.0
RECORDED_GB_A_DAY = 2 * 360 * 2 * 86400 / GB  # two leads at 360 Hz
EARLIEST_YEAR, LATEST_YEAR = 2025, 2100
FILES_A_STREAM = 3


def check_data(folder: Path | None) -> Iterator[Finding]:
    """Check the folder with recordings."""
    if folder is None:
        yield ok("data folder", "none: recordings are fetched from PhysioNet when asked for")
        return
    if not folder.is_dir():
        yield fail(
            "data folder", f"{folder} is no folder", "set ECG_MONITOR_DATA to one with recordings"
        )
        return
    count = sum(1 for _ in folder.glob("*.hea")) + sum(1 for _ in folder.glob("*/*.hea"))
    text = f"{folder}: {count} WFDB records"
    remedy = "set ECG_MONITOR_DATA to a folder with mitdb/, nstdb/ ..."
    yield ok("data folder", text) if count else warn("data folder", text, remedy)


def check_folder(name: str, folder: Path, recording: bool = False) -> Iterator[Finding]:
    """Check whether a folder is writable, and its free space."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
        free_gb = shutil.disk_usage(there).free / GB
    except OSError as error:
        text = f"{folder} cannot be written: {error.strerror or error}"
        yield fail(name, text, "choose another folder, or change its rights")
        return
    text = f"{folder}: {free_gb:.1f} GB free"
    if recording:
        text += f", for {free_gb / RECORDED_GB_A_DAY:.0f} days of one stream"
    if free_gb < LEAST_GB:
        yield fail(name, text, "make room")
    elif free_gb < ENOUGH_GB:
        yield warn(name, text, "make room")
    else:
        yield ok(name, text)


def check_database(url: str) -> Iterator[Finding]:
    """Check whether the database of a journal can be reached, and is free."""
    from monitor.journal.opening import storage_at

    try:
        storage = storage_at(url)
        try:
            storage.take()
        finally:
            storage.release()
    except MonitorError as error:
        if "another `serve`" in str(error):
            yield ok("journal", f"{storage} is being written by a `serve`")
            return
        yield fail("journal", str(error), "see that the database runs and lets this user in")
        return
    yield ok("journal", f"{storage} can be reached")


def check_clock() -> Iterator[Finding]:
    """Check that the clock runs, and that the wall clock can be right."""
    before, wall_s = time.monotonic(), time.time()
    time.sleep(0.1)
    passed_s, wall_passed_s = time.monotonic() - before, time.time() - wall_s
    if not 0.09 <= passed_s < 60:
        text = f"{passed_s:.3f} s passed in 0.1 s"
        yield fail("monotonic clock", text, "the machine's clock source is broken")
    elif abs(wall_passed_s - passed_s) > 0.05:
        text = f"the wall clock moved {wall_passed_s:.2f} s while {passed_s:.2f} s passed"
        yield warn("monotonic clock", text, "it is being set just now: look again")
    else:
        yield ok("monotonic clock", "goes on as it should")
    now = datetime.now(UTC)
    local = now.astimezone()
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC, {local:%H:%M} here ({local.tzname()})"
    if not EARLIEST_YEAR <= now.year < LATEST_YEAR:
        yield fail("wall clock", text, "set the clock, best by NTP")
    elif _synchronized() == "no":
        yield warn(
            "wall clock", f"{text}, not synchronized", "switch on NTP: timedatectl set-ntp 1"
        )
    else:
        yield ok("wall clock", text)


def _synchronized() -> str:
    """Ask systemd whether the clock follows NTP: ``yes``, ``no``, or empty without systemd."""
    try:
        done = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def check_open_files(max_streams: int) -> Iterator[Finding]:
    """Check that enough files and connections may be open for a number of streams."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES_A_STREAM * max_streams + 64
    text = f"{soft} may be open, {needed} are for {max_streams} streams"
    if soft != resource.RLIM_INFINITY and soft < needed:
        yield warn("open files", text, f"ulimit -n {needed}, or LimitNOFILE= in the unit")
    else:
        yield ok("open files", text)


def guarded(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Run a check; if it fails with an error, that is a finding too."""
    try:
        yield from findings
    except MonitorError as error:
        yield fail(name, str(error), "see the message")
    except Exception as error:  # an error here is a result of the check
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        yield fail(name, text, "install the program again; if it stays, report it")
