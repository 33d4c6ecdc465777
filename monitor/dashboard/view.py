"""Draws a snapshot as a frame of a given size. Pure: no terminal, no clock."""

from __future__ import annotations

from dataclasses import dataclass

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
from monitor.dashboard.panels import draw_alerts, draw_vitals
from monitor.dashboard.snapshot import Snapshot
from monitor.dashboard.traces import Box, Scales, draw_traces
from monitor.dashboard.trend_panel import draw_trends, trend_rows


@dataclass(frozen=True, slots=True)
class Display:
    """Display settings of the user; none changes the analysis.

    ``gain_mv`` and ``dots_per_s`` are None for automatic; ``lead`` is the one drawn on top;
    ``trend_s`` is the span of the trends in seconds, None for all
    that is known.
    """

    gain_mv: float | None = None
    dots_per_s: int | None = None
    lead: int = 0
    sweep: bool = True
    paused: bool = False
    bell_paused_s: int = 0
    help: bool = False
    trend_s: int | None = None


def draw(
    snapshot: Snapshot,
    display: Display,
    width: int,
    height: int,
    now_s: float,
    scales: Scales | None = None,
) -> Canvas:
    """Draw one frame of exactly ``width`` x ``height`` cells.

    Parameters
    ----------
    snapshot
        What to show.
    display
        How to show it.
    width, height
        Size of the terminal in cells.
    now_s
        Only the flashing of alarms depends on it.
    scales
        Scales of the frame before; brought up to date, so that the gain does not jump.
    """
    canvas = Canvas(width, height)
    if not fits(canvas):
        alerts = (f"{theme.MARKS[a.priority]} {a.text or a.kind.value}" for a in snapshot.active)
        draw_too_small(canvas, alerts)
        return canvas
    strip = 4 if height < 28 else 6 if height < 40 else 8
    panel = 27 if width < 110 else 32 if width < 150 else 38
    body = height - 1 - strip - 2
    _draw_header(canvas, snapshot, display)
    trends = trend_rows(height) if snapshot.trends else 0
    left = Box(1, 0, width - panel, body - trends)
    draw_traces(
        canvas,
        left,
        snapshot,
        {} if scales is None else scales,
        lead=display.lead,
        gain_mv=display.gain_mv,
        dots_per_s=display.dots_per_s,
        sweep=display.sweep,
    )
    below = Box(left.row + left.height, 0, width - panel, trends)
    draw_trends(canvas, below, snapshot.trends)
    draw_vitals(canvas, Box(1, width - panel, panel, body), snapshot)
    draw_alerts(canvas, Box(1 + body, 0, width, strip), snapshot, now_s)
    _draw_footer(canvas, snapshot, display)
    if display.help:
        draw_help(canvas)
    return canvas


def _draw_header(canvas: Canvas, snapshot: Snapshot, display: Display) -> None:
    column = draw_title(canvas)
    state, style = _state(snapshot, display)
    end = canvas.right(0, canvas.width - 1, f" {state} ", style)
    end = draw_bell_pause(canvas, end, display.bell_paused_s)
    for number, (name, priority) in enumerate(snapshot.others):
        mark = "STALE" if name in snapshot.stale else theme.MARKS[priority].strip()
        text = f" {name[:16]} {mark} "
        full = end - len(text) - 1 < canvas.width // 2
        if full:
            text = f" {len(snapshot.others) - number} more "
        end = canvas.right(0, end - 1, text, theme.BANNERS[priority])
        if full:
            break
    if snapshot.stream:
        place = f" ({snapshot.number}/{snapshot.streams})" if snapshot.streams > 1 else ""
        source = snapshot.wave.info.source if snapshot.wave else ""
        text = f"{snapshot.stream}{place}"
        column = canvas.text(0, column + 2, text[: max(0, end - column - 3)], theme.TITLE)
        canvas.text(0, column + 2, source[: max(0, end - column - 3)], theme.DIM)


def _state(snapshot: Snapshot, display: Display) -> tuple[str, str]:
    if display.paused:
        stale = "" if snapshot.stale_s is None else f", STALE {theme.age(snapshot.stale_s)}"
        return f"PAUSED{stale}", theme.WARN
    if snapshot.stale_s is not None:
        return f"STALE {theme.age(snapshot.stale_s)}", theme.WARN
    if snapshot.finished:
        return "FINISHED", theme.PLAIN_BANNER
    if snapshot.time_s is not None and snapshot.vitals is None:
        return "NO ANALYSIS YET", theme.WARN
    if snapshot.time_s is not None:
        return "LIVE", f"bold {theme.GOOD}"
    return "WAITING", theme.WARN


def _draw_footer(canvas: Canvas, snapshot: Snapshot, display: Display) -> None:
    row = canvas.height - 2
    status = snapshot.status
    wide = canvas.width >= 110
    parts = []
    if snapshot.time_s is not None:
        parts.append(f"time {theme.clock(snapshot.time_s)}")
    if status.speed is not None:
        parts.append(f"{'speed ' if wide else ''}{status.speed:g}x")
    if snapshot.latency_s is not None:
        parts.append(f"label {snapshot.latency_s:.2f} s")
    if status.lag_s is not None:
        parts.append(f"lag {status.lag_s:.2f} s")
    counts = snapshot.lost_samples, status.duplicates, status.reordered
    if wide or any(counts[1:]):
        parts.append("lost {} · duplicate {} · reordered {}".format(*counts))
    else:
        parts.append(f"lost {counts[0]}")
    style = theme.WARN if counts[0] else theme.TEXT
    draw_status(canvas, row, " · ".join(parts), status.text, style)
    _draw_keys(canvas, row + 1, snapshot, display)


def _draw_keys(canvas: Canvas, row: int, snapshot: Snapshot, display: Display) -> None:
    keys = [
        ("q", "quit"),
        ("?", "help"),
        ("space", "resume" if display.paused else "pause"),
        ("a", "acknowledge"),
        ("s", "bell"),
        ("e", "events"),
        ("+ - 0", "gain"),
        ("[ ]", "time"),
    ]
    if snapshot.streams > 1:
        keys[2:2] = [("w", "ward"), ("n", "next")]
    if snapshot.wave is not None and len(snapshot.wave.info.leads) > 1:
        keys.append(("l", "lead"))
    keys += [("m", "scroll" if display.sweep else "sweep"), ("t", "trends")]
    draw_keys(canvas, row, keys)
