"""Alert numbers of one stream that go on through all its analyses. Pure."""

from __future__ import annotations

from dataclasses import replace

from monitor.messages import Alert, Event, Snippet


class AlertNumbers:
    """Lets the alert numbers of one stream go on where its previous analysis stopped.

    The first analysis keeps its own numbers.
    """

    def __init__(self) -> None:
        self._last_id = self._last_seq = -1
        self._id_offset: int | None = 0
        self._seq_offset = 0

    def next_run(self) -> None:
        """Prepare for a new pipeline, which counts from its own beginning."""
        self._id_offset = None

    def next_seq(self) -> int:
        """Take a number for a transition of our own, between two analyses."""
        self._last_seq += 1
        return self._last_seq

    def shift(self, event: Event) -> Event:
        """Give the event with the numbers that subscribers see."""
        if isinstance(event, Snippet):  # comes behind its alert, so the offsets are known
            alert_id, seq = event.alert_id + (self._id_offset or 0), event.seq + self._seq_offset
            return replace(event, alert_id=alert_id, seq=seq)
        if not isinstance(event, Alert):
            return event
        if self._id_offset is None:
            self._id_offset = self._last_id + 1 - event.id
            self._seq_offset = self._last_seq + 1 - event.seq
        if self._id_offset or self._seq_offset:
            event = replace(event, id=event.id + self._id_offset, seq=event.seq + self._seq_offset)
        self._last_id, self._last_seq = max(self._last_id, event.id), event.seq
        return event

    def own_id(self, alert_id: int | None) -> int | None:
        """Give the number of an alert within the present analysis."""
        return None if alert_id is None else alert_id - (self._id_offset or 0)
