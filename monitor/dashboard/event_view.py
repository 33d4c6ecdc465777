"""Draws the list of events, the frozen strip of one, and the live trace. Pure.

The strip is the signal that was published with the alert. It stands still while the trace below
it goes on.
"""

from __future__ import annotations

from itertools import pairwise

from monitor.dashboard import theme
from monitor.dashboard.bars import (
    draw_bell_pause,
    draw_help,
    draw_keys,
    draw_status,
    draw_title,
    draw_too_small,
    fits,
    shorten,
)
from monitor.dashboard.canvas import Canvas
from monitor.dashboard.event_page import EventLine, EventPage
from monitor.dashboard.panels import heart_rate_text
from monitor.dashboard.snapshot import Snapshot, Wave
from monitor.dashboard.traces import GUTTER, Box, Scales, draw_traces
from monitor.dashboard.view import Display
from monitor.dashboard.waveform import DOTS_PER_S, TimeAxis, dot_of
from monitor.feeds.feed import Status
from monitor.messages import AlertState, Priority

EDGE_ROWS = 3  # title, status, keys


def list_rows(height: int) -> int:
    """Give how many events are seen at once on a screen of this height."""
    return max(5, (height - EDGE_ROWS) * 24 // 100) - 1


def draw_events(
    page: EventPage,
    display: Display,
    width: int,
    height: int,
    scales: Scales,
    strip_dots_per_s: int | None = None,
    notice: str = "",
) -> Canvas:
    """Draw one frame of exactly ``width`` x ``height`` cells.

    Parameters
    ----------
    page
        The events, and which is chosen.
    display
        Settings of the user.
    width, height
        Size of the terminal in cells.
    scales
        Scales of the live trace in the frame before; brought up to date.
    strip_dots_per_s
        Time scale of the strip; None for the finest that shows all of it.
    notice
        What to tell the user.
    """
    canvas = Canvas(width, height)
    if not fits(canvas):
        active = (line.alert for line in page.lines if line.alert.state is not AlertState.CLEARED)
        draw_too_small(canvas, (f"{theme.MARKS[a.priority]} {a.stream} {a.text}" for a in active))
        return canvas
    rows = height - EDGE_ROWS
    listed = list_rows(height) + 1
    strip = (rows - listed) * 57 // 100
    _draw_header(canvas, page, display)
    _draw_list(canvas, Box(1, 0, width, listed), page)
    _draw_strip(canvas, Box(1 + listed, 0, width, strip), page, strip_dots_per_s)
    live = Box(1 + listed + strip, 0, width, rows - listed - strip)
    _draw_live(canvas, live, page.live, display, scales)
    left, style = _status(page)
    if notice:
        left, style = notice, theme.WARN
    draw_status(canvas, height - 2, left, page.live.status.text, style)
    keys = [("q", "quit"), ("?", "help"), ("esc", "back"), ("↑↓", "event"), ("←→ [ ]", "strip")]
    keys += [("e", "this stream" if not page.stream else "all streams"), ("enter", "open")]
    keys += [("a", "acknowledge"), ("s", "bell")]
    draw_keys(canvas, height - 1, keys)
    if display.help:
        draw_help(canvas)
    return canvas


def _status(page: EventPage) -> tuple[str, str]:
    active = sum(line.alert.state is not AlertState.CLEARED for line in page.lines)
    return f"{len(page.lines)} events, {active} active", theme.TEXT


def _draw_header(canvas: Canvas, page: EventPage, display: Display) -> None:
    column = draw_title(canvas)
    live = page.live
    end = canvas.width - 1
    if live.status.lost:
        end = canvas.right(0, end, " NO CONNECTION ", theme.WARN)
    end = draw_bell_pause(canvas, end, display.bell_paused_s)
    for name, priority in live.others[:3]:
        mark = "STALE" if name in live.stale else theme.MARKS[priority].strip()
        end = canvas.right(0, end - 1, f" {name[:16]} {mark} ", theme.BANNERS[priority])
    text = f"events of {page.stream}" if page.stream else "events of all streams"
    canvas.text(0, column + 2, text[: max(0, end - column - 3)], theme.TITLE)


def _draw_list(canvas: Canvas, box: Box, page: EventPage) -> None:
    canvas.fill(box.row, box.column, box.width, theme.RULE, "─")
    room = box.height - 1
    if not page.lines:
        canvas.text(box.row + 1, box.column + 2, "no event yet", theme.DIM)
        return
    first = min(max(0, page.at - room // 2), max(0, len(page.lines) - room))
    place = f" {max(0, page.at) + 1} of {len(page.lines)} "
    canvas.right(box.row, box.column + box.width - 2, place, theme.TITLE)
    canvas.text(box.row, box.column + 2, " events, the newest first ", theme.TITLE)
    for number, line in enumerate(page.lines[first : first + room]):
        chosen = first + number == page.at
        _draw_line(canvas, box.row + 1 + number, box, line, not page.stream, chosen)


def _draw_line(
    canvas: Canvas, row: int, box: Box, line: EventLine, with_stream: bool, chosen: bool
) -> None:
    alert = line.alert
    ended = alert.state is AlertState.CLEARED
    style = theme.DIM if ended else theme.PRIORITIES[alert.priority]
    if chosen:
        style = f"{theme.BANNERS[alert.priority]}" if not ended else theme.PLAIN_BANNER
        canvas.fill(row, box.column, box.width, style)
    at = "" if line.onset_s is None else theme.clock(line.onset_s)
    age = "" if line.age_s is None else f"{theme.age(line.age_s)} ago"
    state = theme.ALERT_STATES[alert.state]
    if alert.text.endswith("(ended)") and alert.state in (AlertState.RAISED, AlertState.UPDATED):
        state = theme.LATCHED
    tail = f"{state:>12} {at:>9} {age:>11} "
    start = canvas.right(row, box.column + box.width, tail, style)
    column = canvas.text(row, box.column, "▶" if chosen else " ", style)
    column = canvas.text(row, column, f"{theme.MARKS[alert.priority]} ", style)
    if with_stream:
        canvas.text(row, column, shorten(alert.stream, 15), style)
        column += 16
    text = alert.text or alert.kind.value
    canvas.text(row, column, shorten(text, max(0, start - column - 1)), style)


def _draw_strip(canvas: Canvas, box: Box, page: EventPage, dots_per_s: int | None) -> None:
    canvas.fill(box.row, box.column, box.width, theme.RULE, "─")
    line, wave = page.chosen, page.strip
    if line is None:
        return
    alert = line.alert
    column = canvas.text(box.row, box.column + 2, " FROZEN ", theme.PLAIN_BANNER)
    words = f" {theme.MARKS[alert.priority].strip()} {alert.stream}: {alert.text} "
    canvas.text(box.row, column, shorten(words, box.width - column - 2), theme.TITLE)
    if wave is None:
        text = "no signal was kept with this event"
        if alert.priority is not Priority.TECHNICAL:
            text = "the signal of this event is not here; it has been asked for"
        canvas.text(box.row + box.height // 2, box.column + 3, text, theme.DIM)
        return
    cells = box.width - GUTTER
    rate = dots_per_s or _whole(cells, wave)
    plot = Box(box.row + 1, box.column, box.width, box.height - 2)
    frozen = Snapshot.empty(Status("")).of_wave(alert.stream, wave)
    draw_traces(canvas, plot, frozen, {}, dots_per_s=rate, sweep=False)
    _draw_intervals(canvas, box.row + box.height - 1, box.column, wave, cells, rate)


def _whole(cells: int, wave: Wave) -> int:
    """Give the finest time scale, a multiple of 5 dots per second, that shows all of a strip."""
    seconds = len(wave.values_mv) / wave.info.rate_hz
    finest = int(2 * cells / seconds) // 5 * 5
    return min(max(finest, DOTS_PER_S[0]), DOTS_PER_S[-1])


def _draw_intervals(
    canvas: Canvas, row: int, column: int, wave: Wave, cells: int, rate: int
) -> None:
    """Write the RR intervals in ms, each between its two R peaks."""
    canvas.text(row, column, "RR ms", theme.DIM)
    axis = TimeAxis.at(wave, cells, rate, sweep=False)
    left = column + GUTTER
    for (first, _), (second, label) in pairwise(wave.beats):
        start = axis.cell(dot_of(first, wave.info.rate_hz, rate))
        end = axis.cell(dot_of(second, wave.info.rate_hz, rate))
        if start is None or end is None:
            continue
        canvas.text(row, left + start, "|", theme.FAINT)
        canvas.text(row, left + end, "|", theme.FAINT)
        text = f"{1000 * (second - first) / wave.info.rate_hz:.0f}"
        if len(text) < end - start:
            middle = left + start + 1 + (end - start - 1 - len(text)) // 2
            canvas.text(row, middle, text, theme.BEATS[label])


def _draw_live(canvas: Canvas, box: Box, live: Snapshot, display: Display, scales: Scales) -> None:
    canvas.fill(box.row, box.column, box.width, theme.RULE, "─")
    if not live.stream:
        return
    if live.stale_s is not None:
        state, style = f" STALE {theme.age(live.stale_s)} ", theme.WARN
    elif live.finished:
        state, style = " FINISHED ", theme.PLAIN_BANNER
    else:
        state, style = " LIVE ", f"bold {theme.GOOD}"
    column = canvas.text(box.row, box.column + 2, state, style)
    canvas.text(box.row, column, f" {live.stream} {heart_rate_text(live)} bpm ", theme.TITLE)
    draw_traces(
        canvas,
        Box(box.row + 1, box.column, box.width, box.height - 1),
        live,
        scales,
        lead=display.lead,
        gain_mv=display.gain_mv,
        dots_per_s=display.dots_per_s,
        sweep=display.sweep,
    )
