"""The signal that led to an alarm, kept so that it can travel with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from monitor.messages import Alert, AlertState, Priority, Samples, Snippet, StreamInfo

SNIPPET_S = 10.0
MAX_SNIPPET_LEADS = 16  # so that one fits a message at any sampling rate


class Evidence:
    """Keeps the last 10 s of one stream and gives them with each alarm that is raised.

    Central stations keep the 10 s before an event. Less is given only just after the start of
    the stream; samples that were missing are NaN.

    Parameters
    ----------
    info
        The stream.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._length = round(SNIPPET_S * info.rate_hz)
        self._leads = min(len(info.leads), MAX_SNIPPET_LEADS)
        self._first: int | None = None
        self._blocks: deque[Samples] = deque()

    def push(self, block: Samples) -> None:
        """Keep the next hop."""
        if self._first is None:
            self._first = block.start_sample
        self._blocks.append(block)
        while self._blocks[0].end_sample <= block.end_sample - self._length:
            self._blocks.popleft()

    def snippets(self, alerts: Iterable[Alert]) -> list[Alert | Snippet]:
        """Put its snippet behind each alert that has just been raised; technical ones have none."""
        out: list[Alert | Snippet] = []
        for alert in alerts:
            out.append(alert)
            if alert.state is AlertState.RAISED and alert.priority is not Priority.TECHNICAL:
                out.append(self._snippet(alert))
        return out

    def _snippet(self, alert: Alert) -> Snippet:
        end = alert.sample + 1
        start = max(end - self._length, self._first or 0)
        values = np.full((end - start, self._leads), np.nan, np.float32)
        for block in self._blocks:
            skip = max(0, start - block.start_sample)
            at = block.start_sample + skip - start
            piece = block.values_mv[skip : end - block.start_sample, : self._leads]
            values[at : at + len(piece)] = piece
        return Snippet(alert.stream, alert.id, alert.seq, start, values)
