"""The central station beside a service: a process of its own, which is started again if it ends.

A process of its own, so that drawing for many browsers never delays the analysis. It reaches the
service as any subscriber does.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from monitor.errors import MonitorError
from monitor.log_lines import Level, LogLine

READY = "ready web="
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
END_S = 5.0


class StationProcess:
    """Runs ``ecg-monitor web`` until closed.

    Parameters
    ----------
    arguments
        Of the command.
    log
        Takes lines of the log.

    Raises
    ------
    MonitorError
        If the station does not start.

    Attributes
    ----------
    url
        Where browsers come.
    """

    def __init__(self, arguments: Sequence[str], log: Callable[[str], object]) -> None:
        # it ends when its standard input does, which is when this process ends, however it ends
        self._command = [sys.executable, "-m", "monitor", "web", "--until-input-ends", *arguments]
        self._log = log
        self._ending = threading.Event()
        self._process = self._start()
        self.url, last = self._until_ready(self._process)
        if not self.url:
            raise MonitorError(f"the central station did not start: {last}")
        self._thread = threading.Thread(target=self._watch, name="station", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the station."""
        self._ending.set()
        self._end(self._process)
        self._thread.join(END_S)

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # an interrupt at the keyboard is for this process alone
        )

    def _until_ready(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        """Read until it is ready; give its address ("" if it ended first) and its last line."""
        last = "it said nothing"
        assert process.stderr is not None
        for line in process.stderr:
            last = line.strip().removeprefix("web: ").removeprefix("ecg-monitor: ")
            if last.startswith(READY):
                return last.removeprefix(READY), last
        process.wait()
        return "", last

    def _watch(self) -> None:
        """Hand its lines on; start it again when it has ended by itself."""
        wait_s = FIRST_WAIT_S
        while True:
            assert self._process.stderr is not None
            for line in self._process.stderr:
                self._log(line.strip())
            code = self._process.wait()
            if self._ending.is_set():
                return
            text = f"the central station has ended ({code}); it is started again in {wait_s:g} s"
            self._log(LogLine(text, Level.ERROR))
            if self._ending.wait(wait_s):
                return
            self._process = self._start()
            if self._ending.is_set():  # closed meanwhile
                self._end(self._process)
                return
            url, last = self._until_ready(self._process)
            wait_s = FIRST_WAIT_S if url else min(2 * wait_s, LONGEST_WAIT_S)
            self._log(LogLine(last, Level.INFO if url else Level.ERROR))

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()
