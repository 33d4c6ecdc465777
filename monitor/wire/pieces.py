"""Samples cut into messages that are not too large. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.messages import Samples


def pieces(samples: Samples, rate_hz: float, most_bytes: int, most_s: float) -> Iterator[Samples]:
    """Cut samples into pieces of at most so many bytes (float32) and seconds, in order.

    >>> import numpy as np
    >>> samples = Samples("a", 100, np.zeros((25, 2), np.float32), wall_ns=0)
    >>> [(p.start_sample, len(p.values_mv), p.wall_ns) for p in pieces(samples, 10.0, 80, 60.0)]
    [(100, 10, 0), (110, 10, 1000000000), (120, 5, 2000000000)]
    """
    length, leads = samples.values_mv.shape
    most = max(1, int(min(most_bytes // (4 * max(leads, 1)), most_s * rate_hz)))
    if length <= most:
        yield samples
        return
    for start in range(0, length, most):
        wall_ns = samples.wall_ns
        yield Samples(
            samples.stream,
            samples.start_sample + start,
            samples.values_mv[start : start + most],
            None if wall_ns is None else wall_ns + round(start / rate_hz * 1e9),
        )
