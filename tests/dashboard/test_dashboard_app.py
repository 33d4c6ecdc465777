"""The loop on a pseudo terminal: keys, resize, ends of every kind, a terminal that blocks."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from rich.console import Console

from monitor.dashboard.app import Dashboard, run_dashboard
from monitor.dashboard.keys import Action
from monitor.dashboard.view import draw
from monitor.errors import MonitorError
from monitor.feeds.feed import Deliver, Status
from monitor.messages import Samples, StreamInfo, Vitals

WAIT_S = 600.0  # a bound for what must happen at once; never waited out when all is well
INFO = StreamInfo("bed1", 250.0, ("II",))


def samples(start: int, count: int = 25) -> Samples:
    return Samples("bed1", start, np.zeros((count, 1), dtype=np.float32))


class ScriptedFeed:
    """Runs a function as the feed; remembers what it was asked."""

    def __init__(self, script: Callable[["ScriptedFeed", Deliver], None]) -> None:
        self._script = script
        self.stopped = threading.Event()
        self.acknowledged: list[tuple[str, int | None]] = []
        self.acknowledge_came = threading.Event()
        self.strips_wanted: list[tuple[str, int]] = []

    def run(self, deliver: Deliver) -> None:
        self._script(self, deliver)

    def stop(self) -> None:
        self.stopped.set()

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        self.acknowledged.append((stream, alert_id))
        self.acknowledge_came.set()

    def fetch_strip(self, stream: str, alert_id: int) -> None:
        self.strips_wanted.append((stream, alert_id))


class Screen:
    """The outer end of a pseudo terminal: what was written to it, and typing on it."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(100, 30)
        self._written = bytearray()
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            with self._news:
                self._written += data
                self._news.notify_all()

    @property
    def written(self) -> str:
        with self._news:
            return self._written.decode(errors="replace")

    def wait_for(self, pattern: str, since: int = 0) -> int:
        """Wait until the text matches; give the length of all that was written."""
        with self._news:
            found = self._news.wait_for(
                lambda: re.search(pattern, self._written.decode(errors="replace")[since:]), WAIT_S
            )
        assert found, f"{pattern!r} never came"
        return len(self.written)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def resize(self, columns: int, lines: int) -> None:
        termios.tcsetwinsize(self.slave, (lines, columns))

    def close(self) -> None:
        os.close(self.slave)
        self._reader.join(WAIT_S)
        os.close(self.master)


@contextmanager
def terminal() -> Iterator[tuple[Screen, Console]]:
    screen = Screen()
    before = termios.tcgetattr(screen.slave)
    file = os.fdopen(os.dup(screen.slave), "w", encoding="utf-8")
    try:
        yield (
            screen,
            Console(file=file, force_terminal=True, color_system="standard", highlight=False),
        )
        file.flush()
        assert termios.tcgetattr(screen.slave) == before, "terminal settings were not put back"
        screen.wait_for(re.escape("\x1b[?1049l"))  # left the alternate screen
        screen.wait_for(re.escape("\x1b[?25h"))  # cursor shown
    finally:
        file.close()
        screen.close()


def test_keys_reach_feed_and_display_and_q_ends():
    with terminal() as (screen, console):

        def script(feed: ScriptedFeed, deliver: Deliver) -> None:
            deliver(INFO)
            deliver(samples(0))
            screen.wait_for("bed1")
            screen.type(b"a")
            assert feed.acknowledge_came.wait(WAIT_S)
            screen.type(b" ")
            screen.wait_for("PAUSED")
            screen.type(b"s")
            screen.wait_for("BELL PAUSED")
            screen.type(b"q")
            assert feed.stopped.wait(WAIT_S)

        feed = ScriptedFeed(script)
        assert run_dashboard(feed, console=console, keys_fd=screen.slave) == 0
        assert feed.acknowledged == [("bed1", None)]


def test_first_frame_is_drawn_before_the_feed_starts():
    with terminal() as (screen, console):

        def script(feed: ScriptedFeed, deliver: Deliver) -> None:
            screen.wait_for("not watching for alarms yet")
            deliver(Status("", "loading the beat classifier"))
            screen.wait_for("loading the beat classifier")
            screen.type(b"q")

        run_dashboard(ScriptedFeed(script), console=console, keys_fd=screen.slave)


def test_follows_the_size_of_the_terminal():
    with terminal() as (screen, console):

        def script(feed: ScriptedFeed, deliver: Deliver) -> None:
            deliver(INFO)
            deliver(samples(0))
            at = screen.wait_for("mV/div")
            screen.resize(70, 20)
            at = screen.wait_for("70x20, needs 80x24", at)
            screen.resize(132, 43)
            screen.wait_for(r"\x1b\[43;1H", at)
            screen.wait_for("mV/div", at)
            screen.type(b"q")

        run_dashboard(ScriptedFeed(script), console=console, keys_fd=screen.slave)


def test_ward_bed_and_events_on_a_terminal():
    with terminal() as (screen, console):

        def script(feed: ScriptedFeed, deliver: Deliver) -> None:
            for name in ("bed-1", "bed-2"):
                deliver(StreamInfo(name, 250.0, ("II",)))
                deliver(Samples(name, 0, np.zeros((250, 1), dtype=np.float32)))
            at = screen.wait_for("2 streams")
            screen.type(b"\x1b[C")
            at = screen.wait_for("bed-1 is chosen", at)
            screen.type(b"\x1b[C\r")
            at = screen.wait_for("mV/div", at)
            screen.type(b"e")
            at = screen.wait_for("no event yet", at)
            screen.type(b"w")
            at = screen.wait_for("bed-2 is chosen", at)
            screen.type(b"q")

        run_dashboard(ScriptedFeed(script), console=console, keys_fd=screen.slave)


def test_a_finished_feed_stays_on_screen_until_q():
    with terminal() as (screen, console):
        watcher_done = []

        def watch() -> None:
            at = screen.wait_for("all was shown")
            screen.type(b"?")
            screen.wait_for("this help", at)
            watcher_done.append(True)
            screen.type(b"q")

        watcher = threading.Thread(target=watch)
        watcher.start()
        feed = ScriptedFeed(lambda _, deliver: deliver(Status("", "all was shown")))
        assert run_dashboard(feed, console=console, keys_fd=screen.slave) == 0
        watcher.join(WAIT_S)
        assert watcher_done


@pytest.mark.parametrize("error", [MonitorError("the record is cut short", 3), ValueError("x")])
def test_what_the_feed_raises_comes_out_after_the_terminal_is_back(error):
    def script(feed: ScriptedFeed, deliver: Deliver) -> None:
        raise error

    with terminal() as (screen, console):
        with pytest.raises(type(error)) as caught:
            run_dashboard(ScriptedFeed(script), console=console, keys_fd=screen.slave)
        assert caught.value is error


def test_without_a_terminal_it_says_so():
    with pytest.raises(MonitorError, match="needs a terminal"):
        run_dashboard(ScriptedFeed(lambda *_: None), console=Console(file=io.StringIO()))


def test_where_its_characters_cannot_be_shown_it_says_so():
    latin = io.TextIOWrapper(io.BytesIO(), "latin-1")
    console = Console(file=latin, force_terminal=True, _environ={"TERM": "xterm"})
    with pytest.raises(MonitorError, match="latin-1 has not: use a UTF-8 locale"):
        run_dashboard(ScriptedFeed(lambda *_: None), console=console)


class Clogged(io.StringIO):
    """A terminal that stops taking anything in once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.clog = threading.Event()
        self.held = threading.Event()
        self.release = threading.Event()

    def write(self, text: str) -> int:
        if self.clog.is_set() and not self.release.is_set():
            self.held.set()
            assert self.release.wait(WAIT_S)
        return super().write(text)


def test_a_blocked_terminal_does_not_hold_up_the_feed(monkeypatch):
    file = Clogged()
    console = Console(file=file, force_terminal=True, width=100, height=30, highlight=False)
    delivered_while_blocked = []

    def script(feed: ScriptedFeed, deliver: Deliver) -> None:
        deliver(INFO)
        file.clog.set()
        sample = 0
        while not file.held.is_set():  # the next frame that changes anything gets stuck
            deliver(samples(sample))
            sample += 25
        for _ in range(5000):
            deliver(samples(sample))
            sample += 25
        delivered_while_blocked.append(not file.release.is_set())
        deliver(Vitals("bed1", sample, 61.0, 0.98, True, {"N": 1}, 0))
        file.release.set()

    monkeypatch.setattr(sys, "stdin", io.StringIO())  # no keys: it ends with the feed
    assert run_dashboard(ScriptedFeed(script), console=console) == 0
    assert delivered_while_blocked == [True]


def test_paused_picture_stands_while_numbers_go_on():
    dashboard = Dashboard(ScriptedFeed(lambda *_: None), clock=lambda: 0.0)
    dashboard.deliver(INFO)
    dashboard.deliver(samples(0, 250))
    dashboard.look()
    dashboard.act(Action.PAUSE)
    dashboard.look()
    dashboard.deliver(samples(250, 250))
    dashboard.deliver(Vitals("bed1", 490, 61.0, 0.98, True, {"N": 1}, 0))
    paused, _ = dashboard.look()
    assert paused.wave is not None
    assert paused.wave.end_sample == 250
    assert paused.vitals is not None
    dashboard.act(Action.PAUSE)
    running, _ = dashboard.look()
    assert running.wave is not None
    assert running.wave.end_sample == 500


def test_gain_time_scale_lead_and_stream_keys():
    dashboard = Dashboard(ScriptedFeed(lambda *_: None), clock=lambda: 0.0)
    for name in ("bed1", "bed2"):
        dashboard.deliver(StreamInfo(name, 250.0, ("II", "V1")))
    dashboard.act(Action.RIGHT)
    dashboard.act(Action.OPEN)
    for _ in range(9):
        dashboard.act(Action.GAIN_UP)
    assert dashboard.display.gain_mv == 0.25
    for _ in range(9):
        dashboard.act(Action.GAIN_DOWN)
    assert dashboard.display.gain_mv == 4.0
    dashboard.act(Action.GAIN_AUTO)
    assert dashboard.display.gain_mv is None
    for _ in range(9):
        dashboard.act(Action.FASTER)
    assert dashboard.display.dots_per_s == 100
    for _ in range(9):
        dashboard.act(Action.SLOWER)
    assert dashboard.display.dots_per_s == 10
    dashboard.act(Action.NEXT_LEAD)
    assert dashboard.display.lead == 1
    dashboard.act(Action.NEXT_STREAM)
    assert dashboard.look()[0].stream == "bed2"
    assert dashboard.display.lead == 0
    snapshot, _ = dashboard.look()
    assert draw(snapshot, dashboard.display, 80, 24, 0.0).width == 80


PROGRAM = """
import sys
from monitor.dashboard.app import run_dashboard
from monitor.errors import MonitorError
import threading

class Feed:
    def __init__(self):
        self.stopped = threading.Event()
    def run(self, deliver):
        if sys.argv[1] == "fail":
            raise MonitorError("the samples stopped making sense", 5)
        self.stopped.wait()
    def stop(self):
        self.stopped.set()
    def acknowledge(self, stream, alert_id):
        pass

try:
    code = run_dashboard(Feed())
except MonitorError as error:
    print(error, file=sys.stderr)
    code = error.exit_code
heavy = {"torch", "scipy", "wfdb", "neurokit2", "zmq"} & set(sys.modules)
assert not heavy, heavy
sys.exit(code)
"""


@contextmanager
def program(what: str) -> Iterator[tuple[Screen, subprocess.Popen[bytes]]]:
    screen = Screen()
    before = termios.tcgetattr(screen.slave)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what],
        stdin=screen.slave,
        stdout=screen.slave,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm-256color"},
        process_group=0,  # in this session: an orphaned group could not be stopped
    )
    try:
        yield screen, process
        screen.wait_for(re.escape("\x1b[?1049l"))
        assert termios.tcgetattr(screen.slave) == before
    finally:
        process.kill()
        process.communicate()
        screen.close()


def test_a_failing_feed_ends_the_program_with_its_message_and_code():
    with program("fail") as (_, process):
        _, errors = process.communicate(timeout=WAIT_S)
        assert process.returncode == 5
        assert errors.decode() == "the samples stopped making sense\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)]
)
def test_signals_end_it_cleanly(number, code):
    with program("wait") as (screen, process):
        screen.wait_for("alarms")
        process.send_signal(number)
        _, errors = process.communicate(timeout=WAIT_S)
        assert (process.returncode, errors.decode()) == (code, "")


@pytest.mark.slow
def test_suspended_and_continued():
    with program("wait") as (screen, process):
        screen.wait_for("alarms")
        process.send_signal(signal.SIGTSTP)
        at = screen.wait_for(re.escape("\x1b[?1049l"))
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        process.send_signal(signal.SIGCONT)
        screen.wait_for("alarms", at)
        screen.type(b"q")
        process.communicate(timeout=WAIT_S)
        assert process.returncode == 0


@pytest.mark.slow
def test_it_sounds_when_the_service_dies_and_is_silenced_here():
    now_s = [0.0]
    dashboard = Dashboard(ScriptedFeed(lambda *_: None), clock=lambda: now_s[0])
    rung = []

    class Silent:
        def size(self):
            return 80, 24

        def show(self, canvas):
            self.text = "\n".join("".join(map(chr, row)) for row in canvas.characters)

        def bell(self):
            rung.append(now_s[0])

    terminal = Silent()

    def run(until_s):
        while now_s[0] < until_s:
            dashboard.frame(terminal)
            now_s[0] += 0.5

    dashboard.deliver(INFO)
    dashboard.deliver(samples(0, 250))
    run(5.0)
    assert rung == []
    dashboard.deliver(Status("bed1", "no service", lost=True))
    run(30.0)
    assert rung == [5.0, 25.0]
    assert "STALE" in terminal.text
    dashboard.act(Action.ACKNOWLEDGE)
    run(90.0)
    assert rung == [5.0, 25.0]
    dashboard.deliver(Status("bed1"))  # it came back, and dies again
    run(95.0)
    dashboard.deliver(Status("bed1", "no service", lost=True))
    run(100.0)
    assert rung == [5.0, 25.0, 95.0]
