"""Pacing: hold samples back so that a recording plays at a given speed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from monitor.messages import Samples, StreamInfo

Clock = Callable[[], float]


def paced(
    chunks: Iterator[Samples],
    info: StreamInfo,
    speed: float | None,
    stop: threading.Event,
    clock: Clock = time.monotonic,
) -> Iterator[tuple[Samples, float | None]]:
    """Hold each chunk back until its last sample is due at ``speed``, until ``stop`` is set.

    Yields
    ------
    The chunk, and by how many seconds it is late (None at full speed).
    """
    began = clock()
    for chunk in chunks:
        if stop.is_set():
            return
        if speed is None:
            yield chunk, None
            continue
        due = began + (chunk.end_sample - info.start_sample) / info.rate_hz / speed
        late_s = clock() - due
        if late_s < 0 and stop.wait(-late_s):
            return
        yield chunk, max(late_s, 0.0)
