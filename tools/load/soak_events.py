"""Compare the events of identical hours of signal, for a soak. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

LATE_S = 60.0  # so long after the end of a period nothing comes for it any more

Placed = tuple[Any, ...]


class Compared:
    """The events of one stream that repeats itself, period by period.

    Parameters
    ----------
    rate_hz
        Of the stream.
    period_s
        After so long its signal repeats.

    Attributes
    ----------
    from_before, from_second
        For each period: events not as in the period before, and not as in the one before that;
        None where there is none.
    """

    def __init__(self, rate_hz: float, period_s: float) -> None:
        self._length = round(rate_hz * period_s)
        self._late = round(rate_hz * LATE_S)
        self._found: dict[int, Counter[Placed]] = {}
        self._done = 0  # periods compared
        self.sample = 0  # of the newest event
        self.events = 0
        self.from_before: list[int | None] = []
        self.from_second: list[int | None] = []
        self.example: tuple[list[Placed], list[Placed]] | None = None

    @property
    def periods(self) -> int:
        """The number of periods so far."""
        return round(self.sample / self._length)

    def take(self, kind: str, event: Mapping[str, Any]) -> None:
        """Take one event."""
        period, sample = divmod(event["sample"], self._length)
        what: Placed
        match kind:
            case "beat":
                what = kind, sample, event["label"], event["lead"], event["rr_s"]
            case "rhythm":
                what = kind, sample, event["name"]
            case "vitals":
                what = kind, sample, event["heart_rate_bpm"], event["usable"]
            case "alert" if event["id"] >= 0:
                onset = event["onset_sample"] - period * self._length
                what = kind, sample, event["kind"], event["state"], onset
            case _:
                return
        self.events += 1
        self._found.setdefault(period, Counter())[what] += 1
        self.sample = max(self.sample, event["sample"] + 1)
        if self.sample >= (self._done + 1) * self._length + self._late:
            self._compare(self._length)

    def finish(self) -> None:
        """Compare the last period; what is decided by the end of the stream is left out."""
        while self._done < self.periods:
            self._compare(self._length - self._late)

    def _compare(self, stop: int) -> None:
        period, self._done = self._done, self._done + 1
        self.from_second.append(self._differ(period - 2, period, stop) if period > 1 else None)
        self.from_before.append(self._differ(period - 1, period, stop) if period else None)
        self._found.pop(period - 2, None)

    def _differ(self, before: int, now: int, stop: int) -> int:
        a, b = (
            Counter({e: n for e, n in self._found.get(p, {}).items() if e[1] < stop})
            for p in (before, now)
        )
        lacking, more = a - b, b - a
        if lacking or more:
            self.example = sorted(lacking)[:2], sorted(more)[:2]
        return sum(lacking.values()) + sum(more.values())


def recurs(compared: Compared) -> tuple[int, int] | None:
    """Tell from which period on every event recurs, and after how many periods: 1 or 2.

    What is learnt of a patient is remembered for long: the mean RR interval over 2000 beats, the
    shape of a kind of beat over the last 32 of its kind, and which eight kinds there are. So the
    labels of beats between two classes settle in the course of hours; and since a beat is of one
    kind or another, two sets of kinds may each lead to the other, hour by hour. Both are states
    that return, to the last event. What keeps changing, however slowly, does not recur.

    Returns
    -------
    (first period, 1 or 2), or None if even the last period is like none of the two before it.
    """
    best: tuple[int, int] | None = None
    for cycle, differ in ((1, compared.from_before), (2, compared.from_second)):
        first = len(differ)
        while first > cycle and differ[first - 1] == 0:
            first -= 1
        found = first - cycle, cycle
        if first < len(differ) and (best is None or found[0] < best[0]):
            best = found
    return best


def drifted(compared: Compared) -> bool:
    """Tell whether a stream drifted: in the second half of its periods all must recur."""
    found = recurs(compared)
    return found is None or found[0] > compared.periods // 2
