"""Alert numbers of one stream that go on through all its analyses. Pure."""

from __future__ import annotations

from dataclasses import replace

from monitor.messages import Alert, Event, Snippet


class AlertNumbers:
    """Lets the alert numbers of one stream go on where its previous analysis stopped.

    The first analysis keeps its own numbers, unless others have been used before.

    Parameters
    ----------
    last_id, last_seq
        The last numbers used in an earlier life; -1 for none.
    """

    def __init__(self, last_id: int = -1, last_seq: int = -1) -> None:
        self.last_id, self.last_seq = last_id, last_seq
        self._id_offset: int | None = 0 if last_id < 0 else None
        self._seq_offset = 0

    def next_run(self) -> None:
        """Prepare for a new pipeline, which counts from its own beginning."""
        self._id_offset = None

    def next_seq(self) -> int:
        """Take a number for a transition of our own; those of the analysis go on behind it."""
        self.last_seq += 1
        self._seq_offset += 1
        return self.last_seq

    def shift(self, event: Event) -> Event:
        """Give the event with the numbers that subscribers see."""
        if isinstance(event, Snippet):  # comes behind its alert, so the offsets are known
            alert_id, seq = event.alert_id + (self._id_offset or 0), event.seq + self._seq_offset
            return replace(event, alert_id=alert_id, seq=seq)
        if not isinstance(event, Alert):
            return event
        if self._id_offset is None:
            self._id_offset = self.last_id + 1 - event.id
            self._seq_offset = self.last_seq + 1 - event.seq
        if self._id_offset or self._seq_offset:
            event = replace(event, id=event.id + self._id_offset, seq=event.seq + self._seq_offset)
        self.last_id, self.last_seq = max(self.last_id, event.id), event.seq
        return event

    def own_id(self, alert_id: int | None) -> int | None:
        """Give the number of an alert within the present analysis."""
        return None if alert_id is None else alert_id - (self._id_offset or 0)
