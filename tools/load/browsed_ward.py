"""A ward of simulated patients, the server and its central station, and a browser to look with.

Needs Chromium and the package playwright.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import MonitorError
from tools.load.ward import WardSender

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 120.0


def browser_program() -> str:
    """Give the path of Chromium.

    Raises
    ------
    MonitorError
        If there is none.
    """
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise MonitorError("there is no Chromium; install it: apt-get install chromium")
    return program


class Station:
    """``serve --web`` as a process, and where it is reached."""

    def __init__(self, folder: Path) -> None:
        said = folder / "serve.log"
        command = [
            sys.executable, "-m", "monitor", "serve", "--input", FREE, "--output", FREE,
            "--control", FREE, "--journal", str(folder / "journal.db"), "--web", "0",
        ]  # fmt: skip
        with said.open("w") as log:
            self.process = subprocess.Popen(command, stderr=log)
        until_s = time.time() + PATIENCE_S
        while not (found := re.search(r"ready input=(\S+) .*web=(\S+)", said.read_text())):
            if time.time() > until_s or self.process.poll() is not None:
                raise MonitorError(f"serve did not start: {said.read_text()[-300:]}")
            time.sleep(0.05)
        self.input, self.url = found.groups()

    def station_pid(self) -> int:
        """Give the process of the central station."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return int(children.split()[0])


@contextlib.contextmanager
def ward(
    beds: int, scenarios: Sequence[str], seconds: float, rate_hz: float = 250.0, silent: int = 0
) -> Iterator[Station]:
    """Run a server with its central station, and a ward of patients."""
    with tempfile.TemporaryDirectory() as folder:
        station = Station(Path(folder))
        context = multiprocessing.get_context("spawn")
        sender = context.Process(
            target=send, args=(station.input, beds, tuple(scenarios), seconds, rate_hz, silent)
        )
        sender.start()
        try:
            yield station
        finally:
            sender.terminate()
            sender.join()
            station.process.terminate()
            station.process.wait()


def send(
    endpoint: str,
    beds: int,
    scenarios: tuple[str, ...],
    seconds: float,
    rate_hz: float,
    silent: int,
) -> None:
    """Be the process of the senders."""
    WardSender(endpoint, beds, scenarios, rate_hz, silent).run(seconds)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Give a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_program(), args=list(OPTIONS))
        yield browser
        browser.close()
