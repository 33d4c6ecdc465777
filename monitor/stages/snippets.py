"""Keeps the signal of the last 10 s and sends it with each alarm that is raised."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.messages import Alert, AlertState, Priority, Samples, Snippet, StreamInfo
from monitor.ring import Ring

SNIPPET_S = 10.0
MAX_SNIPPET_LEADS = 16  # so that a snippet fits into a message at any sampling rate


class Snippets:
    """Makes the snippets of the alarms of one stream.

    Central stations keep the 10 s before an event. A snippet is shorter only just after the start
    of the stream. Missing samples are NaN.

    Parameters
    ----------
    info
        The stream.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._length = round(SNIPPET_S * info.rate_hz)
        self._leads = min(len(info.leads), MAX_SNIPPET_LEADS)
        self._recent: Ring | None = None

    def push(self, block: Samples) -> None:
        """Keep the next hop."""
        if self._recent is None:
            self._recent = Ring(self._length, self._leads, block.start_sample)
        self._recent.write(block.start_sample, block.values_mv[:, : self._leads])

    def follow(self, alerts: Iterable[Alert]) -> list[Alert | Snippet]:
        """Put its snippet behind each alert that has just been raised; technical ones have none."""
        out: list[Alert | Snippet] = []
        for alert in alerts:
            out.append(alert)
            raised = alert.state is AlertState.RAISED and alert.priority is not Priority.TECHNICAL
            if raised and self._recent is not None:
                end = alert.sample + 1
                start = max(end - self._length, self._recent.first_sample)
                values = self._recent.span(start, end)
                out.append(Snippet(alert.stream, alert.id, alert.seq, start, values))
        return out
