"""Signal handlers that end the program safely at any time.

An exception from a signal handler passes through the code that runs at that moment. While a library
is loaded, that may be C++ code, which cannot pass it on and aborts ("terminate called"). So these
handlers wait until no import is under way, and raise the exception then.

A library that calls back into Python may also swallow the exception. So a request is remembered: it
is raised again until the program ends or a command takes it over.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from monitor.errors import INTERRUPTED, TERMINATED

LOOK_AGAIN_S = 0.02
RAISE_AGAIN_S = 5.0  # closing files takes less
_IMPORTS = "<frozen importlib._bootstrap"
_asked: list[int] = []  # the signal that asked the program to end


def install() -> None:
    """Let SIGTERM end the program with its exit code, and SIGINT raise ``KeyboardInterrupt``."""
    signal.signal(signal.SIGTERM, _asked_to_end)
    signal.signal(signal.SIGINT, _asked_to_end)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _look_again)


def take_over() -> bool:
    """Leave the end of the program to the caller, who has a handler of its own now.

    Returns
    -------
    bool
        Whether a signal has already asked the program to end.
    """
    _raise_after(0.0)
    return bool(_asked)


def leave(code: int | str | None) -> None:
    """End the program after its work is done; later signals are ignored.

    At its end Python unwinds daemon threads, which aborts the process if one is inside C++ code.
    So while there is such a thread, the process ends without that.
    """
    _raise_after(0.0)
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
    importing = _importing(frame)
    if _asked and importing:  # asked for twice: end at once
        os._exit(INTERRUPTED if number == signal.SIGINT else TERMINATED)
    _asked.append(number)
    if not importing or not hasattr(signal, "setitimer"):
        _unwind(number)
    _raise_after(LOOK_AGAIN_S)


def _look_again(_: int, frame: FrameType | None) -> None:
    if _importing(frame):
        _raise_after(LOOK_AGAIN_S)
    elif _asked:
        _unwind(_asked[-1])


def _raise_after(seconds: float) -> None:
    """Set the alarm that looks again; 0 switches it off."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _unwind(number: int) -> None:
    _raise_after(RAISE_AGAIN_S)
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
