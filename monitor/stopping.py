"""Signals that end the program, at any instant of it.

An exception that a signal handler raises goes through whatever runs at that instant. While a
library is being loaded that may be C++, which knows no way to let it pass and aborts ("terminate
called"). So the handlers here wait until nothing is being imported, and unwind then.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from monitor.errors import INTERRUPTED, TERMINATED

LOOK_AGAIN_S = 0.02
_IMPORTS = "<frozen importlib._bootstrap"
_asked: list[int] = []


def install() -> None:
    """Let SIGTERM end the program with its exit code, and SIGINT raise ``KeyboardInterrupt``."""
    signal.signal(signal.SIGTERM, _asked_to_end)
    signal.signal(signal.SIGINT, _asked_to_end)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _look_again)


def leave(code: int | str | None) -> None:
    """End the program now that its work is done; a signal that comes still changes nothing.

    Python takes a thread apart that is left in the middle of C++ as roughly as a signal does: where
    there is one, the process ends without that.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    left = [t for t in threading.enumerate() if t is not threading.main_thread() and t.daemon]
    if not left:
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # its reader has gone
            continue
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _asked_to_end(number: int, frame: FrameType | None) -> None:
    if not _importing(frame) or not hasattr(signal, "setitimer"):
        _unwind(number)
    if _asked:  # whoever asks twice does not want to wait
        os._exit(INTERRUPTED if number == signal.SIGINT else TERMINATED)
    _asked.append(number)
    signal.setitimer(signal.ITIMER_REAL, LOOK_AGAIN_S)


def _look_again(_: int, frame: FrameType | None) -> None:
    if _importing(frame):
        signal.setitimer(signal.ITIMER_REAL, LOOK_AGAIN_S)
    elif _asked:
        _unwind(_asked.pop())


def _unwind(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(TERMINATED)


def _importing(frame: FrameType | None) -> bool:
    """Tell whether an import is under way in the main thread."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTS):
            return True
        frame = frame.f_back
    return False
