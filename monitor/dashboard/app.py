"""The dashboard's loop: a worker folds what the feed delivers, the main thread draws.

Rules:

1. The worker only folds, under a lock held for microseconds: a slow or blocked terminal
   holds up nothing but the picture.
2. The first frame is drawn before the worker starts, since its imports take seconds.
3. Nothing here imports an analysis package.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable

from rich.console import Console

from monitor.dashboard.bell import Bell
from monitor.dashboard.keys import Action, actions
from monitor.dashboard.state import DashboardState, Snapshot, Wave
from monitor.dashboard.terminal import Terminal, Terminated
from monitor.dashboard.traces import Scales
from monitor.dashboard.view import Display, draw
from monitor.dashboard.waveform import DOTS_PER_S, GAINS_MV
from monitor.errors import INTERRUPTED, MonitorError
from monitor.feed import Feed, Status
from monitor.messages import Alert, AlertKind, AlertState, Message, Priority

FRAME_S = 0.1
STOP_WAIT_S = 10.0
NO_SERVICE = -(2**62)  # no number of an alert
TERMINATED = 143  # 128 + SIGTERM, as a shell reports it


class Dashboard:
    """State, settings and what the keys do to them; knows no terminal.

    Parameters
    ----------
    feed
        What is acknowledged to.
    clock
        Seconds that never go back.
    """

    def __init__(self, feed: Feed, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = DashboardState()
        self.display = Display()
        self.stream = ""
        self.quit = False
        self._feed = feed
        self._clock = clock
        self._lock = threading.Lock()
        self._scales: Scales = {}
        self._bell = Bell()
        self._frozen: Wave | None = None
        self._heard_of: set[str] = set()  # streams whose loss has been acknowledged here

    def deliver(self, message: Message | Status) -> None:
        """Take in one message, from any thread."""
        with self._lock:
            self.state.fold(message, self._clock())

    def look(self) -> tuple[Snapshot, tuple[Alert, ...]]:
        """Give what is to be shown, and the active alerts of all streams."""
        with self._lock:
            snapshot = self.state.snapshot(self.stream, self._clock())
            alerts = self._alerts()
        self.stream = snapshot.stream
        if self.display.paused:
            # the picture stands still; numbers and alarms do not
            if self._frozen is None:
                self._frozen = snapshot.wave
            if self._frozen is not None and snapshot.wave is not None:
                snapshot = dataclasses.replace(snapshot, wave=self._frozen)
        return snapshot, alerts

    def _alerts(self) -> tuple[Alert, ...]:
        """Give all active alerts; that no service is there is one more, of each stream."""
        found = [alert for s in self.state.streams.values() for alert in s.active.values()]
        lost = {s.name for s in self.state.streams.values() if s.status.lost}
        if self.state.status.lost:
            lost.add("")
        self._heard_of &= lost
        return (*found, *(_no_service(name, name in self._heard_of) for name in sorted(lost)))

    def frame(self, terminal: Terminal) -> None:
        """Draw one frame, and sound the bell if an alert asks for it."""
        snapshot, alerts = self.look()
        now_s = self._clock()
        width, height = terminal.size()
        self.display = dataclasses.replace(
            self.display, bell_paused_s=math.ceil(self._bell.paused_for_s(now_s))
        )
        terminal.show(draw(snapshot, self.display, width, height, now_s, self._scales))
        if self._bell.due(alerts, now_s):
            terminal.bell()

    def act(self, action: Action) -> None:
        """Do what a key asks for."""
        d = self.display
        match action:
            case Action.QUIT:
                self.quit = True
            case Action.PAUSE:
                self._frozen = None
                self.display = dataclasses.replace(d, paused=not d.paused)
            case Action.ACKNOWLEDGE:
                if self.stream:
                    self._feed.acknowledge(self.stream, None)
                with self._lock:  # that no service is there only this display can know
                    lost = {a.stream for a in self._alerts() if a.id == NO_SERVICE}
                self._heard_of |= lost
            case Action.GAIN_UP | Action.GAIN_DOWN:
                self.display = dataclasses.replace(
                    d, gain_mv=self._next_gain(action is Action.GAIN_UP)
                )
            case Action.GAIN_AUTO:
                self.display = dataclasses.replace(d, gain_mv=None)
            case Action.SLOWER | Action.FASTER:
                faster = action is Action.FASTER
                self.display = dataclasses.replace(d, dots_per_s=self._next_rate(faster))
            case Action.NEXT_STREAM:
                with self._lock:
                    self.stream = self.state.after(self.stream)
                self._frozen = None
                self.display = dataclasses.replace(d, lead=0, paused=False)
            case Action.NEXT_LEAD:
                self.display = dataclasses.replace(d, lead=d.lead + 1)
            case Action.SWEEP:
                self.display = dataclasses.replace(d, sweep=not d.sweep)
            case Action.BELL:
                self._bell.pause(self.look()[1], self._clock())
            case Action.HELP:
                self.display = dataclasses.replace(d, help=not d.help)

    def _next_gain(self, larger: bool) -> float:
        scale = self._scales.get((self.stream, self.display.lead))
        now = self.display.gain_mv or (scale.gain_mv if scale is not None else 1.0)
        steps = [g for g in GAINS_MV if (g < now if larger else g > now)]
        if larger:
            return max(steps, default=GAINS_MV[0])
        return min(steps, default=GAINS_MV[-1])

    def _next_rate(self, faster: bool) -> int:
        now = self.display.dots_per_s or 25
        steps = [r for r in DOTS_PER_S if (r > now if faster else r < now)]
        if faster:
            return min(steps, default=DOTS_PER_S[-1])
        return max(steps, default=DOTS_PER_S[0])


def _no_service(stream: str, acknowledged: bool) -> Alert:
    state = AlertState.ACKNOWLEDGED if acknowledged else AlertState.RAISED
    kind, priority = AlertKind.STREAM_STALE, Priority.TECHNICAL
    return Alert(stream, NO_SERVICE, 0, kind, priority, state, 0, 0, "No service is there")


class _Worker(threading.Thread):
    """Runs the feed; keeps what went wrong for the main thread."""

    def __init__(self, feed: Feed, dashboard: Dashboard) -> None:
        super().__init__(name="feed", daemon=True)
        self._feed = feed
        self._dashboard = dashboard
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._feed.run(self._dashboard.deliver)
        except BaseException as error:  # handed to the main thread, which raises it
            self.error = error


def run_dashboard(
    feed: Feed,
    *,
    console: Console | None = None,
    keys_fd: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Show a feed until the user quits.

    When the feed ends by itself its last picture stays until ``q``, or, where nothing can be
    typed, the dashboard ends too.

    Parameters
    ----------
    feed
        Runs in a worker thread.
    console
        Where to draw; standard output by default. It must be a terminal.
    keys_fd
        Where keys come from; standard input by default.
    clock
        Seconds that never go back: staleness and flashing depend on it.

    Returns
    -------
    int
        Exit code: 0, 130 after Ctrl-C, 143 after SIGTERM.

    Raises
    ------
    MonitorError
        If there is no terminal, or none that shows UTF-8, or whatever the feed raised.
    """
    console = console if console is not None else Console(highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        raise MonitorError(
            "the dashboard needs a terminal with cursor control (TERM is unset, 'dumb', or "
            "output is not a terminal); ask for event lines instead"
        )
    if not console.encoding.startswith("utf"):
        raise MonitorError(
            f"the dashboard draws with characters that {console.encoding} has not: use a UTF-8 "
            "locale (LC_ALL=C.UTF-8), or ask for event lines instead"
        )
    dashboard = Dashboard(feed, clock)
    worker = _Worker(feed, dashboard)
    code = 0
    try:
        with Terminal(console, keys_fd) as terminal:
            dashboard.frame(terminal)
            worker.start()
            _loop(dashboard, terminal, worker)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Terminated:
        code = TERMINATED
    finally:
        if worker.ident is not None:
            feed.stop()
            worker.join(STOP_WAIT_S)
    if worker.error is not None:
        raise worker.error
    return code


def _loop(dashboard: Dashboard, terminal: Terminal, worker: _Worker) -> None:
    due_s = time.monotonic() + FRAME_S
    while not dashboard.quit and worker.error is None:
        typed = terminal.keys(max(0.0, due_s - time.monotonic()))
        for action in actions(typed or b""):
            dashboard.act(action)
        ended = not worker.is_alive()
        if time.monotonic() >= due_s or typed:
            dashboard.frame(terminal)
            # from now, not from when it was due: a slow terminal gets fewer frames
            due_s = time.monotonic() + FRAME_S
        if ended and not terminal.has_keys:
            return
