"""Commands of the monitor as real processes, for tests."""

import contextlib
import os
import subprocess
import sys
import threading

import pytest

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 120


class Process:
    """A command of the monitor; its stderr is read as it comes, its stdout at the end."""

    def __init__(self, *arguments):
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "monitor", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        self._guard = threading.Timer(PATIENCE_S, self._popen.kill)
        self._guard.start()
        self.remarks = []
        self._out = []
        self._reader = threading.Thread(target=lambda: self._out.extend(self._popen.stdout))
        self._reader.start()

    def until(self, words):
        """Read stderr up to the line with these words, and give it."""
        for line in self._popen.stderr:
            self.remarks.append(line)
            if words in line:
                return line
        pytest.fail(f"no {words!r} in {self.remarks}")

    def signal(self, number):
        self._popen.send_signal(number)

    def finish(self, code=0):
        """Wait for the end; give the lines of stdout."""
        self.remarks += self._popen.stderr
        self._reader.join()
        assert self._popen.wait() == code, "".join(self.remarks)
        assert "Traceback" not in "".join(self.remarks)
        return self._out

    def close(self):
        self._guard.cancel()
        self._popen.kill()
        self._popen.wait()
        self._reader.join()
        self._popen.stdout.close()
        self._popen.stderr.close()


@contextlib.contextmanager
def running(*arguments):
    process = Process(*arguments)
    try:
        yield process
    finally:
        process.close()


@contextlib.contextmanager
def serving(*options):
    """Give a service that is ready, and its endpoints by name."""
    endpoints = ["--input", FREE, "--output", FREE, "--control", FREE]
    with running("serve", *endpoints, *options) as serve:
        ready = serve.until("serve: ready").split()
        yield serve, dict(word.split("=", 1) for word in ready if "=" in word)
