"""Draws the tiles of a ward. Pure: no terminal, no clock.

A tile has, from the top: its title with the priority's mark and the heart rate, the most urgent
alarms with their ages, rhythm and signal, the trace, the heart rate of the last minutes.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.dashboard import theme
from monitor.dashboard.bars import shorten
from monitor.dashboard.canvas import Canvas
from monitor.dashboard.digits import big_text
from monitor.dashboard.panels import FLASH_HZ, flash_on
from monitor.dashboard.signal_state import Signal
from monitor.dashboard.sparkline import bar_range, sparkline
from monitor.dashboard.tile_traces import TileScales, trace_cells
from monitor.dashboard.traces import Box
from monitor.dashboard.ward import MAX_TRACE_CELLS, Tile, Ward, dots_per_s
from monitor.messages import Alert, AlertState

LEAST_RATE_SPAN_BPM = 20.0
TITLE_STYLE = "bold grey93 on grey23"


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows of a tile by part; ``big`` is the height of large digits, 0 for none."""

    alerts: int
    trace: int
    rates: int
    big: int

    @classmethod
    def of(cls, width: int, height: int) -> Parts:
        """Share out the rows under the title.

        Examples
        --------
        >>> Parts.of(24, 5), Parts.of(24, 7)
        (Parts(alerts=1, trace=2, rates=0, big=0), Parts(alerts=1, trace=3, rates=1, big=0))
        """
        alerts = 1 if height < 10 else 2 if height < 16 else 4
        rates = 0 if height < 7 else 1 if height < 16 else 2
        trace = max(0, height - 2 - alerts - rates)
        big = 0
        if width >= 38 and trace >= 4:
            big = 5 if width >= 70 and trace >= 8 else 3
        return cls(alerts, trace, rates, big)


class TileMemory:
    """Kept from frame to frame: scales of the traces, and the rest of each tile as drawn.

    All but the trace of a tile changes about once a second.
    """

    def __init__(self) -> None:
        self.scales: TileScales = {}
        self._drawn: dict[str, tuple[Hashable, Canvas]] = {}

    def drawn(self, tile: Tile, width: int, height: int, parts: Parts, now_s: float) -> Canvas:
        """Give a tile without its trace, drawn anew only if it has changed."""
        seen = (width, height, _looks(tile, now_s))
        known = self._drawn.get(tile.stream)
        if known is not None and known[0] == seen:
            return known[1]
        canvas = Canvas(width, height)
        _draw_still(canvas, Box(0, 0, width, height), tile, parts, now_s)
        self._drawn[tile.stream] = seen, canvas
        return canvas

    def keep_only(self, streams: Collection[str]) -> None:
        """Forget the tiles of other streams."""
        if len(self._drawn) > 2 * len(streams):
            self._drawn = {name: self._drawn[name] for name in streams if name in self._drawn}
            self.scales = {name: self.scales[name] for name in streams if name in self.scales}


def _looks(tile: Tile, now_s: float) -> Hashable:
    """Give all that the fixed part of a tile depends on."""
    alerts = tuple((a.id, a.seq, a.state, a.text, theme.age(age)) for a, age in tile.alerts)
    bright = tuple(flash_on(priority, now_s) for priority in FLASH_HZ) if alerts else ()
    shown = (tile.priority, tile.more, heart_rate_text(tile), tile.rhythm, tile.signal_text)
    return alerts, bright, shown, tile.rates_bpm.tobytes()


def draw_tiles(
    canvas: Canvas, box: Box, ward: Ward, chosen: str, now_s: float, memory: TileMemory
) -> None:
    """Draw one page of tiles into ``box``; ``memory`` is brought up to date."""
    grid = ward.grid
    if not ward.tiles:
        return
    width, height = grid.tile_width - 1, grid.tile_height
    parts = Parts.of(width, height)
    cells = min(width, MAX_TRACE_CELLS) - _digits_width(parts)
    traces = None
    if parts.trace:
        rate = dots_per_s(min(width, MAX_TRACE_CELLS))
        traces = trace_cells(ward.tiles, memory.scales, parts.trace, rate, 2 * cells)
    for number, tile in enumerate(ward.tiles):
        row = box.row + number // grid.columns * height
        column = box.column + number % grid.columns * grid.tile_width
        still = memory.drawn(tile, width, height, parts, now_s)
        canvas.characters[row : row + height, column : column + width] = still.characters
        canvas.styles[row : row + height, column : column + width] = still.styles
        if traces is not None:
            _draw_trace(canvas, row + 1 + parts.alerts + 1, column, tile, traces[number])
        if tile.stream == chosen:
            _draw_edge(canvas, Box(row, column, width, height))
    memory.keep_only(ward.order)


def _digits_width(parts: Parts) -> int:
    return big_text("888", parts.big).shape[1] + 2 if parts.big else 0


def _draw_still(canvas: Canvas, box: Box, tile: Tile, parts: Parts, now_s: float) -> None:
    _draw_title(canvas, box, tile, now_s)
    row = box.row + 1
    _draw_alerts(canvas, Box(row, box.column, box.width, parts.alerts), tile, now_s)
    row += parts.alerts
    _draw_signal(canvas, row, box, tile, with_rates=not parts.rates)
    row += 1
    if parts.big:
        digits = big_text(heart_rate_text(tile).rjust(3), parts.big)
        rows, columns = digits.shape
        top = row + (parts.trace - rows) // 2
        left = box.column + box.width - columns
        area = (slice(top, top + rows), slice(left, left + columns))
        canvas.characters[area] = digits
        style = theme.HEART if tile.heart_rate_bpm is not None else theme.DIM
        canvas.styles[area] = canvas.style_number(style)
    row += parts.trace
    if parts.rates:
        _draw_rates(canvas, Box(row, box.column, box.width, parts.rates), tile)


def heart_rate_text(tile: Tile) -> str:
    """Give the heart rate as digits, ``--`` while it is not known."""
    return "--" if tile.heart_rate_bpm is None else str(min(999, round(tile.heart_rate_bpm)))


def _draw_title(canvas: Canvas, box: Box, tile: Tile, now_s: float) -> None:
    style, mark = TITLE_STYLE, "   "
    if tile.priority is not None:
        mark = theme.MARKS[tile.priority]
        flashes = tile.priority in FLASH_HZ and not tile.acknowledged
        if not flashes or flash_on(tile.priority, now_s):
            style = theme.BANNERS[tile.priority]
    elif tile.signal.unwatched:
        style, mark = theme.WARN, "tec"
    canvas.fill(box.row, box.column, box.width, style)
    rate = f"{heart_rate_text(tile)} bpm "
    canvas.right(box.row, box.column + box.width, rate, style)
    room = box.width - len(rate) - 5
    canvas.text(box.row, box.column + 1, f"{mark} {shorten(tile.stream, room)}", style)


def _draw_alerts(canvas: Canvas, box: Box, tile: Tile, now_s: float) -> None:
    hidden = len(tile.alerts) + tile.more - box.height
    for number, (alert, age_s) in enumerate(tile.alerts[: box.height]):
        more = hidden if number == box.height - 1 and hidden > 0 else 0
        _draw_alert(canvas, box, number, alert, age_s, more, now_s)
    if not tile.alerts:
        words = "no active alarm"
        if tile.signal.unwatched:
            words = "no signal comes"
        elif tile.signal in (Signal.WAITING, Signal.UNANALYSED, Signal.SUSPENDED, Signal.ENDED):
            words = "not watching for alarms"
        canvas.text(box.row, box.column + 1, shorten(words, box.width - 1), theme.DIM)


def _draw_alert(
    canvas: Canvas, box: Box, number: int, alert: Alert, age_s: float, more: int, now_s: float
) -> None:
    row = box.row + number
    style = theme.PRIORITIES[alert.priority]
    fresh = alert.state is not AlertState.ACKNOWLEDGED
    if fresh and alert.priority in FLASH_HZ and flash_on(alert.priority, now_s):
        style = theme.BANNERS[alert.priority]
        canvas.fill(row, box.column, box.width, style)
    tail = theme.age(age_s)
    if not fresh:
        tail = f"ack {tail}"
    if more:
        tail += f" +{more}"
    mark = f"{theme.MARKS[alert.priority]} " if number else ""
    start = canvas.right(row, box.column + box.width - 1, tail, style)
    text = mark + (alert.text or alert.kind.value)
    canvas.text(row, box.column + 1, shorten(text, start - box.column - 2), style)


def _draw_signal(canvas: Canvas, row: int, box: Box, tile: Tile, with_rates: bool) -> None:
    style = theme.GOOD
    text = tile.signal_text
    if tile.signal.unwatched or tile.signal in (Signal.LEAD_OFF, Signal.SUSPENDED):
        style, text = theme.WARN, f" {text} "
    elif tile.signal is Signal.POOR:
        style = theme.LEAD_WARN
    elif tile.signal is not Signal.GOOD:
        style = theme.TITLE
    end = canvas.right(row, box.column + box.width - 1, shorten(text, box.width - 2), style)
    room = end - box.column - 2
    name = tile.rhythm
    words = "--" if name is None else theme.RHYTHMS.get(name, name)
    if len(words) > room - (8 if with_rates else 0):
        words = "--" if name is None else theme.SHORT_RHYTHMS.get(name, name)
    column = canvas.text(row, box.column + 1, shorten(words, room), theme.TITLE) + 1
    if with_rates and end - column > 6:
        _draw_bars(canvas, Box(row, column, end - column - 1, 1), tile)


def _draw_trace(
    canvas: Canvas, row: int, column: int, tile: Tile, trace: NDArray[np.uint32]
) -> None:
    rows, cells = trace.shape
    live = not (tile.signal.unwatched or tile.signal in (Signal.LEAD_OFF, Signal.ENDED))
    area = (slice(row, row + rows), slice(column, column + cells))
    np.copyto(canvas.characters[area], trace, where=trace > 0)
    # blanks too: a run of one style is cheap to write
    canvas.styles[area] = canvas.style_number(theme.TRACES[0] if live else theme.HATCH)
    if rows > 2:
        canvas.text(row, column + 1, shorten(tile.lead, 6), theme.DIM)
    if tile.signal.unwatched or tile.signal is Signal.LEAD_OFF:
        text = shorten(f"  {tile.signal_text}  ", cells)
        start = column + max(0, (cells - len(text)) // 2)
        canvas.text(row + rows // 2, start, text, theme.WARN)


def _draw_rates(canvas: Canvas, box: Box, tile: Tile) -> None:
    known = tile.rates_bpm[np.isfinite(tile.rates_bpm)]
    words = f"{known.min():.0f}-{known.max():.0f}" if len(known) else ""
    canvas.text(box.row, box.column + 1, "HR", theme.DIM)
    end = canvas.right(box.row, box.column + box.width - 1, words, theme.DIM)
    _draw_bars(canvas, Box(box.row, box.column + 4, end - box.column - 5, box.height), tile)


def _draw_bars(canvas: Canvas, box: Box, tile: Tile) -> None:
    values = tile.rates_bpm[-max(0, box.width) :] if box.width > 0 else tile.rates_bpm[:0]
    if not len(values):
        return
    low, high = bar_range(values, LEAST_RATE_SPAN_BPM)
    bars = sparkline(values, low, high, box.height)
    right = box.column + box.width
    area = (slice(box.row, box.row + box.height), slice(right - len(values), right))
    canvas.characters[area] = bars
    canvas.styles[area] = canvas.style_number(theme.GOOD)


def _draw_edge(canvas: Canvas, box: Box) -> None:
    """Frame the chosen tile: arrows in its title, a line down its sides."""
    for row in range(box.row, box.row + box.height):
        canvas.text(row, box.column, "┃", theme.TITLE)
        canvas.text(row, box.column + box.width, "┃", theme.TITLE)
    canvas.text(box.row, box.column, "▶", theme.TITLE)
    canvas.text(box.row, box.column + box.width, "◀", theme.TITLE)
