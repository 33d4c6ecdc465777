"""Draws the ward: many streams as tiles, page by page. Pure: no terminal, no clock."""

from __future__ import annotations

from monitor.dashboard import theme
from monitor.dashboard.bars import (
    draw_bell_pause,
    draw_help,
    draw_keys,
    draw_status,
    draw_title,
    draw_too_small,
    fits,
)
from monitor.dashboard.canvas import Canvas
from monitor.dashboard.order import PRIORITY_ORDER
from monitor.dashboard.tiles import TileMemory, draw_tiles
from monitor.dashboard.traces import Box
from monitor.dashboard.view import Display
from monitor.dashboard.ward import Ward

EDGE_ROWS = 3  # title, status, keys


def draw_ward(
    ward: Ward,
    display: Display,
    chosen: str,
    width: int,
    height: int,
    now_s: float,
    memory: TileMemory,
    notice: str = "",
) -> Canvas:
    """Draw one frame of exactly ``width`` x ``height`` cells.

    Parameters
    ----------
    ward
        The page to show, laid out for ``height - EDGE_ROWS`` rows.
    display
        Settings of the user.
    chosen
        The stream that is chosen, or "".
    width, height
        Size of the terminal in cells.
    now_s
        Only the flashing of alarms depends on it.
    memory
        What is kept from the frame before; brought up to date.
    notice
        What to tell the user.
    """
    canvas = Canvas(width, height)
    if not fits(canvas):
        alarms = (
            f"{theme.MARKS[alert.priority]} {tile.stream} {alert.text or alert.kind.value}"
            for tile in ward.tiles
            for alert, _ in tile.alerts
        )
        draw_too_small(canvas, alarms)
        return canvas
    _draw_header(canvas, ward, display)
    draw_tiles(canvas, Box(1, 0, width, height - EDGE_ROWS), ward, chosen, now_s, memory)
    left = f"{chosen} is chosen" if chosen else "arrow keys choose a stream"
    style = theme.TEXT
    if notice:
        left, style = notice, theme.WARN
    draw_status(canvas, height - 2, left, ward.text, style)
    keys = [("q", "quit"), ("?", "help"), ("↑↓←→", "move" if chosen else "choose")]
    keys += [("enter", "open"), ("a", "acknowledge")] if chosen else []
    keys += [("s", "bell"), ("e", "events")]
    keys += [("pgup pgdn", "page")] if ward.grid.pages > 1 else []
    draw_keys(canvas, height - 1, keys)
    if display.help:
        draw_help(canvas)
    return canvas


def _draw_header(canvas: Canvas, ward: Ward, display: Display) -> None:
    column = draw_title(canvas)
    end = canvas.width - 1
    if ward.lost:
        end = canvas.right(0, end, " NO CONNECTION ", theme.WARN)
    elif not ward.order:
        end = canvas.right(0, end, " WAITING ", theme.WARN)
    elif not ward.unwatched:
        end = canvas.right(0, end, " LIVE ", f"bold {theme.GOOD}")
    if ward.unwatched and not ward.lost:
        end = canvas.right(0, end, f" {ward.unwatched} STALE ", theme.WARN)
    end = draw_bell_pause(canvas, end, display.bell_paused_s)
    for priority in reversed(PRIORITY_ORDER):
        count = ward.counts.get(priority, 0)
        if count:
            text = f" {theme.MARKS[priority].strip()} {count} "
            end = canvas.right(0, end - 1, text, theme.BANNERS[priority])
    count = len(ward.order)
    text = f"{count} stream{'' if count == 1 else 's'}"
    column = canvas.text(0, column + 2, text, theme.TITLE)
    if ward.grid.pages > 1:
        page = f"page {ward.page + 1} of {ward.grid.pages}"
        canvas.text(0, column + 2, page[: max(0, end - column - 3)], theme.TITLE)
