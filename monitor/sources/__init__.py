"""Where samples come from. A source owns its file or device and knows nothing of analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from monitor.messages import FloatArray, Samples, StreamInfo

LOOK_UP_S = 0.2  # a live source that hears nothing gives an empty piece so often

Log: TypeAlias = Callable[[str], object]
"""Takes one line for the operator: a clock that drifts, a device that was lost and found."""


class Source(Protocol):
    """A stream of samples, read as fast as it is asked: pacing is the caller's business.

    A live source gives samples as they come; while none come it gives empty pieces, so that
    whoever reads it can look up.
    """

    @property
    def info(self) -> StreamInfo:
        """What the stream is; known before the first sample."""
        ...

    @property
    def samples(self) -> int | None:
        """Number of samples that :meth:`chunks` gives; None while that is not known."""
        ...

    def chunks(self) -> Iterator[Samples]:
        """Give the samples in order, in pieces of bounded size. A jump in the index is a hole."""
        ...


def pieces(
    info: StreamInfo, start_sample: int, values_mv: FloatArray, longest: int
) -> Iterator[Samples]:
    """Cut consecutive samples, shape (n, leads), into pieces of at most ``longest``."""
    for at in range(0, len(values_mv), longest):
        yield Samples(info.stream, start_sample + at, values_mv[at : at + longest])


def stream_name(text: str) -> str:
    """Make any name fit for a stream.

    >>> stream_name("Station 3: bed 7")
    'Station_3__bed_7'
    """
    fit = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in text)
    return fit.lstrip("-_")[:64] or "record"
