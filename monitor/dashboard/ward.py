"""The ward view: many streams as tiles, the worst first. Pure.

Rules:

1. The order is by alarm priority; a stream that nobody watches counts as medium, as its sound does.
   Equals stand by name, so that a tile moves only when its alarm changes.
2. All tiles of a ward have the same size; what does not fit goes to further pages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import log

import numpy as np

from monitor.dashboard.envelope import DOTS_PER_S
from monitor.dashboard.order import numbers_by_size, rank, urgency
from monitor.dashboard.signal_state import Signal, best_lead, signal_of
from monitor.dashboard.state import DashboardState
from monitor.dashboard.stream_state import StreamState
from monitor.dashboard.waveform import SHOWN_AT_LEAST_S
from monitor.messages import Alert, AlertState, FloatArray, Priority

MIN_TILE_WIDTH, MIN_TILE_HEIGHT = 25, 5
MAX_TILE_ALERTS = 4
MAX_TRACE_CELLS = 130  # a wider tile has no longer trace
RATE_SPAN_S = 600.0
TILE_SHAPE = 3.6  # width of a tile in cells over its height, where there is a choice


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid of tiles on the screen: ``columns`` x ``rows`` of them on a page, each so large."""

    columns: int
    rows: int
    tile_width: int
    tile_height: int
    pages: int

    @property
    def per_page(self) -> int:
        """Tiles on one page."""
        return self.columns * self.rows

    @classmethod
    def of(cls, tiles: int, width: int, height: int) -> Grid:
        """Choose the grid for so many tiles on ``width`` x ``height`` cells.

        Examples
        --------
        >>> Grid.of(64, 200, 56)
        Grid(columns=8, rows=8, tile_width=25, tile_height=7, pages=1)
        >>> Grid.of(64, 80, 21)
        Grid(columns=3, rows=4, tile_width=26, tile_height=5, pages=6)
        """
        width, height = max(1, width), max(1, height)  # a screen too small is said elsewhere
        most_columns = max(1, width // MIN_TILE_WIDTH)
        most_rows = max(1, height // MIN_TILE_HEIGHT)
        tiles = max(1, tiles)
        if tiles > most_columns * most_rows:
            columns, rows = most_columns, most_rows
        else:
            choices = [(c, -(-tiles // c)) for c in range(1, most_columns + 1)]
            columns, rows = min(
                ((c, r) for c, r in choices if r <= most_rows),
                key=lambda grid: _badness(grid[0], grid[1], tiles, width, height),
            )
        pages = -(-tiles // (columns * rows))
        return cls(columns, rows, width // columns, max(1, height // rows), pages)


def _badness(columns: int, rows: int, tiles: int, width: int, height: int) -> float:
    shape = (width / columns) / (height / rows)
    return abs(log(shape / TILE_SHAPE)) + 0.7 * (columns * rows - tiles) / tiles


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One stream in the ward.

    ``alerts`` are the most urgent active ones with their ages in seconds, ``more`` is how many
    there are beyond them. ``low_mv`` and ``high_mv`` are the extremes of the newest dots, shape
    (n,), and ``newest`` is the absolute index of the last. ``rates_bpm`` are heart rates of the
    last minutes.
    """

    stream: str
    priority: Priority | None
    acknowledged: bool
    alerts: tuple[tuple[Alert, float], ...]
    more: int
    heart_rate_bpm: float | None
    rhythm: str | None
    signal: Signal
    signal_text: str
    lead: str
    low_mv: FloatArray
    high_mv: FloatArray
    newest: int
    rates_bpm: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Ward:
    """One page of the ward; ``counts`` are streams by their worst alarm, of all pages."""

    tiles: tuple[Tile, ...]
    grid: Grid
    page: int
    order: tuple[str, ...]
    counts: dict[Priority, int]
    unwatched: int
    text: str
    lost: bool


def ward_order(state: DashboardState, now_s: float) -> tuple[str, ...]:
    """Give the names of all streams, the worst first."""
    return tuple(
        sorted(
            state.streams, key=lambda n: (_severity(state.streams[n], now_s), numbers_by_size(n))
        )
    )


def _severity(stream: StreamState, now_s: float) -> tuple[int, bool]:
    """Order streams: rank of the worst alarm, and whether all of that rank are acknowledged."""
    worst = min(stream.active.values(), key=urgency, default=None)
    place = (9, False)
    if worst is not None:
        place = (rank(worst.priority), worst.state is AlertState.ACKNOWLEDGED)
    if _unwatched(stream, now_s):
        place = min(place, (rank(Priority.MEDIUM), False))
    return place


def _unwatched(stream: StreamState, now_s: float) -> bool:
    return stream.unwatched or stream.stale_s(now_s) is not None


def dots_per_s(cells: int) -> int:
    """Give the time scale of a trace of so many cells: the finest with a few beats in it."""
    fitting = [d for d in (10, 25, DOTS_PER_S) if 2 * cells / d >= SHOWN_AT_LEAST_S]
    return max(fitting, default=10)


def ward(
    state: DashboardState, now_s: float, width: int, height: int, page: int = 0, chosen: str = ""
) -> Ward:
    """Take what one page of the ward shows.

    Parameters
    ----------
    state
        All streams.
    now_s
        The clock that :meth:`DashboardState.fold` was given.
    width, height
        Room for the tiles, in cells.
    page
        Which page, from 0; the last for a larger number.
    chosen
        The page that holds this stream is taken instead, if there is one.
    """
    order = ward_order(state, now_s)
    grid = Grid.of(len(order), width, height)
    if chosen in state.streams:
        page = order.index(chosen) // grid.per_page
    page = min(page, grid.pages - 1)
    shown = order[page * grid.per_page : (page + 1) * grid.per_page]
    cells = min(grid.tile_width - 1, MAX_TRACE_CELLS)
    streams = state.streams.values()
    worst = (stream.worst() for stream in streams)
    return Ward(
        tiles=tuple(_tile(state, state.streams[name], now_s, cells) for name in shown),
        grid=grid,
        page=page,
        order=order,
        counts=Counter(priority for priority in worst if priority is not None),
        unwatched=sum(_unwatched(stream, now_s) for stream in streams),
        text=state.streams[chosen].status.text if chosen in state.streams else state.status.text,
        lost=state.status.lost or any(stream.status.lost for stream in streams),
    )


def _age_s(state: DashboardState, stream: StreamState, alert: Alert, now_s: float) -> float:
    event = state.events.of_alert(alert.stream, alert.id)
    onset = alert.onset_sample if event is None else event.onset_sample
    return stream.age_s(onset, now_s) or 0.0


def _tile(state: DashboardState, stream: StreamState, now_s: float, cells: int) -> Tile:
    signal, text = signal_of(stream, now_s)
    vitals = stream.valid_vitals()
    usable = vitals is not None and vitals.usable and not signal.unwatched
    active = sorted(stream.active.values(), key=urgency)
    rate, lead = dots_per_s(cells), best_lead(stream)
    low = high = np.zeros(0, np.float32)
    newest = -1
    if stream.envelope is not None:
        low, high = stream.envelope.read(lead, rate, 2 * cells)
        newest = stream.envelope.newest(rate)
    ages = [_age_s(state, stream, alert, now_s) for alert in active]
    return Tile(
        stream=stream.name,
        priority=active[0].priority if active else None,
        acknowledged=bool(active) and active[0].state is AlertState.ACKNOWLEDGED,
        alerts=tuple(zip(active, ages, strict=True))[:MAX_TILE_ALERTS],
        more=max(0, len(active) - MAX_TILE_ALERTS),
        heart_rate_bpm=vitals.heart_rate_bpm if vitals is not None and usable else None,
        rhythm=stream.rhythm if usable else None,
        signal=signal,
        signal_text=text,
        lead=stream.info.leads[lead] if stream.info is not None else "",
        low_mv=low,
        high_mv=high,
        newest=newest,
        rates_bpm=stream.trends.last("HR", RATE_SPAN_S, max(1, cells - 10)),
    )
