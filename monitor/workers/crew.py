"""The processes of the workers: started, watched, ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from monitor.errors import MonitorError
from monitor.log_lines import Level, LogLine
from monitor.wire.link import Address, Link, listen, new_context
from monitor.workers.messages import PREPARE, packed

PROGRAM = ("-m", "monitor.workers")
START_S = 120.0  # to load the analysis
SILENT_S = 4.0  # a worker says something each second
FRESH_S = 2.5  # of a spare: it may have been on the machine that has just died
YOUNG_S = 5.0  # a worker that dies this soon after its begin may do so again
PAUSE_S = 2.0  # before another is started then
MOST_PAUSE_S = 30.0
END_S = 5.0


class Process(Protocol):
    """The process of a worker."""

    @property
    def alive(self) -> bool:
        """It has not ended, as far as is known here."""
        ...

    def kill(self) -> None:
        """End it at once; does not wait."""
        ...

    def close(self) -> None:
        """Tidy up after its end; waits a moment for it."""
        ...


class Launcher(Protocol):
    """Starts processes."""

    place: Path | str
    """Where links are opened, see :func:`monitor.wire.link.listen`."""

    def start(self, address: Address) -> Process:
        """Start one, whose front is at this address."""
        ...


class LocalProcess:
    """A worker on this machine.

    Parameters
    ----------
    address
        Of its link; told on its standard input, so that nobody else reads it.
    threads
        Of its numerical libraries.
    """

    def __init__(self, address: Address, threads: int) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, *PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": str(threads)} | os.environ,
            start_new_session=True,  # an interrupt at the keyboard is for the front alone
        )
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):
            self._popen.stdin.write(packed(asdict(address)) + b"\n")
            self._popen.stdin.flush()

    @property
    def alive(self) -> bool:
        """It has not ended."""
        return self._popen.poll() is None

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._popen.pid

    def kill(self) -> None:
        """End it at once."""
        self._popen.kill()

    def close(self) -> None:
        """End it by the end of its standard input; kill it if that takes too long."""
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError):
                self._popen.stdin.close()
        try:
            self._popen.wait(END_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


class LocalLauncher:
    """Starts workers on this machine.

    Parameters
    ----------
    folder
        For the links; nobody else can enter it.
    workers
        How many share the processors.
    """

    def __init__(self, folder: Path, workers: int) -> None:
        self.place: Path | str = folder
        self._threads = max(1, (os.cpu_count() or 1) // workers)

    def start(self, address: Address) -> Process:
        """Start one."""
        return LocalProcess(address, self._threads)


@dataclass(slots=True, eq=False)
class Member:
    """One worker process and its link."""

    number: int
    link: Link
    process: Process
    heard_s: float
    began_s: float  # when it was started, then when it got its place
    ready: bool = False
    process_id: int = 0
    place: int | None = None  # whose streams it has


class Crew:
    """Keeps as many workers as are wanted.

    Parameters
    ----------
    launcher
        Starts them.
    prepare
        What each is told first.
    wanted
        How many workers there are to be.
    log
        Takes lines.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        launcher: Launcher,
        prepare: dict[str, Any],
        wanted: int,
        log: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._launcher = launcher
        self._prepare = packed(prepare)
        self._wanted = wanted
        self._log = log
        self._clock = clock
        self._context = new_context()
        self._numbers = 0
        self._start_s = 0.0  # not before this time
        self._pause_s = 0.0
        self.members: list[Member] = []

    def fill(self) -> list[Member]:
        """Start workers until there are as many as wanted, not too fast after deaths."""
        now_s, new = self._clock(), []
        while len(self.members) < self._wanted and now_s >= self._start_s:
            self._numbers += 1
            try:
                link, address = listen(self._context, self._launcher.place, self._numbers)
                process = self._launcher.start(address)
            except (MonitorError, OSError) as error:  # the others go on
                self._log(LogLine(f"no worker can be started: {error}", Level.ERROR))
                self._start_s = now_s + MOST_PAUSE_S
                break
            member = Member(self._numbers, link, process, now_s, now_s)
            self.members.append(member)
            new.append(member)
        return new

    def prepare(self, member: Member) -> bool:
        """Tell a new worker what to load, once it is there; tell whether it is."""
        return member.link.offer([PREPARE, self._prepare])

    def spare(self) -> Member | None:
        """Give a worker that waits for a place, and was heard lately."""
        now_s = self._clock()
        for member in self.members:
            if member.ready and member.place is None and now_s - member.heard_s < FRESH_S:
                return member
        return None

    def dead(self) -> list[tuple[Member, str]]:
        """Give the workers that are gone or silent, and why."""
        now_s, found = self._clock(), []
        for member in self.members:
            if not member.process.alive:
                found.append((member, "has ended"))
            elif member.ready and now_s - member.heard_s > SILENT_S:
                found.append((member, f"has been silent for {SILENT_S:g} s"))
            elif not member.ready and now_s - member.began_s > START_S:
                found.append((member, f"is not ready after {START_S:g} s"))
        return found

    def bury(self, member: Member, why: str) -> None:
        """End a worker, and its link, for good: nothing that it sends later is heard."""
        text = f"worker {member.number} (process {member.process_id}) {why}"
        self._log(LogLine(text, Level.ERROR))
        self.members.remove(member)
        member.process.kill()
        member.link.close()
        member.process.close()
        young = self._clock() - member.began_s < YOUNG_S
        self._pause_s = min(max(2 * self._pause_s, PAUSE_S), MOST_PAUSE_S) if young else 0.0
        self._start_s = self._clock() + self._pause_s

    def close(self) -> None:
        """End all workers."""
        for member in self.members:
            member.process.close()
            member.link.close()
        self.members.clear()
        self._context.destroy(0)
