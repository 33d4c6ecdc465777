"""A worker process; the address of its front comes as a line on standard input."""

from __future__ import annotations

import os
import signal
import sys
import threading

from monitor.errors import MonitorError
from monitor.wire.link import Address
from monitor.workers.messages import unpacked


def main() -> int:
    """Serve until the front says stop, or is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the front ends us
    address = Address(**unpacked(sys.stdin.buffer.readline()))
    threading.Thread(target=_end_with_input, daemon=True).start()
    from monitor.workers.worker import work

    try:
        work(address)
    except MonitorError as error:
        print(f"worker: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _end_with_input() -> None:
    """End when standard input does, which is when the front ends, however it ends."""
    while os.read(sys.stdin.fileno(), 1024):  # a buffered read would hold the interpreter's end up
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
