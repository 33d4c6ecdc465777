"""The samples of a live source as they come, with signs of life while it is silent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import numpy as np

from monitor.messages import Samples, StreamInfo
from monitor.sources import LOOK_UP_S, pieces
from monitor.sources.sample_clock import Run


def as_they_come(
    info: StreamInfo, taken: Iterable[list[Run]], longest_s: float
) -> Iterator[Samples]:
    """Give what was taken, in pieces of at most ``longest_s``, and empty pieces during silence.

    ``taken`` gives the runs that came since the last look: first sample and values of each.
    """
    longest = max(1, round(longest_s * info.rate_hz))
    end, given_at = info.start_sample, time.monotonic()
    for runs in taken:
        for start, values in runs:
            yield from pieces(info, start, values, longest)
            end = start + len(values)
        now = time.monotonic()
        if runs:
            given_at = now
        elif now - given_at >= LOOK_UP_S:
            given_at = now
            yield Samples(info.stream, end, np.empty((0, len(info.leads)), np.float32))
