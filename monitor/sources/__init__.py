"""Where samples come from. A source owns its file or device and knows nothing of analysis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from monitor.messages import Samples, StreamInfo


class Source(Protocol):
    """A stream of samples, read as fast as it is asked: pacing is the caller's business."""

    @property
    def info(self) -> StreamInfo:
        """What the stream is; known before the first sample."""
        ...

    def chunks(self) -> Iterator[Samples]:
        """Give the samples in order, in pieces of bounded size. A jump in the index is a hole."""
        ...
