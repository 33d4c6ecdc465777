"""The left part of the frame: ECG traces on a calibrated grid, beat labels, time axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.dashboard import theme
from monitor.dashboard.canvas import BLANK, Canvas
from monitor.dashboard.snapshot import Snapshot, Wave
from monitor.dashboard.waveform import (
    Scale,
    TimeAxis,
    automatic_dots_per_s,
    braille,
    columns,
    dot_of,
    fit_scale,
    strokes,
)
from monitor.messages import AamiClass, LeadState

GUTTER = 6

Cells = NDArray[np.bool_]
Scales = dict[tuple[str, int], Scale]
"""Scale of each (stream, lead) in the last frame."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of cells."""

    row: int
    column: int
    width: int
    height: int


def draw_traces(
    canvas: Canvas,
    box: Box,
    snapshot: Snapshot,
    scales: Scales,
    *,
    lead: int = 0,
    gain_mv: float | None = None,
    dots_per_s: int | None = None,
    sweep: bool = True,
) -> None:
    """Draw as many leads as fit, ``lead`` first; ``scales`` is updated."""
    wave = snapshot.wave
    if wave is None or wave.end_sample <= wave.info.start_sample:
        text = snapshot.status.text or "waiting for samples"
        canvas.text(
            box.row + box.height // 2,
            box.column + max(1, (box.width - len(text)) // 2),
            text[: box.width - 2],
            theme.TITLE,
        )
        return
    cells = box.width - GUTTER
    rate = min(dots_per_s or automatic_dots_per_s(cells), 100)
    axis = TimeAxis.at(wave, cells, rate, sweep)
    count = len(wave.info.leads)
    shown = min(count, 1 if box.height < 19 else 2 if box.height < 34 else 3)
    leads = [(lead + i) % count for i in range(shown)]
    rows = box.height - 1  # the last is the time axis
    row = box.row
    for place, number in enumerate(leads):
        share = (rows - (row - box.row)) // (shown - place)
        if place == 0 and shown > 1:
            share += rows // 10  # the lead looked at first gets more
        part = Box(row, box.column, box.width, share)
        _draw_lead(canvas, part, snapshot, wave, axis, number, scales, gain_mv, place)
        row += share
    _draw_axis(canvas, box, wave, axis, cells, sweep)


def _draw_lead(
    canvas: Canvas,
    box: Box,
    snapshot: Snapshot,
    wave: Wave,
    axis: TimeAxis,
    number: int,
    scales: Scales,
    gain_mv: float | None,
    place: int,
) -> None:
    head_rows = 2 if place == 0 else 1  # name, and beat labels over the first lead
    rows = box.height - head_rows
    cells = box.width - GUTTER
    if rows < 2:
        return
    plot = Box(box.row + head_rows, box.column + GUTTER, cells, rows)
    drawn = np.flatnonzero(axis.dots >= 0)
    if not len(drawn):
        return
    first, last = int(axis.dots[drawn].min()), int(axis.dots[drawn].max())
    values = wave.values_mv[:, number]
    rate_hz = wave.info.rate_hz
    cols = columns(values, wave.start_sample, rate_hz, axis.dots_per_s, first, last - first + 1)
    since = max(0, int(first * rate_hz / axis.dots_per_s) - wave.start_sample)
    key = (snapshot.stream, number)
    name = wave.info.leads[number]
    pulse = name == wave.info.pulse
    if pulse:  # in a unit of its own
        gain_mv = None
    scale = fit_scale(values[since:], rows, gain_mv, scales.get(key))
    scales[key] = scale

    # from absolute dots to places on the screen
    source = np.where(axis.dots >= 0, axis.dots - first, 0)
    on = axis.dots >= 0
    dots = strokes(cols, scale)[:, source] & on
    invalid: Cells = np.any((cols.invalid[source] & on).reshape(-1, 2), axis=1)
    blank: Cells = np.all((~on | cols.absent[source]).reshape(-1, 2), axis=1)

    colour = theme.TRACES[place % len(theme.TRACES)]
    _draw_grid(canvas, plot, scale, axis, blank)
    _draw_hatch(canvas, plot, invalid)
    cells_of_trace = braille(dots)
    mask = cells_of_trace > 0
    area = np.s_[plot.row : plot.row + rows, plot.column : plot.column + cells]
    canvas.characters[area][mask] = cells_of_trace[mask]
    canvas.styles[area][mask] = canvas.style_number(colour)
    _dim_bad(canvas, plot, wave, axis, mask, number)
    _draw_beats(canvas, plot, wave, axis, mask, labels=place == 0)

    column = canvas.text(box.row, box.column + GUTTER, f" {name} ", f"bold {colour}")
    unit = "/div" if pulse else " mV/div"
    gain = f"{scale.gain_mv:g}{unit}" + ("" if gain_mv is None else " set")
    column = canvas.text(box.row, column + 1, gain, theme.DIM)
    state = lead_state(snapshot, number)
    if state not in (None, LeadState.OK):
        word, style = theme.LEAD_STATES[state]
        canvas.text(box.row, column + 2, f" {word} ", style)
        if state is LeadState.LEAD_OFF:
            text = f"  {name}: LEAD OFF  "
            middle = plot.column + max(0, (cells - len(text)) // 2)
            canvas.text(plot.row + rows // 2, middle, text, style)


def lead_state(snapshot: Snapshot, lead: int) -> LeadState | None:
    """Give the state of a lead, None while it is not known."""
    quality = snapshot.quality
    if quality is None or snapshot.stale_s is not None or lead >= len(quality.leads):
        return None
    return quality.leads[lead]


def _draw_grid(
    canvas: Canvas, plot: Box, scale: Scale, axis: TimeAxis, blank: NDArray[np.bool_]
) -> None:
    """Draw a line every division and half division, every second and 0.2 s; label the mV."""
    per_division = scale.rows_per_division
    ticks = axis.lines(max(1, axis.dots_per_s // 5))
    if axis.dots_per_s < 20:
        ticks = axis.lines(axis.dots_per_s)
    ticks = ticks[~blank[ticks]]
    seconds = axis.lines(axis.dots_per_s)
    seconds = seconds[~blank[seconds]]
    faint = canvas.style_number(theme.GRID)
    strong = canvas.style_number(theme.GRID_SECOND)
    rows = np.s_[plot.row : plot.row + plot.height]
    canvas.characters[rows, plot.column + seconds] = ord("┊")
    canvas.styles[rows, plot.column + seconds] = faint
    for row in range(plot.height):
        level = scale.level(row)
        line = plot.row + row
        if level % per_division == 0:
            label = f"{level // per_division * scale.gain_mv:+.4g}" if level else "0"
            canvas.right(line, plot.column - 1, label[: GUTTER - 1], theme.DIM)
            canvas.characters[line, plot.column + ticks] = ord("·")
            canvas.styles[line, plot.column + ticks] = strong
            canvas.characters[line, plot.column + seconds] = ord("+")
            canvas.styles[line, plot.column + seconds] = strong
        elif per_division % 2 == 0 and level % (per_division // 2) == 0 and per_division > 2:
            canvas.characters[line, plot.column + ticks] = ord("·")
            canvas.styles[line, plot.column + ticks] = faint


def _draw_hatch(canvas: Canvas, plot: Box, invalid: NDArray[np.bool_]) -> None:
    cells = np.flatnonzero(invalid)
    if not len(cells):
        return
    style = canvas.style_number(theme.HATCH)
    for row in range(plot.height):
        at = plot.column + cells
        canvas.characters[plot.row + row, at] = np.where((cells + row) % 2 == 0, ord("╱"), BLANK)
        canvas.styles[plot.row + row, at] = style


def _dim_bad(
    canvas: Canvas, plot: Box, wave: Wave, axis: TimeAxis, mask: Cells, number: int
) -> None:
    """Grey out stretches in which the lead is not good."""
    style = canvas.style_number(theme.HATCH)
    ends = [q.sample for q in wave.qualities[1:]] + [wave.end_sample]
    cell_dots = axis.dots.reshape(-1, 2).max(axis=1)
    for quality, end in zip(wave.qualities, ends, strict=False):
        if number >= len(quality.leads) or quality.leads[number] is LeadState.OK:
            continue
        first = dot_of(quality.sample, wave.info.rate_hz, axis.dots_per_s)
        last = dot_of(end - 1, wave.info.rate_hz, axis.dots_per_s)
        bad = mask & (cell_dots >= first) & (cell_dots <= last)
        canvas.styles[plot.row : plot.row + plot.height, plot.column : plot.column + plot.width][
            bad
        ] = style


def _draw_beats(
    canvas: Canvas, plot: Box, wave: Wave, axis: TimeAxis, mask: NDArray[np.bool_], labels: bool
) -> None:
    """Write the label over each R peak, and colour the QRS of abnormal beats."""
    around = max(1, round(0.06 * axis.dots_per_s))
    for sample, label in wave.beats:
        dot = dot_of(sample, wave.info.rate_hz, axis.dots_per_s)
        cell = axis.cell(dot)
        if cell is None:
            continue
        style = theme.BEATS[label]
        if labels:
            canvas.text(plot.row - 1, plot.column + cell, label.value, style)
        if label is AamiClass.N:
            continue
        number = canvas.style_number(style)
        for at in {axis.cell(d) for d in range(dot - around, dot + around + 1)}:
            if at is None:
                continue
            rows = np.flatnonzero(mask[:, at])
            canvas.styles[plot.row + rows, plot.column + at] = number


def _draw_axis(
    canvas: Canvas, box: Box, wave: Wave, axis: TimeAxis, cells: int, sweep: bool
) -> None:
    """Write the signal time at whole seconds, and mark where alarms began."""
    row = box.row + box.height - 1
    left = box.column + GUTTER
    origin = wave.info.start_sample
    seconds = axis.lines(axis.dots_per_s)
    labelled = -10
    head = axis.cell(axis.newest) if sweep else None
    for cell in seconds.tolist():
        pair = axis.dots[2 * cell : 2 * cell + 2]
        dot = int(pair[(pair >= 0) & (pair % axis.dots_per_s == 0)][0])
        text = "'" + theme.clock(dot / axis.dots_per_s)
        covered = head is not None and cell <= head + 1 < cell + len(text)
        if cell - labelled < 8 or cell + len(text) > cells or covered:
            canvas.text(row, left + cell, "'", theme.FAINT)
            continue
        canvas.text(row, left + cell, text, theme.DIM)  # the tick stands at the second
        labelled = cell
    for sample, priority in wave.onsets:
        at = axis.cell(dot_of(max(sample, origin), wave.info.rate_hz, axis.dots_per_s))
        if at is not None:
            canvas.text(row, left + at, "▲", theme.PRIORITIES[priority])
    if head is not None and head + 1 < cells:
        canvas.text(row, left + head + 1, "▏", theme.TITLE)
