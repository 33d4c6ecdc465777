"""The dashboard without a terminal: what it shows and what its keys do.

Rules:

1. Messages come from a worker thread: :meth:`Dashboard.deliver` only folds, under a lock.
2. A frame copies what it shows under the same lock, and is drawn outside it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.dashboard.bed_keys import changed
from monitor.dashboard.bell import NO_SERVICE, Bell, no_service
from monitor.dashboard.canvas import Canvas
from monitor.dashboard.event_page import EventPage, event_page
from monitor.dashboard.event_view import draw_events, list_rows
from monitor.dashboard.events import EventKey
from monitor.dashboard.keys import Action
from monitor.dashboard.navigation import Place, View, in_events, in_ward
from monitor.dashboard.snapshot import Snapshot, Wave
from monitor.dashboard.state import DashboardState
from monitor.dashboard.tiles import TileMemory
from monitor.dashboard.traces import Scales
from monitor.dashboard.view import Display, draw
from monitor.dashboard.ward import Grid, ward, ward_order
from monitor.dashboard.ward_view import EDGE_ROWS, draw_ward
from monitor.feeds.feed import Feed, Status
from monitor.messages import Alert, Message, Priority

if TYPE_CHECKING:
    from monitor.dashboard.terminal import Terminal

MAX_ASKED = 1000
CHOOSE_FIRST = "choose a stream with the arrow keys first"


class Dashboard:
    """Holds state and settings, and applies the keys to them; knows no terminal.

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
        self.place = Place()
        self.stream = ""
        self.notice = ""
        self.quit = False
        self._feed = feed
        self._clock = clock
        self._lock = threading.Lock()
        self._size = (80, 24)
        self._scales: Scales = {}
        self._tiles = TileMemory()
        self._bell = Bell()
        self._frozen: Wave | None = None
        self._strips_asked: set[EventKey] = set()
        self._heard_of: set[str] = set()  # streams whose loss has been acknowledged here

    @property
    def view(self) -> View:
        """What fills the terminal."""
        return self.place.view_of(len(self.state.streams))

    def deliver(self, message: Message | Status) -> None:
        """Take in one message, from any thread."""
        with self._lock:
            self.state.fold(message, self._clock())

    def look(self) -> tuple[Snapshot, tuple[Alert, ...]]:
        """Give the snapshot of the stream shown, and the active alerts of all streams."""
        with self._lock:
            snapshot = self.state.snapshot(self.stream, self._clock())
            shown = self.state.streams.get(snapshot.stream)
            if shown is not None:
                trends = shown.trends.every(self.display.trend_s, max(1, self._size[0] - 60))
                snapshot = replace(snapshot, trends=trends)
            alerts = self._alerts()
        self.stream = snapshot.stream
        if self.display.paused:
            # the picture stands still; numbers and alarms do not
            if self._frozen is None:
                self._frozen = snapshot.wave
            if self._frozen is not None and snapshot.wave is not None:
                snapshot = replace(snapshot, wave=self._frozen)
        return snapshot, alerts

    def _alerts(self) -> tuple[Alert, ...]:
        """Give all active alerts, and one of each stream while the service is gone."""
        found = [alert for s in self.state.streams.values() for alert in s.active.values()]
        lost = {s.name for s in self.state.streams.values() if s.status.lost}
        if self.state.status.lost:
            lost.add("")
        self._heard_of &= lost
        return (*found, *(no_service(name, name in self._heard_of) for name in sorted(lost)))

    def frame(self, terminal: Terminal) -> None:
        """Draw one frame, and sound the bell if an alert needs it."""
        now_s = self._clock()
        width, height = terminal.size()
        self.display = replace(
            self.display, bell_paused_s=math.ceil(self._bell.paused_for_s(now_s))
        )
        terminal.show(self.draw(width, height))
        with self._lock:
            alerts = self._alerts()
        if self._bell.due(alerts, now_s):
            terminal.bell()

    def draw(self, width: int, height: int) -> Canvas:
        """Draw the present view on a screen of so many cells."""
        self._size = (width, height)
        now_s = self._clock()
        place, display = self.place, self.display
        match self.view:
            case View.WARD:
                with self._lock:
                    shown = ward(
                        self.state, now_s, width, height - EDGE_ROWS, place.page, place.chosen
                    )
                return draw_ward(
                    shown,
                    display,
                    place.chosen,
                    width,
                    height,
                    now_s,
                    self._tiles,
                    self.notice,
                )
            case View.EVENTS:
                with self._lock:
                    page = event_page(self.state, now_s, self._listed, place.event, place.back_s)
                self._ask_for_strip(page)
                return draw_events(
                    page,
                    display,
                    width,
                    height,
                    self._scales,
                    place.strip_dots_per_s,
                    self.notice,
                )
            case View.BED:
                snapshot, _ = self.look()
                return draw(snapshot, display, width, height, now_s, self._scales)

    def _ask_for_strip(self, page: EventPage) -> None:
        """Ask once for the signal of the chosen event, if it came before this display was there."""
        line = page.chosen
        if line is None or page.strip is not None or line.alert.priority is Priority.TECHNICAL:
            return
        if line.event.key not in self._strips_asked:
            if len(self._strips_asked) > MAX_ASKED:
                self._strips_asked.clear()
            self._strips_asked.add(line.event.key)
            self._feed.fetch_strip(line.alert.stream, line.alert.id)

    @property
    def _listed(self) -> str:
        """Whose events are listed, "" for all streams."""
        return "" if self.place.all_streams else self.stream

    def act(self, action: Action) -> None:
        """Do the action of a key."""
        self.notice = ""
        d = self.display
        match action:
            case Action.QUIT:
                self.quit = True
            case Action.HELP:
                self.display = replace(d, help=not d.help)
            case Action.BACK if d.help:
                self.display = replace(d, help=False)
            case Action.BELL:
                with self._lock:
                    alerts = self._alerts()
                self._bell.pause(alerts, self._clock())
            case Action.WARD:
                self._go(View.WARD)
            case Action.EVENTS:
                self._list_events()
            case _:
                match self.view:
                    case View.WARD:
                        self._act_in_ward(action)
                    case View.EVENTS:
                        self._act_in_events(action)
                    case View.BED:
                        self._act_at_bed(action)

    def _go(self, view: View) -> None:
        self._frozen = None
        self.display = replace(self.display, paused=False)
        self.place = replace(self.place, view=view)

    def _open(self, stream: str) -> None:
        """Show one stream."""
        if stream != self.stream:
            self.display = replace(self.display, lead=0)
        self.stream = stream
        self._go(View.BED)

    def _list_events(self) -> None:
        """Open the list of events, or list those of one stream or of all in turn."""
        if self.view is View.EVENTS:
            all_streams = not self.place.all_streams
        else:
            chosen = self.place.chosen if self.view is View.WARD else self.stream
            all_streams = not chosen
            self.stream = chosen or self.stream
            self.place = replace(self.place, before=self.view)
            self._go(View.EVENTS)
        self.place = replace(self.place, all_streams=all_streams, back_s=0.0)
        with self._lock:
            keys = [event.key for event in self.state.events.events(self._listed)]
        if self.place.event not in keys:
            self.place = replace(self.place, event=keys[0] if keys else None)

    def _act_in_ward(self, action: Action) -> None:
        width, height = self._size
        with self._lock:
            order = ward_order(self.state, self._clock())
        grid = Grid.of(len(order), width, height - EDGE_ROWS)
        chosen = self.place.chosen if self.place.chosen in order else ""
        match action:
            case Action.OPEN | Action.ACKNOWLEDGE if not chosen:
                self.notice = CHOOSE_FIRST
            case Action.OPEN:
                self._open(chosen)
            case Action.ACKNOWLEDGE:
                self._acknowledge(chosen, None)
            case _:
                self.place = in_ward(self.place, action, order, grid)

    def _act_in_events(self, action: Action) -> None:
        with self._lock:
            events = self.state.events.events(self._listed)
        chosen = next((e.alert for e in events if e.key == self.place.event), None)
        match action:
            case Action.BACK:
                self._go(self.place.before)
            case Action.OPEN if chosen is not None:
                self._open(chosen.stream)
            case Action.ACKNOWLEDGE if chosen is not None:
                self._acknowledge(chosen.stream, chosen.id)
            case Action.NEXT_STREAM:
                with self._lock:
                    self.stream = self.state.after(self.stream)
                self.place = replace(self.place, all_streams=True)
                self._list_events()
            case _:
                rows = list_rows(self._size[1])
                self.place = in_events(self.place, action, events, rows)

    def _acknowledge(self, stream: str, alert_id: int | None) -> None:
        if stream:
            self._feed.acknowledge(stream, alert_id)
        with self._lock:  # that no service is there only this display can know
            lost = {a.stream for a in self._alerts() if a.id == NO_SERVICE}
        self._heard_of |= lost

    def _act_at_bed(self, action: Action) -> None:
        d = self.display
        match action:
            case Action.PAUSE:
                self._frozen = None
                self.display = replace(d, paused=not d.paused)
            case Action.ACKNOWLEDGE:
                self._acknowledge(self.stream, None)
            case Action.NEXT_STREAM:
                with self._lock:
                    following = self.state.after(self.stream)
                self._open(following)
            case Action.BACK if len(self.state.streams) > 1:
                self._go(View.WARD)
            case _:
                scale = self._scales.get((self.stream, d.lead))
                self.display = changed(d, action, scale.gain_mv if scale is not None else 1.0)
