"""Whether identical hours of signal give identical events: what a soak compares. Pure."""

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
    settled_s
        What comes before this, at the start, is not compared. The period in which it lies is the
        first of those that are.

    Attributes
    ----------
    from_before, from_first
        For each period after the first: events not as in the period before, and not as in the
        first; of the first what comes after ``settled_s``.
    """

    def __init__(self, rate_hz: float, period_s: float, settled_s: float) -> None:
        self._length = round(rate_hz * period_s)
        self._late = round(rate_hz * LATE_S)
        self._first, self._settled = divmod(round(rate_hz * settled_s), self._length)
        self._found: dict[int, Counter[Placed]] = {}
        self._done = 0  # periods compared
        self.sample = 0  # of the newest event
        self.events = 0
        self.from_before: list[int] = []
        self.from_first: list[int] = []
        self.example: tuple[list[Placed], list[Placed]] | None = None

    @property
    def periods(self) -> int:
        """How many periods there were."""
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
        if period > self._first:
            self.from_before.append(self._differ(period - 1, period, stop))
            self.from_first.append(self._differ(self._first, period, stop))
        if period - 1 != self._first:
            self._found.pop(period - 1, None)

    def _differ(self, before: int, now: int, stop: int) -> int:
        start = self._settled if before == self._first else 0
        a, b = (
            Counter({e: n for e, n in self._found.get(p, {}).items() if start <= e[1] < stop})
            for p in (before, now)
        )
        lacking, more = a - b, b - a
        if lacking or more:
            self.example = sorted(lacking)[:2], sorted(more)[:2]
        return sum(lacking.values()) + sum(more.values())


def drifted(compared: Compared, settling: bool) -> bool:
    """Tell whether a stream drifted: it must never differ, unless it is ``settling``.

    What is learnt of a patient is remembered for long: the mean RR interval over 2000 beats, the
    shape of a rare kind of beat over the last 32 of its kind. So a beat between two classes may
    change its label from one period to the next. Where that is known to happen, the last period
    may differ from the first by no more than any period did from the one before it: no trend.
    """
    if not compared.from_first:
        return True
    if settling:
        return compared.from_first[-1] > max(compared.from_before)
    return any(compared.from_before) or any(compared.from_first)
