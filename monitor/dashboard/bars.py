"""The upper and lower edge of every view: title, banners, keys, help. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.dashboard import theme
from monitor.dashboard.canvas import Canvas
from monitor.dashboard.keys import HELP

MIN_WIDTH, MIN_HEIGHT = 80, 24
NOTICE = "not a medical device"


def fits(canvas: Canvas) -> bool:
    """Tell whether the screen is large enough for any view."""
    return canvas.width >= MIN_WIDTH and canvas.height >= MIN_HEIGHT


def draw_too_small(canvas: Canvas, lines: Iterable[str]) -> None:
    """Say that the screen is too small, and show what must be seen all the same."""
    first = [
        "terminal too small",
        f"{canvas.width}x{canvas.height}, needs {MIN_WIDTH}x{MIN_HEIGHT}",
    ]
    for row, line in enumerate([*first, *lines][: canvas.height]):
        canvas.text(row, 0, line, theme.WARN if row == 0 else theme.TEXT)


def draw_title(canvas: Canvas) -> int:
    """Write the name of the program; give the column after it."""
    column = canvas.text(0, 1, "ECG", theme.HEART)
    return canvas.text(0, column + 1, "monitor", theme.TITLE)


def draw_bell_pause(canvas: Canvas, end: int, pause_s: int) -> int:
    """Write how long the bell is still paused, if it is; give the column where that begins."""
    if not pause_s:
        return end
    text = f" BELL PAUSED {pause_s // 60}:{pause_s % 60:02d} "
    return canvas.right(0, end - 1, text, theme.WARN)


def draw_status(canvas: Canvas, row: int, left: str, right: str, style: str = theme.TEXT) -> None:
    """Draw the rule above the keys, with words at its left and right."""
    canvas.fill(row, 0, canvas.width, theme.RULE, "─")
    column = 2
    if left:
        column = canvas.text(row, 2, f" {left} "[: canvas.width - 4], style)
    room = canvas.width - column - 6
    if right and room > 0:
        canvas.right(row, canvas.width - 2, f" {shorten(right, room)} ", theme.TITLE)


def draw_keys(canvas: Canvas, row: int, keys: Sequence[tuple[str, str]]) -> None:
    """Write as many keys with their words as fit, and that this is no medical device."""
    column = 1
    for key, word in keys:
        if column + len(key) + len(word) + 2 > canvas.width:
            break
        column = canvas.text(row, column, key, theme.TITLE)
        column = canvas.text(row, column + 1, word, theme.DIM) + 2
    if column + len(NOTICE) < canvas.width:
        canvas.right(row, canvas.width - 1, NOTICE, theme.DIM)


def shorten(text: str, width: int) -> str:
    """Cut a text to a width, and show that it was cut.

    Examples
    --------
    >>> shorten("asystole", 5)
    'asys…'
    """
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"[: max(0, width)]


def draw_help(canvas: Canvas) -> None:
    """Lay the list of all keys over the view."""
    width, height = 66, len(HELP) + 3
    top, left = max(0, (canvas.height - height) // 2), max(0, (canvas.width - width) // 2)
    for row in range(top, top + height):
        canvas.fill(row, left, width, f"{theme.TEXT} on grey15")
    canvas.text(top + 1, left + 3, "Keys", f"{theme.TITLE} on grey15")
    for number, (key, words) in enumerate(HELP):
        canvas.text(top + 2 + number, left + 3, key, f"{theme.HEART} on grey15")
        canvas.text(top + 2 + number, left + 19, words, f"{theme.TEXT} on grey15")
