"""The numbers and the alarms: right column and lower strip of the frame."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor.dashboard import theme
from monitor.dashboard.canvas import Canvas
from monitor.dashboard.digits import big_text
from monitor.dashboard.state import Snapshot
from monitor.dashboard.traces import Box, lead_state
from monitor.messages import AamiClass, Alert, AlertState, LeadState, Priority

FLASH_HZ = {Priority.HIGH: 2.0, Priority.MEDIUM: 0.5}
"""IEC 60601-1-8: 1.4 to 2.8 Hz for high, 0.4 to 0.8 Hz for medium; the duty here is 50 %."""


ALERT_LINE = 119
"""A line longer than this is hard to follow from text to age."""


def heart_rate_text(snapshot: Snapshot) -> str:
    """Give the heart rate as digits, or ``--`` while it is not known; never 0."""
    vitals = snapshot.vitals
    known = vitals is not None and vitals.usable and snapshot.stale_s is None
    rate = vitals.heart_rate_bpm if vitals is not None and known else None
    return "--" if rate is None else str(min(999, round(rate)))


def flash_on(priority: Priority, now_s: float) -> bool:
    """Say whether an alarm of this priority is in the bright half of its flashing."""
    rate_hz = FLASH_HZ.get(priority)
    return rate_hz is None or (now_s * rate_hz) % 1.0 < 0.5


def draw_vitals(canvas: Canvas, box: Box, snapshot: Snapshot) -> None:
    """Draw heart rate, RR, rhythm, quality and counts into the right column."""
    for row in range(box.row, box.row + box.height):
        canvas.text(row, box.column, "│", theme.RULE)
    left, right = box.column + 2, box.column + box.width - 1
    row = _draw_heart_rate(canvas, box, snapshot, left, right)
    end = box.row + box.height
    spare = end - row - _rows_below(snapshot)
    row += 1 if spare > 0 else 0
    row = _draw_rhythm(canvas, row, left, right, snapshot)
    row += 1 if spare > 1 else 0
    row = _draw_quality(canvas, row, left, right, snapshot, end - 3)
    row += 1 if spare > 2 else 0
    _draw_counts(canvas, row, left, right, end, snapshot)


def _rows_below(snapshot: Snapshot) -> int:
    leads = len(snapshot.wave.info.ecg.leads) if snapshot.wave else 1
    return 2 + 1 + min(leads, 4) + 3


def _draw_heart_rate(canvas: Canvas, box: Box, snapshot: Snapshot, left: int, right: int) -> int:
    text = heart_rate_text(snapshot)
    rows = (
        7
        if box.height >= 28 and right - left >= 34
        else 5
        if box.height >= 18 and right - left >= 26
        else 4
        if box.height >= 15
        else 3
    )
    canvas.text(box.row, left, "HR", theme.HEART)
    canvas.text(box.row, left + 3, "bpm", theme.DIM)
    if snapshot.stale_s is not None:
        canvas.right(box.row, right, f" STALE {theme.age(snapshot.stale_s)} ", theme.WARN)
    elif snapshot.vitals is not None and not snapshot.vitals.usable:
        canvas.right(box.row, right, " SUSPENDED ", theme.WARN)
    digits = big_text(text.rjust(3), rows)
    place = max(left, right - digits.shape[1] - 1)
    shown = min(digits.shape[1], right - place)
    style = canvas.style_number(theme.HEART if text != "--" else theme.DIM)
    top = box.row + 1
    height = min(rows, canvas.height - top)
    area = np.s_[top : top + height, place : place + shown]
    canvas.characters[area] = digits[:height, :shown]
    canvas.styles[area] = style
    return top + rows


def _draw_rhythm(canvas: Canvas, row: int, left: int, right: int, snapshot: Snapshot) -> int:
    vitals = snapshot.vitals if snapshot.stale_s is None else None
    rr_s = vitals.rr_s if vitals is not None and vitals.usable else None
    _pair(canvas, row, left, right, "RR", "-- ms" if rr_s is None else f"{rr_s * 1000:.0f} ms")
    name = snapshot.rhythm if vitals is not None and vitals.usable else None
    text = "--" if name is None else theme.RHYTHMS.get(name, name)
    words = f"{name} {text}" if name and name not in ("N", text) else text
    if len(words) > right - left - 3:
        words = text
    canvas.text(row + 1, left, words[: right - left], theme.TITLE)
    return row + 2


def _draw_quality(
    canvas: Canvas, row: int, left: int, right: int, snapshot: Snapshot, end: int
) -> int:
    wave = snapshot.wave
    if wave is None:
        return row
    for number, lead in enumerate(wave.info.ecg.leads):
        if row >= end:
            return row
        state = lead_state(snapshot, number)
        word, style = ("--", theme.DIM) if state is None else theme.LEAD_STATES[state]
        if state is LeadState.LEAD_OFF:
            word = f" {word} "
        canvas.text(row, left, f"{lead[:10]}", theme.DIM)
        canvas.right(row, right, word, style)
        row += 1
    return row


def _draw_counts(
    canvas: Canvas, row: int, left: int, right: int, end: int, snapshot: Snapshot
) -> None:
    vitals = snapshot.vitals
    counts: Mapping[str, int] = vitals.beat_counts if vitals is not None else {}
    classes = list(AamiClass)
    if end - row >= 6:
        canvas.text(row, left, "beats", theme.DIM)
        canvas.right(row, right, str(sum(counts.values())) if counts else "--", theme.TEXT)
        row += 1
    per_line = 2 if right - left < 30 else 3
    width = (right - left) // per_line
    for start in range(0, len(classes), per_line):
        for place, label in enumerate(classes[start : start + per_line]):
            column = left + place * width
            canvas.text(row, column, label.value, theme.BEATS[label])
            value = "--" if vitals is None else str(counts.get(label, 0))
            canvas.right(row, column + width - 2, value, theme.TEXT)
        if start + per_line >= len(classes) and per_line == 2:
            column = left + width
            canvas.text(row, column, "PVC/min", theme.DIM)
            value = "--" if vitals is None else str(vitals.pvcs_per_min)
            canvas.right(row, right, value, theme.TEXT)
        row += 1
    if per_line == 3:
        pvcs = "--" if vitals is None else str(vitals.pvcs_per_min)
        _pair(canvas, row, left, right, "PVC/min", pvcs)


def _pair(canvas: Canvas, row: int, left: int, right: int, name: str, value: str) -> None:
    canvas.text(row, left, name, theme.DIM)
    canvas.right(row, right, value, theme.TEXT)


def draw_alerts(canvas: Canvas, box: Box, snapshot: Snapshot, now_s: float) -> None:
    """Draw the strip of alarms: most urgent first, then those that ended a short while ago."""
    count = len(snapshot.active)
    title = f" alarms {count} " if count else " alarms "
    canvas.fill(box.row, box.column, box.width, theme.RULE, "─")
    canvas.text(box.row, box.column + 2, title, theme.TITLE)
    rows = box.height - 1  # the last one names the streams that are stale, if any
    room = rows - bool(snapshot.stale)
    shown = [*snapshot.active, *snapshot.cleared]
    hidden_active = max(0, count - room)
    if hidden_active:
        canvas.right(box.row, box.column + box.width - 2, f" {hidden_active} more ", theme.WARN)
    if not shown:
        # silence is only good news once something listens
        text = "not watching for alarms yet"
        if snapshot.vitals is not None:
            text = "no active alarm" if snapshot.vitals.usable else "analysis is suspended"
        canvas.text(box.row + 1, box.column + 2, text, theme.DIM)
    for number, alert in enumerate(shown[:room]):
        _draw_alert(canvas, box.row + 1 + number, box, alert, snapshot, now_s)
    if snapshot.stale:
        names = f" STALE: {', '.join(snapshot.stale)} "[: box.width - 2]
        canvas.text(box.row + rows, box.column + 1, names, theme.WARN)


def _draw_alert(
    canvas: Canvas, row: int, box: Box, alert: Alert, snapshot: Snapshot, now_s: float
) -> None:
    fresh = alert.state in (AlertState.RAISED, AlertState.UPDATED)
    ended = alert.state is AlertState.CLEARED
    style = theme.DIM if ended else theme.PRIORITIES[alert.priority]
    if fresh and alert.priority in FLASH_HZ and flash_on(alert.priority, now_s):
        style = theme.BANNERS[alert.priority]
        canvas.fill(row, box.column, box.width, style)
    mark = "   " if ended else theme.MARKS[alert.priority]
    canvas.text(row, box.column + 1, mark, style)
    right = box.column + min(box.width - 1, ALERT_LINE)
    state = theme.ALERT_STATES[alert.state]
    if fresh and alert.text.endswith("(ended)"):
        state = theme.LATCHED
    since = ""
    if snapshot.wave is not None:
        rate_hz = snapshot.wave.info.rate_hz
        from_sample = alert.sample if ended else alert.onset_sample
        since = theme.age((snapshot.wave.end_sample - from_sample) / rate_hz)
    tail = f"{state:>12} {since + (' ago' if ended else ''):>10}"
    start = right - len(tail)
    text = alert.text or alert.kind.value
    room = start - (box.column + 5) - 1
    if len(text) > room:
        text = text[: max(0, room - 1)] + "…"
    canvas.text(row, box.column + 5, text, style)
    canvas.text(row, start, tail, style)
