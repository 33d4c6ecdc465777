"""The list of alarms of one stream: one row for each alarm, with its last transition. Pure.

A transition may come twice (live, with a state, from the journal) and in any order; the list is
the same. Rows carry the number of their last change, so that a reader can ask for what is new.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.messages import Alert, AlertState

MAX_ROWS = 500


@dataclass(slots=True)
class Row:
    """One alarm: its last transition, when it was raised and when it last changed (ns, wall)."""

    alert: Alert
    raised_ns: int
    changed_ns: int
    change: int  # number of the last change of the list


class AlarmList:
    """Folds transitions into rows.

    Attributes
    ----------
    change
        Number of the last change.
    forgotten
        Number of the change that forgot all: who was told less must begin anew.
    """

    def __init__(self, most: int = MAX_ROWS) -> None:
        self._rows: dict[int, Row] = {}
        self._most = most
        self.change = self.forgotten = 0

    def add(self, alert: Alert, wall_ns: int) -> bool:
        """Take one transition; tell whether it changed the list."""
        row = self._rows.get(alert.id)
        if row is not None:
            if alert.state is AlertState.RAISED and wall_ns < row.raised_ns:
                row.raised_ns = wall_ns
                self._changed(row)
            # equipment alerts count downwards
            if abs(alert.seq) <= abs(row.alert.seq):
                return False
            row.alert, row.changed_ns = alert, wall_ns
            self._changed(row)
            return True
        row = self._rows[alert.id] = Row(alert, wall_ns, wall_ns, 0)
        self._changed(row)
        if len(self._rows) > self._most:
            ended = [r for r in self._rows.values() if r.alert.state is AlertState.CLEARED]
            oldest = min(ended or self._rows.values(), key=lambda r: (r.raised_ns, r.change))
            del self._rows[oldest.alert.id]
        return True

    def forget(self) -> None:
        """Forget all: numbers of alarms begin anew."""
        self._rows.clear()
        self.change += 1
        self.forgotten = self.change

    def active(self) -> list[Row]:
        """Give the alarms that have not ended."""
        return [r for r in self._rows.values() if r.alert.state is not AlertState.CLEARED]

    def row(self, alert_id: int) -> Row | None:
        """Give the alarm with a number."""
        return self._rows.get(alert_id)

    def after(self, change: int) -> list[Row]:
        """Give the rows that have changed after change number ``change``, in that order."""
        if change >= self.change:
            return []
        return sorted((r for r in self._rows.values() if r.change > change), key=_change)

    def _changed(self, row: Row) -> None:
        self.change += 1
        row.change = self.change


def _change(row: Row) -> int:
    return row.change


def row_fields(row: Row) -> dict[str, object]:
    """Give a row as a JSON object."""
    alert = row.alert
    return {
        "id": alert.id,
        "seq": alert.seq,
        "kind": alert.kind.value,
        "priority": alert.priority.value,
        "state": alert.state.value,
        "onset": alert.onset_sample,
        "sample": alert.sample,
        "text": alert.text,
        "value": alert.value,
        "limit": alert.limit,
        "raised_ms": row.raised_ns // 1_000_000,
        "changed_ms": row.changed_ns // 1_000_000,
    }
