"""Sources of samples: recordings, live streams, boards and the simulator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from monitor.errors import USAGE, MonitorError
from monitor.messages import FloatArray, Samples, StreamInfo

LOOK_UP_S = 0.2  # a silent live source gives an empty piece this often

Log: TypeAlias = Callable[[str], object]
"""Takes one line for the operator, such as a clock that drifts or a device that was lost."""


class Source(Protocol):
    """A stream of samples. The caller sets the pace.

    A live source gives samples as they come. While it is silent it gives empty pieces, so that
    the reader can do other work.
    """

    @property
    def info(self) -> StreamInfo:
        """The stream: name, rate and leads. Known before the first sample."""
        ...

    @property
    def samples(self) -> int | None:
        """Number of samples that :meth:`chunks` gives; None while that is not known."""
        ...

    def chunks(self) -> Iterator[Samples]:
        """Give the samples in order, in pieces of bounded size. A jump in the index is a gap."""
        ...


def pieces(
    info: StreamInfo, start_sample: int, values_mv: FloatArray, longest: int
) -> Iterator[Samples]:
    """Cut consecutive samples, shape (n, leads), into pieces of at most ``longest``."""
    for at in range(0, len(values_mv), longest):
        yield Samples(info.stream, start_sample + at, values_mv[at : at + longest])


def part_of(
    name: str, start_s: float, stop_s: float | None, end: int, rate_hz: float
) -> tuple[int, int]:
    """Give the first sample of a part, and the one behind its last; ``end`` is that of all.

    Raises
    ------
    MonitorError
        If nothing lies in the part.
    """
    for seconds in (start_s, stop_s or 0.0):
        if not math.isfinite(seconds):
            raise MonitorError(f"a time of {seconds} s is not usable", USAGE)
    first = round(start_s * rate_hz)
    last = end if stop_s is None else min(end, round(stop_s * rate_hz))
    if not 0 <= first < last:
        raise MonitorError(
            f"{name} lasts {end / rate_hz:g} s: nothing lies from {start_s:g} s to "
            f"{'its end' if stop_s is None else f'{stop_s:g} s'}",
            USAGE,
        )
    return first, last


def stream_name(text: str) -> str:
    """Turn any text into a valid stream name.

    >>> stream_name("Station 3: bed 7")
    'Station_3__bed_7'
    """
    fit = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in text)
    return fit.lstrip("-_")[:64] or "record"
