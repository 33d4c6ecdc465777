"""How fast a stream comes, and how far its analysis is behind. Pure."""

from __future__ import annotations

import math

from monitor.messages import AlertKind, Event, Samples
from monitor.service.alert_book import AlertBook
from monitor.service.lag import Lag

LATE_S = 5.0  # labels and alarms that come so late are worth an alarm
LATE_TICKS = 3  # in a row: a clock that jumps is not late
CAUGHT_UP_S = 1.0
REAL_TIME = 1.2  # times; a replay that is faster is held back by us, and not late


class Pace:
    """Speed and lag of one stream.

    Parameters
    ----------
    now_s
        Monotonic seconds.

    Attributes
    ----------
    speed
        Signal time over wall time in the last second.
    """

    def __init__(self, now_s: float) -> None:
        self.speed: float | None = None
        self._lag = Lag()
        self._late_ticks = 0
        self._signal_s = 0.0
        self._ticked_s = now_s

    @property
    def lag_s(self) -> float | None:
        """Age of the newest samples when they had been analysed; None before the first."""
        return self._lag.value_s

    def behind_s(self, live: bool) -> float:
        """How far the analysis is behind a live stream that comes no faster than real time."""
        in_real_time = live and (self.speed or 0.0) <= REAL_TIME
        return (self.lag_s or 0.0) if in_real_time else 0.0

    def other_sender(self) -> None:
        """Another clock stamps the messages from now on."""
        self._lag = Lag()

    def came(self, age_s: float, now_s: float) -> None:
        """Take the age of a message that has been analysed."""
        self._lag.observe(age_s, now_s)

    def took(self, samples: Samples, rate_hz: float) -> None:
        """Take samples that are being analysed."""
        self._signal_s += len(samples.values_mv) / rate_hz

    def tick(self, now_s: float, live: bool, alerts: AlertBook, sample: int) -> list[Event]:
        """Once a second: alarm when the analysis is far behind, until it has caught up."""
        elapsed_s = now_s - self._ticked_s
        self.speed = round(self._signal_s / elapsed_s, 2) if elapsed_s > 0 else None
        self._signal_s, self._ticked_s = 0.0, now_s
        lag_s = self.lag_s or 0.0
        if self.behind_s(live) > LATE_S:
            self._late_ticks += 1
        elif lag_s < CAUGHT_UP_S or not live:
            self._late_ticks = 0
        kind = AlertKind.ANALYSIS_LATE
        if not self._late_ticks:
            return alerts.cleared(sample, kind)
        if self._late_ticks < LATE_TICKS or lag_s <= LATE_S:
            return []
        # in steps of two: an alarm that changes each second says no more
        level_s = LATE_S * 2 ** int(math.log2(lag_s / LATE_S))
        text = f"Analysis is more than {level_s:g} s behind the signal"
        return alerts.raised(kind, sample, sample, text, level_s)
