"""Signal handlers that end the program safely at any time.

An exception from a signal handler passes through the code that runs at that moment. While a library
is loaded, that may be C++ code, which cannot pass it on and aborts ("terminate called"). So these
handlers wait until no import is under way, and raise the exception then.
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
    """End the program after its work is done; later signals are ignored.

    At its end Python unwinds daemon threads, which aborts the process if one is inside C++ code.
    So while there is such a thread, the process ends without that.
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
    if _asked:  # asked for twice: end at once
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
