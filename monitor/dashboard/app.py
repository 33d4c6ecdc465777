"""The loop of the dashboard: a worker thread takes messages, the main thread draws.

Rules:

1. The worker only folds, under a lock held for microseconds: a slow or blocked terminal
   holds up nothing but the picture.
2. The first frame is drawn before the worker starts, since its imports take seconds.
3. Nothing here imports an analysis package.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rich.console import Console

from monitor.dashboard.dashboard import Dashboard
from monitor.dashboard.keys import actions
from monitor.dashboard.terminal import Terminal, Terminated
from monitor.errors import INTERRUPTED, MonitorError
from monitor.feeds.feed import Feed

FRAME_S = 0.1
STOP_WAIT_S = 10.0
TERMINATED = 143  # 128 + SIGTERM, as a shell reports it


class _Worker(threading.Thread):
    """Runs the feed, and keeps its error for the main thread."""

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
