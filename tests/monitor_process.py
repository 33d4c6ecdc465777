"""Commands of the monitor as real processes, for tests."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 600  # for what hangs; never waited out when all is well

# What a service or a subscriber makes of a delay of this machine: with these it takes a sender
# that was not given the processor, or a disk that was slow, for neither gone nor failed.
UNHURRIED = """
from monitor.journal import journal
from monitor.journal.postgres import bounded
from monitor.recording import thread
from monitor.service import known, load, ownership, stream, watched
from monitor.wire import follow
journal.PATIENCE_S = bounded.ANSWER_S = load.LATE_S = follow.PATIENCE_S = follow.GREETING_S = 600.0
journal.CLOSE_S = thread.CLOSE_S = known.FORGET_ENDED_S = ownership.CLAIM_S = 600.0
stream.STALE_S = watched.STALE_S = watched.OVERLOADED_STALE_S = load.SATURATED_S = 600.0
"""
# the same for the workers of a service
UNHURRIED_WORKERS = f"""
from monitor.workers import crew
unhurried = {UNHURRIED!r} + "from monitor.workers import desk; desk.FRONT_GONE_S = 600.0"
worker = "import runpy; runpy.run_module('monitor.workers', None, '__main__')"
crew.PROGRAM = ("-c", f"{{unhurried}}; {{worker}}")
crew.SILENT_S = crew.START_S = 600.0
"""
MINDS_TIME = ("serve", "watch", "alerts")


class Process:
    """A command of the monitor; what it says on stderr and stdout is read as it comes.

    Parameters
    ----------
    first
        Python code that the process runs before the command.
    hurried
        A service or subscriber has the patience that it has in a ward, not :data:`UNHURRIED`.

    Attributes
    ----------
    remarks, lines
        What has come so far, from stderr and stdout.
    """

    def __init__(self, *arguments, patience_s=PATIENCE_S, preexec_fn=None, first="", hurried=False):
        if arguments[0] in MINDS_TIME and not hurried:
            first += UNHURRIED + (UNHURRIED_WORKERS if "--workers" in arguments else "")
        program = ["-m", "monitor"]
        if first:
            program = [
                "-c",
                f"{first}\nimport runpy; runpy.run_module('monitor', None, '__main__')",
            ]
        self._popen = subprocess.Popen(
            [sys.executable, *program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            preexec_fn=preexec_fn,
        )
        self._guard = threading.Timer(patience_s, self._popen.kill)
        self._guard.start()
        self.remarks, self.lines = [], []
        self._said = threading.Condition()
        self._looked = 0
        self._readers = [
            threading.Thread(target=self._read, args=pipe)
            for pipe in ((self._popen.stderr, self.remarks), (self._popen.stdout, self.lines))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self):
        return self._popen.pid

    @property
    def running(self):
        return self._popen.poll() is None

    @property
    def resident_kib(self):
        """Memory of the process now."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])

    def until(self, words):
        """Wait for the next line on stderr with these words, and give it."""
        with self._said:
            while True:
                while self._looked < len(self.remarks):
                    self._looked += 1
                    if words in self.remarks[self._looked - 1]:
                        return self.remarks[self._looked - 1]
                if not self._readers[0].is_alive():
                    pytest.fail(f"no {words!r} in {self.remarks}")
                self._said.wait(1.0)

    def until_lines(self, enough):
        """Wait until ``enough(lines)`` of stdout; give the lines."""
        with self._said:
            while not enough(self.lines):
                if not self._readers[1].is_alive():
                    pytest.fail(f"ended with {self.lines[-3:]}, {self.remarks}")
                self._said.wait(1.0)
            return list(self.lines)

    def signal(self, number):
        self._popen.send_signal(number)

    def kill(self):
        """Kill at once, without any chance to tidy up."""
        self._popen.kill()
        self._popen.wait()

    def finish(self, code=0):
        """Wait for the end; give the lines of stdout."""
        for reader in self._readers:
            reader.join()
        assert self._popen.wait() == code, "".join(self.remarks)
        assert "Traceback" not in "".join(self.remarks)
        return self.lines

    def close(self):
        self._guard.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(signal.SIGCONT)
        self._popen.kill()
        self._popen.wait()
        for reader in self._readers:
            reader.join()
        self._popen.stdout.close()
        self._popen.stderr.close()

    def _read(self, pipe, into):
        for line in pipe:
            with self._said:
                into.append(line)
                self._said.notify_all()
        with self._said:
            self._said.notify_all()


@contextlib.contextmanager
def running(*arguments, **options):
    process = Process(*arguments, **options)
    try:
        yield process
    finally:
        process.close()


@contextlib.contextmanager
def serving(*options, endpoints=(FREE, FREE, FREE), **process_options):
    """Give a service that is ready, and its endpoints by name."""
    bound = [
        word
        for name, endpoint in zip(("--input", "--output", "--control"), endpoints, strict=True)
        for word in (name, endpoint)
    ]
    with running("serve", *bound, *options, **process_options) as serve:
        ready = serve.until("ready").split()
        yield serve, dict(word.split("=", 1) for word in ready if "=" in word)


def wait_for(condition, what, patience_s=PATIENCE_S):
    """Ask again until the condition holds, and give what it gave; bounded."""
    end_s = time.monotonic() + patience_s
    while not (held := condition()):
        if time.monotonic() > end_s:
            pytest.fail(f"waited {patience_s} s in vain: {what}")
        time.sleep(0.02)
    return held
