"""The terminal of the dashboard: full screen, single keys, restored at the end.

Rules:

1. Whatever happens (end, error, Ctrl-C, SIGTERM, Ctrl-Z), the terminal is put back.
2. Only cells that changed are written.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable
from types import FrameType
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control

from monitor.dashboard.canvas import Canvas, Change

DEFAULT_SIZE = (80, 24)


class Terminated(BaseException):
    """Raised by SIGTERM and SIGHUP; like KeyboardInterrupt, it is no error."""


class _Changes:
    """The cells that differ from the screen, each run after a move of the cursor."""

    def __init__(self, changes: list[Change]) -> None:
        self.changes = changes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for row, column, segments in self.changes:
            yield Control.move_to(column, row).segment
            yield from segments


class Terminal:
    """A context in which the console is a full-screen display and keys come one by one.

    Parameters
    ----------
    console
        Where frames are written.
    keys_fd
        File descriptor keys are read from; standard input when it is a terminal.
    """

    def __init__(self, console: Console, keys_fd: int | None = None) -> None:
        self.console = console
        self._keys_fd = keys_fd if keys_fd is not None else _stdin_if_terminal()
        self._saved: list[Any] | None = None
        self._shown: Canvas | None = None
        self._handlers: dict[int, Any] = {}

    @property
    def has_keys(self) -> bool:
        """Keys can be typed."""
        return self._keys_fd is not None

    def __enter__(self) -> Terminal:
        """Take over screen, keys and signals."""
        try:
            self._handle(signal.SIGTERM, _raise_terminated)
            self._handle(signal.SIGHUP, _raise_terminated)
            self._handle(signal.SIGTSTP, self._suspend)
            self._enter()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Restore screen, keys and signals."""
        try:
            self._leave()
        except OSError:
            pass  # the terminal itself has gone
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers.clear()

    def size(self) -> tuple[int, int]:
        """Give the present width and height in cells."""
        try:
            found = os.get_terminal_size(self.console.file.fileno())
        except (OSError, ValueError, AttributeError):
            return self.console.size
        return (found.columns or DEFAULT_SIZE[0], found.lines or DEFAULT_SIZE[1])

    def show(self, canvas: Canvas) -> None:
        """Put a frame on the screen."""
        shown = self._shown
        if shown is None or (shown.width, shown.height) != (canvas.width, canvas.height):
            self.console.control(Control.clear())
            changes = [(number, 0, row) for number, row in enumerate(canvas.rows())]
        else:
            changes = canvas.changes(shown)
        self._shown = canvas
        if changes:
            self.console.print(_Changes(changes), end="", crop=False, soft_wrap=True)

    def bell(self) -> None:
        """Sound the terminal's bell."""
        self.console.control(Control.bell())

    def keys(self, timeout_s: float) -> bytes | None:
        """Wait for keys; give what was typed, ``b""`` after the timeout, None when input ended."""
        if self._keys_fd is None:
            select.select([], [], [], timeout_s)
            return b""
        ready, _, _ = select.select([self._keys_fd], [], [], timeout_s)
        if not ready:
            return b""
        try:
            typed = os.read(self._keys_fd, 1024)
        except OSError:
            typed = b""
        if not typed:
            self._keys_fd = None
            return None
        return typed

    def _enter(self) -> None:
        if self._keys_fd is not None:
            self._saved = termios.tcgetattr(self._keys_fd)
            tty.setcbreak(self._keys_fd, termios.TCSANOW)
        self.console.set_alt_screen(True)
        self.console.show_cursor(False)
        self._shown = None

    def _leave(self) -> None:
        if self._keys_fd is not None and self._saved is not None:
            termios.tcsetattr(self._keys_fd, termios.TCSANOW, self._saved)
            self._saved = None
        self.console.show_cursor(True)
        self.console.set_alt_screen(False)

    def _handle(self, number: int, handler: Callable[[int, FrameType | None], None]) -> None:
        # refused outside the main thread, whose owner then handles signals
        with contextlib.suppress(ValueError):
            self._handlers[number] = signal.signal(number, handler)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        self._leave()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        # stopped here until SIGCONT
        signal.signal(signal.SIGTSTP, self._suspend)
        self._enter()


def _stdin_if_terminal() -> int | None:
    try:
        return sys.stdin.fileno() if sys.stdin.isatty() else None
    except (AttributeError, ValueError, OSError):
        return None


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated
